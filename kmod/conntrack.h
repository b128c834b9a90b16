/* SPDX-License-Identifier: GPL-2.0-only */
/* Connection tracking of queued packets. */
#ifndef FASTQUEUE_CONNTRACK_H
#define FASTQUEUE_CONNTRACK_H

#include <linux/types.h>

struct nf_queue_entry;

bool fq_ct_is_shared(const struct nf_queue_entry *entry, bool *unconfirmed);
unsigned int fq_ct_update(struct nf_queue_entry *entry, unsigned int verdict);

#endif /* FASTQUEUE_CONNTRACK_H */
