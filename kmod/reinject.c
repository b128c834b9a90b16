// SPDX-License-Identifier: GPL-2.0-only
#include <linux/if_bridge.h>
#include <linux/netdevice.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <net/inet_hashtables.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_queue.h>

#include "conntrack.h"
#include "queue_types.h"
#include "reinject.h"

/*
 * Let go of what the entry holds. True: its memory is left for the caller to
 * free, together with that of others, which costs a third of freeing one by one.
 * That takes knowing all that an entry may hold; of one with fields that Kbuild
 * has not found known, the kernel itself disposes.
 */
static bool fq_entry_done(struct nf_queue_entry *entry)
{
#ifdef FQ_HAVE_KNOWN_ENTRY
	dev_put(entry->skb_dev);
	dev_put(entry->state.in);
	dev_put(entry->state.out);
	if (entry->state.sk)
		sock_gen_put(entry->state.sk);
#if IS_ENABLED(CONFIG_BRIDGE_NETFILTER)
	if (unlikely(entry->bridge_dev || entry->physin || entry->physout)) {
		dev_put(entry->bridge_dev);
		dev_put(entry->physin);
		dev_put(entry->physout);
	}
#endif
	return true;
#else
	nf_queue_entry_free(entry);
	return false;
#endif
}

#ifndef FQ_HAVE_NF_REINJECT

static const struct nf_hook_entries *fq_hooks(const struct nf_hook_state *state)
{
	const struct net *net = state->net;

	switch (state->pf) {
	case NFPROTO_IPV4:
		return rcu_dereference(net->nf.hooks_ipv4[state->hook]);
	case NFPROTO_IPV6:
		return rcu_dereference(net->nf.hooks_ipv6[state->hook]);
#ifdef CONFIG_NETFILTER_FAMILY_BRIDGE
	case NFPROTO_BRIDGE:
		return rcu_dereference(net->nf.hooks_bridge[state->hook]);
#endif
	default:
		return NULL;
	}
}

static int fq_reroute_ipv4(struct sk_buff *skb,
			   const struct nf_queue_entry *entry)
{
	const struct ip_rt_info *saved = nf_queue_entry_reroute(entry);
	const struct iphdr *iph = ip_hdr(skb);

	if (iph->tos == saved->tos && skb->mark == saved->mark &&
	    iph->daddr == saved->daddr && iph->saddr == saved->saddr)
		return 0;
	return ip_route_me_harder(entry->state.net, entry->state.sk, skb,
				  RTN_UNSPEC);
}

static int fq_reroute_ipv6(struct sk_buff *skb,
			   const struct nf_queue_entry *entry)
{
	const struct ip6_rt_info *saved = nf_queue_entry_reroute(entry);
	const struct ipv6hdr *iph = ipv6_hdr(skb);

	if (ipv6_addr_equal(&iph->daddr, &saved->daddr) &&
	    ipv6_addr_equal(&iph->saddr, &saved->saddr) &&
	    skb->mark == saved->mark)
		return 0;
	return nf_ip6_route_me_harder(entry->state.net, entry->state.sk, skb);
}

/* A local packet whose route keys changed while it was out is routed anew. */
static noinline int fq_reroute_local(struct sk_buff *skb, const struct nf_queue_entry *entry)
{
	if (entry->state.pf == NFPROTO_IPV4)
		return fq_reroute_ipv4(skb, entry);
	if (entry->state.pf == NFPROTO_IPV6)
		return fq_reroute_ipv6(skb, entry);
	return 0;
}

static int fq_reroute(struct sk_buff *skb, const struct nf_queue_entry *entry)
{
	return likely(entry->state.hook != NF_INET_LOCAL_OUT) ? 0 :
	       fq_reroute_local(skb, entry);
}

/* Walk the hooks from @index on. Returns the verdict that ended the walk. */
static unsigned int fq_iterate(struct sk_buff *skb, struct nf_hook_state *state,
			       const struct nf_hook_entries *hooks,
			       unsigned int *index)
{
	unsigned int verdict;

	while (*index < hooks->num_hook_entries) {
		verdict = nf_hook_entry_hookfn(&hooks->hooks[*index], skb, state);
		if (verdict == NF_REPEAT)
			continue;
		if (verdict != NF_ACCEPT)
			return verdict;
		++*index;
	}
	return NF_ACCEPT;
}

/* Carry out what the hooks said. True: a bypassed queue, go on with the next. */
static noinline bool fq_finish(struct nf_queue_entry *entry, unsigned int verdict,
			       unsigned int index)
{
	struct nf_hook_state *state = &entry->state;
	struct sk_buff *skb = entry->skb;

	switch (verdict & NF_VERDICT_MASK) {
	case NF_ACCEPT:
	case NF_STOP:
		state->okfn(state->net, state->sk, skb);
		return false;
	case NF_QUEUE:
		return nf_queue(skb, state, index, verdict) == 1;
	case NF_STOLEN:
		return false;
	default:
		kfree_skb(skb);
		return false;
	}
}

/* Go on behind the hook that queued the packet. Returns whether @entry is gone too. */
static bool fq_continue(struct nf_queue_entry *entry, unsigned int verdict)
{
	const struct nf_hook_entries *hooks = fq_hooks(&entry->state);
	struct sk_buff *skb = entry->skb;
	unsigned int index = entry->hook_index;

	/* rules may have vanished while the packet was out */
	if (unlikely(!hooks || index >= hooks->num_hook_entries)) {
		kfree_skb(skb);
		return false;
	}
	if (unlikely(verdict == NF_REPEAT))
		verdict = nf_hook_entry_hookfn(&hooks->hooks[index], skb,
					       &entry->state);
	if (verdict == NF_ACCEPT && fq_reroute(skb, entry) < 0)
		verdict = NF_DROP;
	if (verdict == NF_ACCEPT) {
		index++;
		verdict = fq_iterate(skb, &entry->state, hooks, &index);
	}
	if (likely(verdict == NF_ACCEPT)) {
		entry->state.okfn(entry->state.net, entry->state.sk, skb);
		return false;
	}
	while (fq_finish(entry, verdict, index)) {
		index++;
		verdict = fq_iterate(skb, &entry->state, hooks, &index);
	}
	return false;
}

#else

static bool fq_continue(struct nf_queue_entry *entry, unsigned int verdict)
{
	nf_reinject(entry, verdict);
	return true;
}

#endif /* FQ_HAVE_NF_REINJECT */

static bool fq_port_valid(const struct net_device *dev)
{
	return !dev || netif_is_bridge_port(dev);
}

static bool fq_crosses_bridge(const struct nf_queue_entry *entry)
{
#if IS_ENABLED(CONFIG_BRIDGE_NETFILTER)
	if (entry->physin || entry->physout)
		return true;
#endif
	return entry->state.pf == NFPROTO_BRIDGE;
}

/* A bridge port may have left its bridge while the packet was out. */
static noinline bool fq_ports_valid(const struct nf_queue_entry *entry)
{
#if IS_ENABLED(CONFIG_BRIDGE_NETFILTER)
	if (!fq_port_valid(entry->physin) || !fq_port_valid(entry->physout))
		return false;
#endif
	return entry->state.pf != NFPROTO_BRIDGE ||
	       (fq_port_valid(entry->state.in) && fq_port_valid(entry->state.out));
}

/* A packet with a mark in entry->id, see FQ_ID_FLAGS. */
static noinline unsigned int fq_verdict_of_marked(struct nf_queue_entry *entry,
						  unsigned int verdict)
{
	if (verdict == NF_DROP || verdict == NF_STOLEN)
		return verdict;
	if (entry->id & FQ_ID_ORPHAN)
		skb_orphan(entry->skb);
	return entry->id & FQ_ID_UNCONFIRMED && fq_ct_is_shared(entry, NULL) ?
	       NF_DROP : verdict;
}

/* The verdict after a look at what may have changed; NF_STOLEN: the packet is gone. */
static unsigned int fq_verdict_now(struct nf_queue_entry *entry, unsigned int verdict)
{
	if (unlikely(fq_crosses_bridge(entry)) && !fq_ports_valid(entry))
		return NF_DROP;
	if (skb_nfct(entry->skb) && (verdict == NF_ACCEPT || verdict == NF_REPEAT))
		verdict = fq_ct_update(entry, verdict);
	if (unlikely(entry->id & FQ_ID_FLAGS))
		verdict = fq_verdict_of_marked(entry, verdict);
	return verdict;
}

/*
 * Give @entry back with @verdict (NF_DROP, NF_ACCEPT, NF_REPEAT or NF_QUEUE with
 * a number); it is gone afterwards, but for its memory, which the caller is to
 * kfree() if this returns true. Under rcu_read_lock() and with bottom halves off,
 * as the network stack expects; without our locks: the packet may come straight
 * back into the same queue.
 */
bool fq_reinject_keep(struct nf_queue_entry *entry, unsigned int verdict)
{
	verdict = fq_verdict_now(entry, verdict);
	if (verdict == NF_DROP)
		kfree_skb(entry->skb);
	else if (likely(verdict != NF_STOLEN) && fq_continue(entry, verdict))
		return false;
	return fq_entry_done(entry);
}

/* The same for one entry by itself. */
void fq_reinject(struct nf_queue_entry *entry, unsigned int verdict)
{
	if (fq_reinject_keep(entry, verdict))
		kfree(entry);
}

/* The same for a list of entries. */
void fq_reinject_list(struct list_head *batch, unsigned int verdict)
{
	struct nf_queue_entry *entry, *next;

	rcu_read_lock();
	local_bh_disable();
	list_for_each_entry_safe(entry, next, batch, list) {
		list_del(&entry->list);
		fq_reinject(entry, verdict);
	}
	local_bh_enable();
	rcu_read_unlock();
}
