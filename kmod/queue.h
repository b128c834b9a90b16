/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A queue: a netfilter queue number of one network namespace, its ring, the
 * three pointers' kernel side and the sender's timer.
 */
#ifndef FASTQUEUE_QUEUE_H
#define FASTQUEUE_QUEUE_H

#include <linux/hrtimer.h>
#include <linux/ratelimit_types.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/xarray.h>
#include <net/net_namespace.h>

#include "ring.h"

struct nf_queue_entry;
struct pid;
struct seq_file;
struct sock;

/* Kinds of lines in the kernel's log, see log.c. */
enum fq_log_kind {
	FQ_LOG_FULL, FQ_LOG_INVALID, FQ_LOG_TIMED_OUT, FQ_LOG_FLUSHED, FQ_LOG_KINDS
};

struct fq_queue {
	spinlock_t lock;		/* fa, fp, slots, stats, flags below */
	u32 fa;				/* receiver: frames published */
	u32 fp;				/* sender: frames settled */
	u32 scan;			/* sender: how far its sweep is */
	bool closed;
	bool sending;			/* one sender at a time keeps the order */
	bool sweeping;			/* from FP to FA, perhaps over many batches */
	bool send_again;		/* somebody asked since the sweep began */
	bool timer_armed;
	bool timer_soon;		/* armed for a period, not as a backstop */

	u32 flags;			/* FASTQUEUE_F_* */
	u32 copy_range;
	u32 limit;			/* packets out at most, 0: frames */
	unsigned int default_action;	/* NF_ACCEPT or NF_DROP */
	unsigned long timeout;		/* jiffies, 0: never */
	ktime_t period;

	struct fq_ring *ring;		/* exchanged under lock */
	struct fastqueue_stats stats;
	struct hrtimer timer;
	wait_queue_head_t wait;

	u32 number;
	struct pid *owner;
	struct net *net;
	struct ratelimit_state log[FQ_LOG_KINDS];
};

#define FQ_FIRST_QUEUES	16

/* Per network namespace: queues by number, read under RCU. */
struct fq_net {
	struct fq_queue *first[FQ_FIRST_QUEUES];	/* of queues, at hand */
	struct xarray queues;
};

struct fq_net *fq_net(const struct net *net);

struct fq_queue *fq_queue_create(struct net *net,
				 const struct fastqueue_ring *wanted);
void fq_queue_close(struct fq_queue *queue);
int fq_queue_resize(struct fq_queue *queue, const struct fastqueue_ring *wanted);
int fq_queue_set(struct fq_queue *queue, const struct fastqueue_settings *set);
void fq_queue_stats(struct fq_queue *queue, struct fastqueue_stats *stats);

typedef bool (*fq_match_t)(const struct nf_queue_entry *entry, int ifindex);
void fq_queue_flush(struct fq_queue *queue, fq_match_t match, int ifindex,
		    unsigned int verdict);
void fq_net_flush(struct net *net, fq_match_t match, int ifindex);

/* When a packet was queued and, with FASTQUEUE_F_UID, from whose socket. */
struct fq_origin {
	unsigned long queued_at;	/* jiffies */
	u32 uid;
	u32 gid;
	bool known;
};

/* receiver.c */
int fq_frame_put(struct fq_queue *queue, struct nf_queue_entry *entry,
		 const struct fq_origin *origin);
int fq_receive(struct nf_queue_entry *entry, unsigned int number);

/* meta.c */
void fq_origin_find(struct fq_origin *origin, const struct fq_queue *queue,
		    struct sock *sk);
void fq_meta_fill(struct fastqueue_meta *meta, const struct fq_queue *queue,
		  const struct nf_queue_entry *entry);
void fq_meta_owner(struct fastqueue_meta *meta, const struct fq_origin *origin);

/* sender.c */
void fq_sender_run(struct fq_queue *queue);
bool fq_sender_poll(struct fq_queue *queue);
bool fq_sender_unseen(struct fq_queue *queue);
bool fq_sender_work(struct fq_queue *queue, unsigned int batches);

/* timer.c */
void fq_timer_arm(struct fq_queue *queue);
void fq_timer_rearm(struct fq_queue *queue);
enum hrtimer_restart fq_timer_tick(struct hrtimer *timer);

/* mangle.c */
int fq_mangle(struct nf_queue_entry *entry, const void *data, u32 len);

/* reinject.c */
void fq_reinject(struct nf_queue_entry *entry, unsigned int verdict);
bool fq_reinject_keep(struct nf_queue_entry *entry, unsigned int verdict);
bool fq_ct_is_shared(const struct nf_queue_entry *entry, bool *unconfirmed);

/* log.c */
void fq_log_init(struct fq_queue *queue);
void fq_log_full(struct fq_queue *queue, unsigned int action);
void fq_log_invalid(struct fq_queue *queue, u32 index, u32 word);
void fq_log_timed_out(struct fq_queue *queue, unsigned int action);
void fq_log_flushed(struct fq_queue *queue, u64 count, unsigned int action);

/* device.c, proc.c */
int fq_device_register(void);
void fq_device_unregister(void);
int fq_proc_init(struct net *net);
void fq_proc_exit(struct net *net);

/* Module parameter: what happens to packets of a queue that has no ring. */
unsigned int fq_default_action(void);
/* Charge memory of rings against the module's limit. */
bool fq_memory_charge(u64 bytes);
void fq_memory_uncharge(u64 bytes);

/*
 * entry->id belongs to whoever holds the entry: here it carries the verdict
 * from the sender's lock to reinjection, and whether another segment of the
 * same packet shares an unconfirmed connection.
 */
#define FQ_ID_UNCONFIRMED	0x4000u	/* between verdict, bypass flag and queue */

#endif /* FASTQUEUE_QUEUE_H */
