/* SPDX-License-Identifier: MIT */
/* Decisions taken from the bytes of an input, so that changed bytes are changed decisions. */
#ifndef FUZZ_CHOICE_H
#define FUZZ_CHOICE_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct choice {
	const uint8_t *data;
	size_t len;
};

/* The next byte, 0 when there are none left. */
static inline uint8_t choice_byte(struct choice *choice)
{
	if (!choice->len)
		return 0;
	choice->len--;
	return *choice->data++;
}

static inline uint32_t choice_word(struct choice *choice)
{
	uint32_t word = 0;
	int i;

	for (i = 0; i < 4; i++)
		word = word << 8 | choice_byte(choice);
	return word;
}

/* Up to most of the next bytes; *len says how many. */
static inline const uint8_t *choice_bytes(struct choice *choice, size_t most, size_t *len)
{
	const uint8_t *data = choice->data;

	*len = most < choice->len ? most : choice->len;
	choice->data += *len;
	choice->len -= *len;
	return data;
}

/* The same in memory of just that length, to be freed. */
static inline uint8_t *choice_copy(struct choice *choice, size_t most, size_t *len)
{
	const uint8_t *data = choice_bytes(choice, most, len);
	uint8_t *copy = malloc(*len);

	if (*len)
		memcpy(copy, data, *len);
	return copy;
}

#endif /* FUZZ_CHOICE_H */
