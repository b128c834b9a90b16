// SPDX-License-Identifier: MIT
/*
 * A ring without packets for a queue whose own is not mapped: what is read of it finds
 * nothing, and what is written goes nowhere.
 */
#include "internal.h"

static struct {
	struct fastqueue_control control;
	uint32_t word;
	struct fastqueue_answer answer;
	struct fastqueue_status status;
	struct fastqueue_meta meta;
	unsigned char payload[FASTQUEUE_MIN_FRAME_SIZE];
} empty;

void fq_lay_out_empty(struct fq_queue *queue)
{
	queue->mapped = false;
	queue->frames = 1;
	queue->order = 0;
	queue->frame_size = sizeof(empty.payload);
	queue->fo = queue->first = 0;
	queue->control = &empty.control;
	queue->words = &empty.word;
	queue->answers = &empty.answer;
	queue->status = &empty.status;
	queue->meta = &empty.meta;
	queue->payload = empty.payload;
}
