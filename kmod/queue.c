// SPDX-License-Identifier: GPL-2.0-only
#include <linux/log2.h>
#include <linux/netfilter.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/user_namespace.h>
#include <linux/workqueue.h>
#include <net/net_namespace.h>

#include "account.h"
#include "flush.h"
#include "frame.h"
#include "log.h"
#include "packet_memory.h"
#include "params.h"
#include "queue.h"
#include "queue_table.h"
#include "queue_types.h"
#include "ring.h"
#include "sender.h"
#include "timer.h"

static struct workqueue_struct *fq_workqueue;
/* Queues that are closed and not yet free. */
static atomic_t fq_ending = ATOMIC_INIT(0);

static bool fq_period_valid(u32 period_us)
{
	return period_us >= FASTQUEUE_MIN_PERIOD_US &&
	       period_us <= FASTQUEUE_MAX_PERIOD_US;
}

static bool fq_action_valid(u32 action)
{
	return action == FASTQUEUE_ACCEPT || action == FASTQUEUE_DROP;
}

/* Fill in defaults and check all fields of a request. */
int fq_request_check(struct fastqueue_ring *wanted)
{
	if (wanted->version != FASTQUEUE_ABI_VERSION ||
	    wanted->size != sizeof(*wanted))
		return -EPROTO;
	if (!wanted->period_us)
		wanted->period_us = USEC_PER_MSEC;
	if (!wanted->copy_range)
		wanted->copy_range = wanted->frame_size;

	if (wanted->queue > FASTQUEUE_MAX_QUEUE ||
	    wanted->frames < FASTQUEUE_MIN_FRAMES ||
	    wanted->frames > FASTQUEUE_MAX_FRAMES ||
	    !is_power_of_2(wanted->frames) ||
	    wanted->frame_size < FASTQUEUE_MIN_FRAME_SIZE ||
	    wanted->frame_size > FASTQUEUE_MAX_FRAME_SIZE ||
	    wanted->frame_size % 64 ||
	    wanted->copy_range > wanted->frame_size ||
	    wanted->flags & ~FASTQUEUE_F_ALL ||
	    !fq_action_valid(wanted->default_action) ||
	    !fq_period_valid(wanted->period_us) ||
	    memchr_inv(wanted->reserved, 0, sizeof(wanted->reserved)))
		return -EINVAL;
	return 0;
}

static void fq_queue_setup(struct fq_queue *queue, struct net *net,
			   const struct fastqueue_ring *wanted)
{
	spin_lock_init(&queue->lock);
	mutex_init(&queue->exchange);
	init_waitqueue_head(&queue->wait);
	INIT_LIST_HEAD(&queue->backlog);
	fq_log_init(queue);
	fq_timer_init(queue);
	queue->flags = wanted->flags;
	queue->copy_range = wanted->copy_range;
	queue->default_action = wanted->default_action;
	queue->timeout = msecs_to_jiffies(wanted->timeout_ms);
	queue->period = ns_to_ktime((u64)wanted->period_us * NSEC_PER_USEC);
	queue->number = wanted->queue;
	queue->owner = get_pid(task_tgid(current));
	queue->net = get_net(net);
}

static void fq_queue_free(struct fq_queue *queue)
{
	fq_ring_free(queue->ring);
	fq_account_put(queue->account);
	put_pid(queue->owner);
	put_net(queue->net);
	kfree(queue);
}

static void fq_queue_free_work(struct work_struct *work)
{
	fq_queue_free(container_of(to_rcu_work(work), struct fq_queue, free_work));
	atomic_dec(&fq_ending);
}

/*
 * Receivers may still see the queue for a grace period. Nobody waits for that:
 * a process may end with thousands of queues.
 */
static void fq_queue_free_later(struct fq_queue *queue)
{
	atomic_inc(&fq_ending);
	INIT_RCU_WORK(&queue->free_work, fq_queue_free_work);
	queue_rcu_work(fq_workqueue, &queue->free_work);
}

/* Wait until the memory of closed queues is free. */
static void fq_queue_reap(void)
{
	rcu_barrier();
	flush_workqueue(fq_workqueue);
}

/* A ring as requested; memory of queues that were just closed counts as free. */
struct fq_ring *fq_queue_ring_alloc(struct fq_account *account,
				    const struct fastqueue_ring *wanted)
{
	struct fq_ring *ring = fq_ring_alloc(account, wanted->frames, wanted->frame_size);

	if (ring || !atomic_read(&fq_ending))
		return ring;
	fq_queue_reap();
	return fq_ring_alloc(account, wanted->frames, wanted->frame_size);
}

static struct fq_queue *fq_queue_alloc(struct net *net, const struct fastqueue_ring *wanted)
{
	struct fq_queue *queue = kzalloc(sizeof(*queue), GFP_KERNEL_ACCOUNT);

	if (!queue)
		return NULL;
	queue->account = fq_account_get(net->user_ns);
	if (!queue->account)
		goto err_queue;
	queue->ring = fq_queue_ring_alloc(queue->account, wanted);
	if (!queue->ring)
		goto err_account;
	fq_queue_setup(queue, net, wanted);
	return queue;

err_account:
	fq_account_put(queue->account);
err_queue:
	kfree(queue);
	return NULL;
}

/* The queue is live when this returns: packets may already be in it. */
struct fq_queue *fq_queue_create(struct net *net,
				 const struct fastqueue_ring *request)
{
	struct fastqueue_ring wanted = *request;
	struct fq_queue *queue;
	int err;

	if (!ns_capable(net->user_ns, CAP_NET_ADMIN))
		return ERR_PTR(-EPERM);
	err = fq_request_check(&wanted);
	if (err)
		return ERR_PTR(err);
	if (wanted.flags & FASTQUEUE_F_WRITABLE && net->user_ns != &init_user_ns &&
	    !fq_userns_writable())
		return ERR_PTR(-EPERM);
	queue = fq_queue_alloc(net, &wanted);
	if (!queue)
		return ERR_PTR(-ENOMEM);
	fq_flush_init(queue);
	err = fq_table_insert(net, queue);
	if (err) {
		fq_flush_end(queue);
		fq_queue_free(queue);
		return ERR_PTR(err);
	}
	return queue;
}

/*
 * Called once, when no file and no mapping refers to the queue. After @closed
 * no receiver publishes a frame; after the timer is gone nobody sends.
 */
void fq_queue_close(struct fq_queue *queue)
{
	struct fastqueue_stats stats;

	spin_lock_bh(&queue->lock);
	queue->closed = true;
	queue->send_again = true;
	spin_unlock_bh(&queue->lock);

	hrtimer_cancel(&queue->timer);
	fq_flush_end(queue);
	fq_sender_run(queue);
	fq_queue_stats(queue, &stats);
	fq_log_flushed(queue, stats.occupied, queue->default_action);
	fq_flush_queue(queue, READ_ONCE(queue->default_action));
	fq_table_erase(queue);	/* until here a hook that goes reaches its packets */
	fq_packet_memory_return(queue, 0);
	fq_queue_free_later(queue);
}

/* With the lock held: the ring, and so the limit, may be exchanged. */
static int fq_queue_apply(struct fq_queue *queue,
			  const struct fastqueue_settings *set)
{
	if (set->fields & FASTQUEUE_SET_COPY_RANGE) {
		if (!set->copy_range || set->copy_range > queue->ring->frame_size)
			return -EINVAL;
		queue->copy_range = set->copy_range;
	}
	if (set->fields & FASTQUEUE_SET_DEFAULT_ACTION)
		queue->default_action = set->default_action;
	if (set->fields & FASTQUEUE_SET_PERIOD)
		queue->period = ns_to_ktime((u64)set->period_us * NSEC_PER_USEC);
	if (set->fields & FASTQUEUE_SET_TIMEOUT)
		queue->timeout = msecs_to_jiffies(set->timeout_ms);
	if (set->fields & FASTQUEUE_SET_LIMIT)
		queue->limit = set->limit;
	/* read without the lock, a packet sees the old flags or the new ones */
	if (set->fields & FASTQUEUE_SET_FLAGS)
		WRITE_ONCE(queue->flags, (queue->flags & ~FASTQUEUE_F_LIVE) | set->flags);
	fq_timer_rearm(queue);
	return 0;
}

/* All of it or, with an error, none. */
int fq_queue_set(struct fq_queue *queue, const struct fastqueue_settings *set)
{
	int err;

	if (set->fields & ~FASTQUEUE_SET_ALL || set->reserved ||
	    (set->fields & FASTQUEUE_SET_FLAGS && set->flags & ~FASTQUEUE_F_LIVE) ||
	    (set->fields & FASTQUEUE_SET_DEFAULT_ACTION &&
	     !fq_action_valid(set->default_action)) ||
	    (set->fields & FASTQUEUE_SET_PERIOD &&
	     !fq_period_valid(set->period_us)))
		return -EINVAL;

	spin_lock_bh(&queue->lock);
	err = fq_queue_apply(queue, set);
	spin_unlock_bh(&queue->lock);
	return err;
}

void fq_queue_stats(struct fq_queue *queue, struct fastqueue_stats *stats)
{
	spin_lock_bh(&queue->lock);
	*stats = queue->stats;
	stats->occupied = fq_frames_occupied(queue);
	stats->received = stats->queued + stats->default_accepted + stats->default_dropped;
	spin_unlock_bh(&queue->lock);
}

int __init fq_queues_init(void)
{
	fq_workqueue = alloc_workqueue("fastqueue", WQ_UNBOUND, 0);
	return fq_workqueue ? 0 : -ENOMEM;
}

/* No file is open any more; the last queues may still have to be freed. */
void fq_queues_exit(void)
{
	fq_queue_reap();
	destroy_workqueue(fq_workqueue);
}
