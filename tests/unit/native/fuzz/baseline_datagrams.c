// SPDX-License-Identifier: MIT
/*
 * A datagram of nfnetlink_queue as the NFQUEUE baseline reads it: packets counted, none without an id.
 * The kernel does not pad the last message; libmnl takes the padding for a part of it.
 */
#include "../../../../native/nfqueue-baseline/receive.c"

#include <string.h>

#include "driver.h"

/* Packets in whole messages at the start of a datagram, after Linux's documentation of netlink. */
static uint32_t packets_of(const uint8_t *data, size_t len, uint32_t *last)
{
	uint32_t packets = 0;

	while (len >= NLMSG_HDRLEN) {
		const struct nlmsghdr *message = (const void *)data;
		size_t at = NLMSG_SPACE(sizeof(struct nfgenmsg)), whole = message->nlmsg_len, end;

		if (whole < NLMSG_HDRLEN || whole > len)
			break;
		end = NLMSG_ALIGN(whole);
		while (message->nlmsg_type == (NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET) &&
		       at + NLA_HDRLEN <= end) {
			const struct nlattr *attribute = (const void *)(data + at);

			if (attribute->nla_len < NLA_HDRLEN || attribute->nla_len > end - at)
				break;
			if ((attribute->nla_type & NLA_TYPE_MASK) == NFQA_PACKET_HDR) {
				if (attribute->nla_len < NLA_HDRLEN + sizeof(struct nfqnl_msg_packet_hdr))
					break;
				memcpy(last, attribute + 1, sizeof(*last));
				*last = ntohl(*last);
				packets++;
				break;
			}
			at += NLA_ALIGN(attribute->nla_len);
		}
		if (end >= len)
			break;
		data += end;
		len -= end;
	}
	return packets;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *datagram = calloc(1, NLMSG_ALIGN(size));
	uint32_t last = 0, expected = 0;

	memcpy(datagram, data, size);
	CHECK(datagram_read((char *)datagram, size, &last) == packets_of(datagram, size, &expected));
	CHECK(last == expected);
	free(datagram);
	return 0;
}
