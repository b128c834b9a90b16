// SPDX-License-Identifier: GPL-2.0-only
/*
 * The packet sender: driven by a timer (timer.c), and at once when the handler
 * enters poll() or asks. It owns FP, settles processed frames in order and gives
 * their packets back to netfilter.
 */
#include <linux/netfilter.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <net/netfilter/nf_queue.h>

#include "queue.h"
#include "trace.h"

/* Frames settled under one hold of the lock, and frames looked at for them. */
#define FQ_BATCH	64
#define FQ_LOOKS	1024
/* Batches of one sweep at most: each ends at one of those, or with the sweep. */
#define FQ_SWEEP_BATCHES	(FASTQUEUE_MAX_FRAMES / FQ_BATCH + \
				 FASTQUEUE_MAX_FRAMES / FQ_LOOKS + 1)
/* Batches between two chances for others, see fq_sender_rounds(). */
#define FQ_ROUND_BATCHES	8

/* Packets that leave; each entry's id has the verdict. */
struct fq_batch {
	u32 number;
	struct nf_queue_entry *entries[FQ_BATCH];
};

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
	if (cmpxchg(&queue->ring->words[index], word, FASTQUEUE_OCCUPIED | lap) != word)
		return;
	queue->stats.invalid_words++;
	fq_log_invalid(queue, index, word);
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

/*
 * Most words say accept or drop and no more, which is one comparison; nothing
 * else is read for them. @bits: the word without the lap that it should have.
 */
#define FQ_VERDICT_BIT	BIT(FASTQUEUE_VERDICT_SHIFT)

static bool fq_word_plain(u32 bits)
{
	BUILD_BUG_ON(FASTQUEUE_DROP != NF_DROP || FASTQUEUE_ACCEPT != NF_ACCEPT);
	return (bits & ~FQ_VERDICT_BIT) == FASTQUEUE_PROCESSED;
}

/* Any other word: answers with more to them, none, and nonsense. */
static noinline enum fq_finding fq_frame_judge(struct fq_queue *queue, u32 count,
					       u32 word, unsigned int *verdict)
{
	struct fq_ring *ring = queue->ring;
	u32 index = fq_ring_index(ring, count);
	u32 lap = fq_ring_lap(ring, count);
	struct fastqueue_answer answer;

	if (fq_word_valid(word, lap) &&
	    fq_answer_read(queue, index, word, &answer)) {
		*verdict = fq_answer_apply(queue, index, word, &answer);
		return FQ_ANSWERED;
	}
	if (unlikely(word != (FASTQUEUE_OCCUPIED | lap)))
		fq_word_refuse(queue, index, word, lap);
	if (!queue->timeout ||
	    !time_after(jiffies, ring->slots[index].queued_at + queue->timeout))
		return FQ_PENDING;
	*verdict = queue->default_action;
	fq_log_timed_out(queue, *verdict);
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
				     struct fq_batch *batch)
{
	struct fq_ring *ring = queue->ring;
	u32 index = fq_ring_index(ring, count), lap = fq_ring_lap(ring, count);
	struct nf_queue_entry *entry = ring->slots[index].entry;
	enum fq_finding finding = FQ_ANSWERED;
	unsigned int verdict;
	u32 word;

	if (unlikely(!entry))	/* flushed, or settled out of order */
		return FQ_EMPTY;
	/* pairs with the handler's release: the answer comes before its word */
	word = smp_load_acquire(&ring->words[index]);
	if (likely(fq_word_plain(word ^ lap))) {
		verdict = (word & FQ_VERDICT_BIT) >> FASTQUEUE_VERDICT_SHIFT;
	} else {
		/* so many wait in an unordered queue that a call for each is too much */
		if (word == (FASTQUEUE_OCCUPIED | lap) && !queue->timeout)
			return FQ_PENDING;
		finding = fq_frame_judge(queue, count, word, &verdict);
	}
	if (unlikely(finding == FQ_PENDING))
		return finding;
	if (finding == FQ_ANSWERED)
		trace_fastqueue_answered(queue, entry->skb, count, verdict);
	else
		trace_fastqueue_default(queue, entry->skb, count, verdict);
	fq_frame_count(queue, finding, verdict);
	ring->slots[index].entry = NULL;
	WRITE_ONCE(ring->words[index], FASTQUEUE_AVAILABLE | lap);
	entry->id |= verdict;
	batch->entries[batch->number++] = entry;
	return finding;
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
	queue->scan = count;
	WRITE_ONCE(queue->fp, fp);
	WRITE_ONCE(queue->ring->status->fp, fp);
}

/*
 * Go on with the sweep from FP to FA: settle up to FQ_BATCH frames and look at
 * FQ_LOOKS. It ends at FA, and in an ordered queue at the first frame without
 * an answer; that of an unordered queue may take more ticks than one.
 */
static void fq_sender_collect(struct fq_queue *queue, struct fq_batch *batch)
{
	bool ordered = !(queue->flags & FASTQUEUE_F_UNORDERED);
	u32 count = queue->scan, looks = FQ_LOOKS;

	while (count != queue->fa) {
		if (batch->number == FQ_BATCH || !looks--)
			goto pause;
		if (fq_frame_take(queue, count, batch) == FQ_PENDING && ordered)
			break;
		count++;
	}
	queue->sweeping = false;
pause:
	fq_sender_advance(queue, count);
}

static void fq_sender_reinject(struct fq_batch *batch)
{
	u32 i, kept = 0;

	for (i = 0; i < batch->number; i++) {
		struct nf_queue_entry *entry = batch->entries[i];

		/* with the mark for shared connections still in id */
		if (fq_reinject_keep(entry, entry->id & ~FQ_ID_UNCONFIRMED))
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

/*
 * Send at most @batches, with the lock held. Only one sender is at work on a
 * queue, so that packets leave in order; another that comes meanwhile leaves its
 * request behind. True: it stopped at the bound, with answered frames left; what
 * a closed queue has not looked at yet counts as such, as nobody comes after.
 */
bool fq_sender_work(struct fq_queue *queue, unsigned int batches)
{
	struct fq_batch batch;

	if (!queue->closed)	/* fq_queue_close() asks once, for all that is left */
		queue->send_again = true;
	if (queue->sending)
		return false;
	queue->sending = true;
	while (fq_sender_batch(queue, &batch) && --batches)
		;
	queue->sending = false;
	return !batches && (batch.number == FQ_BATCH ||
			    (queue->closed && (queue->sweeping || queue->send_again)));
}

/*
 * In process context: @send until nothing more is answered, within bounds: two
 * sweeps through the largest ring, as one may be half way when its queue closes.
 * After each round others may have the processor: a full ring of that size takes
 * a tenth of a second and more. True: there are frames that the handler has not
 * taken.
 */
static bool fq_sender_rounds(struct fq_queue *queue, bool send)
{
	u32 left = 2 * FQ_SWEEP_BATCHES / FQ_ROUND_BATCHES;
	bool unseen, more;

	do {
		rcu_read_lock();
		spin_lock_bh(&queue->lock);
		more = send && queue->fa != queue->fp &&
		       fq_sender_work(queue, FQ_ROUND_BATCHES);
		unseen = queue->fa != READ_ONCE(queue->ring->control->fo);
		spin_unlock_bh(&queue->lock);
		rcu_read_unlock();
		if (more)
			cond_resched();
	} while (more && --left);
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
