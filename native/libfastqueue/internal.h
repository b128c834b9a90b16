/* SPDX-License-Identifier: MIT */
/* What a queue is inside; not installed. */
#ifndef LIBFASTQUEUE_INTERNAL_H
#define LIBFASTQUEUE_INTERNAL_H

#include <stddef.h>

#include "fastqueue.h"

struct fq_area {
	void *start;		/* NULL: not mapped */
	size_t size;
};

struct fq_queue {
	int fd;
	struct fastqueue_ring ring;	/* as the kernel filled it in */
	bool mapped;		/* else all below leads to an empty ring */
	uint32_t flags;
	uint32_t frames;
	uint32_t order;		/* frames == 1 << order */
	uint32_t frame_size;
	uint32_t first;		/* of the frames handed out last */
	uint32_t fo;		/* past them */

	struct fastqueue_control *control;
	uint32_t *words;
	struct fastqueue_answer *answers;
	const struct fastqueue_status *status;
	const struct fastqueue_meta *meta;
	unsigned char *payload;

	struct fq_area answer_area;
	struct fq_area meta_area;
	struct fq_area payload_area;
};

/* mmap.c: map all areas of queue->ring, or none (a negative error number). */
int fq_map(struct fq_queue *queue);
void fq_unmap(struct fq_queue *queue);
/* Find the parts of the mapped areas. */
void fq_lay_out(struct fq_queue *queue);
/* empty.c: parts of a ring that has no packets, and never gets any. */
void fq_lay_out_empty(struct fq_queue *queue);

static inline uint32_t fq_slot(const struct fq_queue *queue, uint32_t count)
{
	return count & (queue->frames - 1);
}

/* Lap of a frame, where it stands in a word. */
static inline uint32_t fq_lap(const struct fq_queue *queue, uint32_t count)
{
	return count >> queue->order << FASTQUEUE_LAP_SHIFT;
}

#endif /* LIBFASTQUEUE_INTERNAL_H */
