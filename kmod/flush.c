// SPDX-License-Identifier: GPL-2.0-only
#include <linux/list.h>
#include <linux/netdevice.h>
#include <linux/netfilter.h>
#include <net/netfilter/nf_queue.h>

#include "flush.h"
#include "frame.h"
#include "queue_table.h"
#include "queue_types.h"
#include "reinject.h"
#include "ring.h"

typedef bool (*fq_match_t)(const struct nf_queue_entry *entry, int ifindex);

/* Take the matching packets out of their frames; the sender skips those. */
static void fq_flush_take(struct fq_queue *queue, fq_match_t match, int ifindex,
			  unsigned int verdict, struct list_head *batch)
{
	const struct fq_ring *ring = queue->ring;
	struct nf_queue_entry *entry;
	u32 count;

	for (count = queue->fp; count != queue->fa; count++) {
		entry = ring->slots[fq_ring_index(ring, count)].entry;
		if (!entry || (match && !match(entry, ifindex)))
			continue;
		fq_frame_flush(queue, count, verdict);
		list_add_tail(&entry->list, batch);
	}
}

static void fq_flush_matching(struct fq_queue *queue, fq_match_t match, int ifindex,
			      unsigned int verdict)
{
	LIST_HEAD(batch);

	spin_lock_bh(&queue->lock);
	fq_flush_take(queue, match, ifindex, verdict, &batch);
	spin_unlock_bh(&queue->lock);
	fq_reinject_list(&batch, verdict);
}

void fq_flush_queue(struct fq_queue *queue, unsigned int verdict)
{
	fq_flush_matching(queue, NULL, 0, verdict);
}

/*
 * An interface or a hook of the namespace goes away: packets that would have to
 * pass it are dropped, as nfnetlink_queue does.
 */
static void fq_flush_net_matching(struct net *net, fq_match_t match, int ifindex)
{
	struct fq_queue *queue;
	unsigned long number;

	rcu_read_lock();
	fq_table_for_each(net, number, queue)
		fq_flush_matching(queue, match, ifindex, NF_DROP);
	rcu_read_unlock();
}

void fq_flush_net(struct net *net)
{
	fq_flush_net_matching(net, NULL, 0);
}

static bool fq_entry_uses(const struct nf_queue_entry *entry, int ifindex)
{
	const struct nf_hook_state *state = &entry->state;

#if IS_ENABLED(CONFIG_BRIDGE_NETFILTER)
	if ((entry->physin && entry->physin->ifindex == ifindex) ||
	    (entry->physout && entry->physout->ifindex == ifindex))
		return true;
#endif
	return (state->in && state->in->ifindex == ifindex) ||
	       (state->out && state->out->ifindex == ifindex) ||
	       (entry->skb->dev && entry->skb->dev->ifindex == ifindex);
}

void fq_flush_device(const struct net_device *dev)
{
	fq_flush_net_matching(dev_net(dev), fq_entry_uses, dev->ifindex);
}
