/* SPDX-License-Identifier: GPL-2.0-only */
/* Answers with arguments: read once into the kernel's own copy, checked, applied. */
#ifndef FASTQUEUE_ANSWER_H
#define FASTQUEUE_ANSWER_H

#include <linux/types.h>

struct fastqueue_answer;
struct fq_queue;

bool fq_answer_read(const struct fq_queue *queue, u32 index, u32 word,
		    struct fastqueue_answer *own);
int fq_answer_apply(struct fq_queue *queue, u32 index, u32 word,
		    const struct fastqueue_answer *answer, unsigned int *verdict);

#endif /* FASTQUEUE_ANSWER_H */
