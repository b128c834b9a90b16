/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A queue: a netfilter queue number of one network namespace, its ring, the
 * kernel's side of the three pointers, and the sender's timer.
 */
#ifndef FASTQUEUE_QUEUE_TYPES_H
#define FASTQUEUE_QUEUE_TYPES_H

#include <linux/hrtimer.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/ratelimit_types.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/fastqueue.h>

struct fq_account;
struct fq_ring;
struct net;
struct nf_queue_entry;
struct pid;

/* Kinds of lines in the kernel log, see log.c. */
enum fq_log_kind {
	FQ_LOG_FULL, FQ_LOG_INVALID, FQ_LOG_TIMED_OUT, FQ_LOG_FLUSHED, FQ_LOG_KINDS
};

struct fq_queue {
	spinlock_t lock;		/* fa, fp, slots, stats, flags below */
	u32 fa;				/* receiver: frames published */
	u32 fp;				/* sender: frames settled */
	u32 scan;			/* sender: position of its sweep */
	u32 looks;			/* sender: frames looked at, ever */
	u32 batch_max;			/* sender: packets of this batch, at most */
	u32 batch_bytes;		/* sender: of changed packets in this batch */
	bool closed : 1;
	bool resizing : 1;		/* packets are on their way to a new ring */
	bool sending;			/* one sender at a time keeps the order */
	bool sweeping;			/* from FP to FA, possibly over many batches */
	bool send_again;		/* requested since the sweep began */
	bool timer_armed;
	bool timer_soon;		/* armed for a period, not as a backstop */

	u32 flags;			/* FASTQUEUE_F_* */
	u32 copy_range;
	u32 limit;			/* maximum of packets in frames, 0: frames */
	unsigned int default_action;	/* NF_ACCEPT or NF_DROP */
	unsigned long timeout;		/* jiffies, 0: never */
	ktime_t period;
	ktime_t rest_until;		/* no tick before, after one in vain; 0: none */

	unsigned long held;		/* truesize of the packets in frames */
	unsigned long reserved;		/* charged for them */

	struct fq_ring *ring;		/* exchanged under lock */
	struct list_head backlog;	/* packets that came while resizing */
	bool dropping;			/* packets before drop_end may not go on */
	bool device_gone;		/* packets whose device is down are to be dropped */
	u32 drop_end;
	struct fastqueue_stats stats;
	struct hrtimer timer;
	wait_queue_head_t wait;

	u32 number;
	struct pid *owner;
	struct net *net;
	struct fq_account *account;
	struct list_head all;		/* in the list of all namespaces' queues */
	struct mutex exchange;		/* resizing and flushing exclude each other */
	struct work_struct drop_work;
	struct rcu_work free_work;
	struct ratelimit_state log[FQ_LOG_KINDS];
};

/* When a packet was queued and, with FASTQUEUE_F_UID, from whose socket. */
struct fq_origin {
	unsigned long queued_at;	/* jiffies */
	u32 uid;
	u32 gid;
	bool known;
};

/*
 * entry->id belongs to the current holder of the entry: here it carries the
 * verdict from the sender's lock to reinjection and, in bits that verdicts do
 * not use, what else is to be done then.
 */
#define FQ_ID_UNCONFIRMED	0x4000u	/* segments share an unconfirmed connection */
#define FQ_ID_ORPHAN		0x2000u	/* the socket is to be looked up again */
#define FQ_ID_FLAGS		(FQ_ID_UNCONFIRMED | FQ_ID_ORPHAN)

#endif /* FASTQUEUE_QUEUE_TYPES_H */
