// SPDX-License-Identifier: GPL-2.0-only
#include <linux/etherdevice.h>
#include <linux/if_arp.h>
#include <linux/if_vlan.h>
#include <linux/netdevice.h>
#include <linux/netfilter_bridge.h>
#include <linux/skbuff.h>
#include <net/netfilter/nf_queue.h>
#include <net/sock.h>

#include "metadata.h"
#include "queue_types.h"

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
static noinline void fq_meta_bridge(struct fastqueue_meta *meta,
				    const struct nf_hook_state *state)
{
	meta->physindev = fq_ifindex(state->in);
	meta->physoutdev = fq_ifindex(state->out);
	meta->indev = fq_master_ifindex(state->in);
	meta->outdev = fq_master_ifindex(state->out);
}

static void fq_meta_interfaces(struct fastqueue_meta *meta,
			       const struct nf_queue_entry *entry)
{
	const struct nf_hook_state *state = &entry->state;

	if (unlikely(state->pf == NFPROTO_BRIDGE)) {
		fq_meta_bridge(meta, state);
		return;
	}
	meta->indev = likely(state->in) ? state->in->ifindex : 0;
	meta->outdev = likely(state->out) ? state->out->ifindex : 0;
	meta->physindev = 0;
	meta->physoutdev = 0;
#if IS_ENABLED(CONFIG_BRIDGE_NETFILTER)
	if (unlikely(entry->physin || entry->physout)) {
		meta->physindev = fq_ifindex(entry->physin);
		meta->physoutdev = fq_ifindex(entry->physout);
	}
#endif
}

static u32 fq_meta_flags(const struct sk_buff *skb, u32 cap_len)
{
	u32 flags = 0;

	if (cap_len < skb->len)
		flags |= FASTQUEUE_M_TRUNCATED;
	if (skb->ip_summed == CHECKSUM_PARTIAL)
		flags |= FASTQUEUE_M_CSUM_NOT_READY;
	else if (skb_csum_unnecessary(skb))
		flags |= FASTQUEUE_M_CSUM_VALID;
	if (unlikely(skb_is_gso(skb)))
		flags |= FASTQUEUE_M_GSO;
	if (unlikely(skb_vlan_tag_present(skb)))
		flags |= FASTQUEUE_M_VLAN;
	return flags;
}

/* Fields that only some packets have. */
static noinline void fq_meta_rare(struct fastqueue_meta *meta, const struct sk_buff *skb)
{
	bool tagged = skb_vlan_tag_present(skb), gso = skb_is_gso(skb);

	meta->vlan_tci = tagged ? skb_vlan_tag_get(skb) : 0;
	meta->vlan_proto = tagged ? skb->vlan_proto : 0;
	meta->gso_size = gso ? skb_shinfo(skb)->gso_size : 0;
	meta->gso_segs = gso ? skb_shinfo(skb)->gso_segs : 0;
	meta->gso_type = gso ? skb_shinfo(skb)->gso_type : 0;
	meta->uid = 0;
	meta->gid = 0;
}

/* No header, or one of a device that is not Ethernet's kind. */
static noinline void fq_meta_hw_other(struct fastqueue_meta *meta,
				      const struct sk_buff *skb, bool header)
{
	memset(meta->hw_addr, 0, sizeof(meta->hw_addr));
	meta->hw_protocol = 0;
	meta->hw_addrlen = 0;
	if (!header || skb->dev->addr_len > sizeof(meta->hw_addr))
		return;
	meta->hw_protocol = skb->dev->type;
	meta->hw_addrlen = dev_parse_header(skb, meta->hw_addr);
}

/* A whole Ethernet header in front of the network header. */
static bool fq_has_ethernet_header(const struct sk_buff *skb)
{
	return skb->dev->type == ARPHRD_ETHER && skb_mac_header_was_set(skb) &&
	       skb_mac_header_len(skb) >= ETH_HLEN;
}

/* The sender's hardware address; the MAC header may be missing or foreign. */
static void fq_meta_hw(struct fastqueue_meta *meta,
		       const struct nf_queue_entry *entry)
{
	const struct sk_buff *skb = entry->skb;
	bool received = entry->state.in && skb->dev;

	if (unlikely(!received || !fq_has_ethernet_header(skb))) {
		fq_meta_hw_other(meta, skb, received && skb_mac_header_was_set(skb) &&
				 skb_mac_header_len(skb));
		return;
	}
	meta->hw_protocol = ARPHRD_ETHER;
	meta->hw_addrlen = ETH_ALEN;
	ether_addr_copy(meta->hw_addr, eth_hdr(skb)->h_source);
	memset(meta->hw_addr + ETH_ALEN, 0, sizeof(meta->hw_addr) - ETH_ALEN);
}

/* See fq_origin_find(). */
void fq_origin_owner(struct fq_origin *origin, const struct fq_queue *queue, struct sock *sk)
{
	const struct cred *cred;

	if (!sk || !sk_fullsock(sk))
		return;
	read_lock_bh(&sk->sk_callback_lock);
	if (sk->sk_socket && sk->sk_socket->file) {
		cred = sk->sk_socket->file->f_cred;
		origin->uid = from_kuid_munged(queue->net->user_ns, cred->fsuid);
		origin->gid = from_kgid_munged(queue->net->user_ns, cred->fsgid);
		origin->known = true;
	}
	read_unlock_bh(&sk->sk_callback_lock);
}

/*
 * Reading the clock is dear on old hardware: only for who asked. What TCP leaves
 * in skb->tstamp, a delivery time of another clock, is none.
 */
static u64 fq_meta_timestamp(const struct fq_queue *queue,
			     const struct sk_buff *skb)
{
	bool wanted = queue->flags & FASTQUEUE_F_TIMESTAMP;

	if (likely(!skb->tstamp && !wanted))
		return 0;
	return ktime_to_ns(skb_tstamp_cond(skb, wanted));
}

/*
 * Fill in all that the kernel knows, with cap_len there already. A frame must
 * not show what was in it before; what only some packets have is zero unless
 * the flags of the last one, which user space cannot write, say otherwise.
 */
void fq_meta_fill(struct fastqueue_meta *meta, const struct fq_queue *queue,
		  const struct nf_queue_entry *entry)
{
	const struct sk_buff *skb = entry->skb;
	u32 flags = fq_meta_flags(skb, meta->cap_len);
	u32 rare = flags | meta->flags;

	meta->len = skb->len;
	meta->flags = flags;
	meta->protocol = skb->protocol;
	meta->hook = entry->state.hook;
	meta->family = entry->state.pf;
	fq_meta_interfaces(meta, entry);
	meta->mark = skb->mark;
	meta->priority = skb->priority;
	meta->timestamp = fq_meta_timestamp(queue, skb);
	if (unlikely(rare & (FASTQUEUE_M_VLAN | FASTQUEUE_M_GSO | FASTQUEUE_M_UID)))
		fq_meta_rare(meta, skb);
	fq_meta_hw(meta, entry);
}

/* After fq_meta_fill(), of a packet whose owner was looked for and is known. */
void fq_meta_owner(struct fastqueue_meta *meta, const struct fq_origin *origin)
{
	meta->uid = origin->uid;
	meta->gid = origin->gid;
	meta->flags |= FASTQUEUE_M_UID;
}
