// SPDX-License-Identifier: MIT
/*
 * Edges between blocks of the target, as -fsanitize-coverage=trace-pc reports them,
 * with how often each was taken in steps of powers of two. Built without that option.
 */
#include <string.h>

#include "driver.h"

#define EDGES (1u << 16)

extern const char __executable_start[];

static uint8_t hits[EDGES] __attribute__((aligned(8)));	/* of the last input */
static uint8_t known[EDGES];	/* a bit for each step */
static uint32_t before;

void __sanitizer_cov_trace_pc(void);

void __sanitizer_cov_trace_pc(void)
{
	uintptr_t here = (uintptr_t)__builtin_return_address(0) - (uintptr_t)__executable_start;
	uint32_t block = (uint32_t)here * 0x9e3779b1u >> 16;
	uint8_t *hit = &hits[(block ^ before) & (EDGES - 1)];

	*hit += *hit < 255;
	before = block >> 1;
}

void coverage_begin(void)
{
	memset(hits, 0, sizeof(hits));
	before = 0;
}

static bool step_is_new(uint32_t edge)
{
	uint8_t step = hits[edge] ? (uint8_t)(1u << (31 - __builtin_clz(hits[edge]))) : 0;
	bool found = step & ~known[edge];

	known[edge] |= step;
	return found;
}

/* Most edges were not reached: eight of them at once. */
bool coverage_is_new(bool *edge)
{
	bool found = false;
	uint32_t i, each;

	*edge = false;
	for (i = 0; i < EDGES; i += 8)
		if (*(const uint64_t *)&hits[i])
			for (each = i; each < i + 8; each++) {
				*edge |= hits[each] && !known[each];
				found |= step_is_new(each);
			}
	return found;
}

unsigned int coverage_edges(void)
{
	unsigned int edges = 0;
	uint32_t i;

	for (i = 0; i < EDGES; i++)
		edges += known[i] != 0;
	return edges;
}
