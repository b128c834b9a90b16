// SPDX-License-Identifier: GPL-2.0-only
#include <linux/init.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/netdevice.h>
#include <linux/netfilter.h>
#include <linux/sched.h>
#include <linux/workqueue.h>
#include <net/netfilter/nf_queue.h>

#include "flush.h"
#include "frame.h"
#include "queue_table.h"
#include "queue_types.h"
#include "reinject.h"
#include "ring.h"

/* Packets taken, and frames looked at, under one hold of the lock. */
#define FQ_FLUSH_BATCH	64
#define FQ_FLUSH_LOOKS	1024

/* Queues of all namespaces: a device may be in another one than its packets. */
static DEFINE_MUTEX(fq_all_mutex);
static LIST_HEAD(fq_all);

/* The works of many queues may sleep until a ring is exchanged: not on the system's. */
static struct workqueue_struct *fq_flush_works;

/* A walk over the frames of a queue, with pauses. */
struct fq_flush {
	const struct net_device *dev;	/* only packets that use it; NULL: all */
	bool stale;			/* only packets with a device that is down or away */
	unsigned int verdict;
	u32 count;			/* next frame */
	u32 end;
	struct list_head batch;
};

#define FQ_ENTRY_DEVICES	7

/* All devices that a queued packet holds or will pass; some are NULL. */
static void fq_entry_devices(const struct nf_queue_entry *entry,
			     const struct net_device *devices[FQ_ENTRY_DEVICES])
{
	memset(devices, 0, FQ_ENTRY_DEVICES * sizeof(*devices));
	devices[0] = entry->state.in;
	devices[1] = entry->state.out;
	devices[2] = entry->skb->dev;
#if IS_ENABLED(CONFIG_BRIDGE_NETFILTER)
	devices[3] = entry->physin;
	devices[4] = entry->physout;
#ifdef FQ_HAVE_BRIDGE_DEV
	devices[5] = entry->bridge_dev;
#endif
#endif
#ifdef FQ_HAVE_SKB_DEV
	devices[6] = entry->skb_dev;
#endif
}

static bool fq_device_is_stale(const struct net_device *dev)
{
	return dev && (!(READ_ONCE(dev->flags) & IFF_UP) ||
		       /* a change that this misses has an event of its own */
		       data_race(dev->reg_state) != NETREG_REGISTERED);
}

static bool fq_flush_matches(const struct fq_flush *flush, const struct nf_queue_entry *entry)
{
	const struct net_device *devices[FQ_ENTRY_DEVICES];
	int i;

	if (!flush->dev && !flush->stale)
		return true;
	fq_entry_devices(entry, devices);
#ifndef FQ_HAVE_SKB_DEV
	if (flush->stale)
		devices[2] = NULL;	/* not held: it may be compared, and not looked into */
#endif
	for (i = 0; i < FQ_ENTRY_DEVICES; i++)
		if (flush->stale ? fq_device_is_stale(devices[i]) : devices[i] == flush->dev)
			return true;
	return false;
}

/*
 * Take matching packets out of their frames, with the lock held; the sender
 * skips those. Frames that it settled during a pause are behind FP.
 */
static void fq_flush_take(struct fq_queue *queue, struct fq_flush *flush)
{
	u32 taken = 0, looks = FQ_FLUSH_LOOKS;
	struct nf_queue_entry *entry;

	if ((s32)(queue->fp - flush->count) > 0)
		flush->count = queue->fp;
	for (; (s32)(flush->end - flush->count) > 0 && taken < FQ_FLUSH_BATCH && looks--;
	     flush->count++) {
		entry = queue->ring->slots[fq_ring_index(queue->ring, flush->count)].entry;
		if (!entry || !fq_flush_matches(flush, entry))
			continue;
		fq_frame_flush(queue, flush->count, flush->verdict);
		list_add_tail(&entry->list, &flush->batch);
		taken++;
	}
}

/* True: there are frames left to look at. */
static bool fq_flush_batch(struct fq_queue *queue, struct fq_flush *flush)
{
	bool more;

	rcu_read_lock();	/* no hook goes before the packets have gone on */
	spin_lock_bh(&queue->lock);
	if (queue->dropping)	/* a hook went: nothing may go on */
		flush->verdict = NF_DROP;
	fq_flush_take(queue, flush);
	more = (s32)(flush->end - flush->count) > 0;
	spin_unlock_bh(&queue->lock);
	fq_reinject_list(&flush->batch, flush->verdict);
	rcu_read_unlock();
	return more;
}

static void fq_flush_begin(struct fq_queue *queue, struct fq_flush *flush)
{
	INIT_LIST_HEAD(&flush->batch);
	spin_lock_bh(&queue->lock);
	flush->count = queue->fp;
	flush->end = queue->fa;
	spin_unlock_bh(&queue->lock);
}

/* With queue->exchange held, in process context; others run between the batches. */
static void fq_flush_run(struct fq_queue *queue, struct fq_flush *flush)
{
	fq_flush_begin(queue, flush);
	while (fq_flush_batch(queue, flush))
		cond_resched();
}

void fq_flush_queue(struct fq_queue *queue, unsigned int verdict)
{
	struct fq_flush flush = { .verdict = verdict };

	mutex_lock(&queue->exchange);
	fq_flush_run(queue, &flush);
	mutex_unlock(&queue->exchange);
}

/*
 * Under RTNL: whoever exchanges the ring may be kept from the processor, and is not
 * waited for. Then it, or the work that follows it, drops the packets whose device
 * is down or away by that time.
 */
static void fq_flush_device_of(struct fq_queue *queue, const struct net_device *dev)
{
	struct fq_flush flush = { .dev = dev, .verdict = NF_DROP };

	if (mutex_trylock(&queue->exchange)) {
		fq_flush_run(queue, &flush);
		mutex_unlock(&queue->exchange);
		return;
	}
	spin_lock_bh(&queue->lock);
	queue->device_gone = true;
	spin_unlock_bh(&queue->lock);
	queue_work(fq_flush_works, &queue->drop_work);
}

/*
 * A device goes down or away: packets that would have to pass it are dropped, as
 * nfnetlink_queue does. They may come until it is unregistered. Packets of another
 * namespace, such as a tunnel's link, hold it as well; those are looked for once
 * that keeps the device from going: the event is then repeated until none is left.
 */
void fq_flush_device(const struct net_device *dev)
{
	bool everywhere = READ_ONCE(dev->reg_state) == NETREG_UNREGISTERED;
	struct fq_queue *queue;

	mutex_lock(&fq_all_mutex);
	list_for_each_entry(queue, &fq_all, all)
		if (everywhere || net_eq(queue->net, dev_net(dev)))
			fq_flush_device_of(queue, dev);
	mutex_unlock(&fq_all_mutex);
}

/* With queue->exchange held: what fq_flush_device_of() left behind. */
static void fq_flush_stale(struct fq_queue *queue)
{
	struct fq_flush flush = { .stale = true, .verdict = NF_DROP };
	bool wanted;

	spin_lock_bh(&queue->lock);
	wanted = queue->device_gone;
	queue->device_gone = false;
	spin_unlock_bh(&queue->lock);
	if (wanted)
		fq_flush_run(queue, &flush);
}

/* Drop the marked packets, with queue->exchange held. */
void fq_flush_marked(struct fq_queue *queue)
{
	struct fq_flush flush = { .verdict = NF_DROP };

	INIT_LIST_HEAD(&flush.batch);
	spin_lock_bh(&queue->lock);
	flush.count = queue->fp;
	flush.end = queue->dropping ? queue->drop_end : queue->fp;
	spin_unlock_bh(&queue->lock);
	while (fq_flush_batch(queue, &flush))
		cond_resched();

	spin_lock_bh(&queue->lock);
	if (flush.end == queue->drop_end)
		queue->dropping = false;
	spin_unlock_bh(&queue->lock);
}

static void fq_drop_work(struct work_struct *work)
{
	struct fq_queue *queue = container_of(work, struct fq_queue, drop_work);

	mutex_lock(&queue->exchange);
	fq_flush_marked(queue);
	fq_flush_stale(queue);
	mutex_unlock(&queue->exchange);
}

/*
 * A hook of the namespace goes: the packets that are queued now may not go on,
 * whatever the handler answers, as the place where they left is gone. They are
 * dropped soon, by the sender or by work that lets others run: a namespace may have
 * thousands of queues.
 */
static void fq_drop_all(struct fq_queue *queue)
{
	spin_lock_bh(&queue->lock);
	if (queue->resizing || queue->fa != queue->fp) {
		queue->dropping = true;
		queue->drop_end = queue->fa;
		if (!queue->closed)	/* closing drops what is marked itself */
			queue_work(fq_flush_works, &queue->drop_work);
	}
	spin_unlock_bh(&queue->lock);
}

/* With the lock held, after an exchange: all packets that it moved are included. */
void fq_flush_resume(struct fq_queue *queue)
{
	if (!queue->dropping)
		return;
	queue->drop_end = queue->fa;
	queue_work(fq_flush_works, &queue->drop_work);
}

/* Under rcu_read_lock(): this must not sleep. */
void fq_flush_net(struct net *net)
{
	struct fq_queue *queue;
	unsigned long number;

	fq_table_for_each(net, number, queue)
		fq_drop_all(queue);
}

int __init fq_flush_setup(void)
{
	fq_flush_works = alloc_workqueue("fastqueue", WQ_UNBOUND, 0);
	return fq_flush_works ? 0 : -ENOMEM;
}

/* No queue is left. */
void fq_flush_teardown(void)
{
	destroy_workqueue(fq_flush_works);
}

/* From here on events of devices reach the queue. */
void fq_flush_init(struct fq_queue *queue)
{
	INIT_WORK(&queue->drop_work, fq_drop_work);
	mutex_lock(&fq_all_mutex);
	list_add(&queue->all, &fq_all);
	mutex_unlock(&fq_all_mutex);
}

/* The queue is closed: no event reaches it any more. */
void fq_flush_end(struct fq_queue *queue)
{
	mutex_lock(&fq_all_mutex);
	list_del(&queue->all);
	mutex_unlock(&fq_all_mutex);
	cancel_work_sync(&queue->drop_work);
}
