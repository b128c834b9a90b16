/* SPDX-License-Identifier: GPL-2.0-only */
/* Life of a queue: created by an ioctl, changed by others, closed with its file. */
#ifndef FASTQUEUE_QUEUE_H
#define FASTQUEUE_QUEUE_H

struct fastqueue_ring;
struct fastqueue_settings;
struct fastqueue_stats;
struct fq_account;
struct fq_queue;
struct fq_ring;
struct net;

int fq_queues_init(void);
void fq_queues_exit(void);

int fq_request_check(struct fastqueue_ring *wanted);
struct fq_ring *fq_queue_ring_alloc(struct fq_account *account,
				    const struct fastqueue_ring *wanted);
struct fq_queue *fq_queue_create(struct net *net,
				 const struct fastqueue_ring *request);
void fq_queue_close(struct fq_queue *queue);
int fq_queue_set(struct fq_queue *queue, const struct fastqueue_settings *set);
void fq_queue_stats(struct fq_queue *queue, struct fastqueue_stats *stats);

#endif /* FASTQUEUE_QUEUE_H */
