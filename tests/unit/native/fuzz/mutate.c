// SPDX-License-Identifier: MIT
/* Changes of inputs; the same ones in each run with the same seed. */
#include <string.h>

#include "driver.h"

static uint64_t state = 1;

/* xorshift64*, after Vigna (2016). */
static uint32_t random_word(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (uint32_t)((state * 0x2545f4914f6cdd1dull) >> 32);
}

void chance_seed(uint64_t seed)
{
	state = (seed + 1) * 0x9e3779b97f4a7c15ull;
	state += !state;
}

uint32_t chance(uint32_t below)
{
	return below ? random_word() % below : 0;
}

static size_t place(const struct input *input)
{
	return chance((uint32_t)input->len + 1);
}

static void insert(struct input *input, size_t at, const uint8_t *data, size_t len)
{
	if (len > INPUT_MAX - input->len)
		len = INPUT_MAX - input->len;
	memmove(input->data + at + len, input->data + at, input->len - at);
	memcpy(input->data + at, data, len);
	input->len += len;
}

static void bit_flip(struct input *input)
{
	if (input->len)
		input->data[chance((uint32_t)input->len)] ^= (uint8_t)(1u << chance(8));
}

static void byte_replace(struct input *input)
{
	if (input->len)
		input->data[chance((uint32_t)input->len)] = (uint8_t)random_word();
}

/* A number of 1, 2 or 4 bytes that is often a limit, in either byte order. */
static void number_replace(struct input *input)
{
	static const uint32_t limits[] = { 0, 1, 3, 4, 8, 64, 127, 128, 255, 256, 2048, 32767, 32768,
					   65535, 65536, 0x7fffffff, 0x80000000, 0xffffffff };
	size_t len = (size_t)1 << chance(3);
	uint32_t number = limits[chance(sizeof(limits) / sizeof(*limits))];

	if (chance(2))
		number = __builtin_bswap32(number) >> (32 - 8 * len);
	if (input->len >= len)
		memcpy(input->data + chance((uint32_t)(input->len - len) + 1), &number, len);
}

static void bytes_insert(struct input *input)
{
	uint8_t data[8];
	size_t i, len = 1 + chance(sizeof(data));

	for (i = 0; i < len; i++)
		data[i] = (uint8_t)random_word();
	insert(input, place(input), data, len);
}

static void bytes_remove(struct input *input)
{
	size_t at = place(input), len = 1 + chance(chance(4) ? 8 : 200);

	if (len > input->len - at)
		len = input->len - at;
	memmove(input->data + at, input->data + at + len, input->len - at - len);
	input->len -= len;
}

static void bytes_repeat(struct input *input)
{
	uint8_t data[64];
	size_t at = place(input), len = 1 + chance(sizeof(data));
	uint32_t times = 1 + chance(chance(8) ? 3 : 60);

	if (len > input->len - at)
		len = input->len - at;
	memcpy(data, input->data + at, len);
	while (times--)
		insert(input, at, data, len);
}

static void word_insert(struct input *input)
{
	uint32_t number = 0;
	const char *word;

	if (!fuzz_words) {
		bytes_insert(input);
		return;
	}
	while (fuzz_words[number])
		number++;
	word = fuzz_words[chance(number)];
	insert(input, place(input), (const uint8_t *)word, strlen(word));
}

static void cross(struct input *input, const struct input *other)
{
	size_t at = place(input), from = place(other), len = other->len - from;

	if (len > INPUT_MAX - at)
		len = INPUT_MAX - at;
	memcpy(input->data + at, other->data + from, len);
	input->len = at + len;
}

void mutate(struct input *input, const struct input *other)
{
	static void (*const changes[])(struct input *) = {
		bit_flip, byte_replace, number_replace, bytes_insert, bytes_remove, bytes_repeat,
		word_insert, word_insert,
	};
	const uint32_t number = sizeof(changes) / sizeof(*changes);
	uint32_t times = 1u << chance(5);

	while (times--) {
		uint32_t which = chance(number + 1);

		if (which < number)
			changes[which](input);
		else
			cross(input, other);
	}
}
