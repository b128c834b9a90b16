// SPDX-License-Identifier: GPL-2.0-only
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/net.h>
#include <linux/netfilter.h>
#include <linux/printk.h>
#include <linux/ratelimit.h>

#include "log.h"
#include "queue_types.h"

#define FQ_LOG_INTERVAL	(10 * HZ)

static const char *fq_action_name(unsigned int action)
{
	return action == NF_ACCEPT ? "accepted" : "dropped";
}

void fq_log_init(struct fq_queue *queue)
{
	int kind;

	for (kind = 0; kind < FQ_LOG_KINDS; kind++) {
		ratelimit_state_init(&queue->log[kind], FQ_LOG_INTERVAL, 1);
		/* the counters know how many more there were */
		ratelimit_set_flags(&queue->log[kind], RATELIMIT_MSG_ON_RELEASE);
	}
}

static bool fq_log_due(struct fq_queue *queue, enum fq_log_kind kind)
{
	/* the second limit is for whoever opens one queue after the other */
	return __ratelimit(&queue->log[kind]) && net_ratelimit();
}

/* A packet found no frame, or one more than the handler wants out. */
void fq_log_full(struct fq_queue *queue, unsigned int action)
{
	if (fq_log_due(queue, FQ_LOG_FULL))
		pr_warn("queue %u: full, handler %d is behind: packets are %s\n",
			queue->number, pid_nr(queue->owner), fq_action_name(action));
}

void fq_log_invalid(struct fq_queue *queue, u32 index, u32 word)
{
	if (fq_log_due(queue, FQ_LOG_INVALID))
		pr_warn("queue %u: handler %d wrote 0x%08x into the word of frame %u, which is no answer: its packet waits\n",
			queue->number, pid_nr(queue->owner), word, index);
}

void fq_log_timed_out(struct fq_queue *queue, unsigned int action)
{
	if (fq_log_due(queue, FQ_LOG_TIMED_OUT))
		pr_warn("queue %u: handler %d did not answer within %u ms: packets are %s\n",
			queue->number, pid_nr(queue->owner),
			jiffies_to_msecs(queue->timeout), fq_action_name(action));
}

/* Closed with @count packets that nobody answered. */
void fq_log_flushed(struct fq_queue *queue, u64 count, unsigned int action)
{
	if (count && fq_log_due(queue, FQ_LOG_FLUSHED))
		pr_info("queue %u: closed by handler %d with %llu packets unanswered: %s\n",
			queue->number, pid_nr(queue->owner), count, fq_action_name(action));
}
