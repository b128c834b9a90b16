// SPDX-License-Identifier: MIT
/* Calls that make packets, from sockets of this namespace, and the ones that change its network. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "session.h"

#define PORT		7000
#define MOST_COUNT	64u
#define MOST_SIZE	60000u
#define MOST_BYTES	200000u	/* of one call */

#ifndef SO_ZEROCOPY
#define SO_ZEROCOPY	60
#endif
#ifndef UDP_SEGMENT
#define UDP_SEGMENT	103
#endif

/* Bits of send's flags. */
#define SEND_MARKED	1
#define SEND_ZEROCOPY	2
#define SEND_CORKED	4

static const char *const addresses[2][4] = {
	{ "127.0.0.1", "10.9.0.2", "10.9.1.2", "10.9.0.1" },
	{ "::1", "fd00:9::2", "fd00:9:1::2", "fd00:9::1" },
};

static uint8_t content[MOST_SIZE];	/* zeros: a packet's bytes do not matter */

static socklen_t address_make(struct sockaddr_storage *storage, bool six, uint32_t to)
{
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)storage;
	struct sockaddr_in *sin = (struct sockaddr_in *)storage;

	memset(storage, 0, sizeof(*storage));
	storage->ss_family = six ? AF_INET6 : AF_INET;
	if (six) {
		inet_pton(AF_INET6, addresses[1][to % 4], &sin6->sin6_addr);
		sin6->sin6_port = htons(PORT);
		return sizeof(*sin6);
	}
	inet_pton(AF_INET, addresses[0][to % 4], &sin->sin_addr);
	sin->sin_port = htons(PORT);
	return sizeof(*sin);
}

static int set_option(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) ? errno : 0;
}

static void sender_prepare(int fd, uint32_t protocol, uint32_t segment, uint32_t flags)
{
	if (flags & SEND_MARKED) {
		set_option(fd, SOL_SOCKET, SO_MARK, 7);
		set_option(fd, SOL_SOCKET, SO_PRIORITY, 3);
	}
	if (flags & SEND_ZEROCOPY)
		set_option(fd, SOL_SOCKET, SO_ZEROCOPY, 1);
	if (segment && protocol == IPPROTO_UDP)
		set_option(fd, IPPROTO_UDP, UDP_SEGMENT, segment);
}

static int send_all(int fd, uint32_t size, uint32_t count, uint32_t flags,
		    const struct sockaddr *to, socklen_t length)
{
	int how = MSG_DONTWAIT | (flags & SEND_ZEROCOPY ? MSG_ZEROCOPY : 0);
	uint32_t i;

	if (count > MOST_COUNT)
		count = MOST_COUNT;
	if (size > MOST_SIZE)
		size = MOST_SIZE;
	if (size && count > MOST_BYTES / size)
		count = MOST_BYTES / size;
	for (i = 0; i < count; i++) {
		/* corked: two pieces make one packet */
		if (flags & SEND_CORKED)
			sendto(fd, content, size / 2, how | MSG_MORE, to, length);
		if (sendto(fd, content, size, how, to, length) < 0)
			return errno;
	}
	return 0;
}

int do_send(struct session *session, const uint32_t *arguments)
{
	bool six = arguments[0] == 6;
	uint32_t protocol = arguments[1] % 256;
	int type = protocol == IPPROTO_UDP ? SOCK_DGRAM : SOCK_RAW, fd, err;
	struct sockaddr_storage to;
	socklen_t length = address_make(&to, six, arguments[2]);

	(void)session;
	if (six && type == SOCK_RAW)
		((struct sockaddr_in6 *)&to)->sin6_port = 0;
	fd = socket(six ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC, protocol);
	if (fd < 0)
		return errno;
	sender_prepare(fd, protocol, arguments[5] % 65536, arguments[6]);
	err = send_all(fd, arguments[3], arguments[4], arguments[6], (struct sockaddr *)&to, length);
	close(fd);
	return err;
}

/* One for both versions of IP; it stays open as long as the network. */
static void listen_once(void)
{
	static int listener = -1;
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(PORT) };

	if (listener >= 0)
		return;
	listener = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	set_option(listener, SOL_SOCKET, SO_REUSEADDR, 1);
	if (!bind(listener, (struct sockaddr *)&any, sizeof(any)))
		listen(listener, 64);
}

static int *stream_of(struct session *session, uint32_t slot)
{
	return &session->streams[slot % STREAMS];
}

int do_connect(struct session *session, const uint32_t *arguments)
{
	bool six = arguments[1] == 6;
	struct sockaddr_storage to;
	socklen_t length = address_make(&to, six, arguments[2]);
	int *stream = stream_of(session, arguments[0]);

	listen_once();
	if (*stream >= 0)
		close(*stream);
	*stream = socket(six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (*stream < 0)
		return errno;
	if (connect(*stream, (struct sockaddr *)&to, length) && errno != EINPROGRESS)
		return errno;
	return 0;
}

int do_write(struct session *session, const uint32_t *arguments)
{
	int stream = *stream_of(session, arguments[0]);
	uint32_t size = arguments[1] > MOST_SIZE ? MOST_SIZE : arguments[1];

	return send(stream, content, size, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? errno : 0;
}

int do_link(struct session *session, const uint32_t *arguments)
{
	session->changed |= CHANGED_LINKS;
	return device_change(arguments[0] % DEVICES, arguments[1]);
}

int do_rules(struct session *session, const uint32_t *arguments)
{
	session->changed |= arguments[1] % CHAINS < BRIDGE_CHAIN ? CHANGED_IP_RULES : CHANGED_BRIDGE_RULES;
	if (!(arguments[0] % 6))
		session->changed |= CHANGED_IP_RULES | CHANGED_BRIDGE_RULES;
	return rules_change(arguments[0], arguments[1], arguments[2], arguments[3]);
}

int do_leave(struct session *session, const uint32_t *arguments)
{
	(void)arguments;
	session->changed |= CHANGED_NAMESPACE;
	return network_leave();
}
