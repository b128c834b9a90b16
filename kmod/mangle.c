// SPDX-License-Identifier: GPL-2.0-only
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netdevice.h>
#include <linux/netfilter.h>
#include <linux/netfilter_bridge.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <linux/fastqueue.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_extend.h>
#include <net/netfilter/nf_queue.h>
#include <net/sock.h>
#include <net/tcp.h>

#include "checksum.h"
#include "headers.h"
#include "mangle.h"
#include "queue_types.h"

/* The largest packet that an IP header can describe, as for nfnetlink_queue. */
#define FQ_PACKET_MAX	0xffffu

static int fq_resize(struct nf_queue_entry *entry, u32 len)
{
	struct sk_buff *skb = entry->skb, *larger;
	int diff = len - skb->len;

	if (diff <= 0)
		return pskb_trim(skb, len);
	if (diff > skb_tailroom(skb) || skb_is_nonlinear(skb)) {
		larger = skb_copy_expand(skb, skb_headroom(skb), diff, GFP_ATOMIC);
		if (!larger)
			return -ENOMEM;
		/*
		 * The old one is freed later, as its owner may be notified, which must
		 * not happen under the queue's lock. Its connection has one user.
		 */
		nf_reset_ct(skb);
		dev_consume_skb_irq(skb);
		entry->skb = larger;
	}
	skb_put(entry->skb, diff);
	return 0;
}

/* Before routing or local delivery: a socket may have been found for the packet. */
static bool fq_is_input(const struct nf_hook_state *state)
{
	static_assert((int)NF_BR_PRE_ROUTING == (int)NF_INET_PRE_ROUTING);
	static_assert((int)NF_BR_LOCAL_IN == (int)NF_INET_LOCAL_IN);
	return state->hook == NF_INET_PRE_ROUTING || state->hook == NF_INET_LOCAL_IN;
}

/*
 * Whether the packet is on its way through a bridge right now. What br_netfilter
 * knows about a packet stays with it when it is routed or delivered afterwards.
 */
static bool fq_is_bridged(const struct nf_queue_entry *entry)
{
#if IS_ENABLED(CONFIG_BRIDGE_NETFILTER)
	const struct nf_bridge_info *bridge = nf_bridge_info_get(entry->skb);

	if (bridge && entry->state.pf != NFPROTO_BRIDGE)
		switch (entry->state.hook) {
		case NF_INET_PRE_ROUTING:
			return bridge->in_prerouting;
		case NF_INET_FORWARD:
		case NF_INET_POST_ROUTING:
			return entry->physout;
		default:
			return false;
		}
#endif
	return entry->state.pf == NFPROTO_BRIDGE;
}

/*
 * Whether the stack will go on with a socket that was found for the packet. A
 * packet that comes through a veth brings its sender's to a bridge, which IP
 * drops when it receives the packet; see skb_sk_is_prefetched().
 */
static bool fq_has_found_socket(const struct nf_queue_entry *entry)
{
	return entry->skb->sk &&
	       (!fq_is_bridged(entry) || skb_sk_is_prefetched(entry->skb));
}

/*
 * Whether the stack can go on with the new headers. On IP hooks they must be
 * valid, on a bridge only if the old ones were. A packet for this host, or with
 * a socket that was found for it, keeps its transport protocol.
 */
static bool fq_headers_acceptable(const struct nf_queue_entry *entry,
				  const struct fq_headers *old, const struct fq_headers *new)
{
	const struct nf_hook_state *state = &entry->state;
	bool bridge = state->pf == NFPROTO_BRIDGE;

	if (!new->version && (old->version || !bridge))
		return false;
	if (new->protocol == old->protocol)
		return true;
	return !fq_is_input(state) ||
	       ((bridge || state->hook == NF_INET_PRE_ROUTING) && !fq_has_found_socket(entry));
}

/*
 * Whether the stack has parsed the old IPv4 options. It does so behind PRE_ROUTING,
 * where a packet out of IPsec comes a second time; a bridge does not.
 */
static bool fq_has_parsed_options(const struct nf_queue_entry *entry)
{
	if (fq_is_bridged(entry))
		return false;
	return entry->state.hook != NF_INET_PRE_ROUTING || IPCB(entry->skb)->opt.optlen;
}

/*
 * IPv4 options that changed: the stack goes on without the positions that it
 * found in the old ones, so it does not complete a record route or time stamp.
 */
static int fq_rederive_options(struct nf_queue_entry *entry, const struct fq_headers *old,
			       const struct fq_headers *new)
{
	struct ip_options *options = &IPCB(entry->skb)->opt;

	if (!fq_has_parsed_options(entry) ||
	    (old->version && fq_headers_same_options(old, new)))
		return 0;
	if (!fq_headers_options_valid(new))
		return -EINVAL;
	memset(options, 0, sizeof(*options));
	options->optlen = new->transport - sizeof(struct iphdr);
	return 0;
}

/* No position that was found in the old IPv6 extension headers may be used again. */
static void fq_forget_extensions(struct inet6_skb_parm *parsed)
{
	parsed->dst0 = 0;
	parsed->dst1 = 0;
	parsed->srcrt = 0;
	parsed->lastopt = 0;
	parsed->srhoff = 0;
#if IS_ENABLED(CONFIG_IPV6_MIP6)
	parsed->dsthao = 0;
#endif
}

/*
 * IPv6 extension headers are parsed after local delivery, from the first one on;
 * only a hop-by-hop header is skipped before.
 */
static int fq_rederive_extensions(struct nf_queue_entry *entry, bool same_hop)
{
	struct sk_buff *skb = entry->skb;
	const struct ipv6hdr *iph = (void *)skb->data;
	u32 next = offsetof(struct ipv6hdr, nexthdr), transport = sizeof(*iph);
	struct inet6_skb_parm *parsed = IP6CB(skb);

	if (iph->nexthdr == NEXTHDR_HOP) {
		const struct ipv6_opt_hdr *hop = (void *)(iph + 1);

		if (skb->len < transport + sizeof(*hop) ||
		    skb->len < transport + ipv6_optlen(hop))
			return -EINVAL;
		next = transport;
		transport += ipv6_optlen(hop);
	}
	skb_set_transport_header(skb, transport);
	if (fq_is_bridged(entry))
		return 0;
	parsed->nhoff = next;
	if (same_hop)
		return 0;
	parsed->flags &= ~(IP6SKB_ROUTERALERT | IP6SKB_HOPBYHOP);
	if (iph->nexthdr == NEXTHDR_HOP)
		parsed->flags |= IP6SKB_HOPBYHOP;
	return 0;
}

/* Derive again what the stack found in the old headers. */
static int fq_rederive(struct nf_queue_entry *entry, const struct fq_headers *old,
		       const struct fq_headers *new)
{
	struct sk_buff *skb = entry->skb;
	bool input = fq_is_input(&entry->state);

	/* a socket was found by addresses and ports: it is looked up again */
	if (input && skb->sk && !fq_headers_same_flow(old, new))
		entry->id |= FQ_ID_ORPHAN;	/* not under the queue's lock */
	if (!new->version)
		return 0;
	if (new->version == 6 && !fq_is_bridged(entry))
		fq_forget_extensions(IP6CB(skb));
	if (new->version == 6 && input)
		return fq_rederive_extensions(entry, fq_headers_same_hop(old, new));
	skb_set_transport_header(skb, new->transport);
	return new->version == 4 ? fq_rederive_options(entry, old, new) : 0;
}

/*
 * A NATed TCP stream whose length changes has its sequence numbers shifted, if
 * its entry has room for the shifts: ctnetlink warns of an entry without, reads
 * the TCP header unchecked, and knows IPv4 only.
 */
static void fq_seq_adjust(struct sk_buff *skb, const struct fq_headers *headers, int diff)
{
#if IS_ENABLED(CONFIG_NF_CONNTRACK)
	const struct nfnl_ct_hook *glue = rcu_dereference(nfnl_ct_hook);
	enum ip_conntrack_info info;
	struct nf_conn *ct = nf_ct_get(skb, &info);

	if (glue && ct && diff && headers->version == 4 &&
	    headers->protocol == IPPROTO_TCP && !headers->fragment &&
	    skb->len >= headers->transport + sizeof(struct tcphdr) &&
	    nf_ct_protonum(ct) == IPPROTO_TCP && nf_ct_is_confirmed(ct) &&
	    nf_ct_ext_exist(ct, NF_CT_EXT_SEQADJ))
		glue->seq_adjust(skb, ct, info, diff);
#endif
}

/* Whether @data has the very bytes of the packet. */
static bool fq_is_same(struct sk_buff *skb, const u8 *data)
{
	struct skb_seq_state state;
	unsigned int piece;
	const u8 *bytes;
	u32 done = 0;

	skb_prepare_seq_read(skb, 0, skb->len, &state);
	while ((piece = skb_seq_read(done, &bytes, &state))) {
		if (memcmp(bytes, data + done, piece)) {
			skb_abort_seq_read(&state);
			return false;
		}
		done += piece;
	}
	return done == skb->len;
}

/* The packet as it came, and nothing to complete: it goes on untouched. */
static bool fq_is_unchanged(struct sk_buff *skb, const void *data,
			    const struct fastqueue_answer *answer)
{
	return !answer->flags && answer->len == skb->len && fq_is_same(skb, data);
}

static int fq_replace(struct nf_queue_entry *entry, const void *data, u32 len)
{
	struct sk_buff *skb;
	int err;

	err = fq_resize(entry, len);
	if (err)
		return err;
	skb = entry->skb;
	err = skb_ensure_writable(skb, len);
	if (err)
		return err;
	skb_copy_to_linear_data(skb, data, len);
	skb->ip_summed = CHECKSUM_NONE;
	skb->csum_valid = 0;
	skb_clear_hash(skb);
	return 0;
}

/* What connection tracking has seen of a header at least: helpers and NAT rely on it. */
static u32 fq_transport_min(u16 protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return sizeof(struct tcphdr);
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return 8;
	case IPPROTO_SCTP:
	case IPPROTO_DCCP:
		return 12;
	case IPPROTO_GRE:
		return 4;
	default:
		return 0;
	}
}

/* A packet with a connection stays one of its protocol, with a whole header. */
static bool fq_connection_acceptable(const struct sk_buff *skb, const struct fq_headers *old,
				     const struct fq_headers *new)
{
	return !skb_nfct(skb) ||
	       (new->protocol == old->protocol && new->fragment == old->fragment &&
		skb->len >= new->transport + fq_transport_min(new->protocol));
}

/* Reassembly goes by the length in an IPv6 header, which the stack has checked before. */
static bool fq_length_acceptable(const struct nf_queue_entry *entry)
{
	const struct ipv6hdr *iph = (void *)entry->skb->data;

	return entry->state.pf != NFPROTO_IPV6 || !ipv6_ext_hdr(iph->nexthdr) ||
	       ntohs(iph->payload_len) + sizeof(*iph) == entry->skb->len;
}

/*
 * Replace the packet of @entry by answer->len bytes of the handler's. They are
 * copied once and checked afterwards, in memory that userspace cannot reach.
 * Negative: the packet must be dropped.
 */
int fq_mangle(struct nf_queue_entry *entry, const void *data,
	      const struct fastqueue_answer *answer)
{
	int err, diff = answer->len - entry->skb->len;
	struct fq_headers old, new;

	if (fq_is_unchanged(entry->skb, data, answer))
		return 0;
	if (answer->len > FQ_PACKET_MAX)
		return -EINVAL;
	fq_headers_read(&old, entry->skb);
	err = fq_replace(entry, data, answer->len);
	if (err)
		return err;
	fq_headers_read(&new, entry->skb);
	if (!fq_headers_acceptable(entry, &old, &new) ||
	    !fq_connection_acceptable(entry->skb, &old, &new))
		return -EINVAL;
	err = fq_rederive(entry, &old, &new);
	if (err)
		return err;
	fq_complete(entry->skb, &new, answer->flags);
	if (!fq_length_acceptable(entry))
		return -EINVAL;
	fq_seq_adjust(entry->skb, &new, diff);
	return 0;
}
