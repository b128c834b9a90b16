/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A frame's life: published by the receiver, settled by the sender, flushed or
 * moved to another ring. Only this file changes slot, word and counters, always
 * together and with the queue's lock held, so that
 *
 *	queued = accepted + dropped + flushed + occupied
 *
 * holds whenever the lock is free. The steps that every packet takes are inline;
 * frame.c has the others.
 */
#ifndef FASTQUEUE_FRAME_H
#define FASTQUEUE_FRAME_H

#include <linux/netfilter.h>
#include <linux/skbuff.h>
#include <linux/types.h>
#include <net/netfilter/nf_queue.h>

#include "metadata.h"
#include "packet_memory.h"
#include "queue_types.h"
#include "ring.h"
#include "trace.h"

/* Result of looking at a frame; from FQ_ANSWERED on its packet leaves. */
enum fq_finding { FQ_EMPTY, FQ_PENDING, FQ_ANSWERED, FQ_TIMED_OUT, FQ_FLUSHED };

/* Bytes of changed packets in one batch of the sender, but for the last one's. */
#define FQ_BATCH_BYTES	(64u << 10)

int fq_copy_fragments(struct sk_buff *skb, void *payload, u32 len);
int fq_frame_defer(struct fq_queue *queue, struct nf_queue_entry *entry);
enum fq_finding fq_frame_judge(struct fq_queue *queue, u32 count, u32 word,
			       unsigned int *verdict);
unsigned int fq_frame_refuse(struct fq_queue *queue, const struct nf_queue_entry *entry,
			     int err);
void fq_frame_count_lost(struct fq_queue *queue);
struct nf_queue_entry *fq_frame_flush(struct fq_queue *queue, u32 count,
				      unsigned int verdict);
struct nf_queue_entry *fq_frame_move(struct fq_queue *queue, struct fq_ring *old, u32 count);
struct nf_queue_entry *fq_frame_undefer(struct fq_queue *queue, struct nf_queue_entry *entry,
					const struct fq_origin *origin);

static inline u64 fq_frames_occupied(const struct fq_queue *queue)
{
	const struct fastqueue_stats *s = &queue->stats;

	return s->queued - s->accepted - s->dropped - s->flushed;
}

/* The only copy. Most packets are linear. */
static inline int fq_copy(struct sk_buff *skb, void *payload, u32 len)
{
	if (skb_headlen(skb) < len)
		return fq_copy_fragments(skb, payload, len);
	memcpy(payload, skb->data, len);
	return 0;
}

static __always_inline void fq_publish(struct fq_queue *queue, struct nf_queue_entry *entry,
				       const struct fq_origin *origin, u32 index,
				       u32 cap_len)
{
	struct fq_ring *ring = queue->ring;
	u32 fa = queue->fa;
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
	u32 index = fq_ring_index(ring, queue->fa);
	int err;

	if (unlikely(queue->fa - queue->fp >= ring->frames))
		return -ENOBUFS;
	err = fq_copy(entry->skb, ring->payload + (size_t)ring->frame_size * index, cap_len);
	if (likely(!err))
		fq_publish(queue, entry, origin, index, cap_len);
	return err;
}

/* The handler allows fewer packets in frames than there are frames. */
static inline bool fq_limit_reached(const struct fq_queue *queue)
{
	return queue->limit && fq_frames_occupied(queue) >= queue->limit;
}

/*
 * A packet that netfilter queued. Negative: it got no frame, and is to be
 * settled with fq_frame_refuse().
 */
static __always_inline int
fq_frame_receive(struct fq_queue *queue, struct nf_queue_entry *entry,
		 const struct fq_origin *origin)
{
	u32 len = entry->skb->len, truesize = entry->skb->truesize;
	int err;

	if (unlikely(fq_limit_reached(queue)))
		return -ENOBUFS;
	if (!fq_packet_memory_hold(queue, truesize))
		return -ENOMEM;
	err = fq_frame_put(queue, entry, origin);
	if (unlikely(err)) {
		fq_packet_memory_release(queue, truesize);
		return err;
	}
	queue->stats.queued++;
	if (len > queue->copy_range)
		queue->stats.truncated++;
	return 0;
}

/* Count what happened to a packet that leaves its frame. */
static inline void fq_frame_count(struct fq_queue *queue, enum fq_finding finding,
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

static inline void fq_frame_clear(struct fq_queue *queue, u32 index, u32 lap)
{
	struct fq_ring *ring = queue->ring;

	fq_packet_memory_release(queue, ring->slots[index].truesize);
	ring->slots[index].entry = NULL;
	WRITE_ONCE(ring->words[index], FASTQUEUE_AVAILABLE | lap);
}

/* A hook of the namespace went while the packet was out. */
static inline bool fq_frame_must_drop(const struct fq_queue *queue, u32 count)
{
	return unlikely(queue->dropping) && (s32)(count - queue->drop_end) < 0;
}

/*
 * Take the packet out of frame @count if it is answered or its time is over:
 * then *@settled is its entry, with the verdict in entry->id.
 */
static __always_inline enum fq_finding
fq_frame_settle(struct fq_queue *queue, u32 count, struct nf_queue_entry **settled)
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

#endif /* FASTQUEUE_FRAME_H */
