// SPDX-License-Identifier: MIT
/*
 * The handler's pointer FO, and what lies between it and FA.
 *
 * FA is read with acquire semantics: a frame's payload, metadata and word were
 * written before it. FO is stored with release semantics; the system call that
 * follows, poll() or FASTQUEUE_IOC_WAIT, orders it before the kernel's look at it.
 */
#include <errno.h>
#include <poll.h>
#include <sys/ioctl.h>

#include "internal.h"

static uint32_t fq_fa(const struct fq_queue *queue)
{
	return __atomic_load_n(&queue->status->fa, __ATOMIC_ACQUIRE);
}

/* Also lets the sender settle frames, so it is not left out without need. */
static int fq_sleep(struct fq_queue *queue, int timeout_ms)
{
	struct pollfd file = { .fd = queue->fd, .events = POLLIN };

	if (queue->flags & FASTQUEUE_F_TIMER_ONLY && fq_fa(queue) != queue->fo)
		return 0;
	if (timeout_ms < 0) {
		if (!ioctl(queue->fd, FASTQUEUE_IOC_WAIT))
			return 0;
		if (errno != ENOTTY)	/* a module that does not know it: poll() */
			return -errno;
	}
	if (poll(&file, 1, timeout_ms) < 0)
		return -errno;
	return file.revents & (POLLERR | POLLHUP | POLLNVAL) ? -EPIPE : 0;
}

/* Hand out all frames that are there and not settled by a time limit. */
static uint32_t fq_take(struct fq_queue *queue)
{
	uint32_t fp = __atomic_load_n(&queue->status->fp, __ATOMIC_ACQUIRE);
	uint32_t fa = fq_fa(queue);	/* after fp: never behind it */
	uint32_t number = fa - queue->fo, gone = fp - queue->fo;

	if ((int32_t)gone > 0)
		number -= gone;
	/* fp went on between the two: what it passed has been overwritten */
	if (number > queue->frames)
		number = queue->frames;
	queue->first = fa - number;
	queue->fo = fa;
	return number;
}

int fq_wait(struct fq_queue *queue, int timeout_ms)
{
	uint32_t number;
	int err;

	if (!queue->mapped)	/* a ring that could not be mapped again */
		return -EPIPE;
	__atomic_store_n(&queue->control->fo, queue->fo, __ATOMIC_RELEASE);
	err = fq_sleep(queue, timeout_ms);
	number = fq_take(queue);
	return number ? (int)number : err;
}

uint32_t fq_head(const struct fq_queue *queue)
{
	return fq_fa(queue);
}

uint32_t fq_tail(const struct fq_queue *queue)
{
	return __atomic_load_n(&queue->status->fp, __ATOMIC_ACQUIRE);
}

void fq_mark_taken(struct fq_queue *queue, uint32_t count)
{
	queue->fo = count;
	queue->first = count;
	__atomic_store_n(&queue->control->fo, count, __ATOMIC_RELEASE);
}

uint32_t fq_first(const struct fq_queue *queue)
{
	return queue->first;
}

struct fq_frame fq_frame(const struct fq_queue *queue, uint32_t count)
{
	uint32_t slot = fq_slot(queue, count);
	const struct fastqueue_meta *meta = &queue->meta[slot];

	return (struct fq_frame){
		.meta = meta,
		.payload = queue->payload + (size_t)slot * queue->frame_size,
		.cap_len = meta->cap_len,
	};
}

bool fq_is_settled(const struct fq_queue *queue, uint32_t count)
{
	uint32_t fp;

	/* the frame was read before: its bytes may be another packet's if fp went on */
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	fp = __atomic_load_n(&queue->status->fp, __ATOMIC_RELAXED);
	return (int32_t)(fp - count) > 0;
}

bool fq_is_pending(const struct fq_queue *queue, uint32_t count)
{
	const uint32_t *word = &queue->words[fq_slot(queue, count)];

	return __atomic_load_n(word, __ATOMIC_RELAXED) ==
	       (fq_lap(queue, count) | FASTQUEUE_OCCUPIED);
}
