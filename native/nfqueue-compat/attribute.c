// SPDX-License-Identifier: MIT
/* Netlink attributes: a length, a type, and data padded to four bytes. */
#include <arpa/inet.h>
#include <string.h>

#include "compat.h"

void *attribute_put(unsigned char **end, uint16_t type, size_t len)
{
	struct nlattr *attribute = (void *)*end;
	size_t whole = NLA_ALIGN(NLA_HDRLEN + len);

	((uint32_t *)*end)[whole / sizeof(uint32_t) - 1] = 0;	/* the padding's word */
	attribute->nla_len = (uint16_t)(NLA_HDRLEN + len);
	attribute->nla_type = type;
	*end += whole;
	return attribute + 1;
}

void attribute_put_be32(unsigned char **end, uint16_t type, uint32_t value)
{
	*(uint32_t *)attribute_put(end, type, sizeof(value)) = htonl(value);
}

/* found has max + 1 places; the last attribute of a type counts. False: malformed. */
bool attributes_parse(const void *data, size_t len, const struct nlattr **found, uint16_t max)
{
	const struct nlattr *attribute = data;

	memset(found, 0, (max + 1u) * sizeof(*found));
	while (len >= sizeof(*attribute)) {
		size_t whole = NLA_ALIGN(attribute->nla_len);
		uint16_t type = attribute->nla_type & NLA_TYPE_MASK;

		if (attribute->nla_len < sizeof(*attribute) || attribute->nla_len > len)
			return false;
		if (type <= max)
			found[type] = attribute;
		if (whole >= len)
			break;
		attribute = (const void *)((const char *)attribute + whole);
		len -= whole;
	}
	return true;
}
