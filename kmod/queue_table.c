// SPDX-License-Identifier: GPL-2.0-only
/* The queues of each network namespace, by number. */
#include "queue_table.h"
#include "queue_types.h"

unsigned int fq_net_id __read_mostly;

int fq_table_insert(struct net *net, struct fq_queue *queue)
{
	int err = xa_insert(&fq_net(net)->queues, queue->number, queue, GFP_KERNEL);

	if (!err && queue->number < FQ_FIRST_QUEUES)
		/* pairs with the acquire in fq_table_find(): a complete queue */
		smp_store_release(&fq_net(net)->first[queue->number], queue);
	return err;
}

void fq_table_erase(struct fq_queue *queue)
{
	struct fq_net *table = fq_net(queue->net);

	if (queue->number < FQ_FIRST_QUEUES)
		WRITE_ONCE(table->first[queue->number], NULL);
	xa_erase(&table->queues, queue->number);
}
