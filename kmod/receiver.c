// SPDX-License-Identifier: GPL-2.0-only
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/limits.h>
#include <linux/netfilter_bridge.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <net/dst.h>
#include <net/ipv6.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_queue.h>
#include <net/sock.h>

#include "conntrack.h"
#include "default_action.h"
#include "frame.h"
#include "kernel_compat.h"
#include "log.h"
#include "metadata.h"
#include "params.h"
#include "queue_table.h"
#include "queue_types.h"
#include "receiver.h"
#include "ring.h"
#include "timer.h"

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

/*
 * Bytes of the IP headers, which the stack has checked: no open checksum may be in
 * them. Where it is, the packet's sender says, through a tap or a packet socket.
 */
static int fq_checked_headers(struct sk_buff *skb)
{
	__be16 fragment;
	int offset;
	u8 next;

	if (skb->protocol == htons(ETH_P_IP))
		return pskb_may_pull(skb, sizeof(struct iphdr)) ?
		       ((struct iphdr *)skb->data)->ihl * 4 : INT_MAX;
	if (skb->protocol != htons(ETH_P_IPV6))
		return 0;
	if (!pskb_may_pull(skb, sizeof(struct ipv6hdr)))
		return INT_MAX;
	next = ((struct ipv6hdr *)skb->data)->nexthdr;
	offset = ipv6_skip_exthdr(skb, sizeof(struct ipv6hdr), &next, &fragment);
	return max_t(int, offset, sizeof(struct ipv6hdr));
}

static noinline int fq_checksum_help(struct sk_buff *skb)
{
	if (skb_checksum_start_offset(skb) < fq_checked_headers(skb))
		return -EINVAL;
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

/* Settle a packet that cannot get a frame; results as of fq_enqueue(). */
static noinline int fq_refuse(struct fq_queue *queue, struct nf_queue_entry *entry)
{
	unsigned int action;

	spin_lock_bh(&queue->lock);
	action = fq_frame_refuse(queue, entry, -EINVAL);
	spin_unlock_bh(&queue->lock);
	return fq_settle_now(entry, action, -ENOBUFS);
}

/* Count a packet that must not go on, whatever the default action is. */
static void fq_count_lost(struct fq_queue *queue)
{
	spin_lock_bh(&queue->lock);
	fq_frame_count_lost(queue);
	spin_unlock_bh(&queue->lock);
}

/* Whether somebody else can still change the packet's pages. */
static bool fq_has_foreign_pages(struct sk_buff *skb)
{
	return skb_zcopy(skb) || skb_has_shared_frag(skb);
}

/* The parts of a reassembled datagram have pages of their own. */
static bool fq_has_foreign_parts(struct sk_buff *skb)
{
	struct sk_buff *part;

	skb_walk_frags(skb, part)	/* one with parts of its own is not searched */
		if (fq_has_foreign_pages(part) || skb_has_frag_list(part))
			return true;
	return fq_has_foreign_pages(skb);
}

/*
 * Contents that somebody else can still change, such as a file that is sent from
 * the page cache or a guest's memory, are copied: the handler's verdict is about
 * the bytes that leave.
 */
static int fq_own_contents(struct sk_buff *skb)
{
	if (likely(!skb_is_nonlinear(skb)) || !fq_has_foreign_parts(skb))
		return 0;
	if (!skb_has_frag_list(skb))
		return skb_copy_ubufs(skb, GFP_ATOMIC);
	/* a list of whole SCTP packets has to stay one */
	return skb_is_gso_sctp(skb) ? -EINVAL : skb_linearize(skb);
}

/* Forwarded packets come with bottom halves off: that need not be done twice. */
static inline bool fq_receiver_lock(struct fq_queue *queue)
{
	bool process = !softirq_count();

	if (unlikely(process))
		local_bh_disable();
	spin_lock(&queue->lock);
	return process;
}

static inline void fq_receiver_unlock(struct fq_queue *queue, bool process)
{
	spin_unlock(&queue->lock);
	if (unlikely(process))
		local_bh_enable();
}

/* A packet got no frame; the lock is held and is released. Results as of fq_enqueue(). */
static noinline int fq_enqueue_failed(struct fq_queue *queue, struct nf_queue_entry *entry,
				      int err, bool process)
	__releases(&queue->lock)
{
	unsigned int action = fq_frame_refuse(queue, entry, err);

	fq_receiver_unlock(queue, process);
	fq_log_full(queue, action);
	return fq_settle_now(entry, action, -ENOBUFS);
}

/* The queue has ended, or its ring is exchanged; the lock is held and is released. */
static noinline int fq_enqueue_unusual(struct fq_queue *queue, struct nf_queue_entry *entry,
				       bool process)
	__releases(&queue->lock)
{
	int err;

	if (queue->closed) {
		fq_receiver_unlock(queue, process);
		return fq_settle_now(entry, fq_default_action(), -ESRCH);
	}
	err = fq_frame_defer(queue, entry);
	if (err)
		return fq_enqueue_failed(queue, entry, err, process);
	fq_receiver_unlock(queue, process);
	return 0;
}

/* One packet, one frame. 0: ours or settled; negative: for the caller to free. */
static __always_inline int fq_enqueue(struct fq_queue *queue, struct nf_queue_entry *entry,
				      const struct fq_origin *origin)
{
	bool process;
	u32 count;
	int err;

	if (unlikely(fq_checksum_complete(queue, entry->skb)))
		return fq_refuse(queue, entry);
	process = fq_receiver_lock(queue);
	if (unlikely(queue->closed || queue->resizing))
		return fq_enqueue_unusual(queue, entry, process);
	count = queue->fa;
	err = fq_frame_receive(queue, entry, origin);
	if (unlikely(err))
		return fq_enqueue_failed(queue, entry, err, process);
	fq_timer_arm(queue);
	fq_receiver_wake(queue, count);
	fq_receiver_unlock(queue, process);
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

	ptrdiff_t size = skb->data - skb_mac_header(skb);

	if (!fq_crosses_bridge(entry) || !skb_mac_header_was_set(skb))
		return 0;
	return size >= 0 && size <= skb_headroom(skb) ? size : 0;
}

/* The same for packets that are segmented anyway. */
static noinline int fq_enqueue_one(struct fq_queue *queue, struct nf_queue_entry *entry,
				   const struct fq_origin *origin)
{
	return fq_enqueue(queue, entry, origin);
}

static bool fq_has_ended(struct fq_queue *queue)
{
	bool ended;

	spin_lock_bh(&queue->lock);
	ended = queue->closed;
	spin_unlock_bh(&queue->lock);
	return ended;
}

/* Queue one segment with an entry of its own; it is consumed either way. */
static bool fq_enqueue_segment(struct fq_queue *queue, struct sk_buff *segment,
			       const struct nf_queue_entry *entry,
			       const struct fq_origin *origin, bool shared_ct)
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
	if (!fq_enqueue_one(queue, own, origin))
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
					const struct fq_origin *origin,
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
		queued += fq_enqueue_segment(queue, segment, entry, origin,
					     unconfirmed && queued);
	}
	if (!queued)	/* a rule's bypass takes effect once the queue has ended */
		return fq_has_ended(queue) ? -ESRCH : -ENOBUFS;
	nf_queue_entry_free(entry);
	consume_skb(skb);
	return 0;
}

/*
 * A tunnel's packet may still have its sender's socket, of another namespace, and
 * so may the call that it continues: that one would live for as long as the packet
 * waits.
 */
static noinline bool fq_release_foreign_socket(struct nf_queue_entry *entry)
{
	struct nf_hook_state *state = &entry->state;
	bool released = false;

	if (!net_eq(sock_net(entry->skb->sk), state->net)) {
		skb_orphan(entry->skb);
		released = true;
	}
	if (state->sk && !net_eq(sock_net(state->sk), state->net)) {
		sock_gen_put(state->sk);
		state->sk = NULL;
	}
	return released;
}

/*
 * A device of another namespace that is stacked on a bridge brings its packets'
 * connection and route there. Both end with that namespace, and a bridge needs neither.
 */
static noinline void fq_release_foreign_connection(struct nf_queue_entry *entry)
{
	const struct net *net = entry->state.net;
	struct sk_buff *skb = entry->skb;
#if IS_ENABLED(CONFIG_NF_CONNTRACK)
	const struct nf_conn *ct = (void *)skb_nfct(skb);

	if (ct && !net_eq(nf_ct_net(ct), net))
		nf_reset_ct(skb);
#endif
	if (skb_dst(skb) && !(skb_dst(skb)->flags & DST_FAKE_RTABLE) &&
	    !net_eq(dev_net(skb_dst(skb)->dev), net))
		skb_dst_drop(skb);
}

/* netfilter's way in, under rcu_read_lock(). */
int fq_receive(struct nf_queue_entry *entry, unsigned int number)
{
	struct sk_buff *skb = entry->skb;
	bool unconfirmed = false, released = false;
	int err;
	struct fq_origin origin;
	struct fq_queue *queue;

	queue = fq_table_find(fq_net(entry->state.net), number);
	if (!queue)
		return fq_settle_now(entry, fq_default_action(), -ESRCH);

	if (entry->state.pf == NFPROTO_IPV4)
		skb->protocol = htons(ETH_P_IP);
	else if (entry->state.pf == NFPROTO_IPV6)
		skb->protocol = htons(ETH_P_IPV6);

	if (unlikely(entry->state.pf == NFPROTO_BRIDGE))
		fq_release_foreign_connection(entry);
	if (unlikely(skb_nfct(skb)) && fq_ct_is_shared(entry, &unconfirmed)) {
		fq_count_lost(queue);
		return -EINVAL;
	}
	if (unlikely(skb->sk))
		released = fq_release_foreign_socket(entry);
	if (unlikely(fq_own_contents(skb)))
		return fq_refuse(queue, entry);
	/* of a GSO packet too: only its last segment keeps the socket */
	fq_origin_find(&origin, queue, skb->sk);
	entry->id = 0;
	if (!skb_is_gso(skb) ||
	    (READ_ONCE(queue->flags) & FASTQUEUE_F_GSO && !skb_is_gso_sctp(skb)))
		err = fq_enqueue(queue, entry, &origin);
	else
		err = fq_enqueue_segments(queue, entry, &origin, unconfirmed);
	/* a rule's bypass would go on with the socket that the packet held */
	return unlikely(released) && err == -ESRCH ? -ENOBUFS : err;
}
