// SPDX-License-Identifier: GPL-2.0-only
#include <linux/list.h>
#include <linux/netfilter.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <net/netfilter/nf_queue.h>

#include "default_action.h"
#include "reinject.h"

/* A task with a packet on its way, and the packets that wait behind it. */
struct fq_onward {
	struct list_head list;
	const struct task_struct *task;	/* the interrupted one in a softirq */
	struct list_head waiting;
};

static DEFINE_SPINLOCK(fq_onward_lock);
static LIST_HEAD(fq_onwards);

static struct fq_onward *fq_onward_find(void)
{
	struct fq_onward *each;

	list_for_each_entry(each, &fq_onwards, list)
		if (each->task == current)
			return each;
	return NULL;
}

/* Begin with this task's first packet, or have @entry wait behind that one. */
static bool fq_onward_begin(struct fq_onward *own, struct nf_queue_entry *entry)
{
	struct fq_onward *first;

	own->task = current;
	INIT_LIST_HEAD(&own->waiting);
	spin_lock(&fq_onward_lock);
	first = fq_onward_find();
	if (!first)
		list_add(&own->list, &fq_onwards);
	spin_unlock(&fq_onward_lock);
	/* only this task uses the list */
	list_add_tail(&entry->list, first ? &first->waiting : &own->waiting);
	return !first;
}

static void fq_onward_end(struct fq_onward *own)
{
	spin_lock(&fq_onward_lock);
	list_del(&own->list);
	spin_unlock(&fq_onward_lock);
}

/*
 * The packet goes on, and may meet the next rule that queues and be accepted
 * there again, once per chain: more often than the stack has room for. So only
 * the first packet goes on from here; the others wait until it is through. They
 * are found by task: a processor may run several with bottom halves disabled if
 * those can be preempted.
 */
static void fq_accept(struct nf_queue_entry *entry)
{
	struct fq_onward own;

	local_bh_disable();	/* the packet may come from a process */
	if (fq_onward_begin(&own, entry)) {
		while (!list_empty(&own.waiting)) {
			entry = list_first_entry(&own.waiting, struct nf_queue_entry, list);
			list_del(&entry->list);
			fq_reinject(entry, NF_ACCEPT);
		}
		fq_onward_end(&own);
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
