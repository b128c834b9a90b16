// SPDX-License-Identifier: GPL-2.0-only
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <linux/fastqueue.h>
#include <net/checksum.h>
#include <net/ip.h>
#include <net/ip6_checksum.h>

#include "checksum.h"
#include "headers.h"

static void fq_complete_lengths(struct sk_buff *skb, const struct fq_headers *headers)
{
	u32 room = skb->len - headers->transport;
	struct udphdr *udp = (void *)skb->data + headers->transport;

	if (headers->version == 4)
		((struct iphdr *)skb->data)->tot_len = htons(skb->len);
	else
		((struct ipv6hdr *)skb->data)->payload_len =
			htons(skb->len - sizeof(struct ipv6hdr));
	if (headers->protocol == IPPROTO_UDP && !headers->fragment && room >= sizeof(*udp))
		udp->len = htons(room);
}

/* Bytes behind the transport header's start, by the IP length where it makes sense. */
static u32 fq_transport_size(const struct sk_buff *skb, const struct fq_headers *headers)
{
	u32 end = headers->version == 4 ?
		  ntohs(((struct iphdr *)skb->data)->tot_len) :
		  ntohs(((struct ipv6hdr *)skb->data)->payload_len) + sizeof(struct ipv6hdr);

	if (end <= headers->transport || end > skb->len)
		end = skb->len;
	return end - headers->transport;
}

/* The checksum of the transport header; NULL: none that is known. */
static __sum16 *fq_checksum_field(struct sk_buff *skb, const struct fq_headers *headers,
				  u32 *size)
{
	void *header = skb->data + headers->transport;
	u16 len;

	switch (headers->protocol) {
	case IPPROTO_TCP:
		return *size < sizeof(struct tcphdr) ? NULL : &((struct tcphdr *)header)->check;
	case IPPROTO_UDP:
		if (*size < sizeof(struct udphdr))
			return NULL;
		len = ntohs(((struct udphdr *)header)->len);
		if (len >= sizeof(struct udphdr) && len < *size)
			*size = len;	/* UDP options are not covered */
		return &((struct udphdr *)header)->check;
	case IPPROTO_ICMP:
		return headers->version != 4 || *size < sizeof(struct icmphdr) ? NULL :
		       &((struct icmphdr *)header)->checksum;
	case IPPROTO_ICMPV6:
		return headers->version != 6 || *size < sizeof(struct icmp6hdr) ? NULL :
		       &((struct icmp6hdr *)header)->icmp6_cksum;
	default:
		return NULL;
	}
}

static __sum16 fq_checksum(const struct sk_buff *skb, const struct fq_headers *headers, u32 size)
{
	__wsum sum = skb_checksum(skb, headers->transport, size, 0);
	const struct ipv6hdr *six = (void *)skb->data;
	const struct iphdr *four = (void *)skb->data;

	if (headers->protocol == IPPROTO_ICMP)
		return csum_fold(sum);
	return headers->version == 4 ?
	       csum_tcpudp_magic(four->saddr, four->daddr, size, headers->protocol, sum) :
	       csum_ipv6_magic(&six->saddr, &six->daddr, size, headers->protocol, sum);
}

static void fq_complete_checksums(struct sk_buff *skb, const struct fq_headers *headers)
{
	u32 size = fq_transport_size(skb, headers);
	__sum16 *field;

	if (headers->version == 4)
		ip_send_check((struct iphdr *)skb->data);
	field = headers->fragment ? NULL : fq_checksum_field(skb, headers, &size);
	if (!field)
		return;
	*field = 0;
	*field = fq_checksum(skb, headers, size);
	if (headers->protocol == IPPROTO_UDP && !*field)
		*field = CSUM_MANGLED_0;	/* zero means that there is no checksum */
}

/*
 * Complete what FASTQUEUE_A_* in @flags ask for, in a linear and writable packet
 * with valid @headers. Checksums cover the bytes that the headers' lengths say.
 */
void fq_complete(struct sk_buff *skb, const struct fq_headers *headers, u32 flags)
{
	if (!headers->version)
		return;
	if (flags & FASTQUEUE_A_LENGTHS)
		fq_complete_lengths(skb, headers);
	if (flags & FASTQUEUE_A_CHECKSUMS)
		fq_complete_checksums(skb, headers);
}
