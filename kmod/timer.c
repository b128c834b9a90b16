// SPDX-License-Identifier: GPL-2.0-only
#include <linux/hrtimer.h>
#include <linux/jiffies.h>
#include <linux/rcupdate.h>

#include "kernel_compat.h"
#include "queue_types.h"
#include "sender.h"
#include "timer.h"

/* Batches of the sender in one tick. */
#define FQ_TICK_BATCHES	8

/*
 * In prompt mode the handler itself has its answers sent whenever it enters
 * poll(), and the timer is for one that is busy. With few frames out it most
 * likely is not: the timer then only stands by, far enough away that it costs
 * nothing at low load, where it would otherwise fire for every packet, but no
 * further than the first frame's time limit.
 */
#define FQ_BUSY_FRAMES		16
#define FQ_STANDBY_PERIODS	10
/* A tick that reached its bound goes on after so long, whatever the period. */
#define FQ_BACKLOG_NS		(FASTQUEUE_MIN_PERIOD_US * NSEC_PER_USEC)

static bool fq_timer_wanted_soon(const struct fq_queue *queue)
{
	return queue->flags & FASTQUEUE_F_TIMER_ONLY ||
	       queue->fa - queue->fp >= FQ_BUSY_FRAMES;
}

static ktime_t fq_timer_standby(const struct fq_queue *queue)
{
	ktime_t standby = queue->period * FQ_STANDBY_PERIODS;

	if (!queue->timeout || queue->timeout > FQ_STANDBY_PERIODS * HZ)
		return standby;	/* periods are a second at most */
	/* when it is over for a frame that is queued now, see fq_frame_judge() */
	return min_t(ktime_t, standby, (queue->timeout + 1ULL) * TICK_NSEC);
}

/* Called with the lock held: have the timer run while frames are out. */
void fq_timer_arm(struct fq_queue *queue)
{
	bool soon;

	if (queue->timer_soon || queue->fa == queue->fp)
		return;
	soon = fq_timer_wanted_soon(queue);
	if (queue->timer_armed && !soon)
		return;
	queue->timer_armed = true;
	queue->timer_soon = soon;
	hrtimer_start(&queue->timer, soon ? queue->period : fq_timer_standby(queue),
		      HRTIMER_MODE_REL_SOFT);
}

/* Called with the lock held, when the period or the time limit is another. */
void fq_timer_rearm(struct fq_queue *queue)
{
	queue->timer_armed = false;
	queue->timer_soon = false;
	fq_timer_arm(queue);
}

/*
 * The timer stops when the ring is empty; the receiver starts it again, perhaps
 * while this runs: then it is left as the receiver set it.
 */
static enum hrtimer_restart fq_timer_tick(struct hrtimer *timer)
{
	struct fq_queue *queue = container_of(timer, struct fq_queue, timer);
	enum hrtimer_restart again = HRTIMER_NORESTART;
	bool backlog;

	rcu_read_lock();
	spin_lock_bh(&queue->lock);
	backlog = fq_sender_work(queue, FQ_TICK_BATCHES);
	queue->stats.ticks++;
	if (queue->closed || queue->fa == queue->fp) {
		queue->timer_armed = false;
		queue->timer_soon = false;
	} else if (!hrtimer_is_queued(timer)) {
		queue->timer_armed = true;
		queue->timer_soon = true;
		hrtimer_forward_now(timer, backlog ? FQ_BACKLOG_NS : queue->period);
		again = HRTIMER_RESTART;
	}
	spin_unlock_bh(&queue->lock);
	rcu_read_unlock();
	return again;
}

void fq_timer_init(struct fq_queue *queue)
{
	fq_hrtimer_setup(&queue->timer, fq_timer_tick);
}
