// SPDX-License-Identifier: MIT
/*
 * Another ring for a live queue: larger frames when a larger packet comes, other
 * lengths and ranges as the program sets them, and the same again to move
 * packets together. Delivered packets that are unanswered keep their ids, and
 * what the program points to in them stays readable.
 */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

#include "callback.h"
#include "original.h"
#include "overlay.h"

/* Bytes of payload in the rings of a channel at most. */
#define MEMORY	(16u << 20)

#define SETTLE_TRIES	64
#define SETTLE_SPINS	8	/* of them without a pause */
#define SETTLE_PAUSE_NS	100000

/* As many as the queue is long, where memory allows; the kernel keeps to maxlen. */
uint32_t queue_frames_for(const struct queue *queue, uint32_t frame_size)
{
	const struct queue *each;
	uint32_t frames = 64, queues = 0, room;

	for (each = queue->channel->queues; each; each = each->next)
		queues++;
	room = MEMORY / frame_size / (queues ? queues : 1);
	while (frames < queue->maxlen && frames < FASTQUEUE_MAX_FRAMES)
		frames *= 2;
	while (frames > FASTQUEUE_MIN_FRAMES && frames > room)
		frames /= 2;
	return frames;
}

/* Metadata alone cannot be asked for: the least that a frame holds then. */
uint32_t queue_copy_range(const struct queue *queue, uint32_t frame_size)
{
	if (queue->entire || queue->range > frame_size)
		return frame_size;
	return queue->range ? queue->range : FASTQUEUE_MIN_FRAME_SIZE;
}

/* Packets without an answer. *answered: there are answers that nothing says the sender has seen. */
static uint32_t waiting_count(const struct fq_queue *ring, bool *answered)
{
	uint32_t count = fq_tail(ring), end = fq_head(ring), waiting = 0, word;

	for (*answered = false; count != end; count++) {
		word = __atomic_load_n(&ring->words[fq_slot(ring, count)], __ATOMIC_RELAXED);
		waiting += word == (fq_lap(ring, count) | FASTQUEUE_OCCUPIED);
		*answered |= (word & (FASTQUEUE_LAP_MASK | FASTQUEUE_STATE_MASK)) ==
			     (fq_lap(ring, count) | FASTQUEUE_PROCESSED);
	}
	return waiting;
}

/*
 * Whether all packets with an answer have left. An answer may be about a packet that
 * left just before it was given: its word stays, and the kernel's counters tell.
 */
static bool is_settled(struct queue *queue)
{
	struct fastqueue_stats before = { 0 }, after = { 0 };
	uint32_t waiting;
	bool answered;

	fq_stats(queue->ring, &before);
	waiting = waiting_count(queue->ring, &answered);
	if (!answered)
		return true;
	fq_stats(queue->ring, &after);
	return before.queued == after.queued && before.flushed == after.flushed &&
	       after.occupied == waiting;
}

/*
 * Have all packets leave that have an answer: in another ring they would be unanswered
 * again, and shift the ids. The sender looks at a bounded number of frames per call, and
 * does not wait for another one that is at work.
 */
static int settle_all(struct queue *queue)
{
	const struct timespec pause = { 0, SETTLE_PAUSE_NS };
	unsigned int tries;

	for (tries = 0; tries < SETTLE_TRIES; tries++) {
		verdict_send(queue);
		if (is_settled(queue))
			return 0;
		if (tries < SETTLE_SPINS)
			sched_yield();
		else
			nanosleep(&pause, NULL);
	}
	return -EAGAIN;
}

/*
 * Ids and counts of the packets that are in the ring without an answer; the first
 * *delivered of them are out, and the next one gets *next_id. Returns their number.
 */
static uint32_t waiting_list(const struct queue *queue, uint32_t *ids, uint32_t *counts,
			     uint32_t *delivered, uint32_t *next_id)
{
	uint32_t number = 0, count = fq_tail(queue->ring), end = fq_head(queue->ring);

	/* a frame that becomes free during the walk is reused: never more than the ring has */
	for (*delivered = 0; count != end && number < queue->frames; count++) {
		if (!fq_is_pending(queue->ring, count))
			continue;
		*delivered += (int32_t)(queue->taken - count) > 0;
		ids[number] = frame_id(queue, count);
		counts[number++] = count;
	}
	*next_id = frame_id(queue, end);
	return number;
}

/* Whether the program has a pointer to this packet in this ring. */
static bool is_shown(const struct queue *queue, uint32_t count)
{
	return count >= queue->moved || queue->moved_shown[count];
}

/* Packets that the program may point to until they have an answer. */
static uint32_t pieces_list(const struct queue *queue, const uint32_t *ids,
			    const uint32_t *counts, uint32_t delivered, struct piece *pieces)
{
	uint32_t number = 0, i;

	if (queue->channel->whole)
		return 0;
	for (i = 0; i < delivered; i++)
		if (is_shown(queue, counts[i]))
			pieces[number++] = (struct piece){
				ids[i], (size_t)fq_slot(queue->ring, counts[i]) * queue->frame_size,
				queue->frame_size,
			};
	return number;
}

/* Have the ring's payloads stay where they are. */
static int payloads_leave(struct queue *queue, const uint32_t *ids, const uint32_t *counts,
			  uint32_t delivered)
{
	struct piece *pieces = calloc(delivered + 1, sizeof(*pieces));
	struct overlay *overlay = NULL;
	uint32_t number;

	if (!pieces)
		return -ENOMEM;
	number = pieces_list(queue, ids, counts, delivered, pieces);
	if (number || callback_next(queue, NULL)) {
		overlay = overlay_make(&queue->ring->payload_area, queue, pieces, number);
		if (!overlay) {
			free(pieces);
			return -ENOMEM;
		}
		overlay->next = queue->overlays;
		queue->overlays = overlay;
	}
	free(pieces);
	return 0;
}

/* Packets that were in the ring before have left it since, and nobody can tell which. */
static bool some_left(const struct fastqueue_stats *before, const struct fastqueue_stats *after)
{
	return before->flushed != after->flushed || before->accepted != after->accepted ||
	       before->dropped != after->dropped;
}

static void ids_begin(struct queue *queue, uint32_t *ids, uint32_t *shown, uint32_t number,
		      uint32_t shift, uint32_t taken)
{
	free(queue->moved_ids);
	queue->moved_ids = ids;
	queue->moved_shown = shown;
	queue->moved = number;
	queue->shift = shift;
	queue->taken = queue->searched = taken;
	queue->answered = 0;
	fq_mark_taken(queue->ring, taken);
}

/*
 * Some packets left during the exchange, so the order no longer tells which of the
 * first ones the program has: these are dropped, and all others get ids that the
 * program has not seen. No verdict may reach another packet.
 */
static void ids_renew(struct queue *queue, uint32_t next_id, uint32_t delivered)
{
	uint32_t published = fq_head(queue->ring), count;

	if (delivered > published)
		delivered = published;
	for (count = 0; count < delivered; count++)
		fq_set_verdict(queue->ring, count, FASTQUEUE_DROP);
	ids_begin(queue, NULL, NULL, 0, next_id, delivered);
	queue->refused_from = published;
	verdict_send(queue);
}

/*
 * Where memory is short there are fewer frames, but a queue that grows does not shrink;
 * where more packets came meanwhile than the new ring holds there are more.
 */
static int ring_exchange(struct queue *queue, uint32_t frames, uint32_t frame_size)
{
	uint32_t least = frame_size == queue->frame_size && frames > queue->frames ?
			 queue->frames : FASTQUEUE_MIN_FRAMES;
	struct fq_options options = {
		.queue = queue->number,
		.frames = frames,
		.frame_size = frame_size,
		.copy_range = queue_copy_range(queue, frame_size),
		.default_action = FASTQUEUE_DROP,
	};
	bool grown = false;
	int err;

	for (;;) {
		err = fq_resize(queue->ring, &options);
		if (err == -EBUSY && options.frames < FASTQUEUE_MAX_FRAMES) {
			options.frames *= 2;
			grown = true;
		} else if (err == -ENOMEM && !grown && options.frames / 2 >= least) {
			options.frames /= 2;
		} else {
			break;
		}
	}
	if (!err) {
		queue->frames = options.frames;
		queue->frame_size = frame_size;
	}
	return err;
}

void queue_lose(struct queue *queue)
{
	compat_log("queue %u: its ring cannot be mapped; it gets no more packets", queue->number);
	ids_begin(queue, NULL, NULL, 0, frame_id(queue, queue->taken), 0);
	queue->refused_from = 0;
}

/* The same packet's count in the new ring, if it is among them, or that of the next one. */
static uint32_t count_moved(const uint32_t *counts, uint32_t number, uint32_t count)
{
	uint32_t i = 0;

	while (i < number && (int32_t)(counts[i] - count) < 0)
		i++;
	return i;
}

/* The ring was exchanged; some packets may have left during the exchange. */
static void ring_enter(struct queue *queue, uint32_t *ids, uint32_t *counts, uint32_t number,
		       uint32_t delivered, uint32_t next_id, bool complete)
{
	uint32_t refused_from = count_moved(counts, number, queue->refused_from);

	if (!complete) {
		free(ids);
		ids_renew(queue, next_id, delivered);
		return;
	}
	memset(counts, 0, number * sizeof(*counts));
	ids_begin(queue, ids, counts, number, next_id - number, delivered);
	queue->refused_from = refused_from;
}

static int rebuild(struct queue *queue, uint32_t frames, uint32_t frame_size)
{
	uint32_t next_id, number, delivered, *ids = calloc(queue->frames * 2, sizeof(*ids));
	uint32_t *counts = ids + queue->frames;
	struct fastqueue_stats before = { 0 }, after = { 0 };
	int err;

	if (!ids)
		return -ENOMEM;
	fq_stats(queue->ring, &before);
	number = waiting_list(queue, ids, counts, &delivered, &next_id);
	while (frames < FASTQUEUE_MAX_FRAMES && frames < number)
		frames *= 2;
	queue_overlays_age(queue, ids, delivered);
	err = payloads_leave(queue, ids, counts, delivered);
	if (!err)
		err = ring_exchange(queue, frames, frame_size);
	if (err) {
		free(ids);
		return err;
	}
	fq_stats(queue->ring, &after);
	ring_enter(queue, ids, counts, number, delivered, next_id, !some_left(&before, &after));
	return 0;
}

int queue_rebuild(struct queue *queue, uint32_t frames, uint32_t frame_size)
{
	int err, cancelled = cancel_disable();

	callbacks_release(queue);	/* their payloads are in this ring */
	err = settle_all(queue);
	if (!err) {
		originals_free(queue);
		err = rebuild(queue, frames, frame_size);
	}
	if (!queue->ring->mapped) {
		epoll_ctl(queue->channel->fd, EPOLL_CTL_DEL, fq_fd(queue->ring), NULL);
		queue_lose(queue);
	}
	cancel_restore(cancelled);
	return err;
}
