// SPDX-License-Identifier: MIT
/*
 * The network of a sequence: a namespace that routes and bridges, with the rules
 * in it, and one at the other end of its cables.
 *
 *	f0 10.9.0.1 --- p0 10.9.0.2       routed
 *	br0 10.9.1.1: f1 --- p1, f2 --- p2   bridged
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netlink.h"
#include "session.h"

static const char *const names[DEVICES] = { "f0", "f1", "f2", "br0" };
static const char *const peers[] = { "p0", "p1", "p2" };
static unsigned int indices[COUNT_OF(peers)];	/* of the peers, 0: not known yet */
static int home = -1, other = -1;		/* namespaces */

static int sysctl(const char *name, const char *value)
{
	char path[128];
	int fd, err;

	snprintf(path, sizeof(path), "/proc/sys/net/%s", name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	err = write(fd, value, strlen(value)) < 0 ? errno : 0;
	close(fd);
	return err;
}

static int change(const char *name, uint16_t type, unsigned int flags, uint16_t attr, uint32_t value)
{
	struct ifinfomsg info = { .ifi_index = if_nametoindex(name), .ifi_flags = flags,
				  .ifi_change = flags || !attr ? IFF_UP : 0 };
	struct message message = {};

	if (!info.ifi_index)
		return ENODEV;
	message_begin(&message, type, 0, &info, sizeof(info));
	if (attr)
		attribute_u32(&message, attr, value);
	return message_send(&message, NETLINK_ROUTE);
}

static int set_up(const char *name)
{
	return change(name, RTM_NEWLINK, IFF_UP, 0, 0);
}

static int add_bridge(void)
{
	struct ifinfomsg info = {};
	struct message message = {};
	size_t nest;

	message_begin(&message, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &info, sizeof(info));
	attribute_text(&message, IFLA_IFNAME, names[DEVICE_BRIDGE]);
	nest = nest_begin(&message, IFLA_LINKINFO);
	attribute_text(&message, IFLA_INFO_KIND, "bridge");
	nest_end(&message, nest);
	return message_send(&message, NETLINK_ROUTE);
}

static int add_cable(unsigned int number)
{
	uint8_t mac[6] = { 2, 0, 0, 0, 9, number };
	struct ifinfomsg info = {};
	struct message message = {};
	size_t link, data, peer;

	message_begin(&message, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &info, sizeof(info));
	attribute_text(&message, IFLA_IFNAME, names[number]);
	attribute(&message, IFLA_ADDRESS, mac, sizeof(mac));
	link = nest_begin(&message, IFLA_LINKINFO);
	attribute_text(&message, IFLA_INFO_KIND, "veth");
	data = nest_begin(&message, IFLA_INFO_DATA);
	peer = nest_begin(&message, VETH_INFO_PEER);
	mac[3] = 1;
	message.length += sizeof(info);	/* zeroed above */
	attribute_text(&message, IFLA_IFNAME, peers[number]);
	attribute(&message, IFLA_ADDRESS, mac, sizeof(mac));
	attribute_u32(&message, IFLA_NET_NS_FD, other);
	nest_end(&message, peer);
	nest_end(&message, data);
	nest_end(&message, link);
	return message_send(&message, NETLINK_ROUTE);
}

struct place {
	const char *device;
	int family;
	const char *address;
	unsigned int length;	/* of the prefix */
};

static const struct place home_addresses[] = {
	{ "f0", AF_INET, "10.9.0.1", 24 },
	{ "f0", AF_INET6, "fd00:9::1", 64 },
	{ "br0", AF_INET, "10.9.1.1", 24 },
	{ "br0", AF_INET6, "fd00:9:1::1", 64 },
};

static const struct place other_addresses[] = {
	{ "p0", AF_INET, "10.9.0.2", 24 },
	{ "p0", AF_INET6, "fd00:9::2", 64 },
};

static int add_address(const struct place *place)
{
	struct ifaddrmsg info = { .ifa_family = place->family, .ifa_prefixlen = place->length,
				  .ifa_flags = IFA_F_NODAD,
				  .ifa_index = if_nametoindex(place->device) };
	struct message message = {};
	uint8_t address[16];
	size_t size = place->family == AF_INET ? 4 : 16;

	inet_pton(place->family, place->address, address);
	message_begin(&message, RTM_NEWADDR, NLM_F_CREATE, &info, sizeof(info));
	attribute(&message, IFA_LOCAL, address, size);
	attribute(&message, IFA_ADDRESS, address, size);
	return message_send(&message, NETLINK_ROUTE);
}

/* So that no packet waits for an answer of ARP or neighbour discovery. */
static int add_neighbour(const char *name, int family, const char *text, unsigned int number)
{
	struct ndmsg info = { .ndm_family = family, .ndm_ifindex = if_nametoindex(name),
			      .ndm_state = NUD_PERMANENT };
	uint8_t mac[6] = { 2, 0, 0, 1, 9, number }, address[16];
	struct message message = {};

	inet_pton(family, text, address);
	message_begin(&message, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, &info, sizeof(info));
	attribute(&message, NDA_DST, address, family == AF_INET ? 4 : 16);
	attribute(&message, NDA_LLADDR, mac, sizeof(mac));
	return message_send(&message, NETLINK_ROUTE);
}

static int enslave(const char *name)
{
	return change(name, RTM_NEWLINK, 0, IFLA_MASTER, if_nametoindex("br0"));
}

static int add_addresses(const struct place *places, unsigned int count)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < count && !err; i++)
		err = add_address(&places[i]);
	return err;
}

static int add_neighbours(void)
{
	return add_neighbour("f0", AF_INET, "10.9.0.2", 0) ||
	       add_neighbour("f0", AF_INET6, "fd00:9::2", 0) ||
	       add_neighbour("br0", AF_INET, "10.9.1.2", 1) ||
	       add_neighbour("br0", AF_INET6, "fd00:9:1::2", 1);
}

static int configure_home(void)
{
	sysctl("ipv4/ip_forward", "1");
	sysctl("ipv6/conf/all/forwarding", "1");
	sysctl("ipv4/conf/all/rp_filter", "0");
	return set_up("lo") || add_bridge() || add_cable(0) || add_cable(1) || add_cable(2) ||
	       enslave("f1") || enslave("f2") || set_up("f0") || set_up("f1") || set_up("f2") ||
	       set_up("br0") || add_addresses(home_addresses, COUNT_OF(home_addresses)) || add_neighbours();
}

static int configure_other(void)
{
	return set_up("lo") || set_up("p0") || set_up("p1") || set_up("p2") ||
	       add_addresses(other_addresses, COUNT_OF(other_addresses));
}

static int namespace_make(int *fd)
{
	if (unshare(CLONE_NEWNET))
		return errno;
	*fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	return *fd < 0 ? errno : 0;
}

int network_create(void)
{
	int err = namespace_make(&other) || namespace_make(&home) || configure_home() ||
		  setns(other, CLONE_NEWNET) || configure_other() || setns(home, CLONE_NEWNET) ||
		  rules_change(0, 0, 0, 0);

	if (err)
		fprintf(stderr, "no network: %m\n");
	return err ? -1 : 0;
}

/* A cable that was deleted, or whose end here was moved to the other namespace. */
static void cable_repair(unsigned int number)
{
	if (if_nametoindex(names[number]))
		return;
	setns(other, CLONE_NEWNET);
	change(names[number], RTM_DELLINK, 0, 0, 0);
	setns(home, CLONE_NEWNET);
	add_cable(number);
	setns(other, CLONE_NEWNET);
	configure_other();
	setns(home, CLONE_NEWNET);
	indices[0] = 0;
}

/* Most of it is there, and asking for it again has no effect but an error. */
static void links_repair(void)
{
	unsigned int i;

	if (!if_nametoindex("br0"))
		add_bridge();
	for (i = 0; i < COUNT_OF(peers); i++)
		cable_repair(i);
	for (i = 0; i < DEVICES; i++) {
		change(names[i], RTM_NEWLINK, 0, IFLA_MTU, 1500);
		set_up(names[i]);
	}
	enslave("f1");
	enslave("f2");
	for (i = 0; i < COUNT_OF(home_addresses); i++)
		add_address(&home_addresses[i]);
	add_neighbours();
}

void network_repair(unsigned int changed)
{
	if (changed & CHANGED_LINKS)
		links_repair();
	if (rules_restore(changed))
		fprintf(stderr, "the rules cannot be restored: %m\n");
}

/* Into an empty namespace: the old one is held by open files of the device only. */
int network_leave(void)
{
	close(home);
	return namespace_make(&home);
}

int device_change(enum device device, unsigned int what)
{
	const char *name = names[device];

	switch (what % 6) {
	case 0:
		return change(name, RTM_NEWLINK, 0, 0, 0);
	case 1:
		return set_up(name);
	case 2:
		return change(name, RTM_DELLINK, 0, 0, 0);
	case 3:
		return change(name, RTM_NEWLINK, 0, IFLA_NET_NS_FD, other);
	case 4:
		return change(name, RTM_NEWLINK, 0, IFLA_MTU, 576);
	default:
		return change(name, RTM_NEWLINK, 0, IFLA_MASTER, 0);
	}
}

int peer_socket(void)
{
	int fd;

	if (setns(other, CLONE_NEWNET))
		return -1;
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (setns(home, CLONE_NEWNET))
		return -1;
	return fd;
}

unsigned int peer_index(enum device device)
{
	unsigned int i;

	if (!indices[0] && !setns(other, CLONE_NEWNET)) {
		for (i = 0; i < COUNT_OF(peers); i++)
			indices[i] = if_nametoindex(peers[i]);
		setns(home, CLONE_NEWNET);
	}
	return indices[device % COUNT_OF(peers)];
}
