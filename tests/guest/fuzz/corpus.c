// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "corpus.h"

#define HEADING \
	"# SPDX-License-Identifier: MIT\n" \
	"# Sequences of calls that together reach what fuzzing of the ABI has reached so far; made by\n" \
	"# `./inv fuzz`. An empty line ends a sequence; arguments that are not named have their standard\n" \
	"# value (tests/guest/fuzz/calls.c).\n\n"

struct entry corpus[MOST_ENTRIES_KEPT];
unsigned int corpus_size;

void corpus_add(const struct sequence *sequence, const struct coverage *coverage)
{
	struct entry *entry = &corpus[corpus_size];
	size_t size = coverage->edge_count * sizeof(*entry->edges);

	if (corpus_size == MOST_ENTRIES_KEPT)
		return;
	entry->edges = malloc(size ? size : 1);
	if (!entry->edges)
		return;
	memcpy(entry->edges, coverage->edges, size);
	entry->edge_count = coverage->edge_count;
	entry->sequence = *sequence;
	corpus_size++;
}

void corpus_remove(unsigned int place)
{
	free(corpus[place].edges);
	corpus_size--;
	memmove(&corpus[place], &corpus[place + 1], (corpus_size - place) * sizeof(corpus[0]));
}

int corpus_read(const char *path, struct sequence *sequences, unsigned int most)
{
	FILE *file = fopen(path, "re");
	unsigned int count = 0;
	int more = 1;

	if (!file)
		return errno == ENOENT ? 0 : -1;
	while (count < most && (more = sequence_read(file, &sequences[count])) > 0)
		count++;
	fclose(file);
	return more < 0 ? -1 : (int)count;
}

static unsigned int uncovered(const struct entry *entry, const uint8_t *covered)
{
	unsigned int i, count = 0;

	for (i = 0; i < entry->edge_count; i++)
		count += !covered[entry->edges[i]];
	return count;
}

static struct entry *best_next(const uint8_t *covered)
{
	struct entry *best = NULL;
	unsigned int i, most = 0;

	for (i = 0; i < corpus_size; i++) {
		unsigned int count = uncovered(&corpus[i], covered);

		/* of equal ones the shortest */
		if (count > most || (count && count == most &&
				     corpus[i].sequence.length < best->sequence.length)) {
			best = &corpus[i];
			most = count;
		}
	}
	return best;
}

int corpus_write(const char *path)
{
	static uint8_t covered[EDGES];
	FILE *file = fopen(path, "we");
	struct entry *entry;
	uint32_t i;
	int count = 0;

	if (!file)
		return -1;
	memset(covered, 0, sizeof(covered));
	fputs(HEADING, file);
	while ((entry = best_next(covered))) {
		sequence_write(file, &entry->sequence);
		for (i = 0; i < entry->edge_count; i++)
			covered[entry->edges[i]] = 1;
		count++;
	}
	return fclose(file) ? -1 : count;
}
