// SPDX-License-Identifier: MIT
/* Life of a queue: open, exchange the ring, close. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "internal.h"

static int fq_ask(struct fq_queue *queue, unsigned long request, const struct fq_options *options)
{
	struct fastqueue_ring ring = {
		.version = FASTQUEUE_ABI_VERSION,
		.size = sizeof(ring),
		.queue = options->queue,
		.frames = options->frames,
		.frame_size = options->frame_size,
		.copy_range = options->copy_range,
		.default_action = options->default_action,
		.period_us = options->period_us,
		.timeout_ms = options->timeout_ms,
		.flags = options->flags,
	};

	if (ioctl(queue->fd, request, &ring) < 0)
		return -errno;
	if (request == FASTQUEUE_IOC_RESIZE)
		ring.flags = queue->ring.flags;
	queue->ring = ring;
	return 0;
}

static int fq_start(struct fq_queue *queue, const struct fq_options *options)
{
	const char *device = options->device ? options->device : FASTQUEUE_DEVICE;
	int err;

	queue->fd = open(device, O_RDWR | O_CLOEXEC);
	if (queue->fd < 0)
		return -errno;
	err = fq_ask(queue, FASTQUEUE_IOC_ALLOC, options);
	return err ? err : fq_map(queue);
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

int fq_resize(struct fq_queue *queue, const struct fq_options *options)
{
	uint32_t first = queue->first;
	int refused;

	if (!queue->mapped)
		return -EPIPE;
	__atomic_store_n(&queue->control->fo, queue->fo, __ATOMIC_RELEASE);
	fq_unmap(queue);
	refused = fq_ask(queue, FASTQUEUE_IOC_RESIZE, options);
	if (fq_map(queue))	/* the new ring, or the old one */
		return -EPIPE;
	if (refused)
		queue->first = first;
	return refused;
}

void fq_close(struct fq_queue *queue)
{
	fq_unmap(queue);
	if (queue->fd >= 0)
		close(queue->fd);
	free(queue);
}

int fq_fd(const struct fq_queue *queue)
{
	return queue->fd;
}
