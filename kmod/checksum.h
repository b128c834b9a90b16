/* SPDX-License-Identifier: GPL-2.0-only */
/* Lengths and checksums that a handler asks the kernel to complete. */
#ifndef FASTQUEUE_CHECKSUM_H
#define FASTQUEUE_CHECKSUM_H

#include <linux/types.h>

struct fq_headers;
struct sk_buff;

void fq_complete(struct sk_buff *skb, const struct fq_headers *headers, u32 flags);

#endif /* FASTQUEUE_CHECKSUM_H */
