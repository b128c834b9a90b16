// SPDX-License-Identifier: MIT
/*
 * Verdicts. They are words in the ring; whether the sender is told at once
 * depends on whether the program is about to come back for the next packet.
 */
#include <errno.h>
#include <linux/netfilter.h>
#include <string.h>

#include "callback.h"
#include "original.h"
#include "internal.h"		/* of libfastqueue: its words */

void verdict_send(struct queue *queue)
{
	fq_kick(queue->ring);
	queue->dirty = false;
}

/*
 * In a callback, or between two recv() that sleep, the thread comes to poll()
 * soon, and the timer is there if it does not. Anybody else has to say so.
 */
static void verdict_given(struct queue *queue)
{
	struct channel *channel = queue->channel;

	queue->dirty = true;
	if (callback_is_of(queue))
		return;
	if (channel->blocks && !channel->sleepers && channel->receiver == thread_self())
		return;
	verdict_send(queue);
}

/*
 * The packet that a callback is about stays readable until it returns, as it
 * would in the program's own buffer. While the ring is not half full its frame
 * is not used again so soon; else the answer waits.
 */
static bool hold(struct queue *queue, uint32_t id, uint32_t count)
{
	return callback_is_of(queue) && callback_here->id == id &&
	       fq_head(queue->ring) - count >= queue->frames / 2;
}

/* What the bits that nfnetlink_queue's verdicts may have mean for a frame. False: refused. */
static bool translate(const struct queue *queue, const struct decision *decision,
		      uint32_t *verdict, struct fastqueue_answer *with)
{
	switch (decision->verdict & NF_VERDICT_MASK) {
	case NF_DROP:		/* of NF_DROP_ERR() a queue has no use for the error */
	case NF_ACCEPT:
		*verdict = decision->verdict & NF_VERDICT_MASK;
		return true;
	case NF_REPEAT:
		/* to nf_reinject() it is a verdict of its own only without other bits */
		*verdict = decision->verdict == NF_REPEAT ? FASTQUEUE_REPEAT : FASTQUEUE_DROP;
		return true;
	case NF_QUEUE:
		with->queue = (uint16_t)(decision->verdict >> NF_VERDICT_QBITS);
		*verdict = FASTQUEUE_QUEUE;
		if (decision->verdict & NF_VERDICT_FLAG_QUEUE_BYPASS &&
		    !queue_is_served(queue->channel, with->queue))
			*verdict = FASTQUEUE_ACCEPT;
		return true;
	case NF_STOP:
		compat_log("the verdict NF_STOP cannot be given through /dev/fastqueue");
		return false;
	default:
		return false;
	}
}

static uint32_t extras(const struct decision *decision, struct fastqueue_answer *with)
{
	uint32_t which = 0;

	if (decision->mark) {
		with->mark = *decision->mark;
		which |= FASTQUEUE_WITH_MARK;
	}
	if (decision->priority) {
		with->priority = *decision->priority;
		which |= FASTQUEUE_WITH_PRIORITY;
	}
	return which;
}

/* Only a frame that holds all of its packet, and the new one, can be changed. */
static int room_make(struct queue *queue, uint32_t id, uint32_t len, uint32_t *count)
{
	const struct fastqueue_meta *meta = fq_frame(queue->ring, *count).meta;
	uint32_t wanted = len > meta->len ? len : meta->len, size = queue->frame_size;
	int err;

	if (meta->cap_len == meta->len && len <= size)
		return 0;
	while (size < wanted && size < FASTQUEUE_MAX_FRAME_SIZE)
		size *= 2;
	if (size > FASTQUEUE_MAX_FRAME_SIZE)
		size = FASTQUEUE_MAX_FRAME_SIZE;
	queue->entire = true;
	err = queue_rebuild(queue, queue_frames_for(queue, size), size);
	if (err)
		return err;
	return frame_find(queue, id, count) ? 0 : -ENOENT;
}

/* Put the new bytes into the frame; negative where the kernel would not take them. */
static int payload_put(struct queue *queue, uint32_t id, uint32_t *count,
		       const struct decision *decision)
{
	int err;

	if (fq_frame(queue->ring, *count).meta->flags & FASTQUEUE_M_GSO) {
		compat_log("queue %u: a GSO packet cannot be changed and is dropped", queue->number);
		return -EOPNOTSUPP;
	}
	if (queue->readonly) {
		compat_log("queue %u: in a user namespace packets cannot be changed; one is dropped",
			   queue->number);
		return -EPERM;
	}
	err = room_make(queue, id, decision->payload_len, count);
	if (err)
		return err;
	memmove(fq_frame(queue->ring, *count).payload, decision->payload, decision->payload_len);
	return 0;
}

/* What a verdict with bytes does to its packet, which may be in another ring afterwards. */
static __attribute__((noinline)) int payload_judge(struct queue *queue, uint32_t id, uint32_t *count,
						   const struct decision *decision,
						   uint32_t *verdict, uint32_t *which)
{
	/* nfnetlink_queue drops a packet whose new bytes end before its transport header */
	if (!decision->payload_len)
		*verdict = FASTQUEUE_DROP;
	if (*verdict == FASTQUEUE_DROP ||
	    original_is(queue, *count, decision->payload, decision->payload_len))
		return 0;
	if (!payload_put(queue, id, count, decision)) {
		*which |= FASTQUEUE_WITH_PAYLOAD;
		return 0;
	}
	*verdict = FASTQUEUE_DROP;	/* as nfnetlink_queue does */
	return frame_find(queue, id, count) ? 0 : -ENOENT;
}

static int verdict_checked(struct queue *queue, uint32_t id, uint32_t count, uint32_t verdict,
			   const struct decision *decision, struct fastqueue_answer *with)
{
	uint32_t which = extras(decision, with);
	int err;

	if (decision->payload) {
		err = payload_judge(queue, id, &count, decision, &verdict, &which);
		if (err)
			return err;
		if (which & FASTQUEUE_WITH_PAYLOAD)
			with->len = decision->payload_len;
	}
	if (hold(queue, id, count)) {
		callback_hold(queue, verdict, which, with);
		return 0;
	}
	frame_answer(queue, count, verdict, which, with);
	verdict_given(queue);
	return 0;
}

int verdict_one(struct queue *queue, uint32_t id, const struct decision *decision)
{
	struct fastqueue_answer with = { 0 };
	uint32_t count, verdict;

	if (callback_is_of(queue))
		callback_release(callback_here);
	if (!translate(queue, decision, &verdict, &with))
		return -EINVAL;
	if (!frame_find(queue, id, &count) || (queue->held && callback_holds(queue, id)))
		return -ENOENT;
	return verdict_checked(queue, id, count, verdict, decision, &with);
}

/*
 * Answer all frames of a range that wait for one. Most answers are accept or drop
 * and no more: a word then, found and written in one go.
 */
static bool answer_words(const struct fq_queue *ring, uint32_t first, uint32_t end,
			 uint32_t verdict)
{
	bool any = false;
	uint32_t count;

	for (count = first; (int32_t)(end - count) > 0; count++) {
		uint32_t *word = &ring->words[fq_slot(ring, count)], lap = fq_lap(ring, count);

		if (__atomic_load_n(word, __ATOMIC_RELAXED) != (lap | FASTQUEUE_OCCUPIED))
			continue;
		lap |= verdict << FASTQUEUE_VERDICT_SHIFT | FASTQUEUE_PROCESSED;
		__atomic_store_n(word, lap, __ATOMIC_RELEASE);
		any = true;
	}
	return any;
}

static bool answer_all(struct queue *queue, uint32_t first, uint32_t end, uint32_t verdict,
		       uint32_t which, const struct fastqueue_answer *with)
{
	bool any = false;
	uint32_t count;

	if (!which && verdict != FASTQUEUE_QUEUE)
		return answer_words(queue->ring, first, end, verdict);
	for (count = first; (int32_t)(end - count) > 0; count++) {
		if (!fq_is_pending(queue->ring, count))
			continue;
		frame_answer(queue, count, verdict, which, with);
		any = true;
	}
	return any;
}

/* The same, but not those whose first answer waits for the end of a callback. */
static bool answer_range(struct queue *queue, uint32_t first, uint32_t end, uint32_t verdict,
			 uint32_t which, const struct fastqueue_answer *with)
{
	bool any = false;
	uint32_t held;

	while (queue->held && callback_held_first(queue, first, end, &held)) {
		any |= answer_all(queue, first, held, verdict, which, with);
		first = held + 1;
	}
	return answer_all(queue, first, end, verdict, which, with) || any;
}

/* All packets up to id that have no answer yet. */
int verdict_batch(struct queue *queue, uint32_t id, const struct decision *decision)
{
	uint32_t first = fq_tail(queue->ring), end, verdict, which;
	struct fastqueue_answer with = { 0 };
	bool any;

	if (callback_is_of(queue))
		callback_release(callback_here);
	if (!translate(queue, decision, &verdict, &with))
		return -EINVAL;
	which = extras(decision, &with);
	end = frame_end(queue, id);
	if ((int32_t)(queue->answered - first) > 0)
		first = queue->answered;
	any = answer_range(queue, first, end, verdict, which, &with);
	if ((int32_t)(end - queue->answered) > 0)
		queue->answered = end;
	if (!any)
		return -ENOENT;
	verdict_given(queue);
	return 0;
}
