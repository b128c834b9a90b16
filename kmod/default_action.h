/* SPDX-License-Identifier: GPL-2.0-only */
/* Packets that get no frame: settled at once by a default action. */
#ifndef FASTQUEUE_DEFAULT_ACTION_H
#define FASTQUEUE_DEFAULT_ACTION_H

struct nf_queue_entry;

int fq_settle_now(struct nf_queue_entry *entry, unsigned int action, int error);

#endif /* FASTQUEUE_DEFAULT_ACTION_H */
