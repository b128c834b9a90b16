/* SPDX-License-Identifier: GPL-2.0-only */
/* The parts of a packet's IP headers on which decisions of the stack depend. */
#ifndef FASTQUEUE_HEADERS_H
#define FASTQUEUE_HEADERS_H

#include <linux/types.h>

struct sk_buff;

#define FQ_IPV4_HEADER_MAX	60
#define FQ_HOP_MAX		64	/* bytes of a hop-by-hop header that are compared */
#define FQ_PROTOCOL_UNKNOWN	256	/* no header behind IPv6 extension headers */

struct fq_headers {
	u8 version;		/* 4 or 6; 0: not a valid IP packet */
	bool fragment;		/* a fragment other than an atomic one */
	bool readdressed;	/* IPv6 headers that may replace an address on delivery */
	u16 protocol;		/* of the transport header */
	u32 transport;		/* offset of the transport header */
	u32 ports;		/* first four bytes of the transport header */
	u8 addresses[32];
	u8 ipv4[FQ_IPV4_HEADER_MAX];	/* the whole header, options included */
	u32 hop_size;		/* of an IPv6 hop-by-hop header, 0: none */
	u8 hop[FQ_HOP_MAX];
};

void fq_headers_read(struct fq_headers *headers, const struct sk_buff *skb);
bool fq_headers_same_flow(const struct fq_headers *a, const struct fq_headers *b);
bool fq_headers_same_options(const struct fq_headers *a, const struct fq_headers *b);
bool fq_headers_same_hop(const struct fq_headers *a, const struct fq_headers *b);
bool fq_headers_options_valid(const struct fq_headers *headers);

#endif /* FASTQUEUE_HEADERS_H */
