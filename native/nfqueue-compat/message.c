// SPDX-License-Identifier: MIT
/* A packet as nfnetlink_queue tells of it: the same attributes in the same order. */
#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <string.h>

#include "compat.h"

static unsigned char *number_put(unsigned char *end, uint16_t type, uint32_t number)
{
	return number ? attribute_be32(end, type, number) : end;
}

static unsigned char *interfaces_put(unsigned char *end, const struct fastqueue_meta *meta)
{
	if (meta->family == NFPROTO_BRIDGE) {
		end = number_put(end, NFQA_IFINDEX_PHYSINDEV, meta->physindev);
		end = number_put(end, NFQA_IFINDEX_INDEV, meta->indev);
		end = number_put(end, NFQA_IFINDEX_PHYSOUTDEV, meta->physoutdev);
		return number_put(end, NFQA_IFINDEX_OUTDEV, meta->outdev);
	}
	end = number_put(end, NFQA_IFINDEX_INDEV, meta->indev);
	end = number_put(end, NFQA_IFINDEX_PHYSINDEV, meta->physindev);
	end = number_put(end, NFQA_IFINDEX_OUTDEV, meta->outdev);
	return number_put(end, NFQA_IFINDEX_PHYSOUTDEV, meta->physoutdev);
}

static unsigned char *hardware_put(unsigned char *end, const struct fastqueue_meta *meta)
{
	struct nfqnl_msg_packet_hw *hardware;

	if (!meta->hw_addrlen)
		return end;
	hardware = attribute_begin(end, NFQA_HWADDR, sizeof(*hardware));
	hardware->hw_addrlen = htons(meta->hw_addrlen);
	hardware->_pad = 0;
	memcpy(hardware->hw_addr, meta->hw_addr, sizeof(hardware->hw_addr));
	return (unsigned char *)(hardware + 1);
}

/* 16 bits in network byte order, and padding. */
static unsigned char *short_put(unsigned char *end, uint16_t type, uint16_t value)
{
	uint16_t *data = attribute_begin(end, type, sizeof(value));

	data[0] = value;
	data[1] = 0;
	return (unsigned char *)(data + 2);
}

static unsigned char *vlan_put(unsigned char *end, const struct fastqueue_meta *meta)
{
	unsigned char *start = end;

	if (meta->family != NFPROTO_BRIDGE || !(meta->flags & FASTQUEUE_M_VLAN))
		return end;
	end = attribute_begin(end, NFQA_VLAN | NLA_F_NESTED, 0);
	end = short_put(end, NFQA_VLAN_TCI, htons(meta->vlan_tci));
	end = short_put(end, NFQA_VLAN_PROTO, meta->vlan_proto);
	((struct nlattr *)start)->nla_len = (uint16_t)(end - start);
	return end;
}

static unsigned char *time_put(unsigned char *end, const struct fastqueue_meta *meta)
{
	struct nfqnl_msg_packet_timestamp *time;

	if (!meta->timestamp || meta->hook > NF_INET_FORWARD)
		return end;
	time = attribute_begin(end, NFQA_TIMESTAMP, sizeof(*time));
	time->sec = __builtin_bswap64(meta->timestamp / 1000000000);
	time->usec = __builtin_bswap64(meta->timestamp % 1000000000 / 1000);
	return (unsigned char *)(time + 1);
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

static unsigned char *lengths_put(unsigned char *end, const struct queue *queue,
				  const struct fastqueue_meta *meta, uint32_t payload)
{
	if (meta->len > payload && (queue->mode == NFQNL_COPY_PACKET ||
				    (queue->mode == NFQNL_COPY_NONE && queue->range)))
		end = attribute_be32(end, NFQA_CAP_LEN, meta->len);
	return number_put(end, NFQA_SKB_INFO, packet_info(meta));
}

static unsigned char *header_put(unsigned char *end, const struct queue *queue, uint32_t count,
				 const struct fastqueue_meta *meta)
{
	struct nfqnl_msg_packet_hdr *header;

	((uint32_t *)end)[2] = 0;	/* the padding, too */
	header = attribute_begin(end, NFQA_PACKET_HDR, sizeof(*header));
	header->packet_id = htonl(frame_id(queue, count));
	header->hw_protocol = meta->protocol;
	header->hook = meta->hook;
	return end + NLA_HDRLEN + NLA_ALIGN(sizeof(*header));
}

static unsigned char *owner_put(unsigned char *end, const struct queue *queue,
				const struct fastqueue_meta *meta)
{
	if (!(meta->flags & FASTQUEUE_M_UID) || !(queue->flags & NFQA_CFG_F_UID_GID))
		return end;
	end = attribute_be32(end, NFQA_UID, meta->uid);
	return attribute_be32(end, NFQA_GID, meta->gid);
}

static unsigned char *attributes_put(unsigned char *end, const struct queue *queue, uint32_t count,
				     const struct fastqueue_meta *meta, uint32_t payload)
{
	end = header_put(end, queue, count, meta);
	end = interfaces_put(end, meta);
	end = number_put(end, NFQA_MARK, meta->mark);
	end = number_put(end, NFQA_PRIORITY, meta->priority);
	end = hardware_put(end, meta);
	end = vlan_put(end, meta);
	end = time_put(end, meta);
	end = owner_put(end, queue, meta);
	end = lengths_put(end, queue, meta, payload);
	return payload ? attribute_begin(end, NFQA_PAYLOAD, payload) : end;
}

size_t message_head(const struct queue *queue, uint32_t count, unsigned char *head,
		    uint32_t payload, size_t *total)
{
	const struct fastqueue_meta *meta = fq_frame(queue->ring, count).meta;
	struct nlmsghdr *message = (void *)head;
	struct nfgenmsg *generic = NLMSG_DATA(message);
	unsigned char *end = attributes_put((unsigned char *)(generic + 1), queue, count, meta,
					    payload);

	*total = (size_t)(end - head) + payload;
	*message = (struct nlmsghdr){
		.nlmsg_len = (uint32_t)*total,
		.nlmsg_type = NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET,
	};
	*generic = (struct nfgenmsg){
		.nfgen_family = meta->family,
		.version = NFNETLINK_V0,
		.res_id = htons(queue->number),
	};
	return (size_t)(end - head);
}
