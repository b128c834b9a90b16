// SPDX-License-Identifier: MIT
/*
 * Channels and the descriptors that lead to them. The program's descriptor is
 * an epoll instance over all its queues' devices, so poll(), select() and epoll
 * work on it as they are; what a socket can do besides goes to a real one.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "compat.h"

#define DESCRIPTORS	4096
#define REPLIES_MAX	(208u << 10)	/* bytes, as a socket's buffer has by default */

static struct channel *channels[DESCRIPTORS];	/* by descriptor */
static struct channel *unused;
static pthread_mutex_t registry = PTHREAD_MUTEX_INITIALIZER;

unsigned int channel_forks;
static pid_t process;		/* whose memory this is */

/* A lock that another thread held across fork() has nobody to let go of it. */
static void child_begin(void)
{
	int fd;

	channel_forks++;
	process = getpid();
	lock_forget_self();
	pthread_mutex_init(&registry, NULL);
	for (fd = 0; fd < DESCRIPTORS; fd++)
		if (channels[fd])
			channels[fd]->lock = (struct lock){ .owner = LOCK_FREE };
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

/* A child of fork() maps the rings when it first uses them: a daemon does. */
void channel_remap(struct channel *channel)
{
	struct queue *queue;
	int err;

	for (queue = channel->queues; queue; queue = queue->next) {
		err = fq_remap(queue->ring);
		if (err)
			compat_log("queue %u after fork(): %s", queue->number, fq_explain(err));
	}
	channel->process = channel_forks;
}

struct channel *channel_of(int fd)
{
	if ((unsigned int)fd >= DESCRIPTORS)
		return NULL;
	return __atomic_load_n(&channels[fd], __ATOMIC_ACQUIRE);
}

static void channel_enter(int fd, struct channel *channel)
{
	__atomic_store_n(&channels[fd], channel, __ATOMIC_RELEASE);
}

static struct channel *channel_new(void)
{
	struct channel *channel;

	pthread_mutex_lock(&registry);
	channel = unused;
	if (channel)
		unused = channel->free;
	pthread_mutex_unlock(&registry);
	if (!channel)
		channel = malloc(sizeof(*channel));
	if (!channel)
		return NULL;
	memset(channel, 0, sizeof(*channel));
	channel->fd = channel->shadow = channel->wake = -1;
	channel->last = &channel->replies;
	channel->timeout_ms = -1;
	channel->references = 1;
	channel->process = channel_forks;
	return channel;
}

/*
 * Not freed: another thread may be on its way out of it. One on which a thread sleeps
 * is not used again either, for that comes back to it.
 */
static void channel_retire(struct channel *channel)
{
	if (channel->sleepers)
		return;
	pthread_mutex_lock(&registry);
	channel->free = unused;
	unused = channel;
	pthread_mutex_unlock(&registry);
}

static void channel_end(struct channel *channel)
{
	struct queue *queue, *next;
	struct reply *reply;

	lock_take(&channel->lock);
	for (queue = channel->queues; queue; queue = next) {
		next = queue->next;
		if (channel->process != channel_forks)
			fq_unmapped(queue->ring);
		queue_free(queue, channel->process == channel_forks);
	}
	channel->queues = channel->turn = NULL;
	while ((reply = channel->replies)) {
		channel->replies = reply->next;
		free(reply);
	}
	if (channel->wake >= 0)
		close(channel->wake);
	if (channel->shadow >= 0)
		close(channel->shadow);
	channel->wake = channel->shadow = -1;	/* their numbers may be others' now */
	lock_give(&channel->lock);
	channel_retire(channel);
}

static int channel_watch(struct channel *channel, int epoll)
{
	struct epoll_event event = { .events = EPOLLIN };

	channel->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (channel->wake < 0)
		return -errno;
	return epoll_ctl(epoll, EPOLL_CTL_ADD, channel->wake, &event) < 0 ? -errno : 0;
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
	struct channel *channel = channel_new();
	int err;

	if (!channel)
		return -ENOMEM;
	channel->shadow = shadow_open();
	if (channel->shadow < 0)
		return channel_fail(channel, channel->shadow);
	channel->fd = epoll_create1(0);
	if (channel->fd < 0)
		return channel_fail(channel, -errno);
	if (channel->fd >= DESCRIPTORS)
		return channel_fail(channel, -EMFILE);
	err = channel_watch(channel, channel->fd);
	if (err)
		return channel_fail(channel, err);
	channel->whole = getenv("FASTQUEUE_WHOLE_MESSAGES") != NULL;
	channel_enter(channel->fd, channel);
	*opened = channel;
	return 0;
}

/* Give an epoll instance the number and the flags of a socket. */
static int descriptor_replace(int fd, int epoll)
{
	int flags = fcntl(fd, F_GETFL), inherit = fcntl(fd, F_GETFD);

	if (dup3(epoll, fd, inherit & FD_CLOEXEC ? O_CLOEXEC : 0) < 0)
		return -errno;
	return fcntl(fd, F_SETFL, flags & O_NONBLOCK) < 0 ? -errno : 0;
}

/* A socket of the program's own, with which it asks for a queue. */
int channel_adopt(int fd, struct channel **adopted)
{
	struct epoll_event event = { .events = EPOLLIN };
	struct channel *channel = fd < DESCRIPTORS ? channel_new() : NULL;
	int epoll, err;

	if (!channel)
		return -ENOMEM;
	epoll = epoll_create1(EPOLL_CLOEXEC);
	channel->shadow = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	err = epoll < 0 || channel->shadow < 0 ? -errno : channel_watch(channel, epoll);
	if (!err && epoll_ctl(epoll, EPOLL_CTL_ADD, channel->shadow, &event) < 0)
		err = -errno;
	if (!err)
		err = descriptor_replace(fd, epoll);
	if (epoll >= 0)
		close(epoll);
	if (err) {
		channel_end(channel);
		return err;
	}
	channel->fd = fd;
	channel->whole = channel->foreign = channel->adopted = true;
	channel_enter(fd, channel);
	*adopted = channel;
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

/* Have who sleeps look again; with the lock held. */
void channel_wake(struct channel *channel)
{
	if (channel->sleepers || channel->replies)
		eventfd_write(channel->wake, 1);
}

struct queue *channel_queue(struct channel *channel, uint16_t number)
{
	struct queue *queue = channel->queues;

	while (queue && queue->number != number)
		queue = queue->next;
	return queue;
}

/* Acknowledge a request, or refuse it: then all of it comes back. */
int channel_reply(struct channel *channel, const struct nlmsghdr *request, size_t len, int error)
{
	size_t copied = error ? len : sizeof(*request);
	size_t whole = NLMSG_SPACE(sizeof(int) + copied);
	struct reply *reply = calloc(1, sizeof(*reply) + whole);
	struct nlmsghdr *header;
	struct nlmsgerr *body;

	if (!reply || channel->replies_len + whole > REPLIES_MAX) {
		free(reply);
		return -ENOBUFS;
	}
	header = (void *)reply->data;
	header->nlmsg_len = NLMSG_LENGTH(sizeof(int) + copied);
	header->nlmsg_type = NLMSG_ERROR;
	header->nlmsg_flags = error ? 0 : NLM_F_CAPPED;
	header->nlmsg_seq = request->nlmsg_seq;
	header->nlmsg_pid = request->nlmsg_pid;
	body = NLMSG_DATA(header);
	body->error = error;
	memcpy(&body->msg, request, copied);
	reply->len = header->nlmsg_len;
	*channel->last = reply;
	channel->last = &reply->next;
	channel->replies_len += reply->len;
	channel_wake(channel);
	return 0;
}
