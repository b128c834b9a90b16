// SPDX-License-Identifier: GPL-2.0-only
#include <linux/jiffies.h>
#include <linux/netfilter.h>
#include <linux/skbuff.h>
#include <net/netfilter/nf_queue.h>

#include "answer.h"
#include "frame.h"
#include "log.h"
#include "metadata.h"
#include "packet_memory.h"
#include "queue_types.h"
#include "ring.h"
#include "trace.h"

u64 fq_frames_occupied(const struct fq_queue *queue)
{
	const struct fastqueue_stats *s = &queue->stats;

	return s->queued - s->accepted - s->dropped - s->flushed;
}

/*
 * A packet in fragments. skb_copy_bits() would do, but in a kernel built for a
 * Pentium III it copies byte by byte; this copies by words, see Kbuild.
 */
static noinline int fq_copy_fragments(struct sk_buff *skb, void *payload, u32 len)
{
	struct skb_seq_state state;
	unsigned int piece;
	const u8 *data;
	u32 done = 0;

	skb_prepare_seq_read(skb, 0, len, &state);
	while ((piece = skb_seq_read(done, &data, &state))) {
		memcpy(payload + done, data, min(piece, len - done));
		done += min(piece, len - done);
	}
	return done == len ? 0 : -EFAULT;
}

/* The only copy. Most packets are linear. */
static int fq_copy(struct sk_buff *skb, void *payload, u32 len)
{
	if (skb_headlen(skb) < len)
		return fq_copy_fragments(skb, payload, len);
	memcpy(payload, skb->data, len);
	return 0;
}

static void fq_publish(struct fq_queue *queue, struct nf_queue_entry *entry,
		       const struct fq_origin *origin, u32 cap_len)
{
	struct fq_ring *ring = queue->ring;
	u32 fa = queue->fa, index = fq_ring_index(ring, fa);
	struct fastqueue_meta *meta = &ring->meta[index];
	struct fq_slot *slot = &ring->slots[index];

	trace_fastqueue_queued(queue, entry->skb, fa, 0);
	slot->entry = entry;
	slot->queued_at = origin->queued_at;
	slot->cap_len = cap_len;
	slot->truesize = entry->skb->truesize;
	meta->cap_len = cap_len;
	fq_meta_fill(meta, queue, entry);
	if (unlikely(origin->known))
		fq_meta_owner(meta, origin);
	WRITE_ONCE(ring->words[index], FASTQUEUE_OCCUPIED | fq_ring_lap(ring, fa));
	WRITE_ONCE(queue->fa, fa + 1);
	/* pairs with the handler's acquire: the whole frame comes before fa */
	smp_store_release(&ring->status->fa, fa + 1);
}

/*
 * Put a packet into the next available frame; it becomes visible with
 * status->fa. Negative: no frame is available, or the packet cannot be copied.
 */
static __always_inline int fq_frame_put(struct fq_queue *queue,
					struct nf_queue_entry *entry,
					const struct fq_origin *origin)
{
	struct fq_ring *ring = queue->ring;
	u32 cap_len = min(entry->skb->len, queue->copy_range);
	int err;

	if (unlikely(queue->fa - queue->fp >= ring->frames))
		return -ENOBUFS;
	err = fq_copy(entry->skb, ring->payload + (size_t)ring->frame_size *
		      fq_ring_index(ring, queue->fa), cap_len);
	if (!err)
		fq_publish(queue, entry, origin, cap_len);
	return err;
}

/* The handler allows fewer packets in frames than there are frames. */
static bool fq_limit_reached(const struct fq_queue *queue)
{
	return queue->limit && fq_frames_occupied(queue) >= queue->limit;
}

/* While the ring is exchanged: keep the order, and the new ring's size. */
static noinline int fq_frame_defer(struct fq_queue *queue, struct nf_queue_entry *entry)
{
	if (fq_frames_occupied(queue) >= queue->ring->frames)
		return -ENOBUFS;
	list_add_tail(&entry->list, &queue->backlog);
	return 0;
}

/*
 * A packet that netfilter queued. Negative: it got no frame, and is to be
 * settled with fq_frame_refuse().
 */
int fq_frame_receive(struct fq_queue *queue, struct nf_queue_entry *entry,
		     const struct fq_origin *origin)
{
	u32 len = entry->skb->len, truesize = entry->skb->truesize;
	int err;

	if (unlikely(fq_limit_reached(queue)))
		return -ENOBUFS;
	if (!fq_packet_memory_hold(queue, truesize))
		return -ENOMEM;
	err = unlikely(queue->resizing) ? fq_frame_defer(queue, entry) :
					  fq_frame_put(queue, entry, origin);
	if (unlikely(err)) {
		fq_packet_memory_release(queue, truesize);
		return err;
	}
	queue->stats.received++;
	queue->stats.queued++;
	if (len > queue->copy_range)
		queue->stats.truncated++;
	return 0;
}

/* Count a packet that gets no frame because of @err. Returns the default action. */
unsigned int fq_frame_refuse(struct fq_queue *queue, const struct nf_queue_entry *entry,
			     int err)
{
	unsigned int action = queue->default_action;

	queue->stats.received++;
	queue->stats.over_memory += err == -ENOMEM;
	if (action == NF_ACCEPT)
		queue->stats.default_accepted++;
	else
		queue->stats.default_dropped++;
	trace_fastqueue_default(queue, entry->skb, queue->fa, action);
	return action;
}

/* Count a packet that is dropped whatever the default action is. */
void fq_frame_count_lost(struct fq_queue *queue)
{
	queue->stats.received++;
	queue->stats.default_dropped++;
}

/*
 * Count an invalid word once and put it back to OCCUPIED, so that the handler
 * can still answer; an answer that it has just written stays.
 */
static void fq_word_refuse(struct fq_queue *queue, u32 index, u32 word, u32 lap)
{
	if (cmpxchg(&queue->ring->words[index], word, FASTQUEUE_OCCUPIED | lap) != word)
		return;
	queue->stats.invalid_words++;
	fq_log_invalid(queue, index, word);
}

/* Any word but plain accept and drop: arguments, no answer, or nonsense. */
static noinline enum fq_finding fq_frame_judge(struct fq_queue *queue, u32 count,
					       u32 word, unsigned int *verdict)
{
	struct fq_ring *ring = queue->ring;
	u32 index = fq_ring_index(ring, count);
	u32 lap = fq_ring_lap(ring, count);
	struct fastqueue_answer answer;

	if (fq_word_is_answer(word, lap) &&
	    fq_answer_read(queue, index, word, &answer)) {
		if (fq_answer_apply(queue, index, word, &answer, verdict))
			queue->stats.refused++;
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

/* Count what happened to a packet that leaves its frame. */
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

static void fq_frame_clear(struct fq_queue *queue, u32 index, u32 lap)
{
	struct fq_ring *ring = queue->ring;

	fq_packet_memory_release(queue, ring->slots[index].truesize);
	ring->slots[index].entry = NULL;
	WRITE_ONCE(ring->words[index], FASTQUEUE_AVAILABLE | lap);
}

/* Take the packet out of frame @count without an answer; the sender skips empty frames. */
struct nf_queue_entry *fq_frame_flush(struct fq_queue *queue, u32 count,
				      unsigned int verdict)
{
	struct fq_ring *ring = queue->ring;
	u32 index = fq_ring_index(ring, count);
	struct nf_queue_entry *entry = ring->slots[index].entry;

	fq_frame_clear(queue, index, fq_ring_lap(ring, count));
	queue->stats.flushed++;
	trace_fastqueue_default(queue, entry->skb, count, verdict);
	return entry;
}

/* A hook of the namespace went while the packet was out. */
static bool fq_frame_must_drop(const struct fq_queue *queue, u32 count)
{
	return unlikely(queue->dropping) && (s32)(count - queue->drop_end) < 0;
}

/*
 * Take the packet out of frame @count if it is answered or its time is over:
 * then *@settled is its entry, with the verdict in entry->id.
 */
enum fq_finding fq_frame_settle(struct fq_queue *queue, u32 count,
				struct nf_queue_entry **settled)
{
	struct fq_ring *ring = queue->ring;
	u32 index = fq_ring_index(ring, count), lap = fq_ring_lap(ring, count);
	struct nf_queue_entry *entry = ring->slots[index].entry;
	enum fq_finding finding = FQ_ANSWERED;
	unsigned int verdict;
	u32 word;

	BUILD_BUG_ON(FASTQUEUE_DROP != NF_DROP || FASTQUEUE_ACCEPT != NF_ACCEPT ||
		     FASTQUEUE_REPEAT != NF_REPEAT);
	if (unlikely(!entry))	/* flushed, or settled out of order */
		return FQ_EMPTY;
	if (fq_frame_must_drop(queue, count)) {
		*settled = fq_frame_flush(queue, count, NF_DROP);
		entry->id |= NF_DROP;
		return FQ_FLUSHED;
	}
	/* pairs with the handler's release: the answer comes before its word */
	word = smp_load_acquire(&ring->words[index]);
	if (likely(fq_word_is_plain(word ^ lap))) {
		verdict = fq_word_plain_verdict(word);
	} else {
		/* the usual case in an unordered queue: no call per frame */
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
	fq_frame_clear(queue, index, lap);
	entry->id |= verdict;
	*settled = entry;
	return finding;
}

/* Userspace cannot write metadata, so an origin that was found once is valid. */
static struct fq_origin fq_origin_restore(const struct fq_slot *slot,
					  const struct fastqueue_meta *meta)
{
	return (struct fq_origin){
		.queued_at = slot->queued_at,
		.uid = meta->uid,
		.gid = meta->gid,
		.known = meta->flags & FASTQUEUE_M_UID,
	};
}

/*
 * Move the packet of frame @count in the ring @old to the queue's present ring.
 * Returns NULL, or the entry of a packet that could not be moved and is flushed.
 */
struct nf_queue_entry *fq_frame_move(struct fq_queue *queue, struct fq_ring *old, u32 count)
{
	u32 index = fq_ring_index(old, count);
	struct fq_slot *slot = &old->slots[index];
	struct nf_queue_entry *entry = slot->entry;
	struct fq_origin origin = fq_origin_restore(slot, &old->meta[index]);

	if (!entry)
		return NULL;
	slot->entry = NULL;
	if (!fq_frame_put(queue, entry, &origin))
		return NULL;
	fq_packet_memory_release(queue, slot->truesize);
	queue->stats.flushed++;
	return entry;
}

/* Put a packet of the backlog into a frame, or flush it. Results as of fq_frame_move(). */
struct nf_queue_entry *fq_frame_undefer(struct fq_queue *queue, struct nf_queue_entry *entry,
					const struct fq_origin *origin)
{
	u32 truesize = entry->skb->truesize;

	if (!fq_frame_put(queue, entry, origin))
		return NULL;
	fq_packet_memory_release(queue, truesize);
	queue->stats.flushed++;
	return entry;
}
