/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The packet receiver: driven by packets that a netfilter rule queues. It owns
 * FA, puts each packet into the next available frame, and wakes a sleeping
 * handler.
 */
#ifndef FASTQUEUE_RECEIVER_H
#define FASTQUEUE_RECEIVER_H

struct nf_queue_entry;

int fq_receive(struct nf_queue_entry *entry, unsigned int number);

#endif /* FASTQUEUE_RECEIVER_H */
