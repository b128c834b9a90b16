// SPDX-License-Identifier: GPL-2.0-only
#include <linux/sched.h>
#include <linux/slab.h>
#include <net/netfilter/nf_queue.h>

#include "frame.h"
#include "packet_memory.h"
#include "queue_types.h"
#include "reinject.h"
#include "ring.h"
#include "sender.h"

/* Frames settled under one hold of the lock, and frames looked at for them. */
#define FQ_BATCH	64
#define FQ_LOOKS	1024
/* Batches of one call from a process that only look, see fq_sender_rounds(). */
#define FQ_LOOK_BATCHES		8

/* Packets that leave; the verdict is in each entry's id. */
struct fq_batch {
	u32 number;
	struct nf_queue_entry *entries[FQ_BATCH];
};

/* Batches of one sweep at most: each ends at one of its bounds, or with the sweep. */
static u32 fq_sweep_batches(const struct fq_ring *ring)
{
	return ring->frames / FQ_BATCH + ring->frames / FQ_LOOKS + 1 +
	       ring->frames / (FQ_BATCH_BYTES / ring->frame_size);
}

/*
 * FP of an unordered queue: behind it lies the first frame with a packet. After
 * FQ_LOOKS empty ones the next batch goes on.
 */
static u32 fq_sender_first(const struct fq_queue *queue)
{
	const struct fq_ring *ring = queue->ring;
	u32 fp = queue->fp, looks = 0;

	while (fp != queue->fa && looks++ < FQ_LOOKS &&
	       !ring->slots[fq_ring_index(ring, fp)].entry)
		fp++;
	return fp;
}

/* The sweep has come to @count. */
static void fq_sender_advance(struct fq_queue *queue, u32 count)
{
	u32 fp = count;

	if (queue->flags & FASTQUEUE_F_UNORDERED) {
		fp = fq_sender_first(queue);
		if ((s32)(fp - count) > 0)
			count = fp;	/* what lies between was flushed */
	}
	fq_packet_memory_trim(queue);
	queue->scan = count;
	WRITE_ONCE(queue->fp, fp);
	WRITE_ONCE(queue->ring->status->fp, fp);
}

/*
 * Go on with the sweep from FP to FA: settle up to FQ_BATCH frames, fewer if much
 * was changed in them, and look at FQ_LOOKS. It ends at FA, and in an ordered queue
 * at the first frame without an answer; that of an unordered queue may take more
 * ticks than one.
 */
static void fq_sender_collect(struct fq_queue *queue, struct fq_batch *batch)
{
	bool ordered = !(queue->flags & FASTQUEUE_F_UNORDERED);
	u32 count = queue->scan, looks = FQ_LOOKS;
	enum fq_finding finding;

	while (count != queue->fa) {
		if (batch->number >= queue->batch_max || !looks--)
			goto pause;
		finding = fq_frame_settle(queue, count, &batch->entries[batch->number]);
		if (finding == FQ_PENDING && ordered)
			break;
		batch->number += finding >= FQ_ANSWERED;
		count++;
	}
	queue->sweeping = false;
pause:
	queue->looks += count - queue->scan;
	fq_sender_advance(queue, count);
}

static void fq_sender_reinject(struct fq_batch *batch)
{
	u32 i, kept = 0;

	for (i = 0; i < batch->number; i++) {
		struct nf_queue_entry *entry = batch->entries[i];

		if (fq_reinject_keep(entry, entry->id & ~FQ_ID_FLAGS))
			batch->entries[kept++] = entry;
	}
	if (kept == 1)
		kfree(batch->entries[0]);
	else if (kept)
		kfree_bulk(kept, (void **)batch->entries);
}

/*
 * Called with the lock held, which is let go of while the packets go out. A
 * request that comes during a sweep has another one follow: what was answered
 * may lie behind this one. True: there is more to do.
 */
static bool fq_sender_batch(struct fq_queue *queue, struct fq_batch *batch)
{
	batch->number = 0;
	queue->batch_max = FQ_BATCH;
	queue->batch_bytes = 0;
	if (!queue->sweeping) {
		queue->sweeping = true;
		queue->send_again = false;
		queue->scan = queue->fp;
	}
	fq_sender_collect(queue, batch);
	if (batch->number || queue->sweeping) {
		spin_unlock(&queue->lock);
		fq_sender_reinject(batch);
		local_bh_enable();	/* what came in meanwhile gets its turn */
		spin_lock_bh(&queue->lock);
	}
	return queue->sweeping || queue->send_again;
}

/* With the lock held, before fq_sender_work(): all that is answered now is to leave. */
void fq_sender_request(struct fq_queue *queue)
{
	if (!queue->closed)	/* fq_queue_close() asks once, for all that is left */
		queue->send_again = true;
}

/*
 * Send at most @batches, with the lock held. Only one sender is at work on a
 * queue, so that packets leave in order; another that comes then leaves its
 * request behind. True: it stopped at the bound, with answered frames left;
 * frames of a closed queue that were not looked at yet count as such, as no
 * other sender follows.
 */
bool fq_sender_work(struct fq_queue *queue, unsigned int batches)
{
	struct fq_batch batch;

	if (queue->sending || queue->resizing)
		return false;
	queue->sending = true;
	while (fq_sender_batch(queue, &batch) && --batches)
		;
	queue->sending = false;
	return !batches && (batch.number >= queue->batch_max ||
			    (queue->closed && (queue->sweeping || queue->send_again)));
}

/* Whether frames are left to look at, or another request came, with nobody at work on it. */
static bool fq_sender_wanted(const struct fq_queue *queue)
{
	return !queue->sending && (queue->sweeping || queue->send_again);
}

/*
 * In process context: @send until nothing more is answered, within bounds: two
 * sweeps through the ring, as one may be half way when its queue closes.
 * Unanswered frames of an unordered queue are looked at up to a bound. Others may
 * have the processor after each batch: a full ring of the largest size takes a
 * tenth of a second. True: there are frames that the handler has not taken.
 */
static bool fq_sender_rounds(struct fq_queue *queue, bool send)
{
	u32 batches = 0, looks = FQ_LOOK_BATCHES;
	bool unseen, more = false;

	do {
		rcu_read_lock();
		spin_lock_bh(&queue->lock);
		if (send && !more)
			fq_sender_request(queue);
		more = send && queue->fa != queue->fp &&
		       (fq_sender_work(queue, 1) || (fq_sender_wanted(queue) && --looks));
		if (more)
			more = ++batches < 2 * fq_sweep_batches(queue->ring);
		unseen = queue->fa != READ_ONCE(queue->ring->control->fo);
		spin_unlock_bh(&queue->lock);
		rcu_read_unlock();
		if (more)
			cond_resched();
	} while (more);
	return unseen;
}

void fq_sender_run(struct fq_queue *queue)
{
	fq_sender_rounds(queue, true);
}

/* What poll() and WAIT do: send, unless that is for the timer alone. True: unseen frames. */
bool fq_sender_poll(struct fq_queue *queue)
{
	return fq_sender_rounds(queue, !(READ_ONCE(queue->flags) & FASTQUEUE_F_TIMER_ONLY));
}

/* Whether there are frames that the handler has not taken. */
bool fq_sender_unseen(struct fq_queue *queue)
{
	bool unseen;

	spin_lock_bh(&queue->lock);
	unseen = queue->fa != READ_ONCE(queue->ring->control->fo);
	spin_unlock_bh(&queue->lock);
	return unseen;
}
