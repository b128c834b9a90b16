// SPDX-License-Identifier: MIT
/*
 * All patterns at once: an automaton after Aho and Corasick (1975), whose
 * failure links are worked into the table, so that each byte is one step.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../common/printable.h"
#include "light-ids.h"

#define STATES_MAX	4096
#define PATTERN_MAX	256		/* bytes */
#define LINE_MAX_LEN	(2 * PATTERN_MAX)
#define FILE_MAX_LEN	(1u << 20)
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
		if (patterns->next[0][byte]) {
			fail[patterns->next[0][byte]] = 0;
			order[last++] = patterns->next[0][byte];
		}
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

static int digit(char character)
{
	const char digits[] = "0123456789abcdef", *found = NULL;

	if (character)
		found = strchr(digits, tolower((unsigned char)character));
	return found ? (int)(found - digits) : -1;
}

/* Return the bytes of a line that is all hexadecimal; 0 if it is not, or has more than there is room for. */
static size_t hexadecimal(const char *line, size_t line_len, unsigned char *bytes, size_t room)
{
	size_t len = 0, at;

	if (line_len % 2 || line_len / 2 > room)
		return 0;
	for (at = 0; at < line_len; at += 2) {
		int high = digit(line[at]), low = digit(line[at + 1]);

		if (high < 0 || low < 0)
			return 0;
		bytes[len++] = (unsigned char)(high << 4 | low);
	}
	return len;
}

struct input {
	FILE *file;
	const char *path;
	unsigned int number;	/* of the line read last */
	size_t left;		/* bytes that may still come, and one more */
	size_t len;		/* of the line, without its end */
	char line[LINE_MAX_LEN + 1];
};

/* The next line, of which no more is read than one byte too many; false at the end or limit of the file. */
static bool line_read(struct input *input)
{
	int byte = 0;

	input->len = 0;
	while (input->len <= LINE_MAX_LEN && input->left && (byte = getc(input->file)) != EOF) {
		input->left--;
		if (byte == '\n')
			break;
		input->line[input->len++] = (char)byte;
	}
	if (!input->left || (!input->len && byte != '\n'))
		return false;
	input->number++;
	return true;
}

static bool refuse(const struct input *input, const char *expected)
{
	fputs("light-ids: ", stderr);
	printable_print(stderr, input->path, strlen(input->path));
	fprintf(stderr, ":%u: found ", input->number);
	printable_quote(stderr, input->line, input->len);
	fprintf(stderr, ", expected %s\n", expected);
	return false;
}

static bool refuse_file(const char *path, const char *reason)
{
	fputs("light-ids: ", stderr);
	printable_print(stderr, path, strlen(path));
	fprintf(stderr, ": %s\n", reason);
	return false;
}

static bool lines_read(struct patterns *patterns, struct input *input)
{
	unsigned char bytes[PATTERN_MAX];
	size_t len;

	while (line_read(input)) {
		len = hexadecimal(input->line, input->len, bytes, sizeof(bytes));
		if (!len)
			return refuse(input, "1 to 256 bytes in hexadecimal");
		if (!pattern_add(patterns, bytes, len))
			return refuse(input, "fewer patterns: all have at most 4095 bytes together");
	}
	if (ferror(input->file))
		return refuse_file(input->path, strerror(errno));
	return input->left || refuse_file(input->path, "more than 1 MiB, expected fewer patterns");
}

struct patterns *patterns_read(const char *path)
{
	struct patterns *patterns = calloc(1, sizeof(*patterns));
	FILE *file = fopen(path, "r");
	struct input input = { .file = file, .path = path, .left = FILE_MAX_LEN + 1 };
	bool good;

	if (patterns && file) {
		patterns->states = 1;
		good = lines_read(patterns, &input);
	} else {
		good = refuse_file(path, strerror(errno));
	}
	if (file)
		fclose(file);
	if (!good) {
		free(patterns);
		return NULL;
	}
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
