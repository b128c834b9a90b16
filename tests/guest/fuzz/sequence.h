/* SPDX-License-Identifier: MIT */
/* A sequence of calls, and its form as text: one call per line, "name argument=value ...". */
#ifndef FUZZ_SEQUENCE_H
#define FUZZ_SEQUENCE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define MAX_ARGUMENTS	14
#define MAX_CALLS	32

struct call {
	uint8_t type;		/* index into call_types */
	bool async;		/* in a thread of its own, beside the calls that follow */
	uint8_t fail;		/* the n-th allocation fails, 0: none */
	uint32_t arguments[MAX_ARGUMENTS];
};

struct sequence {
	unsigned int length;
	struct call calls[MAX_CALLS];
};

struct session;

/* Usual values of an argument: one of @values, or any bits of @mask. */
struct argument {
	const char *name;
	uint32_t standard;	/* where the text names none */
	const uint32_t *values;
	unsigned int count;
	uint32_t mask;
};

/* What a call may come with. */
#define MAY_FAIL	1	/* an allocation that fails */
#define MAY_CONCUR	2	/* a thread of its own */

struct call_type {
	const char *name;
	unsigned int weight;	/* how often it is generated */
	unsigned int traits;
	int (*run)(struct session *session, const uint32_t *arguments);
	struct argument arguments[MAX_ARGUMENTS];
};

/* calls.c */
extern const struct call_type call_types[];
extern const unsigned int call_type_count;

/* Number of arguments that a type has. */
unsigned int argument_count(const struct call_type *type);

/* Fill in the standard values. */
void call_init(struct call *call, unsigned int type);

/*
 * Read the next sequence of @file into @sequence: lines up to an empty one,
 * without comments. 1: read; 0: no more; -1: wrong, and a line on stderr says why.
 */
int sequence_read(FILE *file, struct sequence *sequence);

void sequence_write(FILE *file, const struct sequence *sequence);

#endif
