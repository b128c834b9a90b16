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

/*
 * A packet in fragments. skb_copy_bits() would do, but in a kernel built for a
 * Pentium III it copies byte by byte; this copies by words, see Kbuild.
 */
int fq_copy_fragments(struct sk_buff *skb, void *payload, u32 len)
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

/* The same for packets that are on their way to another ring. */
static noinline int fq_frame_put_again(struct fq_queue *queue, struct nf_queue_entry *entry,
				       const struct fq_origin *origin)
{
	return fq_frame_put(queue, entry, origin);
}

/* As fq_frame_receive() while the ring is exchanged: keep the order, and the new ring's size. */
int fq_frame_defer(struct fq_queue *queue, struct nf_queue_entry *entry)
{
	if (fq_limit_reached(queue) || fq_frames_occupied(queue) >= queue->ring->frames)
		return -ENOBUFS;
	if (!fq_packet_memory_hold(queue, entry->skb->truesize))
		return -ENOMEM;
	list_add_tail(&entry->list, &queue->backlog);
	queue->stats.queued++;
	if (entry->skb->len > queue->copy_range)
		queue->stats.truncated++;
	return 0;
}

/* Count a packet that gets no frame because of @err. Returns the default action. */
unsigned int fq_frame_refuse(struct fq_queue *queue, const struct nf_queue_entry *entry,
			     int err)
{
	unsigned int action = queue->default_action;

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

/* Contents that change are compared and copied under the lock: a batch ends after some. */
static void fq_batch_count(struct fq_queue *queue, u32 word,
			   const struct fastqueue_answer *answer)
{
	if (!(word & FASTQUEUE_WITH_PAYLOAD))
		return;
	queue->batch_bytes += answer->len;
	if (queue->batch_bytes >= FQ_BATCH_BYTES)
		queue->batch_max = 0;
}

/* Any word but plain accept and drop: arguments, no answer, or nonsense. */
enum fq_finding fq_frame_judge(struct fq_queue *queue, u32 count, u32 word,
			       unsigned int *verdict)
{
	struct fq_ring *ring = queue->ring;
	u32 index = fq_ring_index(ring, count);
	u32 lap = fq_ring_lap(ring, count);
	struct fastqueue_answer answer;

	if (fq_word_is_answer(word, lap) &&
	    fq_answer_read(queue, index, word, &answer)) {
		if (fq_answer_apply(queue, index, word, &answer, verdict))
			queue->stats.refused++;
		fq_batch_count(queue, word, &answer);
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
	if (!fq_frame_put_again(queue, entry, &origin))
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

	if (!fq_frame_put_again(queue, entry, origin))
		return NULL;
	fq_packet_memory_release(queue, truesize);
	queue->stats.flushed++;
	return entry;
}
