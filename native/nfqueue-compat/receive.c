// SPDX-License-Identifier: MIT
/*
 * recv() of a channel: what waits is copied out; when nothing does, the senders
 * run and the caller sleeps or is told EAGAIN, as it is for a socket.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "compat.h"
#include "internal.h"		/* of libfastqueue: whether a ring is mapped */

#define FILES_MAX	16	/* polled one by one; beyond them through epoll */

struct target {
	const struct iovec *parts;
	size_t number;
	size_t room;
	size_t done;
};

static void target_begin(struct target *target, const struct iovec *parts, size_t number)
{
	size_t i;

	*target = (struct target){ parts, number, 0, 0 };
	for (i = 0; i < number; i++)
		target->room += parts[i].iov_len;
}

static void target_put(struct target *target, const void *data, size_t len)
{
	size_t skip = target->done, i;

	target->done += len;
	for (i = 0; i < target->number && len; i++) {
		const struct iovec *part = &target->parts[i];
		size_t here = part->iov_len;

		if (skip >= here) {
			skip -= here;
			continue;
		}
		here = here - skip < len ? here - skip : len;
		memcpy((char *)part->iov_base + skip, data, here);
		data = (const char *)data + here;
		len -= here;
		skip = 0;
	}
}

/* Room for all but the packet's bytes, and nothing special: made in place. */
static bool buffer_is_plain(const void *data, size_t len, int flags)
{
	return len >= MESSAGE_HEAD && !((uintptr_t)data % sizeof(uint32_t)) &&
	       !(flags & (MSG_PEEK | MSG_TRUNC));
}

static bool target_is_plain(const struct target *target)
{
	return target->number == 1 && buffer_is_plain(target->parts->iov_base,
						      target->parts->iov_len, 0);
}

static ssize_t target_end(const struct target *target, size_t total, int flags,
			  struct received *received)
{
	if (total <= target->room)
		return (ssize_t)total;
	received->flags |= MSG_TRUNC;
	return (ssize_t)(flags & MSG_TRUNC ? total : target->room);
}

/* The bytes of the packet stay in the ring unless the channel says otherwise. */
static ssize_t packet_deliver(struct queue *queue, uint32_t count, struct target *target,
			      int flags, struct received *received)
{
	unsigned char head[MESSAGE_HEAD] __attribute__((aligned(4))), *payload;
	uint32_t len = frame_payload(queue, count, &payload);
	size_t total;

	if (target_is_plain(target))
		target->done = message_head(queue, count, target->parts->iov_base, len, &total);
	else
		target_put(target, head, message_head(queue, count, head, len, &total));
	if (queue->channel->whole)
		target_put(target, payload, len);
	if (!(flags & MSG_PEEK))
		frame_pass(queue);
	return target_end(target, total, flags, received);
}

static ssize_t packet_deliver_here(struct queue *queue, uint32_t count, void *data, size_t room)
{
	unsigned char *payload;
	size_t total;

	message_head(queue, count, data, frame_payload(queue, count, &payload), &total);
	frame_pass(queue);
	return (ssize_t)(total <= room ? total : room);
}

static ssize_t reply_deliver(struct channel *channel, struct target *target, int flags,
			     struct received *received)
{
	struct reply *reply = channel->replies;
	ssize_t done;

	target_put(target, reply->data, reply->len);
	done = target_end(target, reply->len, flags, received);
	if (flags & MSG_PEEK)
		return done;
	channel->replies = reply->next;
	channel->replies_len -= reply->len;
	if (!channel->replies) {
		channel->last = &channel->replies;
		channel_wake_clear(channel);
	}
	free(reply);
	return done;
}

static struct queue *queue_ready_of(struct queue *first, const struct queue *end, uint32_t *count)
{
	struct queue *queue;

	for (queue = first; queue && queue != end; queue = queue->next)
		if (frame_next(queue, count))
			return queue;
	return NULL;
}

/* Queues take turns, each as long as it has packets that are there already. */
static struct queue *queue_ready(struct channel *channel, uint32_t *count)
{
	struct queue *turn = channel->turn, *queue;

	queue = queue_ready_of(turn ? turn : channel->queues, NULL, count);
	if (!queue && turn)
		queue = queue_ready_of(channel->queues, turn, count);
	if (queue)
		channel->turn = queue->next;
	return queue;
}

static void senders_run(struct channel *channel)
{
	struct queue *queue;

	for (queue = channel->queues; queue; queue = queue->next)
		if (queue->dirty)
			verdict_send(queue);
}

/* Polling a device runs its sender, too: one system call for both. */
static size_t files_list(struct channel *channel, struct pollfd *files)
{
	struct queue *queue;
	size_t number = 0;

	files[number++] = (struct pollfd){ .fd = channel->wake, .events = POLLIN };
	if (channel->foreign)
		files[number++] = (struct pollfd){ .fd = channel->shadow, .events = POLLIN };
	for (queue = channel->queues; queue; queue = queue->next) {
		if (!queue->ring->mapped)
			continue;
		if (number == FILES_MAX) {
			senders_run(channel);
			files[0].fd = channel->fd;
			return 1;
		}
		files[number++] = (struct pollfd){ .fd = fq_fd(queue->ring), .events = POLLIN };
	}
	for (queue = channel->queues; queue; queue = queue->next)
		queue->dirty = false;
	return number;
}

/* Whether all signal handlers of the program want system calls to go on. */
static bool signals_restart(void)
{
	struct sigaction action;
	int number;

	for (number = 1; number < NSIG; number++) {
		if (sigaction(number, NULL, &action) || action.sa_handler == SIG_DFL ||
		    action.sa_handler == SIG_IGN)
			continue;
		if (!(action.sa_flags & SA_RESTART))
			return false;
	}
	return true;
}

static void sleep_end(void *argument)
{
	struct channel *channel = argument;

	channel_lock(channel);
	channel->sleepers--;
	if (channel->fd < 0 && !channel->sleepers)
		channel->late = true;
	if (channel->fd >= 0 && !channel->replies && !channel->sleepers)
		channel_wake_clear(channel);
}

static void cancelled(void *argument)
{
	struct channel *channel = argument;

	sleep_end(channel);
	channel_unlock(channel);
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * (int64_t)1000 + now.tv_nsec / 1000000;
}

/* What is left until a time, NULL: no limit. */
static const struct timespec *rest_until(int64_t deadline_ms, struct timespec *rest)
{
	int64_t left;

	if (!deadline_ms)
		return NULL;
	left = deadline_ms - now_ms();
	if (left < 0)
		left = 0;
	*rest = (struct timespec){ (time_t)(left / 1000), (long)(left % 1000) * 1000000 };
	return rest;
}

/* poll() without the lock; a thread that is cancelled here leaves in order. */
static int poll_unlocked(struct channel *channel, struct pollfd *files, size_t number,
			 int64_t deadline_ms)
{
	struct timespec rest;
	int found;

	channel->sleepers++;
	channel->blocks = true;
	channel_unlock(channel);
	pthread_cleanup_push(cancelled, channel);
	found = ppoll(files, number, rest_until(deadline_ms, &rest), NULL);
	if (found < 0)
		found = -errno;
	pthread_cleanup_pop(0);
	sleep_end(channel);
	return found;
}

/* With the lock held. 0: look again; or a negative error number. */
static int channel_sleep(struct channel *channel, int64_t *deadline_ms)
{
	struct pollfd files[FILES_MAX];
	int found;

	if (channel->timeout_ms >= 0 && !*deadline_ms)
		*deadline_ms = now_ms() + channel->timeout_ms;
	else if (*deadline_ms && now_ms() >= *deadline_ms)
		return -EAGAIN;		/* whatever was found the last time was not for us */
	found = poll_unlocked(channel, files, files_list(channel, files), *deadline_ms);
	if (!found)
		return -EAGAIN;
	if (found == -EINTR && channel->timeout_ms < 0 && signals_restart())
		return 0;
	return found < 0 ? found : 0;
}

static int channel_wait(struct channel *channel, int flags, int64_t *deadline_ms)
{
	if (flags & RECEIVE_QUICK)
		return -EAGAIN;
	if (flags & MSG_DONTWAIT || fcntl(channel->fd, F_GETFL) & O_NONBLOCK) {
		senders_run(channel);
		return -EAGAIN;
	}
	return channel_sleep(channel, deadline_ms);
}

/* received->foreign: the message is to be read from the real socket. */
static ssize_t receive_locked(struct channel *channel, struct target *target, int flags,
			      struct received *received)
{
	int64_t deadline_ms = 0;
	struct queue *queue;
	uint32_t count;
	int err;

	for (;;) {
		if (channel->fd < 0)	/* closed meanwhile, by a signal handler perhaps */
			return -EBADF;
		if (channel->replies)
			return reply_deliver(channel, target, flags, received);
		queue = queue_ready(channel, &count);
		if (queue)
			return packet_deliver(queue, count, target, flags, received);
		err = channel->foreign ? foreign_look(channel) : 0;
		if (err > 0) {
			received->foreign = true;
			return 0;
		}
		if (!err)
			err = channel_wait(channel, flags, &deadline_ms);
		if (err)
			return err;
	}
}

static __attribute__((noinline)) ssize_t receive_otherwise(struct channel *channel, void *data,
							   size_t len, int flags, bool *foreign)
{
	const struct iovec part = { data, len };
	struct received received = { 0 };
	struct target target;
	ssize_t done;

	target_begin(&target, &part, 1);
	done = receive_locked(channel, &target, flags, &received);
	*foreign = received.foreign;
	return done;
}

static ssize_t result(ssize_t done)
{
	if (done >= 0)
		return done;
	errno = (int)-done;
	return -1;
}

/*
 * Whether the descriptor leads to this channel still: it may have been closed on the way
 * here. A signal handler that interrupts the receiving of a packet gets none: it would
 * be the same one, or come before it.
 */
static bool is_of(const struct channel *channel, int fd)
{
	return channel_of(fd) == channel;
}

ssize_t channel_receive(struct channel *channel, int fd, const struct iovec *parts, size_t number,
			int flags, struct received *received)
{
	struct target target;
	ssize_t done = -EBADF;

	target_begin(&target, parts, number);
	*received = (struct received){ 0 };
	channel_lock(channel);
	if (channel->lock.nested) {
		done = -EAGAIN;
	} else if (is_of(channel, fd)) {
		channel->receiver = thread_self();
		done = receive_locked(channel, &target, flags, received);
	}
	channel_unlock(channel);
	return result(done);
}

/*
 * The same into one buffer: what nearly all programs have, so there is a short
 * way for a packet of the only queue whose message can be made in place.
 */
ssize_t channel_receive_here(struct channel *channel, int fd, void *data, size_t len, int flags,
			     bool *foreign)
{
	struct queue *queue;
	uint32_t count;
	ssize_t done;

	channel_lock(channel);
	channel->receiver = thread_self();
	queue = channel->queues;
	if (!is_of(channel, fd))
		done = -EBADF;
	else if (channel->lock.nested)
		done = -EAGAIN;
	else if (buffer_is_plain(data, len, flags) && !channel->whole && !channel->replies && queue &&
		 !queue->next && frame_next(queue, &count))
		done = packet_deliver_here(queue, count, data, len);
	else
		done = receive_otherwise(channel, data, len, flags, foreign);
	channel_unlock(channel);
	return result(done);
}
