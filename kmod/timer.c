// SPDX-License-Identifier: GPL-2.0-only
#include <linux/hrtimer.h>
#include <linux/jiffies.h>
#include <linux/math64.h>
#include <linux/rcupdate.h>
#include <linux/sched/clock.h>

#include "account.h"
#include "kernel_compat.h"
#include "packet_memory.h"
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
/*
 * A tick that reached its bound goes on after so long, whatever the period, or after
 * as long as it took: what it sent has to be delivered, and others want to run.
 */
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

/*
 * A tick that looks at many frames and settles few takes the processor from
 * others, at the request of a handler that may have no rights outside its user
 * namespace. Of the time that it spent, the part for frames that stayed was in
 * vain; a frame that is settled weighs as much as FQ_SETTLED_LOOKS of those. An
 * unprivileged user's packets are not others' business either: its handler sends
 * them in its own time, by poll() and KICK, and all of a tick counts. Rest follows,
 * FQ_REST times as long, so that a queue takes less than a twentieth of a
 * processor; all queues of one unprivileged user share that.
 */
#define FQ_REST			32
#define FQ_SETTLED_LOOKS	64
#define FQ_TICK_NS		3000	/* of the timer itself */
#define FQ_TICK_MAX_NS		(250 * NSEC_PER_USEC)	/* a tick ends after its batch */
#define FQ_REST_MAX_NS		(25 * NSEC_PER_MSEC)
#define FQ_SHARED_REST_MAX_NS	NSEC_PER_SEC	/* unprivileged, per queue that shares */

/* Where a tick began. */
struct fq_tick {
	u64 begin;		/* ns */
	u64 settled;		/* packets */
	u32 looks;		/* frames */
};

static u64 fq_settled(const struct fq_queue *queue)
{
	return queue->stats.accepted + queue->stats.dropped + queue->stats.flushed;
}

static u32 fq_tick_spent(const struct fq_tick *tick)
{
	return min_t(u64, local_clock() - tick->begin, NSEC_PER_SEC);
}

/* Time that was spent in vain, in ns. */
static u64 fq_tick_vain(const struct fq_queue *queue, const struct fq_tick *tick)
{
	u32 spent = fq_tick_spent(tick);
	u32 settled = min_t(u64, fq_settled(queue) - tick->settled, FASTQUEUE_MAX_FRAMES);
	u32 looks = queue->looks - tick->looks;
	u32 stayed = looks > settled ? looks - settled : 0;

	if (!settled || !fq_account_privileged(queue->account))
		return spent + FQ_TICK_NS;
	return div_u64((u64)spent * stayed, stayed + settled * FQ_SETTLED_LOOKS);
}

static u64 fq_tick_rest(const struct fq_queue *queue, const struct fq_tick *tick)
{
	u64 limit = fq_account_privileged(queue->account) ? FQ_REST_MAX_NS :
							    FQ_SHARED_REST_MAX_NS;

	return min(fq_tick_vain(queue, tick) * FQ_REST, limit) *
	       fq_account_sharers(queue->account);
}

/* @delay, or as long as the queue still has to rest. */
static ktime_t fq_timer_delay(struct fq_queue *queue, ktime_t delay)
{
	ktime_t rest;

	if (likely(!queue->rest_until))
		return delay;
	rest = ktime_sub(queue->rest_until, ktime_get());
	if (rest <= 0)
		queue->rest_until = 0;
	return max(delay, rest);
}

/* See fq_timer_arm(). */
void fq_timer_start(struct fq_queue *queue)
{
	bool soon;

	if (queue->fa == queue->fp)
		return;
	soon = fq_timer_wanted_soon(queue);
	if (queue->timer_armed && !soon)
		return;
	queue->timer_armed = true;
	queue->timer_soon = soon;
	hrtimer_start(&queue->timer,
		      fq_timer_delay(queue, soon ? queue->period : fq_timer_standby(queue)),
		      HRTIMER_MODE_REL_SOFT);
}

/* Called with the lock held, when the period or the time limit is another. */
void fq_timer_rearm(struct fq_queue *queue)
{
	queue->timer_armed = false;
	queue->timer_soon = false;
	fq_timer_arm(queue);
}

/* True: the bound of a tick was reached, with answered frames left. */
static bool fq_tick_send(struct fq_queue *queue, const struct fq_tick *tick)
{
	unsigned int batches = FQ_TICK_BATCHES;
	bool backlog;

	fq_sender_request(queue);
	do {
		backlog = fq_sender_work(queue, 1);
	} while (--batches && (backlog || queue->sweeping || queue->send_again) &&
		 fq_tick_spent(tick) < FQ_TICK_MAX_NS);
	return backlog;
}

/* The work of one tick. Returns the time from it to the next, if frames are out. */
static ktime_t fq_timer_work(struct fq_queue *queue)
{
	struct fq_tick tick = {
		.begin = local_clock(),
		.settled = fq_settled(queue),
		.looks = queue->looks,
	};
	bool backlog = fq_tick_send(queue, &tick);
	u64 rest = fq_tick_rest(queue, &tick);

	if (backlog)
		rest = max_t(u64, rest, fq_tick_spent(&tick));
	queue->stats.ticks++;
	queue->rest_until = rest ? ktime_add_ns(ktime_get(), rest) : 0;
	return backlog ? FQ_BACKLOG_NS : queue->period;
}

/* Have the next tick come after @period, counted from this one, and after the rest. */
static void fq_timer_forward(struct fq_queue *queue, ktime_t period)
{
	hrtimer_forward_now(&queue->timer, period);
	if (queue->rest_until > hrtimer_get_expires(&queue->timer))
		hrtimer_set_expires(&queue->timer, queue->rest_until);
}

/* No frame is out: the timer stops, and what was reserved for packets is returned. */
static void fq_timer_stop(struct fq_queue *queue)
{
	queue->timer_armed = false;
	queue->timer_soon = false;
	if (!queue->closed)
		fq_packet_memory_return(queue, queue->held);
}

/*
 * The timer stops when the ring is empty; the receiver starts it again, perhaps
 * while this runs: then it is left as the receiver set it.
 */
static enum hrtimer_restart fq_timer_tick(struct hrtimer *timer)
{
	struct fq_queue *queue = container_of(timer, struct fq_queue, timer);
	enum hrtimer_restart again = HRTIMER_NORESTART;
	ktime_t period;

	rcu_read_lock();
	spin_lock_bh(&queue->lock);
	period = fq_timer_work(queue);
	if (queue->closed || queue->fa == queue->fp) {
		fq_timer_stop(queue);
	} else if (!hrtimer_is_queued(timer)) {
		queue->timer_armed = true;
		queue->timer_soon = true;
		fq_timer_forward(queue, period);
		again = HRTIMER_RESTART;
	} else if (queue->rest_until > hrtimer_get_expires(timer)) {
		/* it was set while the lock was let go of, before this tick's rest was known */
		hrtimer_start(timer, fq_timer_delay(queue, queue->period), HRTIMER_MODE_REL_SOFT);
	}
	spin_unlock_bh(&queue->lock);
	rcu_read_unlock();
	return again;
}

void fq_timer_init(struct fq_queue *queue)
{
	fq_hrtimer_setup(&queue->timer, fq_timer_tick);
}
