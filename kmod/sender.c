// SPDX-License-Identifier: GPL-2.0-only
/*
 * The packet sender: driven by a timer, and at once when the handler enters
 * poll() or asks. It owns FP, settles processed frames in order and gives
 * their packets back to netfilter.
 */
#include <linux/netfilter.h>
#include <linux/skbuff.h>
#include <net/netfilter/nf_queue.h>

#include "queue.h"
#include "trace.h"

/* Frames settled under one hold of the lock, and in one tick of the timer. */
#define FQ_BATCH	64
#define FQ_TICK_BATCHES	8

/* What to do with a frame, found from its word. */
enum fq_finding { FQ_EMPTY, FQ_PENDING, FQ_ANSWERED, FQ_TIMED_OUT };

static u32 fq_word_verdict(u32 word)
{
	return (word & FASTQUEUE_VERDICT_MASK) >> FASTQUEUE_VERDICT_SHIFT;
}

static bool fq_word_valid(u32 word, u32 lap)
{
	u32 verdict = fq_word_verdict(word);

	if ((word & FASTQUEUE_STATE_MASK) != FASTQUEUE_PROCESSED ||
	    (word & FASTQUEUE_LAP_MASK) != lap)
		return false;
	return verdict == FASTQUEUE_DROP || verdict == FASTQUEUE_ACCEPT ||
	       verdict == FASTQUEUE_REPEAT || verdict == FASTQUEUE_QUEUE;
}

/*
 * A word that says nothing is counted once and put back to OCCUPIED, so that
 * the handler can still answer; if it just did, its word stays.
 */
static void fq_word_refuse(struct fq_queue *queue, u32 index, u32 word, u32 lap)
{
	if (cmpxchg(&queue->ring->words[index], word, FASTQUEUE_OCCUPIED | lap) == word)
		queue->stats.invalid_words++;
}

/*
 * Copy what goes with the word, each field once. False: it asks for what
 * cannot be, such as changing a packet of which the handler saw only a part.
 */
static bool fq_answer_read(const struct fq_queue *queue, u32 index, u32 word,
			   struct fastqueue_answer *own)
{
	const struct fastqueue_answer *answer = &queue->ring->answers[index];
	const struct fq_slot *slot = &queue->ring->slots[index];

	own->mark = READ_ONCE(answer->mark);
	own->priority = READ_ONCE(answer->priority);
	own->queue = READ_ONCE(answer->queue);
	own->len = READ_ONCE(answer->len);
	if (fq_word_verdict(word) == FASTQUEUE_QUEUE &&
	    own->queue > FASTQUEUE_MAX_QUEUE)
		return false;
	if (!(word & FASTQUEUE_WITH_PAYLOAD))
		return true;
	return queue->flags & FASTQUEUE_F_WRITABLE && own->len &&
	       own->len <= queue->ring->frame_size &&
	       slot->cap_len == slot->entry->skb->len &&
	       !skb_is_gso(slot->entry->skb);
}

/* Apply the handler's answer to the packet. Returns netfilter's verdict. */
static unsigned int fq_answer_apply(struct fq_queue *queue, u32 index, u32 word,
				    const struct fastqueue_answer *answer)
{
	struct fq_ring *ring = queue->ring;
	struct nf_queue_entry *entry = ring->slots[index].entry;

	if (word & FASTQUEUE_WITH_PAYLOAD &&
	    fq_mangle(entry, ring->payload + (size_t)index * ring->frame_size,
		      answer->len))
		return NF_DROP;
	if (word & FASTQUEUE_WITH_MARK)
		entry->skb->mark = answer->mark;
	if (word & FASTQUEUE_WITH_PRIORITY)
		entry->skb->priority = answer->priority;

	switch (fq_word_verdict(word)) {
	case FASTQUEUE_ACCEPT:
		return NF_ACCEPT;
	case FASTQUEUE_REPEAT:
		return NF_REPEAT;
	case FASTQUEUE_QUEUE:
		return NF_QUEUE_NR(answer->queue);
	default:
		return NF_DROP;
	}
}

#define FQ_WORD_EXTRAS	(FASTQUEUE_WITH_MARK | FASTQUEUE_WITH_PRIORITY | \
			 FASTQUEUE_WITH_PAYLOAD)

/* Most words say accept or drop and no more: nothing else is read for them. */
static bool fq_answer_take(struct fq_queue *queue, u32 index, u32 word,
			   unsigned int *verdict)
{
	struct fastqueue_answer answer;

	*verdict = fq_word_verdict(word);
	if (likely(!(word & FQ_WORD_EXTRAS) && *verdict <= NF_ACCEPT))
		return true;
	if (!fq_answer_read(queue, index, word, &answer))
		return false;
	*verdict = fq_answer_apply(queue, index, word, &answer);
	return true;
}

static enum fq_finding fq_frame_find(struct fq_queue *queue, u32 count,
				     unsigned int *verdict)
{
	struct fq_ring *ring = queue->ring;
	u32 index = fq_ring_index(ring, count);
	u32 lap = fq_ring_lap(ring, count);
	/* pairs with the handler's release: the answer comes before its word */
	u32 word = smp_load_acquire(&ring->words[index]);

	if (likely(fq_word_valid(word, lap)) &&
	    fq_answer_take(queue, index, word, verdict))
		return FQ_ANSWERED;
	if (unlikely(word != (FASTQUEUE_OCCUPIED | lap)))
		fq_word_refuse(queue, index, word, lap);
	if (!queue->timeout ||
	    !time_after(jiffies, ring->slots[index].queued_at + queue->timeout))
		return FQ_PENDING;
	*verdict = queue->default_action;
	return FQ_TIMED_OUT;
}

static void fq_frame_count(struct fq_queue *queue, enum fq_finding finding,
			   unsigned int verdict)
{
	if (finding == FQ_TIMED_OUT) {
		queue->stats.timed_out++;
		queue->stats.flushed++;
	} else if (verdict == NF_DROP) {
		queue->stats.dropped++;
	} else {
		queue->stats.accepted++;
	}
}

/* Take the packet of frame @count if it is settled. */
static enum fq_finding fq_frame_take(struct fq_queue *queue, u32 count,
				     struct list_head *batch)
{
	struct fq_ring *ring = queue->ring;
	u32 index = fq_ring_index(ring, count);
	struct nf_queue_entry *entry = ring->slots[index].entry;
	enum fq_finding finding;
	unsigned int verdict;

	if (!entry)	/* flushed, or settled out of order */
		return FQ_EMPTY;
	finding = fq_frame_find(queue, count, &verdict);
	if (finding == FQ_PENDING)
		return finding;
	if (finding == FQ_ANSWERED)
		trace_fastqueue_answered(queue, entry->skb, count, verdict);
	else
		trace_fastqueue_default(queue, entry->skb, count, verdict);
	fq_frame_count(queue, finding, verdict);
	ring->slots[index].entry = NULL;
	WRITE_ONCE(ring->words[index],
		   FASTQUEUE_AVAILABLE | fq_ring_lap(ring, count));
	entry->id |= verdict;
	list_add_tail(&entry->list, batch);
	return finding;
}

/* FP of an unordered queue: behind it lies the first frame with a packet. */
static u32 fq_sender_first(const struct fq_queue *queue)
{
	const struct fq_ring *ring = queue->ring;
	u32 fp = queue->fp;

	while (fp != queue->fa && !ring->slots[fq_ring_index(ring, fp)].entry)
		fp++;
	return fp;
}

/*
 * Settle up to FQ_BATCH frames; true: there may be more. An unordered queue
 * goes on where the last batch of the run ended, however many frames before
 * that wait for their answers or are empty.
 */
static bool fq_sender_collect(struct fq_queue *queue, struct list_head *batch)
{
	bool ordered = !(queue->flags & FASTQUEUE_F_UNORDERED);
	u32 count, taken = 0;

	for (count = queue->scan; count != queue->fa && taken < FQ_BATCH; count++) {
		enum fq_finding finding = fq_frame_take(queue, count, batch);

		if (finding == FQ_PENDING && ordered)
			break;
		taken += finding >= FQ_ANSWERED;
	}
	queue->scan = count;
	WRITE_ONCE(queue->fp, ordered ? count : fq_sender_first(queue));
	WRITE_ONCE(queue->ring->status->fp, queue->fp);
	return taken == FQ_BATCH;
}

static void fq_sender_reinject(struct list_head *batch)
{
	struct nf_queue_entry *entry, *next;

	list_for_each_entry_safe(entry, next, batch, list) {
		/* with the mark for shared connections still in id */
		fq_reinject(entry, entry->id & ~FQ_ID_UNCONFIRMED);
	}
}

/* Called with the lock held, which is let go of while the packets go out. */
static bool fq_sender_batch(struct fq_queue *queue)
{
	LIST_HEAD(batch);
	bool more;

	if (queue->send_again)	/* somebody answered frames, perhaps earlier ones */
		queue->scan = queue->fp;
	queue->send_again = false;
	more = fq_sender_collect(queue, &batch);
	spin_unlock(&queue->lock);
	fq_sender_reinject(&batch);
	local_bh_enable();	/* what came in meanwhile gets its turn */
	spin_lock_bh(&queue->lock);
	return more || queue->send_again;
}

/*
 * Send at most @batches. Only one sender is at work on a queue, so that packets
 * leave in order; another that comes meanwhile leaves its request behind.
 */
static void fq_sender_work(struct fq_queue *queue, unsigned int batches)
{
	rcu_read_lock();
	spin_lock_bh(&queue->lock);
	queue->send_again = true;
	if (!queue->sending) {
		queue->sending = true;
		while (fq_sender_batch(queue) && --batches)
			;
		queue->sending = false;
	}
	spin_unlock_bh(&queue->lock);
	rcu_read_unlock();
}

/* In process context: until nothing more is answered, within bounds. */
void fq_sender_run(struct fq_queue *queue)
{
	if (READ_ONCE(queue->fa) != READ_ONCE(queue->fp))
		fq_sender_work(queue, FASTQUEUE_MAX_FRAMES / FQ_BATCH);
}

/*
 * In prompt mode the handler itself has its answers sent whenever it enters
 * poll(), and the timer is for one that is busy. With few frames out it most
 * likely is not: the timer then only stands by, far enough away that it costs
 * nothing at low load, where it would otherwise fire for every packet.
 */
#define FQ_BUSY_FRAMES		16
#define FQ_STANDBY_PERIODS	10

static bool fq_timer_wanted_soon(const struct fq_queue *queue)
{
	return queue->flags & FASTQUEUE_F_TIMER_ONLY ||
	       queue->fa - queue->fp >= FQ_BUSY_FRAMES;
}

/* Called with the lock held: have the timer run while frames are out. */
void fq_sender_arm(struct fq_queue *queue)
{
	bool soon;

	if (queue->timer_soon || queue->fa == queue->fp)
		return;
	soon = fq_timer_wanted_soon(queue);
	if (queue->timer_armed && !soon)
		return;
	queue->timer_armed = true;
	queue->timer_soon = soon;
	hrtimer_start(&queue->timer, soon ? queue->period :
		      queue->period * FQ_STANDBY_PERIODS, HRTIMER_MODE_REL_SOFT);
}

/*
 * The timer stops when the ring is empty; the receiver starts it again, perhaps
 * while this runs: then it is left as the receiver set it.
 */
enum hrtimer_restart fq_sender_tick(struct hrtimer *timer)
{
	struct fq_queue *queue = container_of(timer, struct fq_queue, timer);
	enum hrtimer_restart again = HRTIMER_NORESTART;

	fq_sender_work(queue, FQ_TICK_BATCHES);

	spin_lock_bh(&queue->lock);
	queue->stats.ticks++;
	if (queue->closed || queue->fa == queue->fp) {
		queue->timer_armed = false;
		queue->timer_soon = false;
	} else if (!hrtimer_is_queued(timer)) {
		queue->timer_armed = true;
		queue->timer_soon = true;
		hrtimer_forward_now(timer, queue->period);
		again = HRTIMER_RESTART;
	}
	spin_unlock_bh(&queue->lock);
	return again;
}
