/* SPDX-License-Identifier: MIT */
/* Memory in place of an area of the ring, so that pointers into it stay good. */
#ifndef OVERLAY_H
#define OVERLAY_H

#include "compat.h"
#include "internal.h"		/* of libfastqueue: its areas stay behind */

/* A packet of an area. */
struct piece {
	uint32_t id;
	size_t offset;		/* from the area's start */
	size_t len;
};

struct overlay {
	struct overlay *next;
	char *start;
	size_t size;
	unsigned int age;	/* exchanges of the ring since */
	uint32_t number;	/* packets that had no answer at the last one, by offset */
	struct piece pieces[];
};

/*
 * Replace an area; pieces[] of it and the payloads of callbacks keep their bytes. NULL
 * and errno: nothing was done.
 */
struct overlay *overlay_make(struct fq_area *area, const struct queue *queue,
			     const struct piece *pieces, uint32_t number);
void overlay_free(struct overlay *overlay);
/*
 * The ring is about to be exchanged: let go of what no packet is left for that is in
 * ids[], which ascend.
 */
void queue_overlays_age(struct queue *queue, const uint32_t *ids, uint32_t number);
void queue_overlays_free(struct queue *queue);

#endif /* OVERLAY_H */
