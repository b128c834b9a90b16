/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The packet sender: driven by a timer (timer.c), and at once when the handler
 * enters poll() or asks. It owns FP, settles processed frames in order and gives
 * their packets back to netfilter.
 */
#ifndef FASTQUEUE_SENDER_H
#define FASTQUEUE_SENDER_H

#include <linux/types.h>

struct fq_queue;

void fq_sender_request(struct fq_queue *queue);
bool fq_sender_work(struct fq_queue *queue, unsigned int batches);
void fq_sender_run(struct fq_queue *queue);
bool fq_sender_poll(struct fq_queue *queue);
bool fq_sender_unseen(struct fq_queue *queue);

#endif /* FASTQUEUE_SENDER_H */
