// SPDX-License-Identifier: MIT
/*
 * Callbacks of all threads. A thread writes to its own one; begin, end with an
 * answer that waits, and everything that another thread does happen under the lock
 * of the queue's channel. A thread leaves a callback without an answer that waits
 * without a lock: others that just miss that keep a little more than they have to.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "callback.h"
#include "overlay.h"

/* Memory that callbacks may use still. */
struct remains {
	unsigned int users;
	void *start;
	size_t size;		/* 0: from malloc(), else a mapping */
};

struct grave {
	struct grave *next;
	struct remains *remains;
};

static struct callback nobody;
static struct callback *all;
static pthread_once_t prepared = PTHREAD_ONCE_INIT;
static pthread_key_t thread_end;

__thread struct callback *callback_here = &nobody;

static void remains_release(struct remains *remains)
{
	if (__atomic_sub_fetch(&remains->users, 1, __ATOMIC_ACQ_REL))
		return;
	if (remains->size)
		munmap(remains->start, remains->size);
	else
		free(remains->start);
	free(remains);
}

static void graves_clear(struct callback *callback)
{
	struct grave *grave = __atomic_exchange_n(&callback->graves, NULL, __ATOMIC_ACQUIRE), *next;

	for (; grave; grave = next) {
		next = grave->next;
		remains_release(grave->remains);
		free(grave);
	}
}

/* Without memory for the note it is never freed: rather that than too early. */
static void grave_add(struct callback *callback, struct remains *remains)
{
	struct grave *grave = malloc(sizeof(*grave));

	__atomic_add_fetch(&remains->users, 1, __ATOMIC_RELAXED);
	if (!grave)
		return;
	grave->remains = remains;
	grave->next = __atomic_load_n(&callback->graves, __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(&callback->graves, &grave->next, grave, true,
					    __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		;
}

static void thread_ended(void *argument)
{
	struct callback *callback = argument;

	callback_here = callback;	/* of this thread, whatever other destructors did */
	callback_end();
	callback_here = &nobody;
	__atomic_store_n(&callback->used, false, __ATOMIC_RELEASE);
}

static void prepare(void)
{
	pthread_key_create(&thread_end, thread_ended);
}

/* One that a thread left, or a new one. */
static struct callback *callback_take(void)
{
	struct callback *callback = __atomic_load_n(&all, __ATOMIC_ACQUIRE);

	for (; callback; callback = callback->next)
		if (!__atomic_exchange_n(&callback->used, true, __ATOMIC_ACQUIRE))
			return callback;
	callback = calloc(1, sizeof(*callback));
	if (!callback)
		return NULL;
	callback->used = true;
	callback->next = __atomic_load_n(&all, __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(&all, &callback->next, callback, true, __ATOMIC_RELEASE,
					    __ATOMIC_RELAXED))
		;
	return callback;
}

static __attribute__((noinline)) bool thread_begin(void)
{
	struct callback *callback = callback_take();

	if (!callback)
		return false;
	pthread_once(&prepared, prepare);
	pthread_setspecific(thread_end, callback);
	callback_here = callback;
	return true;
}

bool callback_begin(struct queue *queue, const struct callback *what)
{
	struct callback *here;

	if (callback_here == &nobody && !thread_begin())
		return false;
	here = callback_here;
	here->channel = queue->channel;
	here->id = what->id;
	here->handle = what->handle;
	here->queue_handle = what->queue_handle;
	here->payload = what->payload;
	here->payload_len = what->payload_len;
	here->held = false;
	__atomic_store_n(&here->queue, queue, __ATOMIC_RELEASE);
	return true;
}

void callback_hold(struct queue *queue, uint32_t verdict, uint32_t which,
		   const struct fastqueue_answer *answer)
{
	callback_here->verdict = verdict;
	callback_here->which = which;
	callback_here->answer = *answer;
	queue->held++;
	__atomic_store_n(&callback_here->held, true, __ATOMIC_RELEASE);
}

void callback_release(struct callback *callback)
{
	uint32_t count;

	if (!callback->held)
		return;
	callback->held = false;
	callback->queue->held--;
	if (frame_find(callback->queue, callback->id, &count))
		frame_answer(callback->queue, count, callback->verdict, callback->which,
			     &callback->answer);
	callback->queue->dirty = true;
}

void callback_end(void)
{
	struct callback *here = callback_here;

	if (here == &nobody)
		return;
	if (__atomic_load_n(&here->held, __ATOMIC_RELAXED)) {
		channel_lock(here->channel);
		if (here->queue)
			callback_release(here);
		channel_unlock(here->channel);
	}
	here->handle = here->queue_handle = NULL;
	__atomic_store_n(&here->queue, NULL, __ATOMIC_RELEASE);
	if (__atomic_load_n(&here->graves, __ATOMIC_RELAXED))
		graves_clear(here);
}

struct callback *callback_next(const struct queue *queue, struct callback *after)
{
	struct callback *callback = after ? after->next : __atomic_load_n(&all, __ATOMIC_ACQUIRE);

	while (callback && __atomic_load_n(&callback->queue, __ATOMIC_ACQUIRE) != queue)
		callback = callback->next;
	return callback;
}

void callbacks_release(struct queue *queue)
{
	struct callback *each = NULL;

	while (queue->held && (each = callback_next(queue, each)))
		callback_release(each);
}

bool callback_holds(const struct queue *queue, uint32_t id)
{
	struct callback *each = NULL;

	while ((each = callback_next(queue, each)))
		if (each->held && each->id == id)
			return true;
	return false;
}

bool callback_held_first(const struct queue *queue, uint32_t first, uint32_t end, uint32_t *count)
{
	struct callback *each = NULL;
	bool found = false;
	uint32_t c;

	while ((each = callback_next(queue, each))) {
		if (!each->held || !frame_find(queue, each->id, &c) || (int32_t)(c - first) < 0 ||
		    (int32_t)(end - c) <= 0)
			continue;
		end = *count = c;	/* an earlier one, if there is one */
		found = true;
	}
	return found;
}

static bool is_within(const struct callback *callback, const void *start, size_t size)
{
	return callback->payload && (uintptr_t)callback->payload - (uintptr_t)start < size;
}

bool callbacks_read(const struct queue *queue, void *start, size_t size)
{
	struct callback *each = NULL;

	while ((each = callback_next(queue, each)))
		if (is_within(each, start, size))
			return true;
	return false;
}

bool callbacks_keep(const struct queue *queue, void *start, size_t size)
{
	struct remains *remains = NULL;
	struct callback *each;

	for (each = callback_next(queue, NULL); each; each = callback_next(queue, each)) {
		if (!start || !is_within(each, start, size))
			continue;
		if (!remains)
			remains = calloc(1, sizeof(*remains));
		if (!remains)
			return true;	/* it stays for good */
		if (!remains->users)
			*remains = (struct remains){ 1, start, size };
		grave_add(each, remains);
	}
	if (!remains)
		return false;
	remains_release(remains);
	return true;
}

/* Payloads in the ring go with it; those that are being read become the process's own memory. */
static void payloads_keep(struct queue *queue)
{
	struct overlay *overlay = NULL, *next;

	if (callback_next(queue, NULL) && queue->ring->mapped)
		overlay = overlay_make(&queue->ring->payload_area, queue, NULL, 0);
	if (overlay)
		overlay->next = queue->overlays;
	else
		overlay = queue->overlays;
	queue->overlays = NULL;
	for (; overlay; overlay = next) {
		next = overlay->next;
		if (callbacks_keep(queue, overlay->start, overlay->size))
			free(overlay);
		else
			overlay_free(overlay);
	}
}

void callbacks_queue_end(struct queue *queue, bool used)
{
	struct callback *each;

	/* held first: a thread that holds an answer cannot leave its callback now */
	for (each = __atomic_load_n(&all, __ATOMIC_ACQUIRE); each; each = each->next)
		if (__atomic_load_n(&each->held, __ATOMIC_ACQUIRE) &&
		    __atomic_load_n(&each->queue, __ATOMIC_ACQUIRE) == queue) {
			if (used)
				callback_release(each);
			each->held = false;
		}
	if (used)
		payloads_keep(queue);
	for (each = callback_next(queue, NULL); each; each = callback_next(queue, each)) {
		struct queue *expected = queue;

		__atomic_compare_exchange_n(&each->queue, &expected, NULL, false,
					    __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
	}
}

void callbacks_free(void *handle)
{
	struct remains *remains = malloc(sizeof(*remains));
	struct callback *each;

	if (!remains)
		return;
	*remains = (struct remains){ 1, handle, 0 };
	for (each = __atomic_load_n(&all, __ATOMIC_ACQUIRE); each; each = each->next)
		if (handle && (each->handle == handle || each->queue_handle == handle))
			grave_add(each, remains);
	remains_release(remains);
}

void callbacks_fork(void)
{
	struct callback *each;

	for (each = all; each; each = each->next) {
		if (each == callback_here)
			continue;
		each->queue = NULL;
		each->handle = each->queue_handle = NULL;
		each->held = each->used = false;
	}
}
