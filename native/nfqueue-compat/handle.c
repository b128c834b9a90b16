// SPDX-License-Identifier: MIT
/* libnetfilter_queue: handles, queues and their configuration. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

#include "handle.h"

#define PAYLOAD_MAX	(0xffff - NLA_HDRLEN)	/* of a verdict: what an attribute holds */

int nfq_errno;

static int result(int err)
{
	if (!err)
		return 0;
	errno = nfq_errno = -err;
	return -1;
}

struct nfnl_handle *nfq_nfnlh(struct nfq_handle *h)
{
	return h->theirs ? h->theirs : &h->nfnl;
}

int nfq_fd(struct nfq_handle *h)
{
	return nfnl_descriptor(nfq_nfnlh(h));
}

struct nfq_handle *nfq_open(void)
{
	struct nfq_handle *h = calloc(1, sizeof(*h));
	int err = h ? channel_open(&h->channel) : -ENOMEM;

	if (err) {
		free(h);
		result(err);
		return NULL;
	}
	h->generation = h->channel->generation;
	h->nfnl = (struct nfnl_handle){ NFNL_MAGIC, h->channel->fd, h };
	return h;
}

/* Over a socket that libnfnetlink opened: it gets our descriptor's place. */
struct nfq_handle *nfq_open_nfnl(struct nfnl_handle *nfnlh)
{
	struct nfq_handle *h = calloc(1, sizeof(*h));
	int err = h ? channel_adopt(nfnl_descriptor(nfnlh), &h->channel) : -ENOMEM;

	if (err) {
		free(h);
		result(err);
		return NULL;
	}
	h->channel->whole = false;
	h->generation = h->channel->generation;
	h->theirs = nfnlh;
	return h;
}

/* The queues' handles stay the caller's, as with the original; the queues end. */
int nfq_close(struct nfq_handle *h)
{
	struct channel *channel = h->channel;
	int err = nfnl_close(nfq_nfnlh(h));

	if (!err)
		channel_free(channel, &h->leftover, h);
	return err;
}

static int configure(struct nfq_handle *h, uint16_t number, const struct configuration *wanted)
{
	int err = -EBADF;

	channel_lock(h->channel);
	if (handle_is_open(h))
		err = queue_configure(h->channel, number, wanted);
	channel_unlock(h->channel);
	return result(err);
}

static int command(struct nfq_handle *h, uint16_t number, uint8_t what, uint16_t pf)
{
	struct nfqnl_msg_config_cmd body = { .command = what, .pf = htons(pf) };
	struct configuration wanted = { .command = &body };

	return configure(h, number, &wanted);
}

int nfq_bind_pf(struct nfq_handle *h, uint16_t pf)
{
	return command(h, 0, NFQNL_CFG_CMD_PF_BIND, pf);
}

int nfq_unbind_pf(struct nfq_handle *h, uint16_t pf)
{
	return command(h, 0, NFQNL_CFG_CMD_PF_UNBIND, pf);
}

/* With the channel's lock held. */
struct nfq_q_handle **handle_find(struct nfq_handle *h, uint16_t number)
{
	struct nfq_q_handle **at = &h->queues;

	while (*at && (*at)->number != number)
		at = &(*at)->next;
	return at;
}

static bool handle_has(struct nfq_handle *h, uint16_t number)
{
	bool found;

	channel_lock(h->channel);
	found = *handle_find(h, number);
	channel_unlock(h->channel);
	return found;
}

struct nfq_q_handle *nfq_create_queue(struct nfq_handle *h, uint16_t num, nfq_callback *cb,
				      void *data)
{
	struct nfq_q_handle *qh;

	if (handle_has(h, num))
		return NULL;
	qh = calloc(1, sizeof(*qh));
	if (!qh)
		return NULL;
	*qh = (struct nfq_q_handle){ NULL, h, num, cb, data, { 0 } };
	if (command(h, num, NFQNL_CFG_CMD_BIND, 0)) {
		free(qh);
		return NULL;
	}
	channel_lock(h->channel);
	qh->next = h->queues;
	h->queues = qh;
	channel_unlock(h->channel);
	return qh;
}

int nfq_destroy_queue(struct nfq_q_handle *qh)
{
	struct nfq_handle *h = qh->handle;
	struct nfq_q_handle **at;

	if (command(h, qh->number, NFQNL_CFG_CMD_UNBIND, 0))
		return -1;
	channel_lock(h->channel);
	at = handle_find(h, qh->number);
	if (*at)
		*at = qh->next;
	channel_unlock(h->channel);
	channel_free(h->channel, &qh->leftover, qh);
	return 0;
}

int nfq_set_mode(struct nfq_q_handle *qh, uint8_t mode, unsigned int len)
{
	struct nfqnl_msg_config_params params = { .copy_range = htonl(len), .copy_mode = mode };
	struct configuration wanted = { .params = &params };

	return configure(qh->handle, qh->number, &wanted);
}

int nfq_set_queue_maxlen(struct nfq_q_handle *qh, uint32_t queuelen)
{
	uint32_t maxlen = htonl(queuelen);
	struct configuration wanted = { .maxlen = &maxlen };

	return configure(qh->handle, qh->number, &wanted);
}

int nfq_set_queue_flags(struct nfq_q_handle *qh, uint32_t mask, uint32_t flags)
{
	uint32_t which = htonl(mask), value = htonl(flags);
	struct configuration wanted = { .flags = &value, .mask = &which };

	return configure(qh->handle, qh->number, &wanted);
}

/* Bytes that the original sends for a verdict, and so returns. */
static int sent(const struct decision *decision)
{
	return (int)(NLMSG_SPACE(sizeof(struct nfgenmsg)) +
		     NLA_ALIGN(NLA_HDRLEN + sizeof(struct nfqnl_msg_verdict_hdr)) +
		     (decision->mark ? NLA_HDRLEN + 4 : 0) +
		     (decision->payload_len ? NLA_ALIGN(NLA_HDRLEN + decision->payload_len) : 0));
}

/* The kernel refuses a verdict by a message that is read like a packet's. */
static void refuse(struct nfq_q_handle *qh, uint32_t id, const struct decision *decision,
		   int type, int err)
{
	unsigned char request[128] __attribute__((aligned(4))) = { 0 };
	struct nlmsghdr *message = (void *)request;
	struct nfgenmsg *generic = NLMSG_DATA(message);
	unsigned char *end = (unsigned char *)(generic + 1);
	struct nfqnl_msg_verdict_hdr *header;

	message->nlmsg_type = (uint16_t)(NFNL_SUBSYS_QUEUE << 8 | type);
	message->nlmsg_flags = NLM_F_REQUEST;
	generic->res_id = htons(qh->number);
	header = attribute_begin(end, NFQA_VERDICT_HDR, sizeof(*header));
	header->verdict = htonl(decision->verdict);
	header->id = htonl(id);
	end = (unsigned char *)(header + 1);
	if (decision->mark)
		end = attribute_be32(end, NFQA_MARK, *decision->mark);
	message->nlmsg_len = (uint32_t)(end - request);
	channel_reply(qh->handle->channel, message, message->nlmsg_len, err);
}

static int decide(struct nfq_q_handle *qh, uint32_t id, const struct decision *decision, int type)
{
	struct channel *channel = qh->handle->channel;
	struct queue *queue;
	int err = -ENODEV;

	if (decision->payload_len > PAYLOAD_MAX)
		return result(-EMSGSIZE);
	channel_lock(channel);
	if (!handle_is_open(qh->handle)) {
		channel_unlock(channel);
		return result(-EBADF);
	}
	queue = channel_queue(channel, qh->number);
	if (queue)
		err = type == NFQNL_MSG_VERDICT ? verdict_one(queue, id, decision) :
						  verdict_batch(queue, id, decision);
	if (err)
		refuse(qh, id, decision, type, err);
	channel_unlock(channel);
	return sent(decision);
}

int nfq_set_verdict(struct nfq_q_handle *qh, uint32_t id, uint32_t verdict, uint32_t data_len,
		    const unsigned char *buf)
{
	struct decision decision = { verdict, NULL, NULL, data_len ? buf : NULL, data_len };

	return decide(qh, id, &decision, NFQNL_MSG_VERDICT);
}

int nfq_set_verdict2(struct nfq_q_handle *qh, uint32_t id, uint32_t verdict, uint32_t mark,
		     uint32_t datalen, const unsigned char *buf)
{
	struct decision decision = { verdict, &mark, NULL, datalen ? buf : NULL, datalen };

	return decide(qh, id, &decision, NFQNL_MSG_VERDICT);
}

/* The old one takes the mark in network byte order. */
int nfq_set_verdict_mark(struct nfq_q_handle *qh, uint32_t id, uint32_t verdict, uint32_t mark,
			 uint32_t datalen, const unsigned char *buf)
{
	return nfq_set_verdict2(qh, id, verdict, ntohl(mark), datalen, buf);
}

int nfq_set_verdict_batch(struct nfq_q_handle *qh, uint32_t id, uint32_t verdict)
{
	struct decision decision = { verdict, NULL, NULL, NULL, 0 };

	return decide(qh, id, &decision, NFQNL_MSG_VERDICT_BATCH);
}

int nfq_set_verdict_batch2(struct nfq_q_handle *qh, uint32_t id, uint32_t verdict, uint32_t mark)
{
	struct decision decision = { verdict, &mark, NULL, NULL, 0 };

	return decide(qh, id, &decision, NFQNL_MSG_VERDICT_BATCH);
}
