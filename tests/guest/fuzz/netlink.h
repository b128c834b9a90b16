/* SPDX-License-Identifier: MIT */
/* Netlink messages, built by hand: no program has to be started for a link or a rule. */
#ifndef FUZZ_NETLINK_H
#define FUZZ_NETLINK_H

#include <stddef.h>
#include <stdint.h>

struct message {
	uint8_t data[4096];
	size_t length;		/* of all messages */
	size_t begin;		/* of the last one */
	uint32_t number;
};

/* Add a message with its fixed header; attributes that follow belong to it. */
void message_begin(struct message *message, uint16_t type, uint16_t flags, const void *header,
		   size_t size);

void attribute(struct message *message, uint16_t type, const void *data, size_t size);
void attribute_text(struct message *message, uint16_t type, const char *text);
void attribute_u32(struct message *message, uint16_t type, uint32_t value);
void attribute_be16(struct message *message, uint16_t type, uint16_t value);
void attribute_be32(struct message *message, uint16_t type, uint32_t value);

/* Attributes until nest_end() are inside this one. */
size_t nest_begin(struct message *message, uint16_t type);
void nest_end(struct message *message, size_t nest);

/* Send all to netlink family @protocol of this namespace. Returns 0 or the first errno in the answer. */
int message_send(const struct message *message, int protocol);

#endif
