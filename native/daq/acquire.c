// SPDX-License-Identifier: MIT
/*
 * Frames to the program's analysis function, and its verdicts into their words.
 * The sender settles them when the program waits for the next packet, or on its
 * timer, so that a verdict costs no system call.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>

#include "source.h"

#include <linux/netfilter.h>	/* behind the C library's headers */

/* Async-signal-safe: programs call it from handlers of signals. */
int source_break(void *handle)
{
	struct source *source = handle;
	int saved = errno;

	source->broken = 1;
	eventfd_write(source->wake, 1);
	errno = saved;
	return DAQ_SUCCESS;
}

static bool break_take(struct source *source)
{
	eventfd_t value;

	if (!source->broken)
		return false;
	eventfd_read(source->wake, &value);
	source->broken = 0;
	return true;
}

static bool frame_next(struct source *source, uint32_t *count)
{
	uint32_t oldest;

	if (source->next == fq_head(source->queue))
		return false;
	oldest = fq_tail(source->queue);
	if ((int32_t)(oldest - source->next) > 0)
		source->next = oldest;
	for (; source->next != fq_head(source->queue); source->next++) {
		if (!fq_is_pending(source->queue, source->next))
			continue;	/* its interface went */
		*count = source->next++;
		return true;
	}
	return false;
}

/* Polling runs the sender, too. 1: look again; 0: the time is over; or an error. */
static int frames_wait(struct source *source)
{
	struct pollfd files[2] = {
		{ .fd = fq_fd(source->queue), .events = POLLIN },
		{ .fd = source->wake, .events = POLLIN },
	};
	eventfd_t value;
	int found;

	fq_mark_taken(source->queue, source->next);
	found = poll(files, 2, source->timeout_ms);
	if (found < 0)
		return errno == EINTR ? 0 :
		       source_fail(source, DAQ_ERROR, "poll: %s", strerror(errno));
	if (files[1].revents)	/* also of a break that was taken before it got here */
		eventfd_read(source->wake, &value);
	if (files[0].revents & (POLLERR | POLLHUP | POLLNVAL))
		return source_fail(source, DAQ_ERROR_NODEV, "%s", fq_strerror(-EPIPE));
	return found > 0;
}

static void time_fill(const struct fastqueue_meta *meta, struct timeval *when)
{
	struct timespec now;

	if (meta->timestamp) {
		when->tv_sec = (time_t)(meta->timestamp / 1000000000);
		when->tv_usec = (suseconds_t)(meta->timestamp % 1000000000 / 1000);
		return;
	}
	clock_gettime(CLOCK_REALTIME_COARSE, &now);	/* without a system call */
	when->tv_sec = now.tv_sec;
	when->tv_usec = now.tv_nsec / 1000;
}

static void header_fill(const struct source *source, const struct fq_frame *frame,
			DAQ_PktHdr_t *header)
{
	const struct fastqueue_meta *meta = frame->meta;

	memset(header, 0, sizeof(*header));
	time_fill(meta, &header->ts);
	header->caplen = frame->cap_len < source->snaplen ? frame->cap_len : source->snaplen;
	header->pktlen = meta->len;
	header->ingress_index = meta->indev ? (int32_t)meta->indev : DAQ_PKTHDR_UNKNOWN;
	header->egress_index = meta->outdev ? (int32_t)meta->outdev : DAQ_PKTHDR_UNKNOWN;
	header->ingress_group = header->egress_group = DAQ_PKTHDR_UNKNOWN;
	if (meta->flags & (FASTQUEUE_M_CSUM_VALID | FASTQUEUE_M_CSUM_NOT_READY))
		header->flags |= DAQ_PKT_FLAG_HW_TCP_CS_GOOD;
	if (meta->hook == NF_INET_PRE_ROUTING)
		header->flags |= DAQ_PKT_FLAG_PRE_ROUTING;
	if (source->passive)
		header->flags |= DAQ_PKT_FLAG_NOT_FORWARDING;
}

/*
 * The bytes are in place already and leave as they are: the program completes
 * lengths and checksums itself, as it does for daq_nfq. A packet that is not
 * there as a whole, or is a GSO packet, cannot be changed.
 */
static void frame_replace(struct source *source, uint32_t count, const struct fq_frame *frame)
{
	struct fastqueue_answer answer = { .len = frame->meta->len };

	if (fq_set_verdict_full(source->queue, count, FASTQUEUE_ACCEPT, FASTQUEUE_WITH_PAYLOAD, &answer))
		fq_set_verdict(source->queue, count, FASTQUEUE_DROP);
}

static void frame_clear(struct source *source, uint32_t count)
{
	struct fastqueue_answer answer = { .mark = source->bypass_mark };

	if (source->bypass)
		fq_set_verdict_full(source->queue, count, FASTQUEUE_ACCEPT, FASTQUEUE_WITH_MARK, &answer);
	else
		fq_set_verdict(source->queue, count, FASTQUEUE_ACCEPT);
}

static void frame_settle(struct source *source, uint32_t count, const struct fq_frame *frame,
			 DAQ_Verdict verdict)
{
	if (source->passive) {
		fq_set_verdict(source->queue, count, FASTQUEUE_ACCEPT);
		return;
	}
	switch (verdict) {
	case DAQ_VERDICT_PASS:
		fq_set_verdict(source->queue, count, FASTQUEUE_ACCEPT);
		break;
	case DAQ_VERDICT_REPLACE:
		frame_replace(source, count, frame);
		break;
	case DAQ_VERDICT_WHITELIST:
	case DAQ_VERDICT_IGNORE:
		frame_clear(source, count);
		break;
	default:	/* also what nobody knows: only what was let pass passes */
		fq_set_verdict(source->queue, count, FASTQUEUE_DROP);
	}
}

static void frame_analyse(struct source *source, uint32_t count, DAQ_Analysis_Func_t analyse,
			  void *user)
{
	struct fq_frame frame = fq_frame(source->queue, count);
	DAQ_PktHdr_t header;
	DAQ_Verdict verdict;

	if (!filter_matches(source, &frame)) {
		source->stats.packets_filtered++;
		fq_set_verdict(source->queue, count, FASTQUEUE_ACCEPT);
		return;
	}
	header_fill(source, &frame, &header);
	source->stats.packets_received++;
	verdict = analyse(user, &header, frame.payload);
	if ((unsigned int)verdict >= MAX_DAQ_VERDICT)
		verdict = DAQ_VERDICT_BLOCK;
	source->stats.verdicts[verdict]++;
	frame_settle(source, count, &frame, verdict);
}

int source_acquire(void *handle, int count, DAQ_Analysis_Func_t analyse, DAQ_Meta_Func_t meta,
		   void *user)
{
	struct source *source = handle;
	int done = 0, found = 1;
	uint32_t frame;

	(void)meta;
	if (!source->queue)
		return source_fail(source, DAQ_ERROR, "not started");
	while (found > 0 && (count <= 0 || done < count)) {
		if (break_take(source))
			return DAQ_SUCCESS;
		if (frame_next(source, &frame)) {
			frame_analyse(source, frame, analyse, user);
			done++;
		} else {
			found = frames_wait(source);
		}
	}
	return found < 0 ? found : DAQ_SUCCESS;
}
