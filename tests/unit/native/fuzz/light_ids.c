// SPDX-License-Identifier: MIT
/*
 * The light IDS: a file of patterns, and contents behind its last empty line. What it
 * reads it finds, and nothing else; what it does not read it tells of.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../../../native/light-ids/light-ids.h"
#include "choice.h"
#include "driver.h"

const char *const fuzz_words[] = { "\n\n", "00\n", "0001\n", "41", "4142\n", "FF", "ff", "aa\n", NULL };

static int nibble(char digit)
{
	return isdigit((unsigned char)digit) ? digit - '0' : tolower((unsigned char)digit) - 'a' + 10;
}

/* The bytes of a line; 0 if it is no pattern. */
static size_t pattern_of(const char *line, size_t len, unsigned char *pattern)
{
	size_t i;

	if (len % 2 || len > 512)
		return 0;
	for (i = 0; i < len; i++)
		if (!isxdigit((unsigned char)line[i]))
			return 0;
	for (i = 0; i < len / 2; i++)
		pattern[i] = (unsigned char)(nibble(line[2 * i]) << 4 | nibble(line[2 * i + 1]));
	return len / 2;
}

/* Whether each line is a pattern, and one of them is in the contents. */
static bool lines_are_patterns(const char *text, size_t len, const uint8_t *contents,
			       size_t contents_len, bool *found)
{
	unsigned char pattern[256];

	*found = false;
	while (len) {
		const char *end = memchr(text, '\n', len);
		size_t line = end ? (size_t)(end - text) : len, bytes = pattern_of(text, line, pattern);

		if (!bytes)
			return false;
		*found |= memmem(contents, contents_len, pattern, bytes) != NULL;
		text += line + (end != NULL);
		len -= line + (end != NULL);
	}
	return true;
}

static struct patterns *file_read(const uint8_t *text, size_t len, char **told, size_t *told_len)
{
	static int fd = -1;
	FILE *before = stderr;
	struct patterns *patterns;
	char path[64];

	if (fd < 0)
		fd = memfd_create("patterns", MFD_CLOEXEC);
	CHECK(fd >= 0 && !ftruncate(fd, 0) && pwrite(fd, text, len, 0) == (ssize_t)len);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	stderr = open_memstream(told, told_len);
	patterns = patterns_read(path);
	fclose(stderr);
	stderr = before;
	return patterns;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = size > 1 ? memmem(data, size, "\n\n", 2) : NULL;
	size_t text = end ? (size_t)(end - data) + 1 : size, skip = end ? text + 1 : size, told_len;
	struct choice rest = { data + skip, size - skip };
	size_t len;
	uint8_t *contents = choice_copy(&rest, rest.len, &len);
	struct patterns *patterns;
	bool found;
	char *told;

	patterns = file_read(data, text, &told, &told_len);
	if (patterns) {
		CHECK(!told_len);
		CHECK(lines_are_patterns((const char *)data, text, contents, len, &found));
		CHECK(patterns_found(patterns, contents, len) == found);
	} else {
		CHECK(told_len);
		/* 4096 states hold all patterns of an input, which has two digits for each */
		CHECK(!lines_are_patterns((const char *)data, text, contents, len, &found));
	}
	free(patterns);
	free(told);
	free(contents);
	return 0;
}
