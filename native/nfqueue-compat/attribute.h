/* SPDX-License-Identifier: MIT */
/*
 * Netlink attributes: a length, a type, and data padded to four bytes. Here,
 * and not in a unit of its own, for each packet has half a dozen of them: the
 * end of the message is handed on by value, so that it stays in a register.
 */
#ifndef ATTRIBUTE_H
#define ATTRIBUTE_H

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline const void *attribute_data(const struct nlattr *attribute)
{
	return attribute + 1;
}

/* Write the header at end; the data, padded, is the caller's. Returns its place. */
static inline void *attribute_begin(void *end, uint16_t type, size_t len)
{
	struct nlattr *attribute = end;

	*attribute = (struct nlattr){ (uint16_t)(NLA_HDRLEN + len), type };
	return attribute + 1;
}

/* A number of 32 bits in host byte order. Returns the message's end behind it. */
static inline unsigned char *attribute_be32(void *end, uint16_t type, uint32_t value)
{
	uint32_t *data = attribute_begin(end, type, sizeof(value));

	*data = __builtin_bswap32(value);
	return (unsigned char *)(data + 1);
}

/*
 * Find attributes of types up to max (31 at most): their places in found, and a
 * bit for each type that is there in *present; other places of found stay as
 * they are. The last attribute of a type counts. False: malformed.
 */
static inline bool attributes_scan(const void *data, size_t len, const struct nlattr **found,
				   uint16_t max, uint32_t *present)
{
	const struct nlattr *attribute = data;

	*present = 0;
	while (len >= sizeof(*attribute)) {
		size_t whole = NLA_ALIGN(attribute->nla_len);
		uint16_t type = attribute->nla_type & NLA_TYPE_MASK;

		if (attribute->nla_len < sizeof(*attribute) || attribute->nla_len > len)
			return false;
		if (type <= max) {
			found[type] = attribute;
			*present |= 1u << type;
		}
		if (whole >= len)
			break;
		attribute = (const void *)((const char *)attribute + whole);
		len -= whole;
	}
	return true;
}

/*
 * attribute.c: the same with NULL where there is none; found has max + 1 places. What
 * follows a malformed attribute is ignored, as the kernel does.
 */
void attributes_parse(const void *data, size_t len, const struct nlattr **found, uint16_t max);

/* shape.c: as attributes_scan() with NFQA_MAX, sooner for messages like the last one. */
bool attributes_of_packet(const void *data, size_t len, const struct nlattr **found,
			  uint32_t *present);

#endif /* ATTRIBUTE_H */
