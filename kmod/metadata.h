/* SPDX-License-Identifier: GPL-2.0-only */
/* What the handler learns about a packet besides its bytes. */
#ifndef FASTQUEUE_METADATA_H
#define FASTQUEUE_METADATA_H

struct fastqueue_meta;
struct fq_origin;
struct fq_queue;
struct nf_queue_entry;
struct sock;

void fq_origin_find(struct fq_origin *origin, const struct fq_queue *queue,
		    struct sock *sk);
void fq_meta_fill(struct fastqueue_meta *meta, const struct fq_queue *queue,
		  const struct nf_queue_entry *entry);
void fq_meta_owner(struct fastqueue_meta *meta, const struct fq_origin *origin);

#endif /* FASTQUEUE_METADATA_H */
