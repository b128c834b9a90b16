/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A frame's life: published by the receiver, settled by the sender, flushed or
 * moved to another ring. Only this file changes slot, word and counters, always
 * together and with the queue's lock held, so that
 *
 *	queued   = accepted + dropped + flushed + occupied
 *	received = queued + default_accepted + default_dropped
 *
 * hold whenever the lock is free.
 */
#ifndef FASTQUEUE_FRAME_H
#define FASTQUEUE_FRAME_H

#include <linux/types.h>

struct fq_origin;
struct fq_queue;
struct fq_ring;
struct nf_queue_entry;

/* Result of looking at a frame; from FQ_ANSWERED on its packet leaves. */
enum fq_finding { FQ_EMPTY, FQ_PENDING, FQ_ANSWERED, FQ_TIMED_OUT, FQ_FLUSHED };

u64 fq_frames_occupied(const struct fq_queue *queue);

int fq_frame_receive(struct fq_queue *queue, struct nf_queue_entry *entry,
		     const struct fq_origin *origin);
unsigned int fq_frame_refuse(struct fq_queue *queue, const struct nf_queue_entry *entry,
			     int err);
void fq_frame_count_lost(struct fq_queue *queue);

enum fq_finding fq_frame_settle(struct fq_queue *queue, u32 count,
				struct nf_queue_entry **settled);
struct nf_queue_entry *fq_frame_flush(struct fq_queue *queue, u32 count,
				      unsigned int verdict);
struct nf_queue_entry *fq_frame_move(struct fq_queue *queue, struct fq_ring *old, u32 count);
struct nf_queue_entry *fq_frame_undefer(struct fq_queue *queue, struct nf_queue_entry *entry,
					const struct fq_origin *origin);

#endif /* FASTQUEUE_FRAME_H */
