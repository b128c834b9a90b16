// SPDX-License-Identifier: MIT
/*
 * Coverage-guided fuzzing of /dev/fastqueue, in the target.
 *
 *	abi-fuzz replay FILE			run the sequences of a file once
 *	abi-fuzz fuzz FILE SECONDS SEED		look for more, and write the file again
 *
 * Each sequence is printed before it runs, so that the last one is known if the
 * kernel does not survive it. Status 1: something went wrong in the last one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <time.h>
#include <unistd.h>

#include "corpus.h"
#include "mutate.h"
#include "worker.h"

#define DEBUG		"/sys/kernel/debug"
#define MODULE_SIZE	(1u << 20)
#define REPRODUCED	2	/* an edge that was lost so often is not waited for again */

static uint8_t seen[EDGES];		/* edges, by any sequence */
static uint8_t lost[EDGES];		/* how often an edge did not come again */
static uint8_t blocks[MODULE_SIZE];	/* by their offset */
static unsigned long runs;
static unsigned int edge_total, block_total;

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	if (!file)
		return;		/* a kernel without it */
	fputs(text, file);
	fclose(file);
}

/* Let allocations fail without a report of it, those that may sleep as well. */
static void faults_init(void)
{
	static const char *const names[] = { "failslab", "fail_page_alloc" };
	char path[96];
	unsigned int i;

	mount("debugfs", DEBUG, "debugfs", 0, NULL);
	for (i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), DEBUG "/%s/ignore-gfp-wait", names[i]);
		write_file(path, "N");
		snprintf(path, sizeof(path), DEBUG "/%s/verbose", names[i]);
		write_file(path, "0");
	}
}

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

/* Run a sequence; the program ends where something is wrong. */
static const struct result *run(const struct sequence *sequence)
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

/* Edges of @coverage that are new, or NULL-ended none: their number. */
static unsigned int fresh_edges(const struct coverage *coverage, uint32_t *fresh)
{
	unsigned int i, count = 0;

	for (i = 0; i < coverage->edge_count; i++)
		if (!seen[coverage->edges[i]])
			fresh[count++] = coverage->edges[i];
	return count;
}

static bool covers(const struct coverage *coverage, const uint32_t *edges, unsigned int count)
{
	static uint8_t found[EDGES];
	unsigned int i;

	memset(found, 0, sizeof(found));
	for (i = 0; i < coverage->edge_count; i++)
		found[coverage->edges[i]] = 1;
	for (i = 0; i < count; i++)
		if (!found[edges[i]])
			return false;
	return true;
}

static void keep(const struct sequence *sequence, const struct coverage *coverage)
{
	unsigned int i;

	corpus_add(sequence, coverage);
	for (i = 0; i < coverage->edge_count; i++) {
		edge_total += !seen[coverage->edges[i]];
		seen[coverage->edges[i]] = 1;
	}
}

/* Of the fresh edges those that come again; what a second processor or a timer did may not. */
static unsigned int reproduced(const struct sequence *sequence, uint32_t *fresh, unsigned int count)
{
	const struct coverage *coverage = &run(sequence)->coverage;
	unsigned int i, left = 0;

	for (i = 0; i < count; i++) {
		if (covers(coverage, &fresh[i], 1))
			fresh[left++] = fresh[i];
		else if (++lost[fresh[i]] == REPRODUCED)
			seen[fresh[i]] = 1;
	}
	return left;
}

static bool still(const struct sequence *sequence, const uint32_t *fresh, unsigned int count)
{
	return covers(&run(sequence)->coverage, fresh, count);
}

static void drop_calls(struct sequence *sequence, const uint32_t *fresh, unsigned int count)
{
	struct sequence shorter;
	unsigned int place = sequence->length;

	while (place-- && sequence->length > 1) {
		shorter = *sequence;
		shorter.length--;
		memmove(&shorter.calls[place], &shorter.calls[place + 1],
			(shorter.length - place) * sizeof(shorter.calls[0]));
		if (still(&shorter, fresh, count))
			*sequence = shorter;
	}
}

/* One field of a call as usual, if that makes no difference. */
static void field_simplify(struct sequence *sequence, void *field, size_t size, uint32_t standard,
			   const uint32_t *fresh, unsigned int count)
{
	uint32_t old = 0;

	memcpy(&old, field, size);
	if (old == standard)
		return;
	memcpy(field, &standard, size);
	if (!still(sequence, fresh, count))
		memcpy(field, &old, size);
}

static void simplify(struct sequence *sequence, const uint32_t *fresh, unsigned int count)
{
	unsigned int i, j;

	for (i = 0; i < sequence->length; i++) {
		struct call *call = &sequence->calls[i];
		const struct call_type *type = &call_types[call->type];

		field_simplify(sequence, &call->async, sizeof(call->async), 0, fresh, count);
		field_simplify(sequence, &call->fail, sizeof(call->fail), 0, fresh, count);
		for (j = 0; j < argument_count(type); j++)
			field_simplify(sequence, &call->arguments[j], sizeof(call->arguments[j]),
				       type->arguments[j].standard, fresh, count);
	}
}

/* Run a sequence; with something new, its smallest form is kept. */
static void try(struct sequence *sequence)
{
	static uint32_t fresh[MOST_EDGES];
	unsigned int count = fresh_edges(&run(sequence)->coverage, fresh);

	if (!count)
		return;
	count = reproduced(sequence, fresh, count);
	if (!count)
		return;
	drop_calls(sequence, fresh, count);
	simplify(sequence, fresh, count);
	keep(sequence, &run(sequence)->coverage);
}

static void summary(void)
{
	printf("{\"runs\": %lu, \"corpus\": %u, \"edges\": %u, \"blocks\": %u}\n", runs, corpus_size,
	       edge_total, block_total);
	fflush(stdout);
}

static int fuzz(const struct sequence *begin, unsigned int count, const char *path, time_t seconds)
{
	time_t until;
	unsigned int i;

	for (i = 0; i < count; i++)
		keep(&begin[i], &run(&begin[i])->coverage);
	until = time(NULL) + seconds;
	while (time(NULL) < until) {
		struct sequence sequence;

		if (!corpus_size || !random_below(10)) {
			sequence_generate(&sequence);
		} else {
			sequence = corpus[random_below(corpus_size)].sequence;
			sequence_mutate(&sequence, &corpus[random_below(corpus_size)].sequence);
		}
		try(&sequence);
	}
	worker_end();
	summary();
	return corpus_write(path) < 0;
}

static int replay(const struct sequence *sequences, unsigned int count)
{
	static unsigned int done[256], refused[256];
	unsigned int i, j;

	for (i = 0; i < count; i++) {
		const struct result *result = run(&sequences[i]);

		for (j = 0; j < sequences[i].length; j++)
			(result->results[j] ? refused : done)[sequences[i].calls[j].type]++;
		keep(&sequences[i], &result->coverage);
	}
	worker_end();
	for (i = 0; i < call_type_count; i++)
		printf("call %s %u %u\n", call_types[i].name, done[i], refused[i]);
	summary();
	return 0;
}

static void blocks_write(const char *path)
{
	char name[256];
	uint32_t i;
	FILE *file;

	snprintf(name, sizeof(name), "%s.blocks", path);
	file = fopen(name, "we");
	if (!file)
		return;
	for (i = 0; i < MODULE_SIZE; i++)
		if (blocks[i])
			fprintf(file, "%#x\n", i);
	fclose(file);
}

int main(int argc, char **argv)
{
	static struct sequence sequences[MOST_ENTRIES_KEPT];
	bool fuzzing = argc == 5 && !strcmp(argv[1], "fuzz");
	int count, status;

	if (!fuzzing && (argc != 3 || strcmp(argv[1], "replay"))) {
		fputs("usage: abi-fuzz replay FILE | fuzz FILE SECONDS SEED\n", stderr);
		return 2;
	}
	count = corpus_read(argv[2], sequences, MOST_ENTRIES_KEPT);
	faults_init();
	if (count < 0 || worker_init())
		return 2;
	random_seed(fuzzing ? strtoull(argv[4], NULL, 0) : 1);
	status = fuzzing ? fuzz(sequences, count, argv[2], strtol(argv[3], NULL, 0)) :
			   replay(sequences, count);
	blocks_write(argv[2]);
	return status;
}
