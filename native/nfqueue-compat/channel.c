// SPDX-License-Identifier: MIT
/*
 * Channels and the descriptors that lead to them. The program's descriptor is
 * an epoll instance over all its queues' devices, so poll(), select() and epoll
 * work on it as they are; what a socket can do besides goes to a real one.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "callback.h"
#include "environment.h"

static struct channel *channels[DESCRIPTORS];	/* by descriptor */
static struct channel *unused;
static struct lock registry;	/* of unused */

unsigned int channel_forks;
static pid_t process;		/* whose memory this is */

/* A lock that another thread held across fork() has nobody to let go of it; and nobody sleeps. */
static void child_begin_with(struct channel *channel)
{
	channel->lock = (struct lock){ .owner = LOCK_FREE };
	channel->sleepers = 0;
}

static void child_begin(void)
{
	struct channel *channel;
	int fd;

	channel_forks++;
	process = getpid();
	lock_forget_self();
	callbacks_fork();
	adopt_fork();
	registry = (struct lock){ .owner = LOCK_FREE };
	for (fd = 0; fd < DESCRIPTORS; fd++)
		if (channels[fd])
			child_begin_with(channels[fd]);
	for (channel = unused; channel; channel = channel->free)
		child_begin_with(channel);
	/* a callback that forks reads its packet in the child, too */
	if (callback_here->queue)
		channel_remap(callback_here->channel);
}

__attribute__((constructor)) static void watch_forks(void)
{
	process = getpid();
	pthread_atfork(NULL, NULL, child_begin);
}

/* A child of vfork() closes descriptors of its own, but in its parent's memory. */
static bool is_visitor(void)
{
	return getpid() != process;
}

/*
 * A child of fork() maps the rings when it first uses them: a daemon does. They are where
 * they were unless something else is there by now.
 */
void channel_remap(struct channel *channel)
{
	struct queue *queue;
	for (queue = channel->queues; queue; queue = queue->next) {
		queue->held = callback_here->held && callback_is_of(queue);
		if (fq_remap(queue->ring))
			queue_lose(queue);
	}
	channel->process = channel_forks;
}

struct channel *channel_of(int fd)
{
	if ((unsigned int)fd >= DESCRIPTORS)
		return NULL;
	return __atomic_load_n(&channels[fd], __ATOMIC_ACQUIRE);
}

void channel_enter(int fd, struct channel *channel)
{
	__atomic_store_n(&channels[fd], channel, __ATOMIC_RELEASE);
}

/* Signal handlers open and close, too; they must find the list whole. */
static void registry_take(sigset_t *before)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, before);
	lock_take(&registry);
}

static void registry_give(const sigset_t *before)
{
	lock_give(&registry);
	pthread_sigmask(SIG_SETMASK, before, NULL);
}

/* Under its lock: another thread may be on its way into the channel that it was. */
static void channel_reset(struct channel *channel)
{
	lock_take(&channel->lock);
	memset(&channel->fd, 0, sizeof(*channel) - offsetof(struct channel, fd));
	channel->fd = channel->shadow = channel->wake = -1;
	channel->last = &channel->replies;
	channel->timeout_ms = -1;
	channel->references = 1;
	channel->process = channel_forks;
	lock_give(&channel->lock);
}

struct channel *channel_new(void)
{
	struct channel *channel;
	sigset_t before;

	registry_take(&before);
	channel = unused;
	if (channel)
		unused = channel->free;
	registry_give(&before);
	if (!channel)
		channel = calloc(1, sizeof(*channel));
	if (channel)
		channel_reset(channel);
	return channel;
}

/* Not freed: another thread may be on its way out of it. With the lock held, and nobody asleep. */
static void channel_retire(struct channel *channel)
{
	sigset_t before;

	if (channel->retired)
		return;
	channel->retired = true;
	registry_take(&before);
	channel->free = unused;
	unused = channel;
	registry_give(&before);
}

/* With the lock held, by nobody who is at work on it. */
static void channel_clear(struct channel *channel)
{
	struct queue *queue, *next;

	for (queue = channel->queues; queue; queue = next) {
		next = queue->next;
		if (channel->process != channel_forks)
			fq_forget_mapping(queue->ring);
		queue_free(queue, channel->process == channel_forks);
	}
	channel->queues = channel->turn = NULL;
	channel_replies_free(channel);
	descriptor_close(channel->wake);
	descriptor_close(channel->shadow);
	channel->wake = channel->shadow = -1;	/* their numbers may be others' now */
}

static void leftovers_free(struct channel *channel)
{
	struct leftover *leftover;

	while ((leftover = channel->leftovers)) {
		channel->leftovers = leftover->next;
		callbacks_free(leftover->memory);
	}
}

/*
 * What a signal handler ended, when its thread is through with its work there; and
 * channels that were closed while threads slept on them, when the last has come back.
 */
static void channel_late(struct channel *channel)
{
	struct queue *queue;

	channel->late = false;
	while ((queue = channel->ended)) {
		channel->ended = queue->next_ended;
		channel->turn = NULL;
		queue_free(queue, true);
	}
	leftovers_free(channel);
	if (channel->fd >= 0)
		return;
	channel_clear(channel);
	if (!channel->sleepers)
		channel_retire(channel);
}

void channel_unlock_late(struct channel *channel)
{
	int cancelled = cancel_disable();
	bool outermost;

	do {
		lock_take(&channel->lock);
		outermost = !channel->lock.nested;
		if (outermost && channel->late)
			channel_late(channel);
		lock_give(&channel->lock);
		/* a handler may have come before the lock was free */
	} while (outermost && __atomic_load_n(&channel->late, __ATOMIC_RELAXED));
	cancel_restore(cancelled);
}

void channel_bury(struct channel *channel, struct queue *queue)
{
	if (!channel->lock.nested) {
		queue_free(queue, true);
		return;
	}
	queue->next_ended = channel->ended;
	channel->ended = queue;
	channel->late = true;
}

void channel_free(struct channel *channel, struct leftover *leftover, void *memory)
{
	bool now;

	lock_take(&channel->lock);
	now = !channel->lock.nested;
	if (!now) {
		*leftover = (struct leftover){ channel->leftovers, memory };
		channel->leftovers = leftover;
		channel->late = true;
	}
	channel_unlock(channel);
	if (now)
		callbacks_free(memory);
}

void channel_end(struct channel *channel)
{
	lock_take(&channel->lock);
	channel->fd = -1;
	channel->generation++;
	channel->late = true;
	channel_unlock(channel);
}

int channel_watch(struct channel *channel, int epoll)
{
	struct epoll_event event = { .events = EPOLLIN };

	channel->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (channel->wake < 0)
		return -errno;
	descriptor_own(channel->wake, true);
	return epoll_ctl(epoll, EPOLL_CTL_ADD, channel->wake, &event) < 0 ? -errno : 0;
}

int environment_flag(const char *name)
{
	int value = environment_read(name);

	if (value < 0)
		compat_log("the environment's %s is neither 0 nor 1", name);
	return value < 0 ? -EINVAL : value;
}

/* As libnfnetlink opens it: a bound socket of NETLINK_NETFILTER. */
static int shadow_open(void)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER), err;

	if (fd < 0 || !bind(fd, (struct sockaddr *)&address, sizeof(address)))
		return fd < 0 ? -errno : fd;
	err = -errno;
	close(fd);
	return err;
}

static int channel_fail(struct channel *channel, int err)
{
	if (channel->fd >= 0)
		close(channel->fd);
	channel_end(channel);
	return err;
}

int channel_open(struct channel **opened)
{
	int whole = environment_flag(ENVIRONMENT_WHOLE_MESSAGES), err;
	struct channel *channel;

	if (whole < 0)
		return whole;
	channel = channel_new();
	if (!channel)
		return -ENOMEM;
	channel->shadow = shadow_open();
	if (channel->shadow < 0)
		return channel_fail(channel, channel->shadow);
	descriptor_own(channel->shadow, true);
	channel->fd = epoll_create1(0);
	if (channel->fd < 0)
		return channel_fail(channel, -errno);
	if (channel->fd >= DESCRIPTORS)
		return channel_fail(channel, -EMFILE);
	err = channel_watch(channel, channel->fd);
	if (err)
		return channel_fail(channel, err);
	channel->whole = whole;
	channel_enter(channel->fd, channel);
	*opened = channel;
	return 0;
}

/* copy is a duplicate of fd. */
void channel_share(int fd, int copy)
{
	struct channel *channel = channel_of(fd);

	if (!channel || (unsigned int)copy >= DESCRIPTORS || is_visitor())
		return;
	__atomic_add_fetch(&channel->references, 1, __ATOMIC_RELAXED);
	channel_enter(copy, channel);
}

/* Another of the descriptors stands for the channel from now on. */
static void channel_rename(struct channel *channel)
{
	int fd;

	for (fd = 0; fd < DESCRIPTORS; fd++) {
		if (channel_of(fd) == channel) {
			channel->fd = fd;
			return;
		}
	}
}

/* fd is about to be closed; with the last one all queues end. */
void channel_forget(int fd)
{
	struct channel *channel = channel_of(fd);

	if (!channel || is_visitor())
		return;
	channel_enter(fd, NULL);
	if (!__atomic_sub_fetch(&channel->references, 1, __ATOMIC_ACQ_REL))
		channel_end(channel);
	else if (channel->fd == fd)
		channel_rename(channel);
}

/* Not by eventfd_write() and eventfd_read(): a thread that is cancelled there keeps the lock. */
void channel_wake_set(struct channel *channel)
{
	const eventfd_t one = 1;

	syscall(SYS_write, channel->wake, &one, sizeof(one));
}

void channel_wake_clear(struct channel *channel)
{
	eventfd_t value;

	syscall(SYS_read, channel->wake, &value, sizeof(value));
}

/* Have who sleeps look again; with the lock held. */
void channel_wake(struct channel *channel)
{
	if (channel->sleepers || channel->replies)
		channel_wake_set(channel);
}

struct queue *channel_queue(struct channel *channel, uint16_t number)
{
	struct queue *queue = channel->queues;

	while (queue && queue->number != number)
		queue = queue->next;
	return queue;
}
