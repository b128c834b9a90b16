// SPDX-License-Identifier: MIT
/* Checks of the library's arithmetic on a ring in memory, without the module. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define FRAMES 8u

static void expect(int line, const char *what, bool good)
{
	if (good)
		return;
	fprintf(stderr, "check.c:%d: %s\n", line, what);
	exit(1);
}

#define EXPECT(what) expect(__LINE__, #what, what)

static struct fastqueue_status *status_of(struct fq_queue *queue)
{
	return queue->meta_area.start;
}

static void *area_make(size_t size)
{
	void *area = calloc(1, size);

	EXPECT(area);
	return area;
}

static void ring_make(struct fq_queue *queue, uint32_t start)
{
	struct fastqueue_control *control = area_make(4096);

	*queue = (struct fq_queue){
		.fd = -1,
		.flags = FASTQUEUE_F_TIMER_ONLY,	/* no poll() while there are frames */
		.frames = FRAMES,
		.order = 3,
		.frame_size = 64,
		.answer_area = { control, 4096 },
		.meta_area = { area_make(4096), 4096 },
		.payload_area = { area_make(FRAMES * 64), FRAMES * 64 },
	};
	control->fo = start;
	status_of(queue)->fa = status_of(queue)->fp = start;
	fq_lay_out(queue);
}

static void ring_free(struct fq_queue *queue)
{
	free(queue->answer_area.start);
	free(queue->meta_area.start);
	free(queue->payload_area.start);
}

/* The word of every frame from first on is an answer of its own lap. */
static bool all_answered(const struct fq_queue *queue, uint32_t first,
			 uint32_t number, uint32_t verdict)
{
	uint32_t count;

	for (count = first; count != first + number; count++) {
		uint32_t word = (count / FRAMES & 0xffffff) << 8 | verdict << 2 |
				FASTQUEUE_PROCESSED;

		if (queue->words[count % FRAMES] != word)
			return false;
	}
	return true;
}

static void check_runs(uint32_t start)
{
	struct fq_queue queue;
	uint32_t number;

	for (number = 1; number <= FRAMES; number++) {
		ring_make(&queue, start);
		status_of(&queue)->fa += number;
		EXPECT(fq_wait(&queue, 0) == (int)number);
		EXPECT(fq_first(&queue) == start);
		fq_set_verdict_batch(&queue, start, number, FASTQUEUE_ACCEPT);
		EXPECT(all_answered(&queue, start, number, FASTQUEUE_ACCEPT));
		fq_set_verdict(&queue, start + number - 1, FASTQUEUE_DROP);
		EXPECT(all_answered(&queue, start + number - 1, 1, FASTQUEUE_DROP));
		ring_free(&queue);
	}
}

static void check_late(uint32_t start)
{
	struct fastqueue_answer answer = { .mark = 1 };
	uint32_t before[FRAMES];
	struct fq_queue queue;

	ring_make(&queue, start);
	status_of(&queue)->fa += FRAMES + 3;
	status_of(&queue)->fp += 3;
	memcpy(before, queue.words, sizeof(before));
	EXPECT(fq_is_settled(&queue, start) && !fq_is_settled(&queue, start + 3));
	fq_set_verdict(&queue, start, FASTQUEUE_DROP);
	fq_set_verdict_batch(&queue, start, 3, FASTQUEUE_DROP);
	EXPECT(!fq_set_verdict_full(&queue, start + 2, FASTQUEUE_ACCEPT, FASTQUEUE_WITH_MARK, &answer));
	EXPECT(!memcmp(before, queue.words, sizeof(before)));

	EXPECT(fq_wait(&queue, 0) == FRAMES);	/* the time limit took three */
	EXPECT(fq_first(&queue) == start + 3);
	fq_set_verdict_batch(&queue, start, FRAMES + 3, FASTQUEUE_ACCEPT);
	EXPECT(all_answered(&queue, start + 3, FRAMES, FASTQUEUE_ACCEPT));
	ring_free(&queue);
}

static void check_one_by_one(uint32_t start)
{
	struct fq_queue queue;

	ring_make(&queue, start);
	status_of(&queue)->fa += 2;
	EXPECT(fq_head(&queue) == start + 2 && fq_tail(&queue) == start);
	queue.words[start % FRAMES] = (start / FRAMES & 0xffffff) << 8 | FASTQUEUE_OCCUPIED;
	EXPECT(fq_is_pending(&queue, start) && !fq_is_pending(&queue, start + FRAMES));
	fq_set_verdict(&queue, start, FASTQUEUE_ACCEPT);
	EXPECT(!fq_is_pending(&queue, start));
	fq_mark_taken(&queue, start + 1);
	EXPECT(queue.control->fo == start + 1 && fq_first(&queue) == start + 1);
	EXPECT(fq_wait(&queue, 0) == 1);
	ring_free(&queue);
}

static void check_extras(uint32_t start)
{
	struct fastqueue_answer answer = { .mark = 7, .priority = 8, .queue = 9 };
	struct fq_queue queue;
	uint32_t slot = start % FRAMES;

	ring_make(&queue, start);
	status_of(&queue)->fa++;
	EXPECT(!fq_set_verdict_full(&queue, start, FASTQUEUE_QUEUE, FASTQUEUE_WITH_MARK, &answer));
	EXPECT(queue.answers[slot].mark == 7 && queue.answers[slot].queue == 9);
	EXPECT((queue.words[slot] & 0xff) == (FASTQUEUE_WITH_MARK | 3 << 2 | 2));
	EXPECT((unsigned char *)fq_frame(&queue, start).payload == queue.payload + slot * 64);
	ring_free(&queue);
}

/* Answers that the kernel would refuse are not stored; those at the limits are. */
static void check_refused(uint32_t start)
{
	static const struct {
		uint32_t verdict, which, len, flags, meta;
		bool good;
	} cases[] = {
		{ FASTQUEUE_ACCEPT, FASTQUEUE_WITH_PAYLOAD, 1, 0, 0, true },
		{ FASTQUEUE_REPEAT, FASTQUEUE_WITH_PAYLOAD, 64, FASTQUEUE_A_ALL, 0, true },
		{ FASTQUEUE_DROP, FASTQUEUE_WITH_PRIORITY, 65, 0, FASTQUEUE_M_GSO, true },
		{ FASTQUEUE_ACCEPT, FASTQUEUE_WITH_PAYLOAD, 0, 0, 0, false },
		{ FASTQUEUE_ACCEPT, FASTQUEUE_WITH_PAYLOAD, 65, 0, 0, false },
		{ FASTQUEUE_ACCEPT, FASTQUEUE_WITH_PAYLOAD, 1, FASTQUEUE_A_ALL + 1, 0, false },
		{ FASTQUEUE_ACCEPT, FASTQUEUE_WITH_PAYLOAD, 1, 0, FASTQUEUE_M_GSO, false },
		{ FASTQUEUE_ACCEPT, FASTQUEUE_WITH_PAYLOAD, 1, 0, FASTQUEUE_M_TRUNCATED, false },
		{ FASTQUEUE_ACCEPT, FASTQUEUE_WITH_MARK, 1, FASTQUEUE_A_LENGTHS, 0, false },
		{ FASTQUEUE_ACCEPT, 0, 0, FASTQUEUE_A_CHECKSUMS, 0, false },
		{ FASTQUEUE_ACCEPT, 1u << FASTQUEUE_LAP_SHIFT, 0, 0, 0, false },
		{ FASTQUEUE_ACCEPT, FASTQUEUE_OCCUPIED, 0, 0, 0, false },
		{ 2, FASTQUEUE_WITH_MARK, 0, 0, 0, false },
		{ 5, FASTQUEUE_WITH_MARK, 0, 0, 0, false },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct fastqueue_answer answer = { .len = cases[i].len, .flags = cases[i].flags };
		struct fastqueue_meta *meta;
		struct fq_queue queue;
		uint32_t *word;
		int err;

		ring_make(&queue, start);
		queue.flags |= FASTQUEUE_F_WRITABLE;
		status_of(&queue)->fa++;
		meta = (struct fastqueue_meta *)queue.meta + start % FRAMES;
		meta->flags = cases[i].meta;
		word = &queue.words[start % FRAMES];
		err = fq_set_verdict_full(&queue, start, cases[i].verdict, cases[i].which, &answer);
		EXPECT(err == (cases[i].good ? 0 : -EINVAL));
		EXPECT(!*word == !cases[i].good);
		EXPECT(!cases[i].good || !memcmp(&queue.answers[start % FRAMES], &answer, sizeof(answer)));
		queue.flags &= ~FASTQUEUE_F_WRITABLE;
		err = fq_set_verdict_full(&queue, start, cases[i].verdict, cases[i].which, &answer);
		EXPECT(!(cases[i].which & FASTQUEUE_WITH_PAYLOAD) || err == -EINVAL);
		ring_free(&queue);
	}
}

/* A ring that cannot be mapped looks empty, and takes whatever is written to it. */
static void check_lost(uint32_t start)
{
	struct fastqueue_answer answer = { .mark = 1, .len = 64 };
	struct fq_options options = FQ_OPTIONS_INIT;
	struct fq_queue queue;
	struct fq_area areas[3];

	ring_make(&queue, start);
	areas[0] = queue.answer_area;
	areas[1] = queue.meta_area;
	areas[2] = queue.payload_area;
	EXPECT(fq_remap(&queue) < 0);
	EXPECT(fq_head(&queue) == fq_tail(&queue) && !fq_is_pending(&queue, start));
	fq_mark_taken(&queue, start);
	fq_set_verdict(&queue, start, FASTQUEUE_ACCEPT);
	fq_set_verdict_batch(&queue, start, FRAMES, FASTQUEUE_DROP);
	EXPECT(!fq_set_verdict_full(&queue, start, FASTQUEUE_DROP, FASTQUEUE_WITH_MARK, &answer) ||
	       fq_is_settled(&queue, start));
	EXPECT(!fq_frame(&queue, start).cap_len && !fq_is_pending(&queue, start));
	EXPECT(fq_wait(&queue, 0) == -EPIPE && fq_resize(&queue, &options) == -EPIPE);
	free(areas[0].start);
	free(areas[1].start);
	free(areas[2].start);
}

int main(void)
{
	static const uint32_t starts[] = {
		0, 5, 7, FRAMES * 0x1000000u - 3, UINT32_MAX, UINT32_MAX - FRAMES,
	};
	size_t i;

	for (i = 0; i < sizeof(starts) / sizeof(*starts); i++) {
		check_runs(starts[i]);
		check_late(starts[i]);
		check_one_by_one(starts[i]);
		check_extras(starts[i]);
		check_refused(starts[i]);
		check_lost(starts[i]);
	}
	puts("libfastqueue: arithmetic checked");
	return 0;
}
