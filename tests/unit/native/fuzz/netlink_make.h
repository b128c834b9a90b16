/* SPDX-License-Identifier: MIT */
/* Netlink messages for the compatibility library, made of choices. */
#ifndef FUZZ_NETLINK_MAKE_H
#define FUZZ_NETLINK_MAKE_H

#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netlink.h>

#include "../../../../native/nfqueue-compat/attribute.h"
#include "choice.h"

#define QUEUE	7

static inline uint16_t queue_number(struct choice *choice)
{
	uint8_t which = choice_byte(choice);

	return which < 200 ? QUEUE : which < 250 ? QUEUE + 1 : which;
}

/* A message of attributes with contents from the input; lengths are wrong now and then. */
static inline size_t request_fill(struct choice *choice, unsigned char *data, size_t room, uint8_t type)
{
	struct nlmsghdr *message = (void *)data;
	struct nfgenmsg *generic = NLMSG_DATA(message);
	size_t at = NLMSG_SPACE(sizeof(*generic)), number = choice_byte(choice) % 6, len;

	*message = (struct nlmsghdr){
		.nlmsg_type = (uint16_t)(NFNL_SUBSYS_QUEUE << 8 | type),
		.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | (choice_byte(choice) & NLM_F_ACK)),
	};
	*generic = (struct nfgenmsg){ .res_id = htons(queue_number(choice)) };
	while (number--) {
		struct nlattr *attribute = (void *)(data + at);
		const uint8_t *content;
		uint8_t which = choice_byte(choice), most = choice_byte(choice);

		content = choice_bytes(choice, most < 250 ? most % 40 : most, &len);
		if (at + NLA_HDRLEN + NLA_ALIGN(len) > room)
			break;
		*attribute = (struct nlattr){ (uint16_t)(NLA_HDRLEN + len), which % (NFQA_MAX + 3) };
		if (which > 240)
			attribute->nla_len ^= which;
		memcpy(attribute + 1, content, len);
		at += NLA_HDRLEN + NLA_ALIGN(len);
	}
	message->nlmsg_len = (uint32_t)at;
	return at;
}

/* An attribute of zeros; content is the byte of an id in which ids differ. */
static inline unsigned char *attribute_put(unsigned char *end, uint16_t type, size_t len,
					   uint8_t content)
{
	unsigned char *data = attribute_begin(end, type, len);

	memset(data, 0, NLA_ALIGN(len));
	if (len >= 4)
		data[3] = content;
	return data + NLA_ALIGN(len);
}

#endif /* FUZZ_NETLINK_MAKE_H */
