// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "corpus.h"
#include "explore.h"

#define MODULE_SIZE	(1u << 20)
#define REPRODUCED	2	/* an edge that was lost so often is not waited for again */

static uint8_t seen[EDGES];		/* edges, by any sequence */
static uint8_t lost[EDGES];		/* how often an edge did not come again */
static uint8_t blocks[MODULE_SIZE];	/* by their offset */
static unsigned long runs;
static unsigned int edge_total, block_total;

static void blocks_count(const struct coverage *coverage)
{
	uint32_t i;

	for (i = 0; i < coverage->block_count; i++) {
		uint32_t offset = coverage->blocks[i];

		if (offset < MODULE_SIZE && !blocks[offset]) {
			blocks[offset] = 1;
			block_total++;
		}
	}
}

const struct result *explore_run(const struct sequence *sequence)
{
	const struct result *result;

	printf("run %lu\n", ++runs);
	sequence_write(stdout, sequence);
	fflush(stdout);
	result = worker_run(sequence);
	if (result->fault[0]) {
		printf("fault %s\n", result->fault);
		exit(1);
	}
	blocks_count(&result->coverage);
	return result;
}

void explore_keep(const struct sequence *sequence, const struct coverage *coverage)
{
	unsigned int i;

	corpus_add(sequence, coverage);
	for (i = 0; i < coverage->edge_count; i++) {
		edge_total += !seen[coverage->edges[i]];
		seen[coverage->edges[i]] = 1;
	}
}

static unsigned int fresh_edges(const struct coverage *coverage, uint32_t *fresh)
{
	unsigned int i, count = 0;

	for (i = 0; i < coverage->edge_count; i++)
		if (!seen[coverage->edges[i]])
			fresh[count++] = coverage->edges[i];
	return count;
}

/* Move those of @edges that @coverage has to the front. Returns their number. */
static unsigned int common(const struct coverage *coverage, uint32_t *edges, unsigned int count)
{
	static uint8_t found[EDGES];
	unsigned int i, left = 0;

	memset(found, 0, sizeof(found));
	for (i = 0; i < coverage->edge_count; i++)
		found[coverage->edges[i]] = 1;
	for (i = 0; i < count; i++) {
		if (found[edges[i]]) {
			uint32_t edge = edges[i];

			edges[i] = edges[left];
			edges[left++] = edge;
		}
	}
	return left;
}

static bool still(const struct sequence *sequence, uint32_t *edges, unsigned int count)
{
	return common(&explore_run(sequence)->coverage, edges, count) == count;
}

/* Of the fresh edges those that come again; what a second processor or a timer did may not. */
static unsigned int reproduced(const struct sequence *sequence, uint32_t *fresh, unsigned int count)
{
	unsigned int i, left = common(&explore_run(sequence)->coverage, fresh, count);

	for (i = left; i < count; i++)
		if (++lost[fresh[i]] == REPRODUCED)
			seen[fresh[i]] = 1;
	return left;
}

static void drop_calls(struct sequence *sequence, uint32_t *edges, unsigned int count)
{
	struct sequence shorter;
	unsigned int place = sequence->length;

	while (place-- && sequence->length > 1) {
		shorter = *sequence;
		shorter.length--;
		memmove(&shorter.calls[place], &shorter.calls[place + 1],
			(shorter.length - place) * sizeof(shorter.calls[0]));
		if (still(&shorter, edges, count))
			*sequence = shorter;
	}
}

/* One field of a call as usual, if that makes no difference. */
static void simplify_field(struct sequence *sequence, void *field, size_t size, uint32_t standard,
			   uint32_t *edges, unsigned int count)
{
	uint32_t old = 0;

	memcpy(&old, field, size);
	if (old == standard)
		return;
	memcpy(field, &standard, size);
	if (!still(sequence, edges, count))
		memcpy(field, &old, size);
}

static void simplify(struct sequence *sequence, uint32_t *edges, unsigned int count)
{
	unsigned int i, j;

	for (i = 0; i < sequence->length; i++) {
		struct call *call = &sequence->calls[i];
		const struct call_type *type = &call_types[call->type];

		simplify_field(sequence, &call->async, sizeof(call->async), 0, edges, count);
		simplify_field(sequence, &call->fail, sizeof(call->fail), 0, edges, count);
		for (j = 0; j < argument_count(type); j++)
			simplify_field(sequence, &call->arguments[j], sizeof(call->arguments[j]),
				       type->arguments[j].standard, edges, count);
	}
}

void explore_try(struct sequence *sequence)
{
	static uint32_t fresh[MOST_EDGES];
	unsigned int count = fresh_edges(&explore_run(sequence)->coverage, fresh);

	if (!count)
		return;
	count = reproduced(sequence, fresh, count);
	if (!count)
		return;
	drop_calls(sequence, fresh, count);
	explore_keep(sequence, &explore_run(sequence)->coverage);
}

/* Edges that no other entry of the corpus reaches. */
static unsigned int own_edges(unsigned int place, uint32_t *own)
{
	static uint16_t entries[EDGES];
	unsigned int i, j, count = 0;

	memset(entries, 0, sizeof(entries));
	for (i = 0; i < corpus_size; i++)
		for (j = 0; j < corpus[i].edge_count; j++)
			entries[corpus[i].edges[j]]++;
	for (j = 0; j < corpus[place].edge_count; j++)
		if (entries[corpus[place].edges[j]] == 1)
			own[count++] = corpus[place].edges[j];
	return count;
}

void explore_reduce(void)
{
	static uint32_t own[MOST_EDGES];
	unsigned int place = corpus_size;

	/* from the end, so that corpus_remove() moves none that is still to come */
	while (place--) {
		struct sequence sequence = corpus[place].sequence;
		unsigned int count = own_edges(place, own);

		if (count)
			count = common(&explore_run(&sequence)->coverage, own, count);
		corpus_remove(place);
		if (!count)
			continue;
		drop_calls(&sequence, own, count);
		simplify(&sequence, own, count);
		explore_keep(&sequence, &explore_run(&sequence)->coverage);
	}
}

bool explore_sees(void)
{
	return edge_total > 0;
}

void explore_summary(void)
{
	printf("{\"runs\": %lu, \"corpus\": %u, \"edges\": %u, \"blocks\": %u}\n", runs, corpus_size,
	       edge_total, block_total);
	fflush(stdout);
}

void explore_write_blocks(const char *path)
{
	FILE *file = fopen(path, "we");
	uint32_t i;

	for (i = 0; file && i < MODULE_SIZE; i++)
		if (blocks[i])
			fprintf(file, "%#x\n", i);
	if (file)
		fclose(file);
}
