/* SPDX-License-Identifier: MIT */
/* Memory in place of an area of the ring. */
#ifndef OVERLAY_H
#define OVERLAY_H

#include "compat.h"
#include "queue.h"		/* of libfastqueue: its areas stay behind */

struct piece {
	size_t offset;		/* from the area's start */
	size_t len;
};

/* Replace an area; pieces[] of it and the payloads of callbacks keep their bytes. */
int overlay_make(struct fq_area *area, struct overlay *overlay, const struct queue *queue,
		 const struct piece *pieces, uint32_t number);
void overlay_free(struct overlay *overlay);
void queue_overlays_free(struct queue *queue);

#endif /* OVERLAY_H */
