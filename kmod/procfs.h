/* SPDX-License-Identifier: GPL-2.0-only */
/* /proc/net/fastqueue. */
#ifndef FASTQUEUE_PROCFS_H
#define FASTQUEUE_PROCFS_H

struct net;

int fq_proc_init(struct net *net);
void fq_proc_exit(struct net *net);

#endif /* FASTQUEUE_PROCFS_H */
