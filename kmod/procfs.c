// SPDX-License-Identifier: GPL-2.0-only
/* /proc/net/fastqueue: a heading, then one line per queue of the namespace. */
#include <linux/pid.h>
#include <linux/proc_fs.h>
#include <linux/rcupdate_wait.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/seq_file_net.h>

#include "procfs.h"
#include "queue.h"
#include "queue_table.h"
#include "queue_types.h"
#include "ring.h"

/* Words looked at under one hold of the lock. */
#define FQ_PROC_LOOKS	4096

/* The ring's sizes, and how many of its frames are answered but not sent. */
struct fq_ring_state {
	u32 frames;
	u32 frame_size;
	u32 processed;
};

/* Count from @count on. True: there is more. */
static bool fq_ring_state_count(struct fq_queue *queue, struct fq_ring_state *state,
				u32 *count)
{
	const struct fq_ring *ring;
	u32 looks = FQ_PROC_LOOKS;
	bool more;

	spin_lock_bh(&queue->lock);
	ring = queue->ring;
	state->frames = ring->frames;
	state->frame_size = ring->frame_size;
	if ((s32)(queue->fp - *count) > 0)
		*count = queue->fp;
	for (; (s32)(queue->fa - *count) > 0 && looks--; ++*count)
		state->processed += (READ_ONCE(ring->words[fq_ring_index(ring, *count)]) &
				     FASTQUEUE_STATE_MASK) == FASTQUEUE_PROCESSED;
	more = (s32)(queue->fa - *count) > 0;
	spin_unlock_bh(&queue->lock);
	return more;
}

/* Frames that come meanwhile are not counted for ever. */
static void fq_ring_state_read(struct fq_queue *queue, struct fq_ring_state *state)
{
	u32 count = READ_ONCE(queue->fp), steps = FASTQUEUE_MAX_FRAMES / FQ_PROC_LOOKS;

	memset(state, 0, sizeof(*state));
	while (fq_ring_state_count(queue, state, &count) && steps--)
		;
}

static void fq_proc_line(struct seq_file *seq, struct fq_queue *queue)
{
	struct fastqueue_stats s;
	struct fq_ring_state ring;

	fq_queue_stats(queue, &s);
	fq_ring_state_read(queue, &ring);
	seq_printf(seq, "%u %d %u %u %llu %u ", queue->number, pid_vnr(queue->owner),
		   ring.frames, ring.frame_size, s.occupied, ring.processed);
	seq_printf(seq, "%llu %llu %llu %llu %llu %llu %llu %llu ", s.received,
		   s.queued, s.accepted, s.dropped, s.flushed, s.timed_out,
		   s.default_accepted, s.default_dropped);
	seq_printf(seq, "%llu %llu %llu %llu %llu %llu %llu ", s.invalid_words,
		   s.wakeups, s.ticks, s.truncated, s.segmented, s.refused, s.over_memory);
	seq_printf(seq, "%lld %s 0x%x\n",
		   ktime_to_us(READ_ONCE(queue->period)),
		   READ_ONCE(queue->default_action) == FASTQUEUE_ACCEPT ? "accept" : "drop",
		   READ_ONCE(queue->flags));
}

static int fq_proc_show(struct seq_file *seq, void *unused)
{
	struct fq_queue *queue;
	unsigned long number;

	seq_puts(seq, "queue owner frames frame_size occupied processed ");
	seq_puts(seq, "received queued accepted dropped flushed timed_out ");
	seq_puts(seq, "default_accepted default_dropped invalid_words wakeups ");
	seq_puts(seq, "ticks truncated segmented refused over_memory ");
	seq_puts(seq, "period_us default_action flags\n");
	rcu_read_lock();
	fq_table_for_each(seq_file_single_net(seq), number, queue) {
		fq_proc_line(seq, queue);
		cond_resched_rcu();	/* the next one is looked up by its number */
	}
	rcu_read_unlock();
	return 0;
}

int fq_proc_init(struct net *net)
{
	if (!proc_create_net_single("fastqueue", 0440, net->proc_net,
				    fq_proc_show, NULL))
		return -ENOMEM;
	return 0;
}

void fq_proc_exit(struct net *net)
{
	remove_proc_entry("fastqueue", net->proc_net);
}
