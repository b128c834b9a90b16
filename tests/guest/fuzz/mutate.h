/* SPDX-License-Identifier: MIT */
#ifndef FUZZ_MUTATE_H
#define FUZZ_MUTATE_H

#include "sequence.h"

/* Numbers that depend on the seed alone. */
void random_seed(uint64_t seed);
uint32_t random_below(uint32_t limit);

/* Make up a sequence: a queue in use, then anything. */
void sequence_generate(struct sequence *sequence);

/* Change @sequence; @other gives it calls. */
void sequence_mutate(struct sequence *sequence, const struct sequence *other);

#endif
