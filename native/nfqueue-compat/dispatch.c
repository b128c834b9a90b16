// SPDX-License-Identifier: MIT
/* libnetfilter_queue: messages that were received, and the callbacks for them. */
#include <arpa/inet.h>
#include <errno.h>

#include "callback.h"
#include "handle.h"
#include "original.h"

/* A message's attributes, if they are whole and long enough. */
static bool packet_parse(const struct nlmsghdr *message, struct nfq_data *packet)
{
	const struct nfgenmsg *generic = NLMSG_DATA(message);
	const struct nlattr *header, *payload;

	if (message->nlmsg_type != (NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET) ||
	    message->nlmsg_len < NLMSG_SPACE(sizeof(*generic)) ||
	    !attributes_of_packet(generic + 1, message->nlmsg_len - NLMSG_SPACE(sizeof(*generic)),
				  packet->attributes, &packet->present) ||
	    !packet_has(packet, NFQA_PACKET_HDR))
		return false;
	header = packet->attributes[NFQA_PACKET_HDR];
	if (header->nla_len < NLA_HDRLEN + sizeof(struct nfqnl_msg_packet_hdr))
		return false;
	if (packet_has(packet, NFQA_PAYLOAD)) {
		payload = packet->attributes[NFQA_PAYLOAD];
		packet->payload = (unsigned char *)attribute_data(payload);
		packet->payload_len = payload->nla_len - NLA_HDRLEN;
	}
	return true;
}

/* The packet's bytes are in the ring; never more of them than are there. */
static void payload_find(struct queue *queue, uint32_t count, struct nfq_data *packet,
			 struct callback *what)
{
	struct fq_frame frame = fq_frame(queue->ring, count);

	if (queue->channel->whole || !packet_has(packet, NFQA_PAYLOAD))
		return;
	if (packet->payload_len > frame.cap_len)
		packet->payload_len = frame.cap_len;
	packet->payload = frame.payload;
	if (count < queue->moved)
		queue->moved_shown[count] = true;
	original_keep(queue, count);
	what->payload = packet->payload;
	what->payload_len = frame.cap_len;
}

/*
 * The handle that a packet is for, and its frame; with the channel's lock held. 1: the
 * callback is to be called. 0: the packet is gone, with its interface, or answered.
 */
static int packet_find(struct nfq_handle *h, const struct nlmsghdr *message,
		       struct nfq_data *packet, struct nfq_q_handle *found)
{
	const struct nfgenmsg *generic = NLMSG_DATA(message);
	const struct nfqnl_msg_packet_hdr *header =
		attribute_data(packet->attributes[NFQA_PACKET_HDR]);
	struct nfq_q_handle *qh = *handle_find(h, ntohs(generic->res_id));
	struct callback what = { .handle = h, .queue_handle = qh, .id = ntohl(header->packet_id) };
	struct queue *queue;
	uint32_t count;

	if (!qh)
		return -ENODEV;
	*found = *qh;
	queue = handle_is_open(h) ? channel_queue(h->channel, qh->number) : NULL;
	if (!queue || !frame_find(queue, what.id, &count))
		return 0;
	payload_find(queue, count, packet, &what);
	return callback_begin(queue, &what) ? 1 : -ENOMEM;
}

static int packet_handle(struct nfq_handle *h, const struct nlmsghdr *message)
{
	struct channel *channel = h->channel;	/* which stays when a handler closes h */
	struct nfq_q_handle *qh, copy;
	struct nfq_data packet;
	int done;

	if (!packet_parse(message, &packet))
		return -1;
	/* of the callback that handles this packet, if one does, or that was left by longjmp() */
	callback_end();
	channel_lock(channel);
	done = packet_find(h, message, &packet, &copy);
	/* another thread may end the queue now: its handle lives until the callback returns */
	qh = done > 0 ? (struct nfq_q_handle *)callback_here->queue_handle : NULL;
	channel_unlock(channel);
	if (!qh)
		return done;
	done = copy.callback ? copy.callback(qh, NLMSG_DATA(message), &packet, copy.data) : -1;
	callback_end();
	return done;
}

int nfq_handle_packet(struct nfq_handle *h, char *buf, int len)
{
	while (len >= (int)NLMSG_SPACE(0)) {
		const struct nlmsghdr *message = (const void *)buf;
		int whole;

		if (message->nlmsg_len < sizeof(*message) || (uint32_t)len < message->nlmsg_len)
			return -1;
		if (packet_handle(h, message) < 0)
			return -1;
		whole = (int)NLMSG_ALIGN(message->nlmsg_len);
		buf += whole;
		len -= whole;
	}
	return 0;
}
