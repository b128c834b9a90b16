// SPDX-License-Identifier: MIT
/* A packet as nfnetlink_queue tells of it: the same attributes in the same order. */
#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <string.h>

#include "compat.h"

static void interfaces_put(unsigned char **end, const struct fastqueue_meta *meta)
{
	if (meta->family == NFPROTO_BRIDGE) {
		if (meta->physindev)
			attribute_put_be32(end, NFQA_IFINDEX_PHYSINDEV, meta->physindev);
		if (meta->indev)
			attribute_put_be32(end, NFQA_IFINDEX_INDEV, meta->indev);
		if (meta->physoutdev)
			attribute_put_be32(end, NFQA_IFINDEX_PHYSOUTDEV, meta->physoutdev);
		if (meta->outdev)
			attribute_put_be32(end, NFQA_IFINDEX_OUTDEV, meta->outdev);
		return;
	}
	if (meta->indev)
		attribute_put_be32(end, NFQA_IFINDEX_INDEV, meta->indev);
	if (meta->physindev)
		attribute_put_be32(end, NFQA_IFINDEX_PHYSINDEV, meta->physindev);
	if (meta->outdev)
		attribute_put_be32(end, NFQA_IFINDEX_OUTDEV, meta->outdev);
	if (meta->physoutdev)
		attribute_put_be32(end, NFQA_IFINDEX_PHYSOUTDEV, meta->physoutdev);
}

static void hardware_put(unsigned char **end, const struct fastqueue_meta *meta)
{
	struct nfqnl_msg_packet_hw *hardware;

	if (!meta->hw_addrlen)
		return;
	hardware = attribute_put(end, NFQA_HWADDR, sizeof(*hardware));
	hardware->_pad = 0;
	hardware->hw_addrlen = htons(meta->hw_addrlen);
	memcpy(hardware->hw_addr, meta->hw_addr, sizeof(hardware->hw_addr));
}

static void vlan_put(unsigned char **end, const struct fastqueue_meta *meta)
{
	unsigned char *start = *end;

	if (meta->family != NFPROTO_BRIDGE || !(meta->flags & FASTQUEUE_M_VLAN))
		return;
	attribute_put(end, NFQA_VLAN | NLA_F_NESTED, 0);
	*(uint16_t *)attribute_put(end, NFQA_VLAN_TCI, 2) = htons(meta->vlan_tci);
	*(uint16_t *)attribute_put(end, NFQA_VLAN_PROTO, 2) = meta->vlan_proto;
	((struct nlattr *)start)->nla_len = (uint16_t)(*end - start);
}

static void time_put(unsigned char **end, const struct fastqueue_meta *meta)
{
	struct nfqnl_msg_packet_timestamp *time;

	if (meta->hook > NF_INET_FORWARD || !meta->timestamp)
		return;
	time = attribute_put(end, NFQA_TIMESTAMP, sizeof(*time));
	time->sec = __builtin_bswap64(meta->timestamp / 1000000000);
	time->usec = __builtin_bswap64(meta->timestamp % 1000000000 / 1000);
}

/* Of packets that this host sends itself the checksum is no question. */
static bool from_outside(const struct fastqueue_meta *meta)
{
	return meta->hook <= NF_INET_FORWARD ||
	       (meta->hook == NF_INET_POST_ROUTING && meta->indev);
}

static uint32_t packet_info(const struct fastqueue_meta *meta)
{
	uint32_t info = meta->flags & FASTQUEUE_M_GSO ? NFQA_SKB_GSO : 0;

	if (meta->flags & FASTQUEUE_M_CSUM_NOT_READY)
		info |= NFQA_SKB_CSUMNOTREADY;
	else if (!(meta->flags & FASTQUEUE_M_CSUM_VALID) && from_outside(meta))
		info |= NFQA_SKB_CSUM_NOTVERIFIED;
	return info;
}

static void lengths_put(unsigned char **end, const struct queue *queue,
			const struct fastqueue_meta *meta, uint32_t payload)
{
	uint32_t info = packet_info(meta);

	if (queue->mode == NFQNL_COPY_PACKET && meta->len > payload)
		attribute_put_be32(end, NFQA_CAP_LEN, meta->len);
	if (info)
		attribute_put_be32(end, NFQA_SKB_INFO, info);
}

static void header_put(unsigned char **end, const struct queue *queue, uint32_t count,
		       const struct fastqueue_meta *meta)
{
	struct nfqnl_msg_packet_hdr *header;

	header = attribute_put(end, NFQA_PACKET_HDR, sizeof(*header));
	header->packet_id = htonl(frame_id(queue, count));
	header->hw_protocol = meta->protocol;
	header->hook = meta->hook;
}

static void attributes_put(unsigned char **end, const struct queue *queue, uint32_t count,
			   uint32_t payload)
{
	const struct fastqueue_meta *meta = fq_frame(queue->ring, count).meta;

	header_put(end, queue, count, meta);
	interfaces_put(end, meta);
	if (meta->mark)
		attribute_put_be32(end, NFQA_MARK, meta->mark);
	if (meta->priority)
		attribute_put_be32(end, NFQA_PRIORITY, meta->priority);
	hardware_put(end, meta);
	vlan_put(end, meta);
	time_put(end, meta);
	if (meta->flags & FASTQUEUE_M_UID && queue->flags & NFQA_CFG_F_UID_GID) {
		attribute_put_be32(end, NFQA_UID, meta->uid);
		attribute_put_be32(end, NFQA_GID, meta->gid);
	}
	lengths_put(end, queue, meta, payload);
}

size_t message_head(const struct queue *queue, uint32_t count, unsigned char *head,
		    uint32_t payload, size_t *total)
{
	struct nlmsghdr *message = (void *)head;
	struct nfgenmsg *generic = NLMSG_DATA(message);
	unsigned char *end = (unsigned char *)(generic + 1);

	*message = (struct nlmsghdr){
		.nlmsg_type = NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET,
	};
	*generic = (struct nfgenmsg){
		.nfgen_family = fq_frame(queue->ring, count).meta->family,
		.version = NFNETLINK_V0,
		.res_id = htons(queue->number),
	};
	attributes_put(&end, queue, count, payload);
	if (payload) {
		attribute_put(&end, NFQA_PAYLOAD, 0);
		((struct nlattr *)(end - NLA_HDRLEN))->nla_len = (uint16_t)(NLA_HDRLEN + payload);
	}
	*total = (size_t)(end - head) + payload;
	message->nlmsg_len = (uint32_t)*total;
	return (size_t)(end - head);
}
