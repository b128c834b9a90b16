/* SPDX-License-Identifier: MIT */
/* Packets as they came, to compare a verdict's payload with. */
#ifndef ORIGINAL_H
#define ORIGINAL_H

#include "compat.h"

/* The program is about to get a pointer into the frame. */
void original_keep(struct queue *queue, uint32_t count);
/* Return whether the payload is all of the packet as it came. False where that is not known. */
bool original_is(struct queue *queue, uint32_t count, const unsigned char *payload, uint32_t len);
void originals_free(struct queue *queue);

#endif /* ORIGINAL_H */
