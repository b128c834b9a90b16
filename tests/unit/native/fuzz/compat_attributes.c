// SPDX-License-Identifier: MIT
/*
 * Messages one after the other, each a length of two bytes and its content: with
 * those before in mind the library finds the same attributes as without them.
 */
#include <linux/netfilter/nfnetlink_queue.h>

#include "../../../../native/nfqueue-compat/attribute.h"
#include "choice.h"
#include "driver.h"

/* The places of attributes, as the kernel's documentation of netlink has them. */
static bool places_find(const uint8_t *data, size_t len, size_t *places)
{
	size_t at = 0;

	memset(places, 0xff, __NFQA_MAX * sizeof(*places));
	while (len - at >= NLA_HDRLEN) {
		uint16_t whole, type;

		memcpy(&whole, data + at, 2);
		memcpy(&type, data + at + 2, 2);
		type &= NLA_TYPE_MASK;
		if (whole < NLA_HDRLEN || whole > len - at)
			return false;
		if (type < __NFQA_MAX)
			places[type] = at;
		at += NLA_ALIGN(whole);
		if (at > len)
			break;
	}
	return true;
}

static void message_check(const uint8_t *data, size_t len)
{
	const struct nlattr *found[__NFQA_MAX], *parsed[__NFQA_MAX];
	size_t places[__NFQA_MAX], type;
	bool good = places_find(data, len, places);
	uint32_t present = 0;

	CHECK(attributes_of_packet(data, len, found, &present) == good);
	CHECK(attributes_parse(data, len, parsed, NFQA_MAX) == good);
	for (type = 0; good && type < __NFQA_MAX; type++) {
		bool there = places[type] != SIZE_MAX;
		const void *place = there ? data + places[type] : NULL;

		CHECK(!!(present & 1u << type) == there);
		CHECK(parsed[type] == place);
		CHECK(!there || found[type] == place);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct choice choice = { data, size };

	while (choice.len) {
		size_t most = choice_byte(&choice) << 8, len;
		uint8_t *message;

		most |= choice_byte(&choice);
		message = choice_copy(&choice, most, &len);
		message_check(message, len);
		free(message);
	}
	return 0;
}
