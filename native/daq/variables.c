// SPDX-License-Identifier: MIT
/*
 * Settings of a source: --daq-var queue=N, proto=ip4|ip6, frames=N, bypass_mark=N,
 * fail_open, gso; and snap length, mode and time limit from the program itself.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "source.h"

#define FRAME_SIZE	2048	/* a full Ethernet frame at least */
#define MEMORY		(8u << 20)	/* bytes of frames unless asked for more */

static bool digits_read(const char *text, const char *digits, int base, uint32_t max,
			uint32_t *number)
{
	unsigned long value;

	/* strtoul() takes spaces, signs and prefixes, too */
	if (!text || !*text || text[strspn(text, digits)])
		return false;
	errno = 0;
	value = strtoul(text, NULL, base);
	if (errno || value > max)
		return false;
	*number = (uint32_t)value;
	return true;
}

static bool number_read(const char *text, uint32_t max, uint32_t *number)
{
	return digits_read(text, "0123456789", 10, max, number);
}

/* Marks are often written as nft does: in hexadecimal behind 0x. */
static bool mark_read(const char *text, uint32_t *mark)
{
	if (text && text[0] == '0' && text[1] == 'x')
		return digits_read(text + 2, "0123456789abcdefABCDEF", 16, UINT32_MAX, mark);
	return number_read(text, UINT32_MAX, mark);
}

static bool frames_read(const char *text, uint32_t *frames)
{
	return number_read(text, FASTQUEUE_MAX_FRAMES, frames) && *frames >= FASTQUEUE_MIN_FRAMES &&
	       !(*frames & (*frames - 1));
}

static bool protocol_read(const char *text, int *datalink)
{
	if (text && !strcmp(text, "ip4"))
		*datalink = DLT_IPV4;
	else if (text && !strcmp(text, "ip6"))
		*datalink = DLT_IPV6;
	else
		return false;
	return true;
}

/* Returns what the value should have been, NULL if it is right; a name that nobody knows is not known. */
static const char *variable_read(struct source *source, const char *key, const char *value, bool *known)
{
	struct fq_options *options = &source->options;

	*known = true;
	if (!strcmp(key, "queue"))
		return number_read(value, FASTQUEUE_MAX_QUEUE, &options->queue) ? NULL :
		       "a number from 0 to 65535";
	if (!strcmp(key, "frames"))
		return frames_read(value, &options->frames) ? NULL :
		       "a power of two from 8 to 65536";
	if (!strcmp(key, "proto"))
		return protocol_read(value, &source->datalink) ? NULL : "ip4 or ip6";
	if (!strcmp(key, "bypass_mark")) {
		source->bypass = true;
		return mark_read(value, &source->bypass_mark) ? NULL :
		       "a decimal number from 0 to 4294967295, or a hexadecimal one behind 0x";
	}
	if (!strcmp(key, "fail_open")) {
		options->default_action = FASTQUEUE_ACCEPT;
		return value ? "no value" : NULL;
	}
	if (!strcmp(key, "gso")) {
		options->flags |= FASTQUEUE_F_GSO;
		return value ? "no value" : NULL;
	}
	*known = false;
	return "queue, proto, frames, bypass_mark, fail_open or gso";
}

/*
 * In-line the whole packet is in the frame, for only then can it be replaced;
 * what is cut by the snap length is cut for the program only.
 */
static void ring_fit(struct source *source)
{
	uint32_t size = (source->snaplen + 63) / 64 * 64;

	if (size < FRAME_SIZE)
		size = FRAME_SIZE;
	if (size > FASTQUEUE_MAX_FRAME_SIZE || source->options.flags & FASTQUEUE_F_GSO)
		size = FASTQUEUE_MAX_FRAME_SIZE;
	source->options.frame_size = size;
	if (!source->options.frames) {
		source->options.frames = 2048;
		while (source->options.frames > MEMORY / size)
			source->options.frames /= 2;
	}
	if (source->passive)
		source->options.copy_range = source->snaplen < size ? source->snaplen : size;
	else
		source->options.flags |= FASTQUEUE_F_WRITABLE;
}

int variables_read(struct source *source, const DAQ_Config_t *config)
{
	const DAQ_Dict *entry;
	const char *expected;
	bool known;

	if (config->mode != DAQ_MODE_INLINE && config->mode != DAQ_MODE_PASSIVE)
		return source_fail(source, DAQ_ERROR_NOTSUP, "mode %s: only inline and passive",
				   config->mode == DAQ_MODE_READ_FILE ? "read-file" : "unknown");
	source->snaplen = config->snaplen > 0 ? (uint32_t)config->snaplen : UINT16_MAX;
	source->timeout_ms = config->timeout ? (int)config->timeout : -1;
	if (config->timeout > INT_MAX)
		source->timeout_ms = INT_MAX;
	source->passive = config->mode == DAQ_MODE_PASSIVE;
	source->datalink = DLT_IPV4;
	for (entry = config->values; entry; entry = entry->next) {
		expected = variable_read(source, entry->key, entry->value, &known);
		if (expected)
			return source_fail(source, DAQ_ERROR_INVAL, "%s: %s=%s, expected %s",
					   known ? "bad value" : "no such variable", entry->key,
					   entry->value ? entry->value : "", expected);
	}
	ring_fit(source);
	return DAQ_SUCCESS;
}
