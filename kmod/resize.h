/* SPDX-License-Identifier: GPL-2.0-only */
/* Exchanging the ring of a live queue. */
#ifndef FASTQUEUE_RESIZE_H
#define FASTQUEUE_RESIZE_H

struct fastqueue_ring;
struct fq_queue;

int fq_queue_resize(struct fq_queue *queue, const struct fastqueue_ring *request);

#endif /* FASTQUEUE_RESIZE_H */
