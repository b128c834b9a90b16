/* SPDX-License-Identifier: MIT */
/*
 * The process that runs sequences, in a network of its own. A new one takes its
 * place when a sequence has changed the network, or after a number of sequences.
 */
#ifndef FUZZ_WORKER_H
#define FUZZ_WORKER_H

#include "coverage.h"
#include "sequence.h"

struct result {
	struct coverage coverage;
	int results[MAX_CALLS];		/* of each call: 0 or an errno, -1: not run */
	bool used_up;			/* the worker: its network was left */
	char fault[256];		/* what went wrong; empty: nothing */
};

/* Prepare; coverage is collected if the kernel can. Returns 0 or -1. */
int worker_init(void);

/* Run @sequence. The result is valid until the next one. */
const struct result *worker_run(const struct sequence *sequence);

void worker_end(void);

#endif
