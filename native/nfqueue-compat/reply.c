// SPDX-License-Identifier: MIT
/* Messages that a channel's program reads beside packets: acknowledgements and refusals. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "compat.h"

#define REPLIES_MAX	(208u << 10)	/* bytes, as a socket's buffer has by default */

void channel_replies_free(struct channel *channel)
{
	struct reply *reply;

	while ((reply = channel->replies)) {
		channel->replies = reply->next;
		free(reply);
	}
	channel->last = &channel->replies;
}

/* The port id of the real socket, which the kernel gives it when it sends first. */
static uint32_t port_of(struct channel *channel)
{
	struct sockaddr_nl address = { 0 };
	socklen_t len = sizeof(address);

	if (!channel->port && !REAL(getsockname)(channel->shadow, (struct sockaddr *)&address, &len))
		channel->port = address.nl_pid;
	return channel->port;
}

/* Acknowledge a request, or refuse it: then all of it comes back. */
int channel_reply(struct channel *channel, const struct nlmsghdr *request, size_t len, int error)
{
	size_t copied = error ? len : sizeof(*request);
	size_t whole = NLMSG_SPACE(sizeof(int) + copied);
	struct reply *reply = calloc(1, sizeof(*reply) + whole);
	struct nlmsghdr *header;
	struct nlmsgerr *body;

	if (!reply || channel->fd < 0 || channel->replies_len + whole > REPLIES_MAX) {
		free(reply);
		return -ENOBUFS;
	}
	header = (void *)reply->data;
	header->nlmsg_len = NLMSG_LENGTH(sizeof(int) + copied);
	header->nlmsg_type = NLMSG_ERROR;
	header->nlmsg_flags = error ? 0 : NLM_F_CAPPED;
	header->nlmsg_seq = request->nlmsg_seq;
	header->nlmsg_pid = port_of(channel);
	body = NLMSG_DATA(header);
	body->error = error;
	memcpy(&body->msg, request, copied);
	reply->len = header->nlmsg_len;
	*channel->last = reply;
	channel->last = &reply->next;
	channel->replies_len += reply->len;
	channel_wake(channel);
	return 0;
}
