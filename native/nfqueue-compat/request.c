// SPDX-License-Identifier: MIT
/*
 * Programs that speak netlink by themselves, with libmnl and nfq_nlmsg_* or
 * without: what they send to nfnetlink_queue is done here, and answered.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "compat.h"

static bool message_fits(const struct nlmsghdr *message, size_t len)
{
	return len >= sizeof(*message) && message->nlmsg_len >= sizeof(*message) &&
	       message->nlmsg_len <= len;
}

/* The message behind this one; NULL: there is none. */
static const struct nlmsghdr *message_next(const struct nlmsghdr *message, size_t *len)
{
	size_t whole;

	if (!message_fits(message, *len))
		return NULL;
	whole = NLMSG_ALIGN(message->nlmsg_len);
	if (whole >= *len)
		return NULL;
	*len -= whole;
	return (const void *)((const char *)message + whole);
}

/* Cheap, for it is asked about all that the program sends anywhere. */
bool request_is_ours(const void *data, size_t len)
{
	const struct nlmsghdr *message = data;

	return len >= NLMSG_SPACE(sizeof(struct nfgenmsg)) &&
	       message->nlmsg_type >> 8 == NFNL_SUBSYS_QUEUE &&
	       message->nlmsg_len >= NLMSG_SPACE(sizeof(struct nfgenmsg)) &&
	       message->nlmsg_len <= len && message->nlmsg_flags & NLM_F_REQUEST;
}

/* The same of any message among several; nftables' batches are the kernel's as a whole. */
bool requests_are_ours(const void *data, size_t len)
{
	const struct nlmsghdr *message = data;

	if (request_is_ours(data, len))
		return true;
	if (len >= sizeof(*message) && message->nlmsg_type == NFNL_MSG_BATCH_BEGIN)
		return false;
	while ((message = message_next(message, &len)))
		if (request_is_ours(message, len))
			return true;
	return false;
}

/* The attribute's content, if it is there and long enough. */
static const void *content(const struct nlattr *attribute, size_t len, bool *good)
{
	if (!attribute)
		return NULL;
	if (attribute->nla_len < NLA_HDRLEN + len)
		*good = false;
	return attribute_data(attribute);
}

static int configure(struct channel *channel, uint16_t number, const struct nlattr **found)
{
	bool good = true;
	struct configuration wanted = {
		.command = content(found[NFQA_CFG_CMD], sizeof(*wanted.command), &good),
		.params = content(found[NFQA_CFG_PARAMS], sizeof(*wanted.params), &good),
		.maxlen = content(found[NFQA_CFG_QUEUE_MAXLEN], 4, &good),
		.flags = content(found[NFQA_CFG_FLAGS], 4, &good),
		.mask = content(found[NFQA_CFG_MASK], 4, &good),
	};

	return good ? queue_configure(channel, number, &wanted) : -ERANGE;
}

static int decide(struct channel *channel, uint16_t number, const struct nlattr **found, bool batch)
{
	struct queue *queue = channel_queue(channel, number);
	bool good = true;
	const struct nfqnl_msg_verdict_hdr *header =
		content(found[NFQA_VERDICT_HDR], sizeof(*header), &good);
	const uint32_t *mark = content(found[NFQA_MARK], 4, &good);
	const uint32_t *priority = content(found[NFQA_PRIORITY], 4, &good);
	struct decision decision = { 0 };
	uint32_t host_mark, host_priority;

	if (!good)
		return -ERANGE;
	if (!queue)
		return -ENODEV;
	if (!header)
		return -EINVAL;
	decision.verdict = ntohl(header->verdict);
	if (mark) {
		host_mark = ntohl(*mark);
		decision.mark = &host_mark;
	}
	if (priority) {
		host_priority = ntohl(*priority);
		decision.priority = &host_priority;
	}
	if (batch)
		return verdict_batch(queue, ntohl(header->id), &decision);
	if (found[NFQA_PAYLOAD]) {
		decision.payload = attribute_data(found[NFQA_PAYLOAD]);
		decision.payload_len = found[NFQA_PAYLOAD]->nla_len - NLA_HDRLEN;
	}
	return verdict_one(queue, ntohl(header->id), &decision);
}

static int request_do(struct channel *channel, const struct nlmsghdr *message)
{
	const struct nlattr *found[__NFQA_MAX];
	const struct nfgenmsg *generic = NLMSG_DATA(message);
	uint16_t number = ntohs(generic->res_id);
	size_t len = message->nlmsg_len - NLMSG_SPACE(sizeof(*generic));

	attributes_parse(generic + 1, len, found, NFQA_MAX);
	switch (message->nlmsg_type & 0xff) {
	case NFQNL_MSG_CONFIG:
		return configure(channel, number, found);
	case NFQNL_MSG_VERDICT:
		return decide(channel, number, found, false);
	case NFQNL_MSG_VERDICT_BATCH:
		return decide(channel, number, found, true);
	default:
		return -EINVAL;
	}
}

/* Others' messages among ours go to the kernel, one by one. */
static void requests_do(struct channel *channel, const struct nlmsghdr *message, size_t len)
{
	unsigned int generation = channel->generation;
	int err;

	do {
		if (request_is_ours(message, len)) {
			err = request_do(channel, message);
			if (err || message->nlmsg_flags & NLM_F_ACK)
				channel_reply(channel, message, message->nlmsg_len, err);
		} else if (message_fits(message, len)) {
			foreign_send(channel, message, message->nlmsg_len);
		}
		message = message_next(message, &len);
		/* it may be closed while a queue is waited for */
	} while (message && channel->generation == generation);
}

/* Do what each message of a datagram asks, with an answer where one is due. */
ssize_t request_run(struct channel *channel, int fd, const unsigned char *data, size_t len)
{
	bool open;

	channel_lock(channel);
	/* it may have been closed on the way here, and be another's now */
	open = channel_of(fd) == channel;
	if (open)
		requests_do(channel, (const void *)data, len);
	channel_unlock(channel);
	if (open)
		return (ssize_t)len;
	errno = EBADF;
	return -1;
}
