/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Lines in the kernel log about a queue in trouble: one of each kind per ten
 * seconds and queue, and for all queues together no more than net.core.message_*
 * allow. /proc/net/fastqueue has the counts. Some lines are written with the
 * queue's lock held, as nfnetlink_queue's are.
 */
#ifndef FASTQUEUE_LOG_H
#define FASTQUEUE_LOG_H

#include <linux/types.h>

struct fq_queue;

void fq_log_init(struct fq_queue *queue);
void fq_log_full(struct fq_queue *queue, unsigned int action);
void fq_log_invalid(struct fq_queue *queue, u32 index, u32 word);
void fq_log_timed_out(struct fq_queue *queue, unsigned int action);
void fq_log_flushed(struct fq_queue *queue, u64 count, unsigned int action);

#endif /* FASTQUEUE_LOG_H */
