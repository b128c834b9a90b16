// SPDX-License-Identifier: MIT
/*
 * Answers: the word of a frame is stored last, with release semantics, as one
 * 32-bit store, so that the sender sees all that goes with it.
 */
#include <errno.h>

#include "internal.h"

#define FQ_WITH_ALL (FASTQUEUE_WITH_MARK | FASTQUEUE_WITH_PRIORITY | FASTQUEUE_WITH_PAYLOAD)

static uint32_t fq_word(const struct fq_queue *queue, uint32_t count,
			uint32_t verdict)
{
	return fq_lap(queue, count) | verdict << FASTQUEUE_VERDICT_SHIFT |
	       FASTQUEUE_PROCESSED;
}

static void fq_store(uint32_t *word, uint32_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELEASE);
}

void fq_set_verdict(struct fq_queue *queue, uint32_t count, uint32_t verdict)
{
	if (!fq_is_settled(queue, count))
		fq_store(&queue->words[fq_slot(queue, count)],
			 fq_word(queue, count, verdict));
}

/* Frames of one lap have the same word. */
static void fq_answer_lap(struct fq_queue *queue, uint32_t first,
			  uint32_t number, uint32_t verdict)
{
	uint32_t *word = &queue->words[fq_slot(queue, first)];
	uint32_t value = fq_word(queue, first, verdict);

	while (number--)
		fq_store(word++, value);
}

void fq_set_verdict_batch(struct fq_queue *queue, uint32_t first, uint32_t number,
		   uint32_t verdict)
{
	uint32_t fp = __atomic_load_n(&queue->status->fp, __ATOMIC_RELAXED);
	uint32_t gone = fp - first, here;

	if ((int32_t)gone > 0) {
		if (gone >= number)
			return;
		first = fp;
		number -= gone;
	}
	if (number > queue->frames)	/* of a ring that is mapped no more */
		number = queue->frames;
	here = queue->frames - fq_slot(queue, first);
	if (here > number)
		here = number;
	fq_answer_lap(queue, first, here, verdict);
	if (number > here)
		fq_answer_lap(queue, first + here, number - here, verdict);
}

/* What the kernel would refuse of a changed payload. */
static bool fq_payload_fits(const struct fq_queue *queue, uint32_t slot,
			    const struct fastqueue_answer *answer)
{
	uint32_t fixed = queue->meta[slot].flags & (FASTQUEUE_M_TRUNCATED | FASTQUEUE_M_GSO);

	return queue->flags & FASTQUEUE_F_WRITABLE && !fixed && answer->len > 0 &&
	       answer->len <= queue->frame_size && !(answer->flags & ~FASTQUEUE_A_ALL);
}

static bool fq_verdict_known(uint32_t verdict)
{
	return verdict == FASTQUEUE_ACCEPT || verdict == FASTQUEUE_DROP ||
	       verdict == FASTQUEUE_QUEUE || verdict == FASTQUEUE_REPEAT;
}

int fq_set_verdict_full(struct fq_queue *queue, uint32_t count, uint32_t verdict,
		   uint32_t which, const struct fastqueue_answer *answer)
{
	uint32_t slot = fq_slot(queue, count);

	if (!fq_verdict_known(verdict) || which & ~FQ_WITH_ALL)
		return -EINVAL;
	if (!(which & FASTQUEUE_WITH_PAYLOAD) && answer->flags)
		return -EINVAL;
	if (fq_is_settled(queue, count))
		return 0;
	if (which & FASTQUEUE_WITH_PAYLOAD && !fq_payload_fits(queue, slot, answer))
		return -EINVAL;
	queue->answers[slot] = *answer;
	fq_store(&queue->words[slot], fq_word(queue, count, verdict) | which);
	return 0;
}
