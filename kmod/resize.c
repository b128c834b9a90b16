// SPDX-License-Identifier: GPL-2.0-only
#include <linux/delay.h>
#include <linux/list.h>
#include <linux/netfilter.h>
#include <linux/poll.h>
#include <linux/sched.h>
#include <net/netfilter/nf_queue.h>

#include "flush.h"
#include "frame.h"
#include "metadata.h"
#include "queue.h"
#include "queue_types.h"
#include "reinject.h"
#include "resize.h"
#include "ring.h"
#include "sender.h"
#include "timer.h"

/* Frames and bytes moved under one hold of the lock. */
#define FQ_MOVE_BATCH	64
#define FQ_MOVE_BYTES	(128u << 10)

/* Packets on their way from one ring to another. */
struct fq_move {
	struct fq_ring *old;
	u32 count;			/* next frame of the old ring */
	u32 end;			/* its FA */
	struct list_head left;		/* packets that could not be moved */
};

/*
 * With the lock held: from here on packets that come wait in the backlog, and no
 * sender runs; the handler has no mapping, so no answers can come either.
 */
static int fq_move_begin(struct fq_queue *queue, struct fq_move *move, struct fq_ring *ring,
			 u32 copy_range)
{
	if (atomic_read(&queue->ring->mapped) ||
	    fq_frames_occupied(queue) > ring->frames)
		return -EBUSY;
	if (queue->sending || queue->dropping)
		return -EAGAIN;
	move->old = queue->ring;
	move->count = queue->fp;
	move->end = queue->fa;
	queue->ring = ring;
	queue->copy_range = copy_range;
	WRITE_ONCE(queue->fa, 0);
	WRITE_ONCE(queue->fp, 0);
	queue->sweeping = false;
	queue->resizing = true;
	return 0;
}

/* Packets leave for good, without a lock: they may come straight back. */
static void fq_move_settle_left(struct fq_queue *queue, struct fq_move *move)
{
	bool dropping;

	rcu_read_lock();
	spin_lock_bh(&queue->lock);
	dropping = queue->dropping;	/* a hook went: nothing may go on */
	spin_unlock_bh(&queue->lock);
	fq_reinject_list(&move->left, dropping ? NF_DROP : READ_ONCE(queue->default_action));
	rcu_read_unlock();
	cond_resched();
}

static void fq_move_batch(struct fq_queue *queue, struct fq_move *move)
{
	u32 batch = FQ_MOVE_BATCH, bytes = 0;
	struct nf_queue_entry *entry;

	while (batch-- && bytes < FQ_MOVE_BYTES && move->count != move->end) {
		bytes += move->old->slots[fq_ring_index(move->old, move->count)].cap_len;
		entry = fq_frame_move(queue, move->old, move->count++);
		if (entry)
			list_add_tail(&entry->list, &move->left);
	}
}

static void fq_move_frames(struct fq_queue *queue, struct fq_move *move)
{
	while (move->count != move->end) {
		spin_lock_bh(&queue->lock);
		fq_move_batch(queue, move);
		spin_unlock_bh(&queue->lock);
		fq_move_settle_left(queue, move);
	}
}

static struct nf_queue_entry *fq_backlog_first(struct fq_queue *queue)
{
	struct nf_queue_entry *entry;

	entry = list_first_entry_or_null(&queue->backlog, struct nf_queue_entry, list);
	if (entry)
		list_del(&entry->list);
	return entry;
}

/* Socket owners are looked up without the lock, see fq_origin_find(). */
static void fq_move_backlog(struct fq_queue *queue, struct fq_move *move)
{
	struct nf_queue_entry *entry;
	struct fq_origin origin;

	spin_lock_bh(&queue->lock);
	while ((entry = fq_backlog_first(queue))) {
		spin_unlock_bh(&queue->lock);
		cond_resched();
		fq_origin_find(&origin, queue, entry->skb->sk);
		spin_lock_bh(&queue->lock);
		entry = fq_frame_undefer(queue, entry, &origin);
		if (entry)
			list_add_tail(&entry->list, &move->left);
	}
	queue->resizing = false;
	fq_flush_resume(queue);
	fq_timer_arm(queue);
	/* sleepers, including epoll waiters, do not know about the new ring */
	if (queue->fa)
		wake_up_interruptible_poll(&queue->wait, EPOLLIN | EPOLLRDNORM);
	spin_unlock_bh(&queue->lock);
	fq_move_settle_left(queue, move);
}

/*
 * A sender that runs on another processor is through soon. Packets that a hook
 * left behind are dropped first, so that only those are.
 */
static int fq_move_begin_wait(struct fq_queue *queue, struct fq_move *move,
			      struct fq_ring *ring, u32 copy_range)
{
	int err;

	do {
		spin_lock_bh(&queue->lock);
		err = fq_move_begin(queue, move, ring, copy_range);
		spin_unlock_bh(&queue->lock);
		if (err == -EAGAIN) {
			fq_flush_marked(queue);
			usleep_range(20, 50);
		}
	} while (err == -EAGAIN);
	return err;
}

static int fq_queue_exchange(struct fq_queue *queue, struct fq_ring *ring, u32 copy_range)
{
	struct fq_move move = { .left = LIST_HEAD_INIT(move.left) };
	int err;

	mutex_lock(&queue->exchange);
	err = fq_move_begin_wait(queue, &move, ring, copy_range);
	if (!err) {
		fq_move_frames(queue, &move);
		fq_move_backlog(queue, &move);
	}
	mutex_unlock(&queue->exchange);
	fq_ring_free(err ? ring : move.old);
	return err;
}

/* The caller keeps mmap() out; everybody else uses the ring under the lock. */
int fq_queue_resize(struct fq_queue *queue, const struct fastqueue_ring *request)
{
	struct fastqueue_ring wanted = *request;
	struct fq_ring *ring;
	int err;

	err = fq_request_check(&wanted);
	if (err)
		return err;
	ring = fq_queue_ring_alloc(queue->account, &wanted);
	if (!ring)
		return -ENOMEM;
	fq_sender_run(queue);
	return fq_queue_exchange(queue, ring, wanted.copy_range);
}
