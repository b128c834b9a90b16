// SPDX-License-Identifier: GPL-2.0-only
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/skbuff.h>
#include <net/ip.h>
#include <net/ipv6.h>

#include "headers.h"

static void fq_headers_ports(struct fq_headers *headers, const struct sk_buff *skb)
{
	if (skb_copy_bits(skb, headers->transport, &headers->ports, sizeof(headers->ports)))
		headers->ports = 0;
}

static void fq_headers_ipv4(struct fq_headers *headers, const struct sk_buff *skb)
{
	struct iphdr copy;
	const struct iphdr *iph = skb_header_pointer(skb, 0, sizeof(copy), &copy);
	u32 size;

	if (!iph || iph->version != 4 || iph->ihl < 5)
		return;
	size = iph->ihl * 4;
	if (skb_copy_bits(skb, 0, headers->ipv4, size))
		return;
	headers->version = 4;
	headers->fragment = ip_is_fragment(iph);
	headers->protocol = iph->protocol;
	headers->transport = size;
	memcpy(headers->addresses, &iph->saddr, 2 * sizeof(iph->saddr));
	fq_headers_ports(headers, skb);
}

static void fq_headers_hop(struct fq_headers *headers, const struct sk_buff *skb)
{
	u32 offset = sizeof(struct ipv6hdr);

	if (skb_copy_bits(skb, offset, headers->hop, sizeof(struct ipv6_opt_hdr)))
		return;
	headers->hop_size = ipv6_optlen((struct ipv6_opt_hdr *)headers->hop);
	skb_copy_bits(skb, offset, headers->hop, min_t(u32, headers->hop_size, FQ_HOP_MAX));
}

static bool fq_has_extension(const struct sk_buff *skb, int type)
{
	unsigned int offset = 0;

	return ipv6_find_hdr(skb, &offset, type, NULL, NULL) >= 0;
}

static void fq_headers_ipv6(struct fq_headers *headers, const struct sk_buff *skb)
{
	struct ipv6hdr copy;
	const struct ipv6hdr *iph = skb_header_pointer(skb, 0, sizeof(copy), &copy);
	__be16 fragment;
	u8 protocol;
	int offset;

	if (!iph || iph->version != 6)
		return;
	protocol = iph->nexthdr;
	headers->version = 6;
	memcpy(headers->addresses, &iph->saddr, 2 * sizeof(iph->saddr));
	if (protocol == NEXTHDR_HOP)
		fq_headers_hop(headers, skb);
	offset = ipv6_skip_exthdr(skb, sizeof(*iph), &protocol, &fragment);
	if (offset < 0 || offset > skb->len) {
		headers->protocol = FQ_PROTOCOL_UNKNOWN;
		headers->transport = sizeof(*iph);
		return;
	}
	headers->fragment = fragment;
	headers->protocol = protocol;
	headers->transport = offset;
	headers->readdressed = offset > sizeof(*iph) &&
			       (fq_has_extension(skb, NEXTHDR_ROUTING) ||
				fq_has_extension(skb, NEXTHDR_DEST));
	fq_headers_ports(headers, skb);
}

/* Read the headers of a packet whose data begins with the network header. */
void fq_headers_read(struct fq_headers *headers, const struct sk_buff *skb)
{
	memset(headers, 0, sizeof(*headers));
	if (skb->protocol == htons(ETH_P_IP))
		fq_headers_ipv4(headers, skb);
	else if (skb->protocol == htons(ETH_P_IPV6))
		fq_headers_ipv6(headers, skb);
}

/* Whether a lookup of sockets surely finds the same for both. */
bool fq_headers_same_flow(const struct fq_headers *a, const struct fq_headers *b)
{
	if (a->readdressed || b->readdressed)
		return false;
	return a->version == b->version && a->protocol == b->protocol &&
	       a->ports == b->ports && !memcmp(a->addresses, b->addresses, sizeof(a->addresses));
}

static u32 fq_options_size(const struct fq_headers *headers)
{
	return headers->transport - sizeof(struct iphdr);
}

/* Whether two IPv4 headers have the same options. */
bool fq_headers_same_options(const struct fq_headers *a, const struct fq_headers *b)
{
	return a->transport == b->transport &&
	       !memcmp(a->ipv4 + sizeof(struct iphdr), b->ipv4 + sizeof(struct iphdr),
		       fq_options_size(a));
}

/* Whether two IPv6 packets have the same hop-by-hop header, or none. */
bool fq_headers_same_hop(const struct fq_headers *a, const struct fq_headers *b)
{
	return a->hop_size == b->hop_size && a->hop_size <= FQ_HOP_MAX &&
	       !memcmp(a->hop, b->hop, a->hop_size);
}

/* Whether the options of an IPv4 header can be walked to their end. */
bool fq_headers_options_valid(const struct fq_headers *headers)
{
	const u8 *option = headers->ipv4 + sizeof(struct iphdr);
	u32 left = fq_options_size(headers), size;

	for (; left && *option != IPOPT_END; option += size, left -= size) {
		size = *option == IPOPT_NOOP ? 1 : left > 1 ? option[1] : 0;
		if (!size || size > left || (size == 1 && *option != IPOPT_NOOP))
			return false;
	}
	return true;
}
