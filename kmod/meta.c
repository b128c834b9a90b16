// SPDX-License-Identifier: GPL-2.0-only
/* What the kernel tells the handler about a packet, beside its bytes. */
#include <linux/if_vlan.h>
#include <linux/netdevice.h>
#include <linux/netfilter_bridge.h>
#include <linux/skbuff.h>
#include <net/netfilter/nf_queue.h>
#include <net/sock.h>

#include "queue.h"

static u32 fq_ifindex(const struct net_device *dev)
{
	return dev ? dev->ifindex : 0;
}

static u32 fq_master_ifindex(const struct net_device *port)
{
	const struct net_device *master;

	if (!port)
		return 0;
	master = netdev_master_upper_dev_get_rcu((struct net_device *)port);
	return fq_ifindex(master);
}

/* On a bridge hook the ports are the physical interfaces, the bridge is above. */
static void fq_meta_interfaces(struct fastqueue_meta *meta,
			       const struct nf_queue_entry *entry)
{
	const struct nf_hook_state *state = &entry->state;

	meta->physindev = 0;
	meta->physoutdev = 0;
	if (unlikely(state->pf == NFPROTO_BRIDGE)) {
		meta->physindev = fq_ifindex(state->in);
		meta->physoutdev = fq_ifindex(state->out);
		meta->indev = fq_master_ifindex(state->in);
		meta->outdev = fq_master_ifindex(state->out);
		return;
	}
	meta->indev = fq_ifindex(state->in);
	meta->outdev = fq_ifindex(state->out);
#if IS_ENABLED(CONFIG_BRIDGE_NETFILTER)
	meta->physindev = fq_ifindex(entry->physin);
	meta->physoutdev = fq_ifindex(entry->physout);
#endif
}

static u32 fq_meta_flags(const struct fq_queue *queue,
			 const struct nf_queue_entry *entry, u32 cap_len)
{
	const struct sk_buff *skb = entry->skb;
	u32 flags = 0;

	if (cap_len < skb->len)
		flags |= FASTQUEUE_M_TRUNCATED;
	if (skb->ip_summed == CHECKSUM_PARTIAL)
		flags |= FASTQUEUE_M_CSUM_NOT_READY;
	else if (skb_csum_unnecessary(skb))
		flags |= FASTQUEUE_M_CSUM_VALID;
	if (skb_is_gso(skb))
		flags |= FASTQUEUE_M_GSO;
	if (skb_vlan_tag_present(skb))
		flags |= FASTQUEUE_M_VLAN;
	return flags;
}

/* The sender's hardware address; the MAC header may be missing or foreign. */
static void fq_meta_hw(struct fastqueue_meta *meta,
		       const struct nf_queue_entry *entry)
{
	const struct sk_buff *skb = entry->skb;

	meta->hw_addrlen = 0;
	meta->hw_protocol = 0;
	memset(meta->hw_addr, 0, sizeof(meta->hw_addr));
	if (!entry->state.in || !skb->dev || !skb_mac_header_was_set(skb) ||
	    !skb_mac_header_len(skb) ||
	    skb->dev->addr_len > sizeof(meta->hw_addr))
		return;
	meta->hw_addrlen = dev_parse_header(skb, meta->hw_addr);
	meta->hw_protocol = skb->dev->type;
}

/*
 * Who sent a local packet. To be called without the queue's lock: others take
 * that one, by queueing a packet, while they hold the socket's.
 */
void fq_owner_find(struct fq_owner *owner, const struct fq_queue *queue,
		   struct sock *sk)
{
	const struct cred *cred;

	if (!sk || !sk_fullsock(sk))
		return;
	read_lock_bh(&sk->sk_callback_lock);
	if (sk->sk_socket && sk->sk_socket->file) {
		cred = sk->sk_socket->file->f_cred;
		owner->uid = from_kuid_munged(queue->net->user_ns, cred->fsuid);
		owner->gid = from_kgid_munged(queue->net->user_ns, cred->fsgid);
		owner->known = true;
	}
	read_unlock_bh(&sk->sk_callback_lock);
}

static u64 fq_meta_timestamp(const struct fq_queue *queue,
			     const struct sk_buff *skb)
{
	/*
	 * Reading the clock is dear on old hardware: only for who asked. What TCP
	 * leaves in skb->tstamp, a delivery time of another clock, is none.
	 */
	return ktime_to_ns(skb_tstamp_cond(skb, queue->flags & FASTQUEUE_F_TIMESTAMP));
}

/* Every field is written: a frame must not show what was in it before. */
void fq_meta_fill(struct fastqueue_meta *meta, const struct fq_queue *queue,
		  const struct nf_queue_entry *entry, u32 cap_len)
{
	const struct sk_buff *skb = entry->skb;
	bool gso = skb_is_gso(skb);

	meta->len = skb->len;
	meta->cap_len = cap_len;
	meta->flags = fq_meta_flags(queue, entry, cap_len);
	meta->protocol = skb->protocol;
	meta->hook = entry->state.hook;
	meta->family = entry->state.pf;
	fq_meta_interfaces(meta, entry);
	meta->mark = skb->mark;
	meta->priority = skb->priority;
	meta->vlan_tci = skb_vlan_tag_present(skb) ? skb_vlan_tag_get(skb) : 0;
	meta->vlan_proto = skb_vlan_tag_present(skb) ? skb->vlan_proto : 0;
	meta->gso_size = gso ? skb_shinfo(skb)->gso_size : 0;
	meta->gso_segs = gso ? skb_shinfo(skb)->gso_segs : 0;
	meta->gso_type = gso ? skb_shinfo(skb)->gso_type : 0;
	meta->timestamp = fq_meta_timestamp(queue, skb);
	fq_meta_hw(meta, entry);
}

/* After fq_meta_fill(), with the flag for it. */
void fq_meta_owner(struct fastqueue_meta *meta, const struct fq_owner *owner)
{
	meta->uid = owner->uid;
	meta->gid = owner->gid;
	if (owner->known)
		meta->flags |= FASTQUEUE_M_UID;
}
