// SPDX-License-Identifier: GPL-2.0-only
#include <linux/list.h>
#include <linux/poll.h>
#include <net/netfilter/nf_queue.h>

#include "frame.h"
#include "queue.h"
#include "queue_types.h"
#include "reinject.h"
#include "resize.h"
#include "ring.h"
#include "sender.h"
#include "timer.h"

/* Move the packets of @old into the new ring, in order; failures go to @left. */
static void fq_queue_move(struct fq_queue *queue, const struct fq_ring *old,
			  struct list_head *left)
{
	u32 count, fa = queue->fa, fp = queue->fp;
	struct nf_queue_entry *entry;

	WRITE_ONCE(queue->fa, 0);
	WRITE_ONCE(queue->fp, 0);
	queue->sweeping = false;
	for (count = fp; count != fa; count++) {
		entry = fq_frame_move(queue, old, count);
		if (entry)
			list_add_tail(&entry->list, left);
	}
}

static int fq_queue_exchange(struct fq_queue *queue, struct fq_ring **ring,
			     u32 copy_range, struct list_head *left)
{
	if (atomic_read(&queue->ring->mapped) ||
	    fq_frames_occupied(queue) > (*ring)->frames)
		return -EBUSY;
	swap(queue->ring, *ring);
	queue->copy_range = copy_range;
	fq_queue_move(queue, *ring, left);
	fq_timer_arm(queue);
	/* sleepers, including epoll waiters, do not know about the new ring */
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

	err = fq_request_check(&wanted);
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
