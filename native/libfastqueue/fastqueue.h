/* SPDX-License-Identifier: MIT */
/*
 * libfastqueue: packet handlers in C over Fast Queue's shared ring.
 *
 *	struct fq_options options = FQ_OPTIONS_INIT;
 *	struct fq_queue *queue;
 *	int n, err = fq_open(&queue, &options);
 *
 *	while (!err && (n = fq_wait(queue, -1)) >= 0)
 *		fq_set_verdict_batch(queue, fq_first(queue), n, FASTQUEUE_ACCEPT);
 *
 * Functions return 0 or a number, or a negative error number; fq_strerror()
 * says what it means for a queue. One thread a queue at a time; a process may
 * have many queues. A child of fork() has no ring before fq_remap(). Frames are
 * named by their free-running count, which wraps at 2^32.
 *
 * Link with what `pkg-config --cflags --libs libfastqueue` says.
 */
#ifndef FASTQUEUE_H
#define FASTQUEUE_H

#include <linux/fastqueue.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct fq_queue;

/* What to ask for; start from FQ_OPTIONS_INIT. See struct fastqueue_ring. */
struct fq_options {
	const char *device;	/* NULL: FASTQUEUE_DEVICE */
	uint32_t queue;		/* number in the netfilter rule */
	uint32_t frames;	/* a power of two */
	uint32_t frame_size;	/* bytes, a multiple of 64 */
	uint32_t copy_range;	/* bytes of a packet at most, 0: frame_size */
	uint32_t default_action;	/* FASTQUEUE_ACCEPT or FASTQUEUE_DROP */
	uint32_t period_us;	/* of the sender's timer, 0: 1000 */
	uint32_t timeout_ms;	/* of a frame without an answer, 0: none */
	uint32_t flags;		/* FASTQUEUE_F_* */
};

/* device, queue, frames, frame_size, copy_range, ...: in order, for C++ before 20 too */
#define FQ_OPTIONS_INIT { NULL, 0, 2048, 2048, 0, FASTQUEUE_DROP, 0, 1000, 0 }

/*
 * Bind a queue number and map its ring. On success *queue is to be closed with
 * fq_close(), which gives packets without an answer the default action.
 */
int fq_open(struct fq_queue **queue, const struct fq_options *options);
void fq_close(struct fq_queue *queue);

/* For poll() and its kin: readable while there are frames to look at. */
int fq_fd(const struct fq_queue *queue);

/*
 * Settle what was answered, then sleep until there are new frames, at most
 * timeout_ms (-1: for ever, 0: not at all). Frames handed out before count as
 * taken. Returns the number of new frames, 0 when the time is over or what
 * came has left again, -EINTR after a signal, -EPIPE when the kernel closed
 * the queue.
 */
int fq_wait(struct fq_queue *queue, int timeout_ms);

/* Count of the first frame that the last fq_wait() returned. */
uint32_t fq_first(const struct fq_queue *queue);

/*
 * For handlers that take frames one at a time, or sleep in a poll() of their
 * own: the count behind the newest frame, without a system call; and that all
 * frames before count are taken, so that fq_fd() is readable only for others.
 */
uint32_t fq_head(const struct fq_queue *queue);
void fq_mark_taken(struct fq_queue *queue, uint32_t count);
/* Count of the oldest frame that has not left the ring. */
uint32_t fq_tail(const struct fq_queue *queue);

/* A packet, in place: holds until it is answered. */
struct fq_frame {
	const struct fastqueue_meta *meta;
	void *payload;		/* writable with FASTQUEUE_F_WRITABLE */
	uint32_t cap_len;	/* bytes at payload */
};

struct fq_frame fq_frame(const struct fq_queue *queue, uint32_t count);

/*
 * The packet has left the ring meanwhile (time limit, interface gone). If not,
 * what was read of its frame before was this packet's.
 */
bool fq_is_settled(const struct fq_queue *queue, uint32_t count);

/* A packet is in the frame, and it has no answer yet. */
bool fq_is_pending(const struct fq_queue *queue, uint32_t count);

/*
 * Answer one frame with FASTQUEUE_ACCEPT or FASTQUEUE_DROP; or number frames
 * from first on. Nothing happens to a packet that has left.
 */
void fq_set_verdict(struct fq_queue *queue, uint32_t count, uint32_t verdict);
void fq_set_verdict_batch(struct fq_queue *queue, uint32_t first, uint32_t number,
		   uint32_t verdict);

/*
 * Answer with any verdict and its arguments. which has the FASTQUEUE_WITH_*
 * bits of the fields that are set.
 *
 * A changed payload must be in place already, answer->len bytes of it. They
 * leave exactly as written; answer->flags asks the kernel to complete them:
 * FASTQUEUE_A_LENGTHS sets the IP and UDP lengths, FASTQUEUE_A_CHECKSUMS
 * computes the IPv4 header's, TCP, UDP, ICMP and ICMPv6 checksums. Without
 * FASTQUEUE_WITH_PAYLOAD flags must be 0. Leave FASTQUEUE_WITH_PAYLOAD out if
 * nothing was changed: the packet then goes on as it came.
 *
 * Returns -EINVAL, and answers nothing, if the kernel would refuse the answer:
 * an unknown verdict, bit or flag, a length of 0 or above the frame size, a
 * payload that is not writable, was truncated or is a GSO packet.
 */
int fq_set_verdict_full(struct fq_queue *queue, uint32_t count, uint32_t verdict,
		   uint32_t which, const struct fastqueue_answer *answer);

/*
 * Exchange the ring for one of options->frames, frame_size and copy_range; the
 * other options have no effect. No packet is lost: frames without an answer
 * come again, and those handed out before, with their counts and pointers, are
 * void. On failure (-EBUSY: more packets are out than the new ring holds) the
 * old ring stays, with its counts; pointers are void all the same. -EPIPE: the
 * ring, whichever it is now, cannot be mapped. The queue then looks empty to all
 * other calls, fq_wait() returns -EPIPE, and all that is left to do is fq_close().
 */
int fq_resize(struct fq_queue *queue, const struct fq_options *options);

/*
 * In a child of fork() whose parent leaves the queue to it: map the ring, which
 * does not come along. It is mapped where it was if nothing else is there by now:
 * pointers into the parent's ring are good then, and void otherwise. On failure
 * the queue is as after a failed fq_resize().
 */
int fq_remap(struct fq_queue *queue);
/* In a child that only closes: something else may lie where the ring was. */
void fq_forget_mapping(struct fq_queue *queue);

/* Settle what was answered now; fq_wait() does, except in timer-only mode. */
int fq_kick(struct fq_queue *queue);
/* Change the live queue; settings->fields has FASTQUEUE_SET_* for what changes. */
int fq_set(struct fq_queue *queue, const struct fastqueue_settings *settings);
/* Read the queue's counters. */
int fq_stats(struct fq_queue *queue, struct fastqueue_stats *stats);

/* What went wrong with a queue and what to do about it, in one line. */
const char *fq_strerror(int error);

#ifdef __cplusplus
}
#endif

#endif /* FASTQUEUE_H */
