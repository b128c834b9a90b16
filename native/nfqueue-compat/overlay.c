// SPDX-License-Identifier: MIT
/*
 * Memory of the process's own in place of an area of the ring, at the same address
 * and with the same bytes where packets are out: the kernel exchanges only rings
 * that nobody has mapped, and a queue lives as long as its ring is mapped.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "callback.h"
#include "overlay.h"

#define GRACE	2	/* exchanges that an overlay outlives without packets */

static struct overlay *overlay_new(char *start, size_t size, const struct piece *pieces,
				   uint32_t number)
{
	struct overlay *overlay = malloc(sizeof(*overlay) + number * sizeof(*pieces));

	if (!overlay)
		return NULL;
	*overlay = (struct overlay){ NULL, start, size, 0, number };
	if (number)
		memcpy(overlay->pieces, pieces, number * sizeof(*pieces));
	return overlay;
}

void overlay_free(struct overlay *overlay)
{
	munmap(overlay->start, overlay->size);
	free(overlay);
}

static void overlays_free(struct overlay *overlay)
{
	struct overlay *next;

	for (; overlay; overlay = next) {
		next = overlay->next;
		overlay_free(overlay);
	}
}

void queue_overlays_free(struct queue *queue)
{
	overlays_free(queue->overlays);
	queue->overlays = NULL;
}

static bool is_in(const uint32_t *ids, uint32_t number, uint32_t id)
{
	uint32_t first = 0, middle;

	while (first < number) {
		middle = first + (number - first) / 2;
		if (ids[middle] == id)
			return true;
		if ((int32_t)(ids[middle] - id) < 0)
			first = middle + 1;
		else
			number = middle;
	}
	return false;
}

/* Packets that have an answer by now need it no longer. */
static void pieces_drop(struct overlay *overlay, const uint32_t *ids, uint32_t number)
{
	uint32_t kept = 0, i;

	for (i = 0; i < overlay->number; i++)
		if (is_in(ids, number, overlay->pieces[i].id))
			overlay->pieces[kept++] = overlay->pieces[i];
	overlay->number = kept;
}

static size_t page_of(size_t offset)
{
	return offset & ~((size_t)sysconf(_SC_PAGESIZE) - 1);
}

/* Where the pages of a piece end. */
static size_t pages_end(const struct overlay *overlay, uint32_t i)
{
	size_t end = page_of(overlay->pieces[i].offset + overlay->pieces[i].len - 1) +
		     (size_t)sysconf(_SC_PAGESIZE);

	return end < overlay->size ? end : overlay->size;
}

/* The pages of pieces that have pages in common, or one after the other; *i goes behind them. */
static struct overlay *run_take(const struct overlay *whole, uint32_t *i)
{
	size_t begin = page_of(whole->pieces[*i].offset), end;
	uint32_t first = *i;

	do {
		end = pages_end(whole, (*i)++);
	} while (*i < whole->number && page_of(whole->pieces[*i].offset) <= end);
	return overlay_new(whole->start + begin, end - begin, whole->pieces + first, *i - first);
}

/* The same without the pages in between: they are other memory's from now on. */
static void gaps_unmap(const struct overlay *whole, const struct overlay *runs)
{
	char *end = whole->start;

	for (; runs; runs = runs->next) {
		if (runs->start > end)
			munmap(end, (size_t)(runs->start - end));
		end = runs->start + runs->size;
	}
	if (end < whole->start + whole->size)
		munmap(end, (size_t)(whole->start + whole->size - end));
}

static void runs_rebase(const struct overlay *whole, struct overlay *run)
{
	uint32_t i;

	for (i = 0; i < run->number; i++)
		run->pieces[i].offset -= (size_t)(run->start - whole->start);
	run->age = whole->age;
}

/* Keep only the pages of packets that wait. Without memory for that, all of them. */
static struct overlay *overlay_shrink(struct overlay *whole)
{
	struct overlay *runs = NULL, **end = &runs;
	uint32_t i = 0;

	while (i < whole->number) {
		*end = run_take(whole, &i);
		if (!*end) {
			while ((whole->next = runs)) {
				runs = runs->next;
				free(whole->next);
			}
			return whole;
		}
		runs_rebase(whole, *end);
		end = &(*end)->next;
	}
	gaps_unmap(whole, runs);
	free(whole);
	return runs;
}

/* What is left of an overlay at an exchange of the ring. */
static struct overlay *overlay_age(struct overlay *overlay, const struct queue *queue,
				   const uint32_t *ids, uint32_t number)
{
	overlay->next = NULL;
	pieces_drop(overlay, ids, number);
	if (++overlay->age < GRACE || (overlay->number && callbacks_read(queue, overlay->start,
									 overlay->size)))
		return overlay;
	if (overlay->number)
		return overlay_shrink(overlay);
	if (callbacks_keep(queue, overlay->start, overlay->size))
		free(overlay);
	else
		overlay_free(overlay);
	return NULL;
}

void queue_overlays_age(struct queue *queue, const uint32_t *ids, uint32_t number)
{
	struct overlay *overlay = queue->overlays, *next, **end = &queue->overlays;

	for (*end = NULL; overlay; overlay = next) {
		next = overlay->next;
		*end = overlay_age(overlay, queue, ids, number);
		while (*end)
			end = &(*end)->next;
	}
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

static int by_offset(const void *one, const void *other)
{
	size_t a = ((const struct piece *)one)->offset, b = ((const struct piece *)other)->offset;

	return a < b ? -1 : a > b;
}

/* The area's contents in other memory, as far as they are needed. */
static void *area_copy(const struct fq_area *area, const struct queue *queue,
		       const struct overlay *overlay)
{
	char *copy = mmap(NULL, area->size, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uint32_t i;

	if (copy == MAP_FAILED)
		return copy;
	for (i = 0; i < overlay->number; i++)
		piece_copy(copy, area, overlay->pieces[i].offset, overlay->pieces[i].len);
	payloads_copy(copy, area, queue);
	return copy;
}

struct overlay *overlay_make(struct fq_area *area, const struct queue *queue,
			     const struct piece *pieces, uint32_t number)
{
	struct overlay *overlay = overlay_new(area->start, area->size, pieces, number);
	void *copy;

	if (!overlay)
		return NULL;
	qsort(overlay->pieces, number, sizeof(*pieces), by_offset);
	copy = area_copy(area, queue, overlay);
	/* at one go: other threads read there */
	if (copy == MAP_FAILED || mremap(copy, area->size, area->size,
					 MREMAP_MAYMOVE | MREMAP_FIXED, area->start) == MAP_FAILED) {
		if (copy != MAP_FAILED)
			munmap(copy, area->size);
		free(overlay);
		return NULL;
	}
	area->start = NULL;	/* no longer libfastqueue's to unmap */
	return overlay;
}
