// SPDX-License-Identifier: MIT
/* The three areas in this process's memory. */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/mman.h>

#include "internal.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE	0x100000	/* a kernel without it takes the address for a hint */
#endif

/* At an address where nothing else is, if one is given; elsewhere if that cannot be had. */
static void *fq_mmap(void *wanted, const struct fq_queue *queue, uint64_t offset, uint64_t size,
		     int access)
{
	void *start = MAP_FAILED;

	if (wanted)
		start = mmap(wanted, size, access, MAP_SHARED | MAP_FIXED_NOREPLACE, queue->fd,
			     offset);
	return start == MAP_FAILED ? mmap(NULL, size, access, MAP_SHARED, queue->fd, offset) : start;
}

static int fq_map_area(struct fq_queue *queue, struct fq_area *area, void *wanted,
		       uint64_t offset, uint64_t size, int access)
{
	void *start = fq_mmap(wanted, queue, offset, size, access);

	if (start == MAP_FAILED)
		return -errno;
	area->start = start;
	area->size = size;
	return 0;
}

static int fq_map_at(struct fq_queue *queue, void *answer, void *meta, void *payload)
{
	const struct fastqueue_ring *ring = &queue->ring;
	int both = PROT_READ | PROT_WRITE;
	int access = ring->flags & FASTQUEUE_F_WRITABLE ? both : PROT_READ;
	int err;

	err = fq_map_area(queue, &queue->answer_area, answer, ring->answer_offset,
			  ring->answer_size, both);
	if (!err)
		err = fq_map_area(queue, &queue->meta_area, meta, ring->meta_offset,
				  ring->meta_size, PROT_READ);
	if (!err)
		err = fq_map_area(queue, &queue->payload_area, payload, ring->payload_offset,
				  ring->payload_size, access);
	if (err) {
		fq_unmap(queue);
		return err;
	}
	queue->flags = ring->flags;
	queue->frames = ring->frames;
	queue->order = __builtin_ctz(ring->frames);
	queue->frame_size = ring->frame_size;
	fq_lay_out(queue);
	return 0;
}

int fq_map(struct fq_queue *queue)
{
	return fq_map_at(queue, NULL, NULL, NULL);
}

static void fq_unmap_area(struct fq_area *area)
{
	if (area->start)
		munmap(area->start, area->size);
	area->start = NULL;
}

void fq_unmap(struct fq_queue *queue)
{
	fq_unmap_area(&queue->answer_area);
	fq_unmap_area(&queue->meta_area);
	fq_unmap_area(&queue->payload_area);
	fq_lay_out_empty(queue);
}

void fq_forget_mapping(struct fq_queue *queue)
{
	queue->answer_area.start = NULL;
	queue->meta_area.start = NULL;
	queue->payload_area.start = NULL;
	fq_lay_out_empty(queue);
}

int fq_remap(struct fq_queue *queue)
{
	void *answer = queue->answer_area.start, *meta = queue->meta_area.start;
	void *payload = queue->payload_area.start;

	fq_forget_mapping(queue);
	return fq_map_at(queue, answer, meta, payload);
}

void fq_lay_out(struct fq_queue *queue)
{
	unsigned char *answer = queue->answer_area.start;
	const unsigned char *meta = queue->meta_area.start;

	queue->mapped = true;
	queue->control = (void *)answer;
	queue->words = (void *)(answer + FASTQUEUE_WORDS_OFFSET);
	queue->answers = (void *)(queue->words + queue->frames);
	queue->status = (const void *)meta;
	queue->meta = (const void *)(meta + FASTQUEUE_META_OFFSET);
	queue->payload = queue->payload_area.start;
	queue->fo = queue->control->fo;
	queue->first = queue->fo;
}
