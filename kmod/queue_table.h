/* SPDX-License-Identifier: GPL-2.0-only */
/* The queues of each network namespace, by number. */
#ifndef FASTQUEUE_QUEUE_TABLE_H
#define FASTQUEUE_QUEUE_TABLE_H

#include <linux/compiler.h>
#include <linux/xarray.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>

struct fq_queue;

#define FQ_FIRST_QUEUES	16	/* a power of two */

/* Per network namespace; read under RCU. */
struct fq_net {
	struct fq_queue *first[FQ_FIRST_QUEUES];	/* the lowest numbers again */
	struct xarray queues;
};

extern unsigned int fq_net_id;

static inline struct fq_net *fq_net(const struct net *net)
{
	return net_generic(net, fq_net_id);
}

/* Most users have few queues and number them from 0. */
static inline struct fq_queue *fq_table_find(struct fq_net *fq_net, unsigned int number)
{
	if (likely(number < FQ_FIRST_QUEUES)) {
		/* a handler's answer may have named it: no speculation beyond the array */
		OPTIMIZER_HIDE_VAR(number);
		number &= FQ_FIRST_QUEUES - 1;
		/* pairs with the release in fq_table_insert(): a complete queue or none */
		return smp_load_acquire(&fq_net->first[number]);
	}
	return xa_load(&fq_net->queues, number);
}

/* Publish @queue under its number; -EBUSY if that has a queue already. */
int fq_table_insert(struct net *net, struct fq_queue *queue);
/* After this and a grace period no receiver can reach @queue. */
void fq_table_erase(struct fq_queue *queue);

#define fq_table_for_each(net, number, queue) \
	xa_for_each(&fq_net(net)->queues, number, queue)

#endif /* FASTQUEUE_QUEUE_TABLE_H */
