// SPDX-License-Identifier: MIT
/*
 * Memory of the process's own in place of an area of the ring, at the same address
 * and with the same bytes where packets are out: the kernel exchanges only rings
 * that nobody has mapped, and a queue lives as long as its ring is mapped.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "callback.h"
#include "overlay.h"

void overlay_free(struct overlay *overlay)
{
	if (overlay->start)
		munmap(overlay->start, overlay->size);
	overlay->start = NULL;
}

void queue_overlays_free(struct queue *queue)
{
	size_t i;

	for (i = 0; i < sizeof(queue->overlays) / sizeof(*queue->overlays); i++)
		overlay_free(&queue->overlays[i]);
}

static void piece_copy(char *copy, const struct fq_area *area, size_t offset, size_t len)
{
	if (offset < area->size && len <= area->size - offset)
		memcpy(copy + offset, (const char *)area->start + offset, len);
}

/* What callbacks are reading, answered or not. */
static void payloads_copy(char *copy, const struct fq_area *area, const struct queue *queue)
{
	struct callback *each;

	for (each = callback_next(queue, NULL); each; each = callback_next(queue, each))
		if (each->payload)
			piece_copy(copy, area, (uintptr_t)each->payload - (uintptr_t)area->start,
				   each->payload_len);
}

int overlay_make(struct fq_area *area, struct overlay *overlay, const struct queue *queue,
		 const struct piece *pieces, uint32_t number)
{
	char *copy = mmap(NULL, area->size, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uint32_t i;

	if (copy == MAP_FAILED)
		return -errno;
	for (i = 0; i < number; i++)
		piece_copy(copy, area, pieces[i].offset, pieces[i].len);
	payloads_copy(copy, area, queue);
	/* at one go: other threads read there */
	if (mremap(copy, area->size, area->size, MREMAP_MAYMOVE | MREMAP_FIXED, area->start) ==
	    MAP_FAILED) {
		int err = -errno;

		munmap(copy, area->size);
		return err;
	}
	*overlay = (struct overlay){ area->start, area->size };
	area->start = NULL;	/* no longer libfastqueue's to unmap */
	return 0;
}
