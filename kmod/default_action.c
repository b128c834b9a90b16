// SPDX-License-Identifier: GPL-2.0-only
#include <linux/list.h>
#include <linux/netfilter.h>
#include <linux/percpu.h>
#include <net/netfilter/nf_queue.h>

#include "default_action.h"
#include "reinject.h"

/* Per CPU: where accepted packets wait behind the first one, if there is one. */
static DEFINE_PER_CPU(struct list_head *, fq_onward);

/*
 * The packet goes on, and may meet the next rule that queues and be accepted
 * there again, once per chain: more often than the stack has room for. So only
 * the first packet goes on from here; the others wait until it is through.
 */
static void fq_accept(struct nf_queue_entry *entry)
{
	struct list_head *first;
	LIST_HEAD(waiting);

	local_bh_disable();	/* the packet may come from a process */
	first = __this_cpu_read(fq_onward);
	list_add_tail(&entry->list, first ?: &waiting);
	if (!first) {
		__this_cpu_write(fq_onward, &waiting);
		while (!list_empty(&waiting)) {
			entry = list_first_entry(&waiting, struct nf_queue_entry, list);
			list_del(&entry->list);
			fq_reinject(entry, NF_ACCEPT);
		}
		__this_cpu_write(fq_onward, NULL);
	}
	local_bh_enable();
}

/*
 * Settle a packet that gets no frame. Only -ESRCH lets a rule's `bypass` take
 * effect, and is reserved for queues without a handler. A negative result makes
 * netfilter drop the packet and free the entry.
 */
int fq_settle_now(struct nf_queue_entry *entry, unsigned int action, int error)
{
	if (action != NF_ACCEPT)
		return error;
	fq_accept(entry);
	return 0;
}
