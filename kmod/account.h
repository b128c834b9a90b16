/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory that queues take: rings, and packets that wait in frames. The whole
 * module has a limit for each. Queues of the initial user namespace share all
 * of it; those of other user namespaces together get half, and each user, by
 * the owner of the outermost such namespace, a quarter.
 */
#ifndef FASTQUEUE_ACCOUNT_H
#define FASTQUEUE_ACCOUNT_H

#include <linux/types.h>

struct fq_account;
struct user_namespace;

enum fq_memory { FQ_MEMORY_RINGS, FQ_MEMORY_PACKETS, FQ_MEMORY_KINDS };

struct fq_account *fq_account_get(struct user_namespace *ns);
void fq_account_put(struct fq_account *account);

bool fq_account_charge(struct fq_account *account, enum fq_memory kind, u64 bytes);
void fq_account_uncharge(struct fq_account *account, enum fq_memory kind, u64 bytes);

/* Bytes of packets that a single queue of this account may hold. */
unsigned long fq_account_queue_limit(const struct fq_account *account);
bool fq_account_privileged(const struct fq_account *account);
/* Queues that share the processor time of one unprivileged user; else 1. */
unsigned int fq_account_sharers(const struct fq_account *account);

#endif /* FASTQUEUE_ACCOUNT_H */
