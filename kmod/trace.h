/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints, one per path of a packet. Disabled, they cost a patched-out
 * branch; to enable: echo 1 > /sys/kernel/tracing/events/fastqueue/enable
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM fastqueue

#if !defined(FASTQUEUE_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define FASTQUEUE_TRACE_H

#include <linux/skbuff.h>
#include <linux/tracepoint.h>

#include "queue_types.h"

DECLARE_EVENT_CLASS(fastqueue_packet,
		    TP_PROTO(const struct fq_queue *queue, const struct sk_buff *skb,
			     u32 frame, unsigned int verdict),
		    TP_ARGS(queue, skb, frame, verdict),
		    TP_STRUCT__entry(__field(u32, queue)
				     __field(u32, frame)
				     __field(u32, len)
				     __field(u32, verdict)),
		    TP_fast_assign(__entry->queue = queue->number;
				   __entry->frame = frame;
				   __entry->len = skb->len;
				   __entry->verdict = verdict;),
		    TP_printk("queue=%u frame=%u len=%u verdict=%u",
			      __entry->queue, __entry->frame, __entry->len,
			      __entry->verdict));

/* the receiver put it into a frame; verdict is 0 */
DEFINE_EVENT(fastqueue_packet, fastqueue_queued,
	     TP_PROTO(const struct fq_queue *queue, const struct sk_buff *skb,
		      u32 frame, unsigned int verdict),
	     TP_ARGS(queue, skb, frame, verdict));

/* the sender found the handler's answer */
DEFINE_EVENT(fastqueue_packet, fastqueue_answered,
	     TP_PROTO(const struct fq_queue *queue, const struct sk_buff *skb,
		      u32 frame, unsigned int verdict),
	     TP_ARGS(queue, skb, frame, verdict));

/* settled without the handler: ring full, time limit, flushed */
DEFINE_EVENT(fastqueue_packet, fastqueue_default,
	     TP_PROTO(const struct fq_queue *queue, const struct sk_buff *skb,
		      u32 frame, unsigned int verdict),
	     TP_ARGS(queue, skb, frame, verdict));

#endif /* FASTQUEUE_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
