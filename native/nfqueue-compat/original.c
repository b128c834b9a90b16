// SPDX-License-Identifier: MIT
/*
 * A payload that a program gives back as it was changes nothing: the verdict then
 * has none, so that the packet's checksum may stay open and a GSO packet whole.
 *
 * A program that has a pointer into the frame may have written there, so the frame
 * alone does not say how the packet was. Copies are kept while the program gives
 * payloads back, each at its frame's place; a program that only looks at packets is
 * soon left alone. Without a copy the payload counts as another one.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "original.h"
#include "internal.h"		/* of libfastqueue: its slots */

#define PATIENCE	64	/* copies in a row that nothing was compared with */

static size_t originals_size(const struct queue *queue)
{
	return (size_t)queue->frames * queue->frame_size;
}

void originals_free(struct queue *queue)
{
	if (queue->originals)
		munmap(queue->originals, originals_size(queue));
	free(queue->original_of);
	queue->originals = NULL;
	queue->original_of = NULL;
}

/* Pages are there when they are first written to. */
static bool originals_make(struct queue *queue)
{
	void *start = mmap(NULL, originals_size(queue), PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (start == MAP_FAILED)
		return false;
	queue->originals = start;
	return true;
}

static bool marks_make(struct queue *queue)
{
	queue->original_of = calloc(queue->frames, sizeof(*queue->original_of));
	return queue->original_of;
}

/* What original_of has at a frame's place while there is a copy of this packet. */
static uint32_t mark_of(uint32_t count)
{
	return count + 1;
}

/* The same when the program got its pointer without a copy: it is too late for one. */
static uint32_t mark_without(uint32_t count)
{
	return ~mark_of(count);
}

static unsigned char *original_of(const struct queue *queue, uint32_t count)
{
	return queue->originals + (size_t)fq_slot(queue->ring, count) * queue->frame_size;
}

void original_keep(struct queue *queue, uint32_t count)
{
	struct fq_frame frame;
	uint32_t *mark;

	if (!queue->original_of && !marks_make(queue))
		return;
	mark = &queue->original_of[fq_slot(queue->ring, count)];
	if (*mark == mark_of(count) || *mark == mark_without(count))
		return;
	*mark = mark_without(count);
	if (queue->unchanged >= PATIENCE || (!queue->originals && !originals_make(queue)))
		return;
	frame = fq_frame(queue->ring, count);
	memcpy(original_of(queue, count), frame.payload, frame.cap_len);
	*mark = mark_of(count);
	queue->unchanged++;
}

bool original_is(struct queue *queue, uint32_t count, const unsigned char *payload, uint32_t len)
{
	struct fq_frame frame = fq_frame(queue->ring, count);
	const unsigned char *original = frame.payload;

	queue->unchanged = 0;
	if (frame.cap_len != len || frame.meta->len != len)
		return false;
	if (!queue->channel->whole) {
		if (!queue->original_of ||
		    queue->original_of[fq_slot(queue->ring, count)] != mark_of(count))
			return false;
		original = original_of(queue, count);
	}
	return !memcmp(original, payload, len);
}
