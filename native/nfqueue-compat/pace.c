// SPDX-License-Identifier: MIT
/*
 * How often the module's timer sends what was answered while the program is busy;
 * when it has no packet left to take, that is sent at once. Packets leave in any
 * order, so a tick looks at all that are out: of thousands, as bulk TCP has them
 * in its queue, at some 90 instructions each. So ticks come the more rarely the more
 * packets are out, which wait far longer than that anyway.
 */
#include "compat.h"

#define PERIOD_MIN	2	/* ms */
#define PERIOD_MAX	16
#define FRAMES_A_MS	128	/* looked at in a millisecond's time */

/* Packets out for which the period stays: it has to be half or double the right one. */
static void limits_set(struct queue *queue)
{
	uint32_t right = queue->period_ms * FRAMES_A_MS;

	queue->pace_low = queue->period_ms > PERIOD_MIN ? right / 2 : 0;
	queue->pace_high = queue->period_ms < PERIOD_MAX ? right * 2 : UINT32_MAX;
}

void queue_pace_begin(struct queue *queue)
{
	queue->period_ms = PERIOD_MIN;
	limits_set(queue);
}

void queue_pace(struct queue *queue, uint32_t out)
{
	struct fastqueue_settings settings = { .fields = FASTQUEUE_SET_PERIOD };

	while (out > queue->pace_high) {
		queue->period_ms *= 2;
		limits_set(queue);
	}
	while (out < queue->pace_low) {
		queue->period_ms /= 2;
		limits_set(queue);
	}
	settings.period_us = queue->period_ms * 1000;
	fq_set(queue->ring, &settings);
}
