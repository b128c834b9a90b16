// SPDX-License-Identifier: MIT
/*
 * All patterns at once: an automaton after Aho and Corasick (1975), whose
 * failure links are worked into the table, so that each byte is one step.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "light-ids.h"

#define STATES_MAX	4096
#define ENDS		0x8000u		/* a pattern ends in the state that is gone to */

struct patterns {
	unsigned int states;
	uint16_t next[STATES_MAX][256];
	uint16_t ends[STATES_MAX];
};

static bool pattern_add(struct patterns *patterns, const unsigned char *bytes, size_t len)
{
	unsigned int state = 0;
	size_t i;

	for (i = 0; i < len; i++) {
		uint16_t *next = &patterns->next[state][bytes[i]];

		if (!*next) {
			if (patterns->states == STATES_MAX)
				return false;
			*next = (uint16_t)patterns->states++;
		}
		state = *next;
	}
	patterns->ends[state] = ENDS;
	return len > 0;
}

/* In the order of their depth, so that a state's failure link is done before it. */
static void links_make(struct patterns *patterns)
{
	static uint16_t order[STATES_MAX], fail[STATES_MAX];
	unsigned int first = 0, last = 0, byte;

	for (byte = 0; byte < 256; byte++)
		if (patterns->next[0][byte])
			order[last++] = patterns->next[0][byte];
	while (first < last) {
		unsigned int state = order[first++];

		patterns->ends[state] |= patterns->ends[fail[state]];
		for (byte = 0; byte < 256; byte++) {
			uint16_t *next = &patterns->next[state][byte];
			uint16_t other = patterns->next[fail[state]][byte];

			if (*next) {
				fail[*next] = other;
				order[last++] = *next;
			} else {
				*next = other;
			}
		}
	}
}

static void ends_mark(struct patterns *patterns)
{
	unsigned int state, byte;

	for (state = 0; state < patterns->states; state++)
		for (byte = 0; byte < 256; byte++)
			patterns->next[state][byte] |= patterns->ends[patterns->next[state][byte]];
}

static size_t hexadecimal(const char *line, unsigned char *bytes, size_t room)
{
	unsigned int value;
	size_t len = 0;

	while (len < room && sscanf(line + 2 * len, "%2x", &value) == 1)
		bytes[len++] = (unsigned char)value;
	return len;
}

struct patterns *patterns_read(const char *path)
{
	struct patterns *patterns = calloc(1, sizeof(*patterns));
	FILE *file = fopen(path, "r");
	unsigned char bytes[256];
	char line[600];

	if (!patterns || !file) {
		fprintf(stderr, "light-ids: %s: %s\n", path, strerror(errno));
		return NULL;
	}
	patterns->states = 1;
	while (fgets(line, sizeof(line), file)) {
		if (!pattern_add(patterns, bytes, hexadecimal(line, bytes, sizeof(bytes)))) {
			fprintf(stderr, "light-ids: %s: too long, or no pattern: %s", path, line);
			return NULL;
		}
	}
	fclose(file);
	links_make(patterns);
	ends_mark(patterns);
	return patterns;
}

bool patterns_found(const struct patterns *patterns, const unsigned char *data, size_t len)
{
	const unsigned char *end = data + len;
	unsigned int state = 0;

	while (data < end) {
		state = patterns->next[state][*data++];
		if (state & ENDS)
			return true;
	}
	return false;
}
