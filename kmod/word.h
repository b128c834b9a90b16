/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rules of a frame's word, as pure functions of numbers: nothing here touches
 * memory or the rest of the kernel, so that the userspace tests compile and
 * check the module's own rules.
 */
#ifndef FASTQUEUE_WORD_H
#define FASTQUEUE_WORD_H

#ifndef __KERNEL__
#include <stdbool.h>
#endif
#include <linux/types.h>
#include <linux/fastqueue.h>

/* Lap of frame @count in a ring of 1 << @order frames, positioned as in a word. */
static inline __u32 fq_word_lap(__u32 count, __u32 order)
{
	return (count >> order) << FASTQUEUE_LAP_SHIFT;
}

static inline __u32 fq_word_verdict(__u32 word)
{
	return (word & FASTQUEUE_VERDICT_MASK) >> FASTQUEUE_VERDICT_SHIFT;
}

static inline bool fq_verdict_known(__u32 verdict)
{
	return verdict == FASTQUEUE_DROP || verdict == FASTQUEUE_ACCEPT ||
	       verdict == FASTQUEUE_REPEAT || verdict == FASTQUEUE_QUEUE;
}

/* An answer to the packet of lap @lap; its arguments are a separate question. */
static inline bool fq_word_is_answer(__u32 word, __u32 lap)
{
	return (word & FASTQUEUE_STATE_MASK) == FASTQUEUE_PROCESSED &&
	       (word & FASTQUEUE_LAP_MASK) == lap &&
	       fq_verdict_known(fq_word_verdict(word));
}

/* The only bit in which plain accept and drop differ. */
#define FQ_VERDICT_BIT	(FASTQUEUE_ACCEPT << FASTQUEUE_VERDICT_SHIFT)

/*
 * Most words are accept or drop without arguments, which takes one comparison.
 * @bits: the word with the expected lap removed by exclusive or.
 */
static inline bool fq_word_is_plain(__u32 bits)
{
	return (bits & ~FQ_VERDICT_BIT) == FASTQUEUE_PROCESSED;
}

/* Verdict of a plain word: FASTQUEUE_DROP or FASTQUEUE_ACCEPT. */
static inline __u32 fq_word_plain_verdict(__u32 word)
{
	return (word & FQ_VERDICT_BIT) >> FASTQUEUE_VERDICT_SHIFT;
}

/* Facts about a frame that decide which arguments an answer to it may have. */
struct fq_answer_limits {
	__u32 frame_size;	/* bytes of payload per frame */
	bool changeable;	/* writable ring, whole packet, not GSO */
};

/* Whether the arguments in @answer fit the flags and the verdict of @word. */
static inline bool fq_answer_valid(__u32 word, const struct fastqueue_answer *answer,
				   const struct fq_answer_limits *limits)
{
	/* an answer's queue has 16 bits, FASTQUEUE_MAX_QUEUE is the largest value */
	if (!(word & FASTQUEUE_WITH_PAYLOAD))
		return true;
	return limits->changeable && answer->len &&
	       answer->len <= limits->frame_size &&
	       !(answer->flags & ~FASTQUEUE_A_ALL);
}

#endif /* FASTQUEUE_WORD_H */
