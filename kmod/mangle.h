/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Packets that the handler changed. Its bytes leave as written; lengths and
 * checksums are completed where the answer asks for it. State that the stack
 * derived from the old bytes is derived again, or the change is refused; the
 * table in docs/abi.md lists all of it.
 */
#ifndef FASTQUEUE_MANGLE_H
#define FASTQUEUE_MANGLE_H

struct fastqueue_answer;
struct nf_queue_entry;

int fq_mangle(struct nf_queue_entry *entry, const void *data,
	      const struct fastqueue_answer *answer);

#endif /* FASTQUEUE_MANGLE_H */
