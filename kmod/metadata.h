/* SPDX-License-Identifier: GPL-2.0-only */
/* What the handler learns about a packet besides its bytes. */
#ifndef FASTQUEUE_METADATA_H
#define FASTQUEUE_METADATA_H

#include <linux/compiler.h>
#include <linux/jiffies.h>

#include "queue_types.h"

struct fastqueue_meta;
struct nf_queue_entry;
struct sock;

void fq_origin_owner(struct fq_origin *origin, const struct fq_queue *queue, struct sock *sk);

/*
 * When a packet was queued and, if that is wanted, the owner of the local socket
 * that sent it. To be called without the queue's lock: others take that one, by
 * queueing a packet, while they hold the socket's.
 */
static inline void fq_origin_find(struct fq_origin *origin, const struct fq_queue *queue,
				  struct sock *sk)
{
	origin->queued_at = jiffies;
	origin->known = false;
	if (unlikely(READ_ONCE(queue->flags) & FASTQUEUE_F_UID))
		fq_origin_owner(origin, queue, sk);
}

void fq_meta_fill(struct fastqueue_meta *meta, const struct fq_queue *queue,
		  const struct nf_queue_entry *entry);
void fq_meta_owner(struct fastqueue_meta *meta, const struct fq_origin *origin);

#endif /* FASTQUEUE_METADATA_H */
