// SPDX-License-Identifier: GPL-2.0-only
/*
 * The packet receiver: driven by packets that a netfilter rule queues. It owns
 * FA, puts each packet into the next available frame, and wakes the handler if
 * that sleeps.
 */
#include <linux/netfilter_bridge.h>
#include <linux/percpu.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <net/netfilter/nf_queue.h>

#include "compat.h"
#include "queue.h"
#include "trace.h"

/* Of a processor: where accepted packets wait for the first of them, if there is one. */
static DEFINE_PER_CPU(struct list_head *, fq_onward);

/*
 * The packet goes on, and may come to the next rule that queues and be accepted
 * there again, as often as there are chains: more often than the stack has room
 * for. So only the first goes on from here; the others wait until it is through.
 */
static void fq_accept(struct nf_queue_entry *entry)
{
	struct list_head *first;
	LIST_HEAD(waiting);

	local_bh_disable();	/* the packet may come from a process */
	first = __this_cpu_read(fq_onward);
	list_add_tail(&entry->list, first ?: &waiting);
	if (!first) {
		__this_cpu_write(fq_onward, &waiting);
		while (!list_empty(&waiting)) {
			entry = list_first_entry(&waiting, struct nf_queue_entry, list);
			list_del(&entry->list);
			fq_reinject(entry, NF_ACCEPT);
		}
		__this_cpu_write(fq_onward, NULL);
	}
	local_bh_enable();
}

/*
 * Settle a packet that gets no frame. Only -ESRCH lets a rule's `bypass` take
 * effect, and that is for queues without a handler; no other error may leak as
 * one. A negative result has netfilter drop the packet and free the entry.
 */
static int fq_settle_now(struct nf_queue_entry *entry, unsigned int action,
			 int error)
{
	if (action != NF_ACCEPT)
		return error;
	fq_accept(entry);
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
 * A packet in pieces. skb_copy_bits() would do, were it not built for a Pentium
 * III, on which gcc copies byte by byte: here it is by words, see Kbuild.
 */
static noinline int fq_copy_pieces(struct sk_buff *skb, void *payload, u32 len)
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

/* The one copy. Most packets are linear. */
static int fq_copy(struct sk_buff *skb, void *payload, u32 len)
{
	if (skb_headlen(skb) < len)
		return fq_copy_pieces(skb, payload, len);
	memcpy(payload, skb->data, len);
	return 0;
}

/*
 * Put a packet into the next available frame, with the lock held; it becomes
 * visible with status->fa. Negative: no frame is free, or no copy possible.
 */
static __always_inline int fq_frame_fill(struct fq_queue *queue,
					 struct nf_queue_entry *entry,
					 const struct fq_origin *origin)
{
	struct fq_ring *ring = queue->ring;
	u32 cap_len = min(entry->skb->len, queue->copy_range);
	int err;

	if (queue->fa - queue->fp >= ring->frames)
		return -ENOBUFS;
	err = fq_copy(entry->skb, ring->payload + (size_t)ring->frame_size *
		      fq_ring_index(ring, queue->fa), cap_len);
	if (!err)
		fq_publish(queue, entry, origin, cap_len);
	return err;
}

int fq_frame_put(struct fq_queue *queue, struct nf_queue_entry *entry,
		 const struct fq_origin *origin)
{
	return fq_frame_fill(queue, entry, origin);
}

/*
 * Wake the handler only if it had seen everything before this frame: otherwise
 * it is awake, or was woken for an earlier one.
 */
static void fq_receiver_wake(struct fq_queue *queue, u32 count)
{
	/* pairs with the barrier in fq_poll(): fo and the sleepers after fa */
	smp_mb();
	if (READ_ONCE(queue->ring->control->fo) != count ||
	    !waitqueue_active(&queue->wait)) /* ordered by the barrier above */
		return;
	queue->stats.wakeups++;
	wake_up_interruptible_poll(&queue->wait, EPOLLIN | EPOLLRDNORM);
}

static noinline int fq_checksum_help(struct sk_buff *skb)
{
	return skb_csum_is_sctp(skb) ? skb_crc32c_csum_help(skb) :
				       skb_checksum_help(skb);
}

static int fq_checksum_complete(struct fq_queue *queue, struct sk_buff *skb)
{
	if (skb->ip_summed != CHECKSUM_PARTIAL ||
	    READ_ONCE(queue->flags) & FASTQUEUE_F_GSO ||
	    skb_is_gso(skb))	/* the flag was there a moment ago */
		return 0;
	skb->csum_valid = 1;	/* nobody needs to verify it, here or later */
	return fq_checksum_help(skb);
}

/* Settle a packet for which the queue has no frame; the lock is held. */
static unsigned int fq_default_count(struct fq_queue *queue)
{
	if (queue->default_action == NF_ACCEPT)
		queue->stats.default_accepted++;
	else
		queue->stats.default_dropped++;
	return queue->default_action;
}

/* A packet that cannot come into any frame, as fq_enqueue() has it. */
static int fq_refuse(struct fq_queue *queue, struct nf_queue_entry *entry)
{
	unsigned int action;

	spin_lock_bh(&queue->lock);
	queue->stats.received++;
	action = fq_default_count(queue);
	trace_fastqueue_default(queue, entry->skb, queue->fa, action);
	spin_unlock_bh(&queue->lock);
	return fq_settle_now(entry, action, -ENOBUFS);
}

/* One that must not go on either, whatever the default action. */
static void fq_count_lost(struct fq_queue *queue)
{
	spin_lock_bh(&queue->lock);
	queue->stats.received++;
	queue->stats.default_dropped++;
	spin_unlock_bh(&queue->lock);
}

/* As many packets are out as the handler wants at most; frames may be left. */
static bool fq_limit_reached(const struct fq_queue *queue)
{
	const struct fastqueue_stats *s = &queue->stats;

	return queue->limit &&
	       s->queued - s->accepted - s->dropped - s->flushed >= queue->limit;
}

/* One packet, one frame. 0: ours or settled; negative: the caller's to free. */
static int fq_enqueue(struct fq_queue *queue, struct nf_queue_entry *entry)
{
	int err = fq_checksum_complete(queue, entry->skb);
	struct fq_origin origin;
	unsigned int action;
	u32 count;

	origin.queued_at = jiffies;
	origin.known = false;
	if (unlikely(READ_ONCE(queue->flags) & FASTQUEUE_F_UID))
		fq_origin_find(&origin, queue, entry->skb->sk);

	spin_lock_bh(&queue->lock);
	if (unlikely(queue->closed)) {
		spin_unlock_bh(&queue->lock);
		return fq_settle_now(entry, fq_default_action(), -ESRCH);
	}
	queue->stats.received++;
	count = queue->fa;
	if (unlikely(err || fq_limit_reached(queue) ||
		     fq_frame_fill(queue, entry, &origin))) {
		action = fq_default_count(queue);
		trace_fastqueue_default(queue, entry->skb, count, action);
		spin_unlock_bh(&queue->lock);
		if (!err)
			fq_log_full(queue, action);
		return fq_settle_now(entry, action, -ENOBUFS);
	}
	queue->stats.queued++;
	if (entry->skb->len > queue->copy_range)
		queue->stats.truncated++;
	fq_timer_arm(queue);
	fq_receiver_wake(queue, count);
	spin_unlock_bh(&queue->lock);
	return 0;
}

static struct nf_queue_entry *fq_entry_dup(const struct nf_queue_entry *entry)
{
	struct nf_queue_entry *copy = kmemdup(entry, entry->size, GFP_ATOMIC);

	if (copy && !nf_queue_entry_get_refs(copy)) {
		kfree(copy);
		return NULL;
	}
	return copy;
}

static bool fq_crosses_bridge(const struct nf_queue_entry *entry)
{
#if IS_ENABLED(CONFIG_BRIDGE_NETFILTER)
	if (nf_bridge_info_get(entry->skb))
		return true;
#endif
	return entry->state.pf == NFPROTO_BRIDGE;
}

/*
 * Bytes of the MAC header of a packet that crosses a bridge. Segmentation has
 * to start there: each segment needs one, the stack makes no new ones.
 */
static unsigned int fq_bridge_header(const struct nf_queue_entry *entry)
{
	const struct sk_buff *skb = entry->skb;

	return fq_crosses_bridge(entry) ? skb->data - skb_mac_header(skb) : 0;
}

/* Queue one segment with an entry of its own; it is consumed either way. */
static bool fq_enqueue_segment(struct fq_queue *queue, struct sk_buff *segment,
			       const struct nf_queue_entry *entry, bool shared_ct)
{
	struct nf_queue_entry *own;

	skb_mark_not_on_list(segment);
	own = fq_entry_dup(entry);
	if (!own) {
		fq_count_lost(queue);
		kfree_skb(segment);
		return false;
	}
	own->skb = segment;
	own->id = shared_ct ? FQ_ID_UNCONFIRMED : 0;
	if (!fq_enqueue(queue, own))
		return true;
	nf_queue_entry_free(own);
	kfree_skb(segment);
	return false;
}

/*
 * A GSO packet for a reader that did not ask for whole ones. All segments but
 * the first share a connection that may be unconfirmed; the first one confirms
 * it when it is sent, and the others are checked again then.
 */
static noinline int fq_enqueue_segments(struct fq_queue *queue,
					struct nf_queue_entry *entry,
					bool unconfirmed)
{
	unsigned int queued = 0, header = fq_bridge_header(entry);
	struct sk_buff *skb = entry->skb, *segment, *next;

	__skb_push(skb, header);
	segment = skb_gso_segment(skb, 0);
	__skb_pull(skb, header);
	if (IS_ERR_OR_NULL(segment))
		return fq_refuse(queue, entry);

	spin_lock_bh(&queue->lock);
	queue->stats.segmented++;
	spin_unlock_bh(&queue->lock);

	skb_list_walk_safe(segment, segment, next) {
		__skb_pull(segment, header);
		queued += fq_enqueue_segment(queue, segment, entry,
					     unconfirmed && queued);
	}
	if (!queued)
		return -ENOBUFS;
	nf_queue_entry_free(entry);
	consume_skb(skb);
	return 0;
}

/* Most have few queues and number them from 0. */
static struct fq_queue *fq_queue_find(struct fq_net *fq_net, unsigned int number)
{
	if (likely(number < FQ_FIRST_QUEUES))
		/* pairs with the release in fq_queue_create(): a whole queue or none */
		return smp_load_acquire(&fq_net->first[number]);
	return xa_load(&fq_net->queues, number);
}

/* netfilter's way in, under rcu_read_lock(). */
int fq_receive(struct nf_queue_entry *entry, unsigned int number)
{
	struct sk_buff *skb = entry->skb;
	bool unconfirmed = false;
	struct fq_queue *queue;

	queue = fq_queue_find(fq_net(entry->state.net), number);
	if (!queue)
		return fq_settle_now(entry, fq_default_action(), -ESRCH);

	if (entry->state.pf == NFPROTO_IPV4)
		skb->protocol = htons(ETH_P_IP);
	else if (entry->state.pf == NFPROTO_IPV6)
		skb->protocol = htons(ETH_P_IPV6);

	if (unlikely(skb_nfct(skb)) && fq_ct_is_shared(entry, &unconfirmed)) {
		fq_count_lost(queue);
		return -EINVAL;
	}
	entry->id = 0;
	if (!skb_is_gso(skb) ||
	    (READ_ONCE(queue->flags) & FASTQUEUE_F_GSO && !skb_is_gso_sctp(skb)))
		return fq_enqueue(queue, entry);
	return fq_enqueue_segments(queue, entry, unconfirmed);
}
