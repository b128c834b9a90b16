/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory held by the packets in a queue's frames. The queue reserves it from its
 * account in large chunks, so that most packets change one counter only. With
 * the queue's lock held.
 */
#ifndef FASTQUEUE_PACKET_MEMORY_H
#define FASTQUEUE_PACKET_MEMORY_H

#include <linux/compiler.h>
#include <linux/types.h>

#include "queue_types.h"

#define FQ_RESERVE_CHUNK	(128u << 10)

bool fq_packet_memory_reserve(struct fq_queue *queue, unsigned long held);
void fq_packet_memory_return(struct fq_queue *queue, unsigned long keep);

/* Account for a packet that comes; false: there is no memory for it. */
static inline bool fq_packet_memory_hold(struct fq_queue *queue, u32 truesize)
{
	unsigned long held = queue->held + truesize;

	if (unlikely(held > queue->reserved) && !fq_packet_memory_reserve(queue, held))
		return false;
	queue->held = held;
	return true;
}

static inline void fq_packet_memory_release(struct fq_queue *queue, u32 truesize)
{
	queue->held -= truesize;
}

/* Return what was reserved for a burst that is over. */
static inline void fq_packet_memory_trim(struct fq_queue *queue)
{
	if (unlikely(queue->reserved - queue->held > 2 * FQ_RESERVE_CHUNK))
		fq_packet_memory_return(queue, queue->held + FQ_RESERVE_CHUNK);
}

#endif /* FASTQUEUE_PACKET_MEMORY_H */
