/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Giving a packet back to netfilter. From Linux 6.9 on each queue handler does
 * this itself; before, the core exported it.
 */
#ifndef FASTQUEUE_REINJECT_H
#define FASTQUEUE_REINJECT_H

#include <linux/types.h>

struct list_head;
struct nf_queue_entry;

void fq_reinject(struct nf_queue_entry *entry, unsigned int verdict);
bool fq_reinject_keep(struct nf_queue_entry *entry, unsigned int verdict);
void fq_reinject_list(struct list_head *list, unsigned int verdict);

#endif /* FASTQUEUE_REINJECT_H */
