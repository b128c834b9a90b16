/* SPDX-License-Identifier: MIT */
/*
 * Coverage of the module by kcov: blocks and edges between them. Only this thread
 * is seen, and of it not what a softirq interrupts it for.
 */
#ifndef FUZZ_COVERAGE_H
#define FUZZ_COVERAGE_H

#include <stdbool.h>
#include <stdint.h>

#define EDGES		65536u	/* edges are numbered by a hash */
#define MOST_EDGES	8192u	/* of one sequence */
#define MOST_BLOCKS	8192u

struct coverage {
	uint32_t edge_count;
	uint32_t edges[MOST_EDGES];	/* each once */
	uint32_t block_count;
	uint32_t blocks[MOST_BLOCKS];	/* offsets from the module's text, each once */
};

/* Whether the kernel has kcov; true until coverage_end() has been called. */
bool coverage_open(void);

void coverage_begin(void);
void coverage_end(struct coverage *coverage);

#endif
