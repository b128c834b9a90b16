/* SPDX-License-Identifier: MIT */
/* Sequences that are kept, each because it reached what none before it did. */
#ifndef FUZZ_CORPUS_H
#define FUZZ_CORPUS_H

#include "coverage.h"
#include "sequence.h"

#define MOST_ENTRIES_KEPT	2048

struct entry {
	struct sequence sequence;
	uint32_t *edges;
	uint32_t edge_count;
};

extern struct entry corpus[MOST_ENTRIES_KEPT];
extern unsigned int corpus_size;

/* Add a sequence and what it covers; with a full corpus it is lost. */
void corpus_add(const struct sequence *sequence, const struct coverage *coverage);

/* Remove an entry; those behind it move down. */
void corpus_remove(unsigned int place);

/* Read all sequences of a file, which may not exist. Returns their number, or -1. */
int corpus_read(const char *path, struct sequence *sequences, unsigned int most);

/* Write the fewest that together cover all edges, found by taking the best next one. Returns their number, or -1. */
int corpus_write(const char *path);

#endif
