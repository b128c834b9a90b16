// SPDX-License-Identifier: MIT
/* Netlink attributes of requests. */
#include <string.h>

#include "attribute.h"

void attributes_parse(const void *data, size_t len, const struct nlattr **found, uint16_t max)
{
	uint32_t present;

	memset(found, 0, (max + 1u) * sizeof(*found));
	attributes_scan(data, len, found, max, &present);
}
