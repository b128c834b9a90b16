/* SPDX-License-Identifier: MIT */
/* What sequences reach, and which of them are kept. */
#ifndef FUZZ_EXPLORE_H
#define FUZZ_EXPLORE_H

#include "worker.h"

/* Print a sequence and run it. The program ends, with status 1, if something is wrong. */
const struct result *explore_run(const struct sequence *sequence);

/* Add a sequence to the corpus; it has reached @coverage. */
void explore_keep(const struct sequence *sequence, const struct coverage *coverage);

/* Run a sequence; if it reaches new edges, and does so again, its smallest form is kept. */
void explore_try(struct sequence *sequence);

/* Shorten the corpus: sequences that reach nothing alone go, others lose what they do not need for that. */
void explore_reduce(void);

/* Whether the kernel told what was reached; without that a corpus cannot be judged. */
bool explore_sees(void);

/* Print counts as a line of JSON. */
void explore_summary(void);

/* Write the blocks that were reached, as offsets in the module's text. */
void explore_write_blocks(const char *path);

#endif
