/* SPDX-License-Identifier: MIT */
/*
 * The callback that a thread is in: its verdict while that waits, and what must
 * stay readable until it returns, whatever other threads end meanwhile.
 */
#ifndef CALLBACK_H
#define CALLBACK_H

#include "compat.h"

struct grave;

/* One per thread; never freed, so that others may look at it at any time. */
struct callback {
	struct queue *queue;	/* NULL: in no callback, or its queue has ended */
	struct channel *channel;
	uint32_t id;
	bool held;		/* the answer below waits until the callback returns */
	uint32_t verdict;
	uint32_t which;
	struct fastqueue_answer answer;
	const void *handle;	/* what the program has: nfq_handle, nfq_q_handle */
	const void *queue_handle;
	unsigned char *payload;	/* in the ring; NULL: in the program's own buffer */
	size_t payload_len;
	struct grave *graves;	/* ended by others, freed when the callback returns */
	struct callback *next;
	bool used;		/* by a thread that exists */
};

extern __thread struct callback *callback_here __attribute__((tls_model("initial-exec")));

static inline bool callback_is_of(const struct queue *queue)
{
	return callback_here->queue == queue;
}

/* With the channel's lock held. False: no memory. */
bool callback_begin(struct queue *queue, const struct callback *what);
/* Without it. */
void callback_end(void);
/*
 * An answer of this thread's callback that waits, given when the callback returns. To
 * all others its packet is answered. These with the channel's lock held.
 */
void callback_hold(struct queue *queue, uint32_t verdict, uint32_t which,
		   const struct fastqueue_answer *answer);
void callback_release(struct callback *callback);
void callbacks_release(struct queue *queue);
bool callback_holds(const struct queue *queue, uint32_t id);
/* The first frame of a range whose answer waits. False: there is none. */
bool callback_held_first(const struct queue *queue, uint32_t first, uint32_t end, uint32_t *count);

/* The next callback that is about a packet of this queue; NULL: the first one, the end. */
struct callback *callback_next(const struct queue *queue, struct callback *after);
/* Hand a mapping over to the callbacks of a queue that read in it. False: to none. */
bool callbacks_keep(const struct queue *queue, void *start, size_t size);
/* Whether any of them reads there. */
bool callbacks_read(const struct queue *queue, void *start, size_t size);
/* The queue ends: answers that wait are given if it is used, payloads are kept. */
void callbacks_queue_end(struct queue *queue, bool used);
/* free(), but not before the callbacks that may use it have returned. */
void callbacks_free(void *handle);
/* In a child of fork(), which has one thread. */
void callbacks_fork(void);

#endif /* CALLBACK_H */
