// SPDX-License-Identifier: MIT
/*
 * Frames and packet ids. nfnetlink_queue counts a queue's packets from 1, and
 * so does this: a frame's count and a constant, until a ring is exchanged. Then
 * the packets that were out lie at its start and keep their ids.
 */
#include <errno.h>

#include "compat.h"
#include "internal.h"		/* of libfastqueue: whether a ring is mapped */

/* Find the frame with this id among those that moved. False: none of them has it. */
bool frame_moved(const struct queue *queue, uint32_t id, uint32_t *count)
{
	uint32_t first = 0, end = queue->moved, middle;

	while (first < end) {
		middle = first + (end - first) / 2;
		if ((int32_t)(queue->moved_ids[middle] - id) < 0)
			first = middle + 1;
		else
			end = middle;
	}
	*count = first;
	return first < queue->moved && queue->moved_ids[first] == id;
}

/* Answer a frame; with->flags stay 0: what the program wrote leaves as it is. */
void frame_answer(struct queue *queue, uint32_t count, uint32_t verdict, uint32_t which,
		  const struct fastqueue_answer *with)
{
	if (which || verdict == FASTQUEUE_QUEUE) {
		/* a change that the kernel would refuse drops the packet, as NFQUEUE's does */
		if (fq_set_verdict_full(queue->ring, count, verdict, which, with))
			fq_set_verdict(queue->ring, count, FASTQUEUE_DROP);
	} else {
		fq_set_verdict(queue->ring, count, verdict);
	}
}

/* Count behind the last frame, delivered or not, whose id is not after this one. */
uint32_t frame_end(const struct queue *queue, uint32_t id)
{
	uint32_t fa = fq_head(queue->ring), oldest = fq_tail(queue->ring);
	uint32_t c;

	for (c = oldest; c < queue->moved; c++)
		if ((int32_t)(queue->moved_ids[c] - id) > 0)
			return c;
	/* ids are missing between the last that moved and the first that came since */
	if ((int32_t)(id - queue->shift + 1 - c) > 0)
		c = id - queue->shift + 1;
	return (int32_t)(c - fa) > 0 ? fa : c;
}

/* Bytes of the packet that the program is to see. */
uint32_t frame_payload(const struct queue *queue, uint32_t count, unsigned char **payload)
{
	struct fq_frame frame = fq_frame(queue->ring, count);

	*payload = frame.payload;
	return frame.cap_len < queue->range ? frame.cap_len : queue->range;
}

/* More of the packet is wanted than its frame had room for. */
static bool frame_too_small(const struct queue *queue, uint32_t count)
{
	const struct fastqueue_meta *meta = fq_frame(queue->ring, count).meta;
	uint32_t wanted = meta->len < queue->range ? meta->len : queue->range;

	return meta->cap_len < wanted && queue->frame_size < FASTQUEUE_MAX_FRAME_SIZE &&
	       !queue->told;
}

static bool frame_grow(struct queue *queue, uint32_t count)
{
	uint32_t len = fq_frame(queue->ring, count).meta->len, size = queue->frame_size;
	int err;

	while (size < len && size < FASTQUEUE_MAX_FRAME_SIZE)
		size *= 2;
	if (size > FASTQUEUE_MAX_FRAME_SIZE)
		size = FASTQUEUE_MAX_FRAME_SIZE;
	err = queue_rebuild(queue, queue_frames_for(queue, size), size);
	if (err != -ENOMEM)	/* what is in the way passes: this packet is cut, not the next */
		return !err;
	queue->told = true;	/* and not tried again for each packet */
	compat_log("queue %u: no memory for frames of %u bytes; longer packets come cut",
		   queue->number, size);
	return false;
}

/* What left without having been delivered is passed over. */
static void frame_catch_up(struct queue *queue)
{
	uint32_t oldest = fq_tail(queue->ring);

	if (queue->moved && oldest >= queue->moved)
		queue->moved = 0;
	if ((int32_t)(oldest - queue->taken) > 0)
		queue->taken = oldest;
}

/*
 * The ring is nearly full, a good part of it with frames that were delivered.
 * Without such a part it is packets that wait to be delivered, as those of TCP
 * do: nothing can be done about them, least of all for each that is delivered.
 */
static bool frame_crowded(const struct queue *queue)
{
	uint32_t oldest = fq_tail(queue->ring), quarter = queue->frames / 4;

	return fq_head(queue->ring) - oldest >= queue->frames - quarter &&
	       (int32_t)(queue->taken - oldest) >= (int32_t)quarter;
}

/*
 * A packet that is never answered keeps its frame, and the ring ends behind the
 * last one before it comes round to it. Exchanging the ring for its like moves
 * the packets together. A program that holds many is not asked again at once.
 */
static void frame_make_room(struct queue *queue)
{
	uint32_t owed = 0, oldest, count;

	if (!frame_crowded(queue) || queue->taken - queue->searched < queue->frames / 16)
		return;
	queue->searched = queue->taken;
	verdict_send(queue);
	if (!frame_crowded(queue))
		return;
	oldest = fq_tail(queue->ring);
	for (count = oldest; (int32_t)(queue->taken - count) > 0; count++)
		owed += fq_is_pending(queue->ring, count);
	if (owed <= (queue->taken - oldest) / 2)
		queue_rebuild(queue, queue->frames, queue->frame_size);
}

static void frame_refuse(struct queue *queue, uint32_t count)
{
	bool accept = queue->mode != NFQNL_COPY_NONE && queue->flags & NFQA_CFG_F_FAIL_OPEN;

	fq_set_verdict(queue->ring, count, accept ? FASTQUEUE_ACCEPT : FASTQUEUE_DROP);
	queue->dirty = true;
}

/* Refuse what came until now; what was there before the queue began to is for the program. */
void frames_refuse(struct queue *queue)
{
	uint32_t count = fq_tail(queue->ring);

	if ((int32_t)(queue->taken - count) > 0)
		count = queue->taken;
	if ((int32_t)(queue->refused_from - count) > 0)
		count = queue->refused_from;
	for (; (int32_t)(fq_head(queue->ring) - count) > 0; count++)
		if (fq_is_pending(queue->ring, count))
			frame_refuse(queue, count);
}

static inline void taken_tell(struct queue *queue)
{
	fq_mark_taken(queue->ring, queue->taken);
	/* what is a whole ring behind has left; so the two never wrap around each other */
	if ((int32_t)(queue->taken - queue->answered) > (int32_t)queue->frames)
		queue->answered = queue->taken - queue->frames;
}

/* The next frame to deliver, after whatever it takes to have one. */
static bool frame_search(struct queue *queue, uint32_t *count)
{
	if (queue->taken == fq_head(queue->ring))
		return false;
	frame_catch_up(queue);
	frame_make_room(queue);
	frame_catch_up(queue);
	for (; queue->taken != fq_head(queue->ring); queue->taken++) {
		if (!fq_is_pending(queue->ring, queue->taken))
			continue;	/* left when an interface went, or by a batch */
		if (queue_refuses(queue) && (int32_t)(queue->taken - queue->refused_from) >= 0) {
			frame_refuse(queue, queue->taken);
			queue->refused_from = queue->taken;
			continue;
		}
		if (frame_too_small(queue, queue->taken) && frame_grow(queue, queue->taken)) {
			queue->taken--;	/* the same packet, at another place */
			continue;
		}
		if (!queue->ring->mapped)
			return false;
		*count = queue->taken;
		return true;
	}
	taken_tell(queue);
	return false;
}

/*
 * The next frame to deliver, if there is one. Nearly always it is the one behind
 * the last that was, and nothing else is to be done.
 */
bool frame_next(struct queue *queue, uint32_t *count)
{
	uint32_t next = queue->taken, oldest = fq_tail(queue->ring);
	uint32_t fa = fq_head(queue->ring), out = fa - oldest;	/* in this order */

	if (next == fa)
		return false;
	if (out < queue->pace_low || out > queue->pace_high)
		queue_pace(queue, out);
	if (queue->moved || queue_refuses(queue) || !fq_is_pending(queue->ring, next) || frame_too_small(queue, next) ||
	    frame_crowded(queue))
		return frame_search(queue, count);
	*count = next;
	return true;
}

/* The frame that frame_next() found is delivered. */
void frame_pass(struct queue *queue)
{
	queue->taken++;
	taken_tell(queue);
}
