// SPDX-License-Identifier: MIT
/* Binding to a queue number, and everything that makes NFQUEUE fast and quiet. */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "baseline.h"

static void complain(const char *what)
{
	fprintf(stderr, "nfqueue-baseline: %s: %s\n", what, strerror(errno));
}

/* Send one configuration message and wait until the kernel has done it. */
static int configure(struct mnl_socket *socket, struct nlmsghdr *message)
{
	char reply[MNL_SOCKET_BUFFER_SIZE];
	ssize_t length;

	message->nlmsg_flags |= NLM_F_ACK;
	if (mnl_socket_sendto(socket, message, message->nlmsg_len) < 0)
		return -1;
	length = mnl_socket_recvfrom(socket, reply, sizeof(reply));
	if (length < 0)
		return -1;
	return mnl_cb_run(reply, (size_t)length, 0, mnl_socket_get_portid(socket), NULL, NULL);
}

static int queue_bind(struct mnl_socket *socket, const struct options *options)
{
	char buffer[MNL_SOCKET_BUFFER_SIZE];
	struct nlmsghdr *message = nfq_nlmsg_put(buffer, NFQNL_MSG_CONFIG, options->queue);

	nfq_nlmsg_cfg_put_cmd(message, AF_UNSPEC, NFQNL_CFG_CMD_BIND);
	return configure(socket, message);
}

static int queue_set(struct mnl_socket *socket, const struct options *options)
{
	char buffer[MNL_SOCKET_BUFFER_SIZE];
	struct nlmsghdr *message = nfq_nlmsg_put(buffer, NFQNL_MSG_CONFIG, options->queue);
	uint32_t flags = (options->gso ? NFQA_CFG_F_GSO : 0) |
			 (options->fail_open ? NFQA_CFG_F_FAIL_OPEN : 0);

	nfq_nlmsg_cfg_put_params(message, NFQNL_COPY_PACKET, (int)options->copy_range);
	nfq_nlmsg_cfg_put_qmaxlen(message, options->maxlen);
	mnl_attr_put_u32(message, NFQA_CFG_FLAGS, htonl(flags));
	mnl_attr_put_u32(message, NFQA_CFG_MASK, htonl(NFQA_CFG_F_GSO | NFQA_CFG_F_FAIL_OPEN));
	return configure(socket, message);
}

/* A lost message would leave its packet in the queue for ever: plenty of room. */
static int socket_tune(struct mnl_socket *socket, const struct options *options)
{
	int fd = mnl_socket_get_fd(socket), bytes = (int)options->buffer, on = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)) < 0)
		return -1;
	return mnl_socket_setsockopt(socket, NETLINK_NO_ENOBUFS, &on, sizeof(on));
}

static bool queue_setup(struct mnl_socket *socket, const struct options *options)
{
	if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		complain("netlink socket");
	} else if (queue_bind(socket, options) < 0) {
		if (errno == EBUSY || errno == EPERM)
			complain("the queue has a handler already, or this needs root");
		else
			complain("no NFQUEUE (modprobe nfnetlink_queue; is fastqueue loaded?)");
	} else if (queue_set(socket, options) < 0) {
		complain("queue parameters");
	} else if (socket_tune(socket, options) < 0) {
		complain("socket options");
	} else {
		return true;
	}
	return false;
}

struct mnl_socket *queue_open(const struct options *options)
{
	struct mnl_socket *socket = mnl_socket_open(NETLINK_NETFILTER);

	if (!socket) {
		complain("netlink socket");
		return NULL;
	}
	if (queue_setup(socket, options))
		return socket;
	mnl_socket_close(socket);
	return NULL;
}
