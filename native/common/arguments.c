// SPDX-License-Identifier: MIT
#include "arguments.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "printable.h"

void argument_wrong(const char *program, const char *found, const char *expected)
{
	fprintf(stderr, "%s: found ", program);
	printable_quote(stderr, found, strlen(found));
	fprintf(stderr, ", expected %s; see --help\n", expected);
	exit(2);
}

uint32_t argument_number(const char *program, const char *text, uint32_t low, uint32_t high)
{
	unsigned long value;
	char *end, expected[64];

	errno = 0;
	value = strtoul(text, &end, 10);
	snprintf(expected, sizeof(expected), "a number from %u to %u", low, high);
	/* strtoul() takes spaces and signs, too */
	if (errno || end == text || *end || *text < '0' || *text > '9' || value < low || value > high)
		argument_wrong(program, text, expected);
	return (uint32_t)value;
}

void arguments_end(int argc, char **argv)
{
	if (optind < argc)
		argument_wrong(argv[0], argv[optind], "options only");
}
