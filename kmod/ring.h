/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The memory of one ring: three shared areas, and the kernel's own record of
 * the content of each frame, which userspace can neither see nor change.
 */
#ifndef FASTQUEUE_RING_H
#define FASTQUEUE_RING_H

#include <linux/atomic.h>
#include <linux/mm_types.h>
#include <linux/types.h>
#include <linux/fastqueue.h>

#include "word.h"

struct fq_account;
struct nf_queue_entry;

/* The kernel's record of a frame; entry is NULL unless a packet is in it. */
struct fq_slot {
	struct nf_queue_entry *entry;
	unsigned long queued_at;	/* jiffies */
	u32 cap_len;			/* bytes that the handler sees */
	u32 truesize;			/* bytes that the packet holds */
};

struct fq_ring {
	u32 frames;
	u32 order;			/* frames == 1 << order */
	u32 frame_size;
	struct fq_slot *slots;

	struct fastqueue_control *control;
	u32 *words;
	struct fastqueue_answer *answers;

	struct fastqueue_status *status;
	struct fastqueue_meta *meta;

	u8 *payload;

	struct fq_account *account;	/* of the queue, which outlives the ring */
	u64 bytes;			/* charged to it */
	size_t answer_size;
	size_t meta_size;
	size_t payload_size;
	atomic_t mapped;		/* areas, or parts, in address spaces */
};

struct fq_ring *fq_ring_alloc(struct fq_account *account, u32 frames, u32 frame_size);
void fq_ring_free(struct fq_ring *ring);
void fq_ring_describe(const struct fq_ring *ring, struct fastqueue_ring *answer);
int fq_ring_mmap(struct fq_ring *ring, struct vm_area_struct *vma,
		 bool payload_writable);

/* Slot of the frame with this count. */
static inline u32 fq_ring_index(const struct fq_ring *ring, u32 count)
{
	return count & (ring->frames - 1);
}

/* Lap of the frame with this count, positioned as in a word. */
static inline u32 fq_ring_lap(const struct fq_ring *ring, u32 count)
{
	return fq_word_lap(count, ring->order);
}

#endif /* FASTQUEUE_RING_H */
