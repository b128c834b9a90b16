/* SPDX-License-Identifier: MIT */
/*
 * Programs that read their command line: an input is its words, one a line. They are
 * compiled with -Dexit=program_exit, so that the target goes on where they end.
 */
#ifndef FUZZ_COMMAND_LINE_H
#define FUZZ_COMMAND_LINE_H

#include <getopt.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver.h"

#define WORDS_MAX 16
#define RETURNED -1	/* the program took its options and went on */

static jmp_buf program_end;
static int program_status;

void program_exit(int status) __attribute__((noreturn));

void program_exit(int status)
{
	program_status = status;
	longjmp(program_end, 1);
}

/* Each word in memory of just its length; argv is ended by NULL. */
static inline int words_make(char **argv, const char *name, const uint8_t *data, size_t size)
{
	int argc = 1;

	argv[0] = strdup(name);
	while (size && argc < WORDS_MAX) {
		const uint8_t *end = memchr(data, '\n', size);
		size_t len = end ? (size_t)(end - data) : size;

		argv[argc++] = strndup((const char *)data, len);
		data += len + (end != NULL);
		size -= len + (end != NULL);
	}
	argv[argc] = NULL;
	return argc;
}

static inline void words_free(char **argv, int argc)
{
	/* getopt() changes their order, not their number */
	while (argc--)
		free(argv[argc]);
}

static inline int program_run(void (*run)(int argc, char **argv), int argc, char **argv)
{
	program_status = RETURNED;
	optind = 0;	/* have glibc begin anew */
	if (!setjmp(program_end))
		run(argc, argv);
	return program_status;
}

/* What a program printed on stderr, and how often it should have: wrong arguments are told of. */
struct told {
	FILE *before;
	char *text;
	size_t len;
};

static inline void told_begin(struct told *told)
{
	told->before = stderr;
	stderr = open_memstream(&told->text, &told->len);
	CHECK(stderr);
}

static inline void told_end(struct told *told, int status)
{
	fclose(stderr);
	stderr = told->before;
	CHECK((status == 2) == (told->len > 0));
	free(told->text);
}

#endif /* FUZZ_COMMAND_LINE_H */
