// SPDX-License-Identifier: GPL-2.0-only
/*
 * Life of a queue: created by an ioctl, found by number under RCU, flushed when
 * an interface or a hook goes, closed with its file.
 */
#include <linux/log2.h>
#include <linux/netfilter.h>
#include <linux/pid.h>
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>
#include <net/netfilter/nf_queue.h>

#include "compat.h"
#include "queue.h"
#include "trace.h"

static bool fq_period_valid(u32 period_us)
{
	return period_us >= FASTQUEUE_MIN_PERIOD_US &&
	       period_us <= FASTQUEUE_MAX_PERIOD_US;
}

static bool fq_action_valid(u32 action)
{
	return action == FASTQUEUE_ACCEPT || action == FASTQUEUE_DROP;
}

static int fq_wanted_check(struct fastqueue_ring *wanted)
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
	init_waitqueue_head(&queue->wait);
	fq_log_init(queue);
	fq_hrtimer_setup(&queue->timer, fq_timer_tick);
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
	put_pid(queue->owner);
	put_net(queue->net);
	kfree(queue);
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
	err = fq_wanted_check(&wanted);
	if (err)
		return ERR_PTR(err);

	queue = kzalloc(sizeof(*queue), GFP_KERNEL_ACCOUNT);
	if (!queue)
		return ERR_PTR(-ENOMEM);
	queue->ring = fq_ring_alloc(wanted.frames, wanted.frame_size);
	if (!queue->ring) {
		kfree(queue);
		return ERR_PTR(-ENOMEM);
	}
	fq_queue_setup(queue, net, &wanted);
	err = xa_insert(&fq_net(net)->queues, queue->number, queue, GFP_KERNEL);
	if (err) {
		fq_queue_free(queue);
		return ERR_PTR(err);
	}
	if (queue->number < FQ_FIRST_QUEUES)
		/* pairs with the acquire in fq_queue_find(): a whole queue */
		smp_store_release(&fq_net(net)->first[queue->number], queue);
	return queue;
}

/*
 * Called once, when no file and no mapping refers to the queue. After @closed
 * no receiver publishes a frame; after the timer is gone nobody sends.
 */
void fq_queue_close(struct fq_queue *queue)
{
	struct fastqueue_stats stats;

	if (queue->number < FQ_FIRST_QUEUES)
		WRITE_ONCE(fq_net(queue->net)->first[queue->number], NULL);
	xa_erase(&fq_net(queue->net)->queues, queue->number);

	spin_lock_bh(&queue->lock);
	queue->closed = true;
	queue->send_again = true;
	spin_unlock_bh(&queue->lock);

	hrtimer_cancel(&queue->timer);
	fq_sender_run(queue);
	fq_queue_stats(queue, &stats);
	fq_log_flushed(queue, stats.occupied, queue->default_action);
	fq_queue_flush(queue, NULL, 0, READ_ONCE(queue->default_action));
	synchronize_rcu();
	fq_queue_free(queue);
}

static void fq_reinject_list(struct list_head *batch, unsigned int verdict)
{
	struct nf_queue_entry *entry, *next;

	rcu_read_lock();
	local_bh_disable();
	list_for_each_entry_safe(entry, next, batch, list) {
		list_del(&entry->list);
		fq_reinject(entry, verdict);
	}
	local_bh_enable();
	rcu_read_unlock();
}

static u32 fq_queue_occupied(const struct fq_queue *queue)
{
	u32 count, occupied = 0;

	for (count = queue->fp; count != queue->fa; count++)
		occupied += !!queue->ring->slots[fq_ring_index(queue->ring, count)].entry;
	return occupied;
}

/* User space cannot write metadata, so what was found once holds. */
static struct fq_origin fq_origin_kept(const struct fq_slot *slot,
				       const struct fastqueue_meta *meta)
{
	return (struct fq_origin){
		.queued_at = slot->queued_at,
		.uid = meta->uid,
		.gid = meta->gid,
		.known = meta->flags & FASTQUEUE_M_UID,
	};
}

/* Put the packets of @old into the new ring, in order; what fails to @left. */
static void fq_queue_move(struct fq_queue *queue, const struct fq_ring *old,
			  struct list_head *left)
{
	u32 count, fa = queue->fa, fp = queue->fp;

	WRITE_ONCE(queue->fa, 0);
	WRITE_ONCE(queue->fp, 0);
	queue->sweeping = false;
	for (count = fp; count != fa; count++) {
		u32 index = fq_ring_index(old, count);
		const struct fq_slot *slot = &old->slots[index];
		struct fq_origin origin = fq_origin_kept(slot, &old->meta[index]);

		if (!slot->entry || !fq_frame_put(queue, slot->entry, &origin))
			continue;
		queue->stats.flushed++;
		list_add_tail(&slot->entry->list, left);
	}
}

static int fq_queue_exchange(struct fq_queue *queue, struct fq_ring **ring,
			     u32 copy_range, struct list_head *left)
{
	if (atomic_read(&queue->ring->mapped) ||
	    fq_queue_occupied(queue) > (*ring)->frames)
		return -EBUSY;
	swap(queue->ring, *ring);
	queue->copy_range = copy_range;
	fq_queue_move(queue, *ring, left);
	fq_timer_arm(queue);
	/* who sleeps, in epoll perhaps, has not seen them in the new ring */
	if (queue->fa)
		wake_up_interruptible_poll(&queue->wait, EPOLLIN | EPOLLRDNORM);
	return 0;
}

/* The caller keeps mmap() out; everybody else uses the ring under the lock. */
int fq_queue_resize(struct fq_queue *queue, const struct fastqueue_ring *request)
{
	struct fastqueue_ring wanted = *request;
	struct fq_ring *ring;
	LIST_HEAD(left);
	int err;

	err = fq_wanted_check(&wanted);
	if (err)
		return err;
	ring = fq_ring_alloc(wanted.frames, wanted.frame_size);
	if (!ring)
		return -ENOMEM;

	fq_sender_run(queue);
	spin_lock_bh(&queue->lock);
	err = fq_queue_exchange(queue, &ring, wanted.copy_range, &left);
	spin_unlock_bh(&queue->lock);
	fq_ring_free(ring);
	fq_reinject_list(&left, READ_ONCE(queue->default_action));
	return err;
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
	stats->occupied = stats->queued - stats->accepted - stats->dropped -
			  stats->flushed;
	spin_unlock_bh(&queue->lock);
}

/* Take the matching packets out of their frames; the sender skips those. */
static void fq_queue_take(struct fq_queue *queue, fq_match_t match, int ifindex,
			  unsigned int verdict, struct list_head *batch)
{
	struct fq_ring *ring = queue->ring;
	u32 count;

	for (count = queue->fp; count != queue->fa; count++) {
		u32 index = fq_ring_index(ring, count);
		struct nf_queue_entry *entry = ring->slots[index].entry;

		if (!entry || (match && !match(entry, ifindex)))
			continue;
		ring->slots[index].entry = NULL;
		WRITE_ONCE(ring->words[index],
			   FASTQUEUE_AVAILABLE | fq_ring_lap(ring, count));
		queue->stats.flushed++;
		trace_fastqueue_default(queue, entry->skb, count, verdict);
		list_add_tail(&entry->list, batch);
	}
}

void fq_queue_flush(struct fq_queue *queue, fq_match_t match, int ifindex,
		    unsigned int verdict)
{
	LIST_HEAD(batch);

	spin_lock_bh(&queue->lock);
	fq_queue_take(queue, match, ifindex, verdict, &batch);
	spin_unlock_bh(&queue->lock);
	fq_reinject_list(&batch, verdict);
}

/*
 * An interface or a hook of the namespace goes away: what would have to pass
 * it is dropped, as NFQUEUE does; where it came from or went is gone.
 */
void fq_net_flush(struct net *net, fq_match_t match, int ifindex)
{
	struct fq_queue *queue;
	unsigned long number;

	rcu_read_lock();
	xa_for_each(&fq_net(net)->queues, number, queue)
		fq_queue_flush(queue, match, ifindex, NF_DROP);
	rcu_read_unlock();
}
