// SPDX-License-Identifier: MIT
/*
 * The light IDS's patterns: light_ids FILE prints "yes" or "no" for each line of
 * standard input, contents in hexadecimal.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../../../native/light-ids/light-ids.h"

int main(int argc, char **argv)
{
	struct patterns *patterns = argc == 2 ? patterns_read(argv[1]) : NULL;
	unsigned char data[4096];
	unsigned int byte;
	size_t len = 0;
	int character;

	if (!patterns)
		return 2;
	while ((character = getchar()) != EOF) {
		if (character == '\n') {
			puts(patterns_found(patterns, data, len) ? "yes" : "no");
			len = 0;
			continue;
		}
		ungetc(character, stdin);
		if (scanf("%2x", &byte) != 1 || len == sizeof(data))
			abort();
		data[len++] = (unsigned char)byte;
	}
	free(patterns);
	return 0;
}
