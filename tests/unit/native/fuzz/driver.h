/* SPDX-License-Identifier: MIT */
/*
 * Coverage-guided fuzzing of one target, for compilers without libFuzzer. A target
 * has libFuzzer's entry point, and can be linked with libFuzzer instead.
 */
#ifndef FUZZ_DRIVER_H
#define FUZZ_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define INPUT_MAX 4096	/* bytes of an input */

/* The target: runs one input; what must hold is checked with CHECK(). */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/* Optional: text that inputs are likely to have, ended by NULL. */
extern const char *const fuzz_words[] __attribute__((weak));

#define CHECK(condition)							\
	do {									\
		if (!(condition)) {						\
			dprintf(2, "%s:%d: does not hold: %s\n", __FILE__,	\
				__LINE__, #condition);				\
			abort();						\
		}								\
	} while (0)

/* coverage.c: edges that the last input reached. */
void coverage_begin(void);
/* Whether one of them is new, or was taken more often than ever; and remember them. */
bool coverage_is_new(bool *edge);
unsigned int coverage_edges(void);

/* mutate.c */
struct input {
	uint64_t len;
	uint8_t data[INPUT_MAX];
};

uint32_t chance(uint32_t below);
void chance_seed(uint64_t seed);
void mutate(struct input *input, const struct input *other);

#endif /* FUZZ_DRIVER_H */
