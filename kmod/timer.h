/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The sender's timer: when it runs, and the work of one tick. It notices answers
 * of a handler that is busy, all answers in timer-only mode, and time limits.
 */
#ifndef FASTQUEUE_TIMER_H
#define FASTQUEUE_TIMER_H

#include <linux/compiler.h>

#include "queue_types.h"

void fq_timer_init(struct fq_queue *queue);
void fq_timer_start(struct fq_queue *queue);

/* Called with the lock held: have the timer run while frames are out. */
static inline void fq_timer_arm(struct fq_queue *queue)
{
	if (unlikely(!queue->timer_soon))
		fq_timer_start(queue);
}

void fq_timer_rearm(struct fq_queue *queue);

#endif /* FASTQUEUE_TIMER_H */
