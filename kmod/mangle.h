/* SPDX-License-Identifier: GPL-2.0-only */
/* Packets that the handler changed. */
#ifndef FASTQUEUE_MANGLE_H
#define FASTQUEUE_MANGLE_H

#include <linux/types.h>

struct nf_queue_entry;

int fq_mangle(struct nf_queue_entry *entry, const void *data, u32 len);

#endif /* FASTQUEUE_MANGLE_H */
