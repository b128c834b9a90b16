// SPDX-License-Identifier: MIT
/* Life of a queue: open, allocate, map, close. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "queue.h"

static int fq_allocate(struct fq_queue *queue, const struct fq_options *options,
		       struct fastqueue_ring *ring)
{
	*ring = (struct fastqueue_ring){
		.version = FASTQUEUE_ABI_VERSION,
		.size = sizeof(*ring),
		.queue = options->queue,
		.frames = options->frames,
		.frame_size = options->frame_size,
		.copy_range = options->copy_range,
		.default_action = options->default_action,
		.period_us = options->period_us,
		.timeout_ms = options->timeout_ms,
		.flags = options->flags,
	};
	if (ioctl(queue->fd, FASTQUEUE_IOC_ALLOC, ring) < 0)
		return -errno;
	queue->flags = ring->flags;
	queue->frames = ring->frames;
	queue->order = __builtin_ctz(ring->frames);
	queue->frame_size = ring->frame_size;
	return 0;
}

static int fq_map(struct fq_queue *queue, struct fq_area *area, uint64_t offset,
		  uint64_t size, int access)
{
	void *start = mmap(NULL, size, access, MAP_SHARED, queue->fd, offset);

	if (start == MAP_FAILED)
		return -errno;
	area->start = start;
	area->size = size;
	return 0;
}

static int fq_map_all(struct fq_queue *queue, const struct fastqueue_ring *ring)
{
	int both = PROT_READ | PROT_WRITE;
	int payload = ring->flags & FASTQUEUE_F_WRITABLE ? both : PROT_READ;
	int err;

	err = fq_map(queue, &queue->answer_area, ring->answer_offset,
		     ring->answer_size, both);
	if (!err)
		err = fq_map(queue, &queue->meta_area, ring->meta_offset,
			     ring->meta_size, PROT_READ);
	if (!err)
		err = fq_map(queue, &queue->payload_area, ring->payload_offset,
			     ring->payload_size, payload);
	return err;
}

void fq_lay_out(struct fq_queue *queue)
{
	unsigned char *answer = queue->answer_area.start;
	const unsigned char *meta = queue->meta_area.start;

	queue->control = (void *)answer;
	queue->words = (void *)(answer + FASTQUEUE_WORDS_OFFSET);
	queue->answers = (void *)(queue->words + queue->frames);
	queue->status = (const void *)meta;
	queue->meta = (const void *)(meta + FASTQUEUE_META_OFFSET);
	queue->payload = queue->payload_area.start;
	queue->fo = queue->control->fo;
	queue->first = queue->fo;
}

static int fq_start(struct fq_queue *queue, const struct fq_options *options)
{
	const char *device = options->device ? options->device : FASTQUEUE_DEVICE;
	struct fastqueue_ring ring;
	int err;

	queue->fd = open(device, O_RDWR | O_CLOEXEC);
	if (queue->fd < 0)
		return -errno;
	err = fq_allocate(queue, options, &ring);
	if (!err)
		err = fq_map_all(queue, &ring);
	if (!err)
		fq_lay_out(queue);
	return err;
}

int fq_open(struct fq_queue **queue, const struct fq_options *options)
{
	struct fq_queue *opened = calloc(1, sizeof(*opened));
	int err;

	if (!opened)
		return -ENOMEM;
	err = fq_start(opened, options);
	if (err) {
		fq_close(opened);
		return err;
	}
	*queue = opened;
	return 0;
}

static void fq_unmap(struct fq_area *area)
{
	if (area->start)
		munmap(area->start, area->size);
}

void fq_close(struct fq_queue *queue)
{
	fq_unmap(&queue->answer_area);
	fq_unmap(&queue->meta_area);
	fq_unmap(&queue->payload_area);
	if (queue->fd >= 0)
		close(queue->fd);
	free(queue);
}

int fq_fd(const struct fq_queue *queue)
{
	return queue->fd;
}
