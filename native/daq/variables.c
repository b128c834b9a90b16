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

static bool number_read(const char *text, uint32_t max, uint32_t *number)
{
	unsigned long value;
	char *end;

	if (!text || *text < '0' || *text > '9')
		return false;
	errno = 0;
	value = strtoul(text, &end, 0);
	if (*end || errno || value > max)
		return false;
	*number = (uint32_t)value;
	return true;
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

/* Values that do not hold are refused here, names that nobody knows by the caller. */
static bool variable_read(struct source *source, const char *key, const char *value, bool *known)
{
	*known = true;
	if (!strcmp(key, "queue"))
		return number_read(value, FASTQUEUE_MAX_QUEUE, &source->options.queue);
	if (!strcmp(key, "frames"))
		return frames_read(value, &source->options.frames);
	if (!strcmp(key, "proto"))
		return protocol_read(value, &source->datalink);
	if (!strcmp(key, "bypass_mark")) {
		source->bypass = true;
		return number_read(value, UINT32_MAX, &source->bypass_mark);
	}
	if (!strcmp(key, "fail_open")) {
		source->options.default_action = FASTQUEUE_ACCEPT;
		return !value;
	}
	if (!strcmp(key, "gso")) {
		source->options.flags |= FASTQUEUE_F_GSO;
		return !value;
	}
	*known = false;
	return false;
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
		if (variable_read(source, entry->key, entry->value, &known))
			continue;
		return source_fail(source, DAQ_ERROR_INVAL, known ? "bad value: %s=%s" :
				   "no such variable: %s=%s; there are queue, proto, frames, "
				   "bypass_mark, fail_open, gso", entry->key,
				   entry->value ? entry->value : "");
	}
	ring_fit(source);
	return DAQ_SUCCESS;
}
