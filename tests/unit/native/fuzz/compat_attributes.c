// SPDX-License-Identifier: MIT
/*
 * Messages one after the other, of any bytes or of well-formed attributes: with those
 * before in mind the library finds the same attributes as without them.
 */
#include <linux/netfilter/nfnetlink_queue.h>

#include "../../../../native/nfqueue-compat/attribute.h"
#include "choice.h"
#include "driver.h"

#define MESSAGES 16	/* of one input: each may be as long as 256 KiB */

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
	attributes_parse(data, len, parsed, NFQA_MAX);
	for (type = 0; type < __NFQA_MAX; type++) {
		bool there = places[type] != SIZE_MAX;
		const void *place = there ? data + places[type] : NULL;

		CHECK(parsed[type] == place);
		CHECK(!good || !!(present & 1u << type) == there);
		CHECK(!good || !there || found[type] == place);
	}
}

/* A message of well-formed attributes, which may be longer than an input. */
static uint8_t *message_make(struct choice *choice, size_t *len)
{
	uint32_t number = choice_byte(choice) % 5;
	uint8_t *message = NULL;

	*len = 0;
	while (number--) {
		uint16_t header[2] = { (uint16_t)(choice_byte(choice) << 8), 0 };

		header[0] |= choice_byte(choice);
		header[0] = header[0] < NLA_HDRLEN ? NLA_HDRLEN : header[0];
		header[1] = choice_byte(choice) % (NFQA_MAX + 3);
		message = realloc(message, *len + NLA_ALIGN(header[0]));
		memset(message + *len, 0, NLA_ALIGN(header[0]));
		memcpy(message + *len, header, sizeof(header));
		*len += NLA_ALIGN(header[0]);
	}
	return message ? message : malloc(0);
}

static uint8_t *message_take(struct choice *choice, size_t *len)
{
	size_t most = choice_byte(choice) << 8;

	return choice_copy(choice, most | choice_byte(choice), len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct choice choice = { data, size };
	unsigned int messages = MESSAGES;

	while (choice.len && messages--) {
		bool made = choice_byte(&choice) & 1;
		size_t len;
		uint8_t *message = (made ? message_make : message_take)(&choice, &len);

		message_check(message, len);
		free(message);
	}
	return 0;
}
