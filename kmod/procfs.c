// SPDX-License-Identifier: GPL-2.0-only
/* /proc/net/fastqueue: a heading, then one line per queue of the namespace. */
#include <linux/pid.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/seq_file_net.h>

#include "procfs.h"
#include "queue.h"
#include "queue_table.h"
#include "queue_types.h"
#include "ring.h"

/* The ring's shape, and how many of its frames are answered but not sent. */
struct fq_shape {
	u32 frames;
	u32 frame_size;
	u32 processed;
};

static void fq_shape_read(struct fq_queue *queue, struct fq_shape *shape)
{
	const struct fq_ring *ring;
	u32 count;

	spin_lock_bh(&queue->lock);
	ring = queue->ring;
	shape->frames = ring->frames;
	shape->frame_size = ring->frame_size;
	shape->processed = 0;
	for (count = queue->fp; count != queue->fa; count++)
		shape->processed += (READ_ONCE(ring->words[fq_ring_index(ring, count)]) &
				     FASTQUEUE_STATE_MASK) == FASTQUEUE_PROCESSED;
	spin_unlock_bh(&queue->lock);
}

static void fq_proc_line(struct seq_file *seq, struct fq_queue *queue)
{
	struct fastqueue_stats s;
	struct fq_shape shape;

	fq_queue_stats(queue, &s);
	fq_shape_read(queue, &shape);
	seq_printf(seq, "%u %d %u %u %llu %u ", queue->number, pid_vnr(queue->owner),
		   shape.frames, shape.frame_size, s.occupied, shape.processed);
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
	fq_table_for_each(seq_file_single_net(seq), number, queue)
		fq_proc_line(seq, queue);
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
