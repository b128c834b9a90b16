// SPDX-License-Identifier: MIT
/*
 * Finding a packet's attributes. The messages of a stream have the same ones, at
 * the same places, so those of the last message are looked for first: if all
 * headers are as they were, so is all that follows from them.
 */
#include <linux/netfilter/nfnetlink_queue.h>

#include "attribute.h"

#define ATTRIBUTES	12	/* of a message whose shape is kept */

/* What the headers of a message said: of all attributes but the last, and its type. */
struct shape {
	uint32_t before;	/* attributes before the last */
	uint32_t present;
	uint32_t last;		/* where that begins, 0: no shape is known */
	uint16_t last_type;
	struct {
		uint32_t header;
		uint32_t start;
		uint16_t type;
	} each[ATTRIBUTES];
};

static __thread __attribute__((tls_model("initial-exec"))) struct shape known;

static uint32_t header_of(const unsigned char *at)
{
	return *(const uint32_t *)at;
}

/* The rest of the message is one attribute. */
static bool is_last(const struct nlattr *attribute, size_t rest)
{
	return attribute->nla_len >= sizeof(*attribute) && attribute->nla_len <= rest &&
	       (size_t)NLA_ALIGN(attribute->nla_len) >= rest;
}

static bool shape_fits(const struct shape *shape, const unsigned char *data, size_t len,
		       const struct nlattr **found)
{
	const struct nlattr *last = (const void *)(data + shape->last);
	uint32_t i;

	if (!shape->last || len < shape->last + sizeof(*last) ||
	    last->nla_type != shape->last_type || !is_last(last, len - shape->last))
		return false;
	for (i = 0; i < shape->before; i++) {
		const unsigned char *at = data + shape->each[i].start;

		if (header_of(at) != shape->each[i].header)
			return false;
		found[shape->each[i].type] = (const void *)at;
	}
	found[shape->last_type] = last;
	return true;
}

/* Of a well-formed message, if each of its attributes is of a type of its own. */
static void shape_learn(struct shape *shape, const unsigned char *data, size_t len,
			const struct nlattr *const *found, uint32_t present)
{
	const struct nlattr *attribute = (const void *)data;
	uint32_t start = 0, i;

	shape->last = 0;
	for (i = 0; i < ATTRIBUTES && start + sizeof(*attribute) <= len; i++) {
		attribute = (const void *)(data + start);
		if (attribute->nla_type >= __NFQA_MAX || found[attribute->nla_type] != attribute)
			return;
		if (is_last(attribute, len - start)) {
			shape->before = i;
			shape->present = present;
			shape->last_type = attribute->nla_type;
			shape->last = start;
			return;
		}
		shape->each[i].header = header_of(data + start);
		shape->each[i].start = start;
		shape->each[i].type = attribute->nla_type;
		start += NLA_ALIGN(attribute->nla_len);
	}
}

bool attributes_of_packet(const void *data, size_t len, const struct nlattr **found,
			  uint32_t *present)
{
	if (shape_fits(&known, data, len, found)) {
		*present = known.present;
		return true;
	}
	if (!attributes_scan(data, len, found, NFQA_MAX, present))
		return false;
	shape_learn(&known, data, len, found, *present);
	return true;
}
