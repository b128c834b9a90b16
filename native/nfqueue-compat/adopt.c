// SPDX-License-Identifier: MIT
/*
 * A netlink socket of the program's own becomes a channel's descriptor when it asks
 * for a queue: an epoll instance takes its number, and those of its duplicates. Calls
 * of other threads may be on their way to the socket in that moment, or sleep on it.
 * Those that find no socket any more are repeated on the channel; those that sleep are
 * woken by messages of the kernel's, which only this library sees.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "compat.h"

#define MARK	0x46516d6b	/* sequence number of the messages that wake */

#define TRIES	60	/* before calls are given up that do not come back */
#define PAUSE_US	200

static uint32_t in_flight[DESCRIPTORS];	/* calls that may sleep, by descriptor */
static struct lock adopting;

/* Have the kernel answer so often: it acknowledges whatever asks for nothing. */
static void marks_send(struct channel *channel, uint32_t number)
{
	static const struct nlmsghdr nothing = {
		.nlmsg_len = sizeof(nothing),
		.nlmsg_type = NLMSG_NOOP,
		.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
		.nlmsg_seq = MARK,
	};
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };

	while (number--)
		REAL(sendto)(channel->shadow, &nothing, sizeof(nothing), MSG_DONTWAIT,
			     (const struct sockaddr *)&kernel, sizeof(kernel));
}

static uint32_t calls_in_flight(const struct channel *channel)
{
	uint32_t found = 0;
	int fd;

	for (fd = 0; fd < DESCRIPTORS; fd++)
		if (channel_of(fd) == channel)
			found += __atomic_load_n(&in_flight[fd], __ATOMIC_SEQ_CST);
	return found;
}

/* Whether the socket has nothing to receive: only then can a call sleep on it. */
static bool is_drained(const struct channel *channel)
{
	char byte;

	return REAL(recv)(channel->shadow, &byte, sizeof(byte), MSG_PEEK | MSG_DONTWAIT) < 0 &&
	       errno == EAGAIN;
}

/*
 * Wake all that sleep on the socket, and wait until they have left it: with the
 * channel's lock held, so that none of them takes what is to wake another one. One
 * mark is for those that sleep in select(), which nobody counts. On a busy machine it
 * takes a while until they run: marks that nobody has taken yet are enough, and more
 * would overrun the socket.
 */
static void sleepers_wake(struct channel *channel)
{
	uint32_t number, tries = 0;

	marks_send(channel, 1);
	while ((number = calls_in_flight(channel)) && tries++ < TRIES) {
		if (is_drained(channel))
			marks_send(channel, number);
		usleep(tries < 5 ? 1 : PAUSE_US);
	}
}

static bool is_mark(const struct nlmsghdr *head, size_t len)
{
	return len >= sizeof(*head) && head->nlmsg_type == NLMSG_ERROR && head->nlmsg_seq == MARK &&
	       head->nlmsg_len == NLMSG_LENGTH(sizeof(struct nlmsgerr));
}

/* Not by recv(), which is a cancellation point, under the channel's lock. */
static ssize_t shadow_receive(const struct channel *channel, struct nlmsghdr *head, int flags)
{
	return syscall(SYS_recvfrom, channel->shadow, head, sizeof(*head), flags | MSG_DONTWAIT, NULL,
		       NULL);
}

void foreign_begin(struct channel *channel)
{
	struct epoll_event event = { .events = EPOLLIN };

	if (channel->foreign)
		return;
	channel_lock(channel);
	channel->foreign = true;
	epoll_ctl(channel->fd, EPOLL_CTL_ADD, channel->shadow, &event);
	channel_wake(channel);	/* they do not look at the shadow yet */
	channel_unlock(channel);
}

void foreign_send(struct channel *channel, const void *message, size_t len)
{
	foreign_begin(channel);
	syscall(SYS_sendto, channel->shadow, message, len, 0, NULL, 0);
}

int foreign_look(struct channel *channel)
{
	struct nlmsghdr head;
	ssize_t len;

	do {
		len = shadow_receive(channel, &head, MSG_PEEK);
		if (len < 0)
			return errno == EAGAIN ? 0 : -errno;
	} while (is_mark(&head, (size_t)len) && shadow_receive(channel, &head, 0) >= 0);
	return 1;
}

/* The first bytes of what came, in one piece. */
static size_t head_of(struct nlmsghdr *head, const struct iovec *parts, size_t number, size_t len)
{
	char *end = (char *)head;
	size_t done = 0, i;

	if (len > sizeof(*head))
		len = sizeof(*head);
	for (i = 0; i < number && done < len; i++) {
		const char *data = parts[i].iov_base;
		size_t rest = parts[i].iov_len;

		while (rest-- && done < len)
			end[done++] = *data++;
	}
	return done;
}

void flight_begin(int fd)
{
	if ((unsigned int)fd < DESCRIPTORS)
		__atomic_add_fetch(&in_flight[fd], 1, __ATOMIC_SEQ_CST);
}

struct channel *flight_end(int fd, ssize_t done, const struct iovec *parts, size_t number)
{
	struct channel *channel;
	struct nlmsghdr head;

	if ((unsigned int)fd >= DESCRIPTORS)
		return NULL;
	__atomic_sub_fetch(&in_flight[fd], 1, __ATOMIC_RELAXED);
	channel = channel_of(fd);
	if (!channel)
		return NULL;
	/*
	 * What an epoll instance says to socket calls, and to read(); and a socket whose
	 * receive buffer has no room for the marks.
	 */
	if (done < 0)
		return errno == ENOTSOCK || errno == EINVAL || errno == ENOBUFS ? channel : NULL;
	return is_mark(&head, head_of(&head, parts, number, (size_t)done)) ? channel : NULL;
}

static bool same_socket(int fd, const struct stat *socket)
{
	struct stat status;

	return !fstat(fd, &status) && S_ISSOCK(status.st_mode) && status.st_dev == socket->st_dev &&
	       status.st_ino == socket->st_ino;
}

/* Not by dup3(), which would take the channel's descriptor for one that is closed. */
static int descriptor_replace(int fd, int epoll)
{
	int flags = fcntl(fd, F_GETFD);

	return syscall(SYS_dup3, epoll, fd, flags & FD_CLOEXEC ? O_CLOEXEC : 0) < 0 ? -errno : 0;
}

/* The channel is entered first: a call that finds no socket any more finds the channel. */
static int descriptor_take(struct channel *channel, int fd, int epoll)
{
	int err;

	__atomic_add_fetch(&channel->references, 1, __ATOMIC_RELAXED);
	channel_enter(fd, channel);
	err = descriptor_replace(fd, epoll);
	if (!err)
		return 0;
	channel_enter(fd, NULL);
	__atomic_sub_fetch(&channel->references, 1, __ATOMIC_RELAXED);
	return err;
}

/* The socket's number, and those of its duplicates. */
static int descriptors_take(struct channel *channel, int fd, int epoll)
{
	struct stat socket;
	int copy, err = fstat(fd, &socket) < 0 ? -errno : descriptor_take(channel, fd, epoll);

	if (err)
		return err;
	for (copy = 0; copy < DESCRIPTORS; copy++)
		if (copy != channel->shadow && !channel_of(copy) && same_socket(copy, &socket))
			descriptor_take(channel, copy, epoll);
	return 0;
}

static int channel_prepare(struct channel *channel, int fd, int epoll)
{
	struct epoll_event event = { .events = EPOLLIN };
	int err;

	channel->fd = fd;
	channel->whole = channel->foreign = true;
	channel->references = 0;
	channel->shadow = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (epoll < 0 || channel->shadow < 0)
		return -errno;
	descriptor_own(channel->shadow, true);
	err = channel_watch(channel, epoll);
	if (err)
		return err;
	return epoll_ctl(epoll, EPOLL_CTL_ADD, channel->shadow, &event) < 0 ? -errno : 0;
}

/* With the channel's lock held. */
static int socket_take(struct channel *channel, int fd, int epoll)
{
	int err = channel_prepare(channel, fd, epoll);

	if (!err)
		err = descriptors_take(channel, fd, epoll);
	if (err)
		return err;
	/* now that no call reaches the socket any more */
	fcntl(epoll, F_SETFL, fcntl(channel->shadow, F_GETFL) & O_NONBLOCK);
	channel_timeout_read(channel);
	sleepers_wake(channel);
	return 0;
}

static int adopt(int fd, struct channel **adopted)
{
	struct channel *channel = (unsigned int)fd < DESCRIPTORS ? channel_new() : NULL;
	int epoll, err;

	if (!channel)
		return -ENOMEM;
	epoll = epoll_create1(EPOLL_CLOEXEC);
	channel_lock(channel);
	err = socket_take(channel, fd, epoll);
	channel_unlock(channel);
	if (epoll >= 0)
		close(epoll);
	if (err)
		channel_end(channel);
	else
		*adopted = channel;
	return err;
}

/* In a child of fork(), whose thread holds nothing and sleeps nowhere. */
void adopt_fork(void)
{
	adopting = (struct lock){ .owner = LOCK_FREE };
	memset(in_flight, 0, sizeof(in_flight));
}

int channel_adopt(int fd, struct channel **adopted)
{
	int err = 0, cancelled = cancel_disable();

	lock_take(&adopting);	/* two threads may ask for queues of one socket */
	*adopted = channel_of(fd);
	if (!*adopted)
		err = adopt(fd, adopted);
	lock_give(&adopting);
	cancel_restore(cancelled);
	return err;
}
