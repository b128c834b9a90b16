// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rules of kmod/word.h as functions of a shared library, for the tests and
 * the model here. Only calls: every rule is the kernel module's own text.
 */
#include "word.h"

/* Verdicts times flags, and the plain words among them. */
struct word_census {
	__u32 answers;
	__u32 plain;
};

__u32 word_lap(__u32 count, __u32 order)
{
	return fq_word_lap(count, order);
}

__u32 word_verdict(__u32 word)
{
	return fq_word_verdict(word);
}

_Bool word_is_answer(__u32 word, __u32 lap)
{
	return fq_word_is_answer(word, lap);
}

_Bool word_is_plain(__u32 bits)
{
	return fq_word_is_plain(bits);
}

__u32 word_plain_verdict(__u32 word)
{
	return fq_word_plain_verdict(word);
}

_Bool answer_valid(__u32 word, const struct fastqueue_answer *answer,
		   const struct fq_answer_limits *limits)
{
	return fq_answer_valid(word, answer, limits);
}

/* Count what all words there are say to a packet of lap @lap. */
struct word_census word_census(__u32 lap)
{
	struct word_census census = { 0, 0 };
	__u32 word = 0;

	do {
		census.answers += fq_word_is_answer(word, lap);
		census.plain += fq_word_is_plain(word ^ lap);
	} while (++word);
	return census;
}
