// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "coverage.h"

/* Numbers of a 64-bit kernel, whatever this program is: kcov has no others. */
#define KCOV_INIT_TRACE	0x80086301u
#define KCOV_ENABLE	0x6364u
#define KCOV_DISABLE	0x6365u
#define KCOV_TRACE_PC	0
#define MOST_ENTRIES	(1u << 18)

#define BLOCK_SLOTS	65536u

static int kcov = -1;
static uint64_t *entries;	/* the first one: how many there are */
static uint64_t text;		/* address of the module */

static uint64_t module_text(void)
{
	FILE *file = fopen("/sys/module/fastqueue/sections/.text", "re");
	uint64_t address = 0;

	if (file && fscanf(file, "%" SCNx64, &address) != 1)
		address = 0;
	if (file)
		fclose(file);
	return address;
}

bool coverage_open(void)
{
	kcov = open("/sys/kernel/debug/kcov", O_RDWR | O_CLOEXEC);
	if (kcov < 0)
		return false;
	if (ioctl(kcov, KCOV_INIT_TRACE, MOST_ENTRIES))
		return false;
	entries = mmap(NULL, MOST_ENTRIES * sizeof(*entries), PROT_READ | PROT_WRITE, MAP_SHARED,
		       kcov, 0);
	text = module_text();
	return entries != MAP_FAILED;
}

void coverage_begin(void)
{
	if (kcov < 0)
		return;
	if (ioctl(kcov, KCOV_ENABLE, KCOV_TRACE_PC))
		perror("kcov");
	__atomic_store_n(entries, 0, __ATOMIC_RELAXED);
}

/* Of a block that was not seen before in this sequence. */
static void add_block(struct coverage *coverage, uint32_t block)
{
	static uint32_t slots[BLOCK_SLOTS];
	uint32_t slot = block * 2654435761u >> 16;

	if (!coverage->block_count)
		memset(slots, 0xff, sizeof(slots));
	while (slots[slot] != UINT32_MAX && slots[slot] != block)
		slot = (slot + 1) % BLOCK_SLOTS;
	if (slots[slot] == block || coverage->block_count == MOST_BLOCKS)
		return;
	slots[slot] = block;
	coverage->blocks[coverage->block_count++] = block;
}

static void add_edge(struct coverage *coverage, uint32_t edge)
{
	static uint8_t seen[EDGES];

	if (!coverage->edge_count)
		memset(seen, 0, sizeof(seen));
	if (seen[edge] || coverage->edge_count == MOST_EDGES)
		return;
	seen[edge] = 1;
	coverage->edges[coverage->edge_count++] = edge;
}

void coverage_end(struct coverage *coverage)
{
	uint32_t last = 0;
	uint64_t i, count;

	coverage->edge_count = coverage->block_count = 0;
	if (kcov < 0)
		return;
	if (ioctl(kcov, KCOV_DISABLE, 0))
		perror("kcov");
	count = __atomic_load_n(entries, __ATOMIC_RELAXED);
	for (i = 1; i <= count && i < MOST_ENTRIES; i++) {
		uint32_t block = entries[i] - text;

		add_block(coverage, block);
		add_edge(coverage, (last * 31 ^ block * 2654435761u >> 12) % EDGES);
		last = block;
	}
}
