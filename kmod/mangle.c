// SPDX-License-Identifier: GPL-2.0-only
/*
 * Packets that the handler changed: the new bytes go into the skb, lengths and
 * checksums are made right by the kernel. The stack has parsed IPv4 options and
 * IPv6 extension headers before the hook and goes on with what it found, so
 * those must stay as they were.
 */
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netdevice.h>
#include <linux/netfilter.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/checksum.h>
#include <net/ip.h>
#include <net/ip6_checksum.h>
#include <net/ipv6.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_extend.h>
#include <net/netfilter/nf_queue.h>

#include "mangle.h"

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
		/* whoever sent it may hear of that, and not under the queue's lock */
		dev_consume_skb_irq(skb);
		entry->skb = larger;
	}
	skb_put(entry->skb, diff);
	return 0;
}

/* Where the checksum of a transport header lies; NULL: none that we know. */
static __sum16 *fq_checksum_field(struct sk_buff *skb, u8 protocol, u32 offset)
{
	u32 room = skb->len - offset;
	void *header = skb->data + offset;

	switch (protocol) {
	case IPPROTO_TCP:
		return room < sizeof(struct tcphdr) ? NULL :
						      &((struct tcphdr *)header)->check;
	case IPPROTO_UDP:
		if (room < sizeof(struct udphdr))
			return NULL;
		((struct udphdr *)header)->len = htons(room);
		return &((struct udphdr *)header)->check;
	case IPPROTO_ICMP:
		return room < sizeof(struct icmphdr) ? NULL :
						       &((struct icmphdr *)header)->checksum;
	case IPPROTO_ICMPV6:
		return room < sizeof(struct icmp6hdr) ? NULL :
							&((struct icmp6hdr *)header)->icmp6_cksum;
	default:
		return NULL;
	}
}

static void fq_checksum_store(__sum16 *field, __sum16 sum, u8 protocol)
{
	/* in UDP zero means that there is none */
	*field = protocol == IPPROTO_UDP && !sum ? CSUM_MANGLED_0 : sum;
}

static void fq_checksum_ipv4(struct sk_buff *skb, u32 offset)
{
	struct iphdr *iph = ip_hdr(skb);
	u8 protocol = iph->protocol;
	__sum16 *field = fq_checksum_field(skb, protocol, offset);
	u32 len = skb->len - offset;
	__wsum sum;

	if (!field || protocol == IPPROTO_ICMPV6)
		return;
	*field = 0;
	sum = skb_checksum(skb, offset, len, 0);
	fq_checksum_store(field, protocol == IPPROTO_ICMP ? csum_fold(sum) :
			  csum_tcpudp_magic(iph->saddr, iph->daddr, len, protocol, sum),
			  protocol);
}

/* What the stack has parsed already; options are 40 bytes at most. */
struct fq_parsed {
	u8 ihl;
	u8 nexthdr;
	u8 options[40];
};

/* On a bridge nobody has looked at the header yet: it may be short, or say so. */
static int fq_parsed_keep(const struct sk_buff *skb, struct fq_parsed *parsed)
{
	union {
		struct iphdr four;
		struct ipv6hdr six;
	} room;
	const struct ipv6hdr *six;
	const struct iphdr *four;

	if (skb->protocol == htons(ETH_P_IP)) {
		four = skb_header_pointer(skb, 0, sizeof(*four), &room.four);
		if (!four || four->ihl < 5)
			return -EINVAL;
		parsed->ihl = four->ihl;
		return skb_copy_bits(skb, sizeof(*four), parsed->options,
				     four->ihl * 4 - sizeof(*four));
	}
	if (skb->protocol == htons(ETH_P_IPV6)) {
		six = skb_header_pointer(skb, 0, sizeof(*six), &room.six);
		if (!six || ipv6_ext_hdr(six->nexthdr))
			return -EINVAL;
		parsed->nexthdr = six->nexthdr;
	}
	return 0;
}

static int fq_fix_ipv4(struct sk_buff *skb, const struct fq_parsed *parsed)
{
	struct iphdr *iph = ip_hdr(skb);

	if (skb->len < sizeof(*iph) || iph->version != 4 || iph->ihl < 5 ||
	    iph->ihl * 4 > skb->len || skb->len > IP_MAX_MTU ||
	    iph->ihl != parsed->ihl ||
	    memcmp(iph + 1, parsed->options, iph->ihl * 4 - sizeof(*iph)))
		return -EINVAL;
	skb_set_transport_header(skb, iph->ihl * 4);
	iph->tot_len = htons(skb->len);
	ip_send_check(iph);
	if (!ip_is_fragment(iph))
		fq_checksum_ipv4(skb, iph->ihl * 4);
	return 0;
}

static int fq_fix_ipv6(struct sk_buff *skb, const struct fq_parsed *parsed)
{
	struct ipv6hdr *iph = ipv6_hdr(skb);
	u8 protocol = iph->nexthdr;
	__sum16 *field;
	__be16 fragment;
	int offset;
	u32 len;

	if (skb->len < sizeof(*iph) || iph->version != 6 ||
	    iph->nexthdr != parsed->nexthdr ||
	    skb->len - sizeof(*iph) > IPV6_MAXPLEN)
		return -EINVAL;
	iph->payload_len = htons(skb->len - sizeof(*iph));
	offset = ipv6_skip_exthdr(skb, sizeof(*iph), &protocol, &fragment);
	if (offset < 0 || fragment)
		return 0;
	skb_set_transport_header(skb, offset);
	field = fq_checksum_field(skb, protocol, offset);
	if (!field || protocol == IPPROTO_ICMP)
		return 0;
	len = skb->len - offset;
	*field = 0;
	fq_checksum_store(field, csum_ipv6_magic(&iph->saddr, &iph->daddr, len, protocol,
						 skb_checksum(skb, offset, len, 0)),
			  protocol);
	return 0;
}

/*
 * A NATed TCP stream whose length changes has its sequence numbers shifted, if
 * its entry has room for the shifts: ctnetlink warns of one that has none, and
 * looks for IPv4's header only.
 */
static void fq_seq_adjust(struct sk_buff *skb, int diff)
{
#if IS_ENABLED(CONFIG_NF_CONNTRACK)
	const struct nfnl_ct_hook *glue = rcu_dereference(nfnl_ct_hook);
	enum ip_conntrack_info info;
	struct nf_conn *ct = nf_ct_get(skb, &info);

	if (glue && ct && diff && skb->protocol == htons(ETH_P_IP) &&
	    nf_ct_is_confirmed(ct) && nf_ct_ext_exist(ct, NF_CT_EXT_SEQADJ))
		glue->seq_adjust(skb, ct, info, diff);
#endif
}

/*
 * Put @len bytes of the handler's into the packet of @entry. They are copied
 * once and checked afterwards, in memory that user space cannot reach.
 */
int fq_mangle(struct nf_queue_entry *entry, const void *data, u32 len)
{
	int err, diff = len - entry->skb->len;
	struct fq_parsed parsed = {};
	struct sk_buff *skb;

	err = fq_parsed_keep(entry->skb, &parsed);
	if (err)
		return err;
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

	if (skb->protocol == htons(ETH_P_IP))
		err = fq_fix_ipv4(skb, &parsed);
	else if (skb->protocol == htons(ETH_P_IPV6))
		err = fq_fix_ipv6(skb, &parsed);
	if (!err)
		fq_seq_adjust(skb, diff);
	return err;
}
