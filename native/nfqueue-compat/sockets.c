// SPDX-License-Identifier: MIT
/*
 * The C library's calls that receive, for descriptors that lead to a channel; all
 * others go through untouched. The names with underscores are what programs that were
 * built with _FORTIFY_SOURCE call. A socket may become a channel's descriptor during a
 * call: that is then repeated (adopt.c).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "compat.h"

#define SECOND_NS	INT64_C(1000000000)
#define LIMIT_MAX	INT64_C(1000000000)	/* seconds: more than 30 years */

ssize_t __recv_chk(int fd, void *data, size_t len, size_t room, int flags);
ssize_t __recvfrom_chk(int fd, void *data, size_t len, size_t room, int flags,
		       struct sockaddr *address, socklen_t *address_len);
ssize_t __read_chk(int fd, void *data, size_t len, size_t room);

/* A call that may sleep on a socket; what to do instead if that has become a channel's. */
#define IN_FLIGHT(fd, call, parts, number, instead) ({			\
	struct channel *channel;					\
	ssize_t done;							\
									\
	flight_begin(fd);						\
	done = call;							\
	channel = flight_end(fd, done, parts, number);			\
	channel ? (instead) : done; })

/* The kernel's address: who netlink messages come from. */
static void address_put(void *address, socklen_t *len)
{
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };

	memcpy(address, &kernel, *len < sizeof(kernel) ? *len : sizeof(kernel));
	*len = sizeof(kernel);
}

/* Another thread was faster with the message on the real socket. */
static bool is_gone(ssize_t done)
{
	return done < 0 && errno == EAGAIN;
}

static ssize_t receive(struct channel *channel, int fd, void *data, size_t len, int flags,
		       struct sockaddr *address, socklen_t *address_len)
{
	bool foreign;
	ssize_t done;

	do {
		foreign = false;
		done = channel_receive_here(channel, fd, data, len, flags, &foreign);
		if (foreign)
			done = REAL(recvfrom)(channel->shadow, data, len, flags | MSG_DONTWAIT,
					      address, address_len);
	} while (foreign && is_gone(done));
	if (!foreign && done >= 0 && address && address_len)
		address_put(address, address_len);
	return done;
}

/* What nearly all callers want; not in line, which leaves them a look at the descriptor. */
static __attribute__((noinline)) ssize_t receive_bare(struct channel *channel, int fd, void *data,
						      size_t len, int flags)
{
	bool foreign = false;
	ssize_t done = channel_receive_here(channel, fd, data, len, flags, &foreign);

	if (!foreign)
		return done;
	done = REAL(recv)(channel->shadow, data, len, flags | MSG_DONTWAIT);
	return is_gone(done) ? receive(channel, fd, data, len, flags, NULL, NULL) : done;
}

static __attribute__((noinline)) ssize_t real_recv(int fd, void *data, size_t len, int flags)
{
	const struct iovec part = { data, len };

	return IN_FLIGHT(fd, REAL(recv)(fd, data, len, flags), &part, 1,
			 receive_bare(channel, fd, data, len, flags));
}

ssize_t recv(int fd, void *data, size_t len, int flags)
{
	struct channel *channel = channel_of(fd);

	return channel ? receive_bare(channel, fd, data, len, flags) :
			 real_recv(fd, data, len, flags);
}

/* A call that asks for more than the buffer holds is the C library's to end. */
ssize_t __recv_chk(int fd, void *data, size_t len, size_t room, int flags)
{
	return len <= room ? recv(fd, data, len, flags) :
			     REAL(__recv_chk)(fd, data, len, room, flags);
}

ssize_t recvfrom(int fd, void *data, size_t len, int flags, __SOCKADDR_ARG address,
		 socklen_t *address_len)
{
	struct channel *channel = channel_of(fd);
	const struct iovec part = { data, len };

	if (channel)
		return receive(channel, fd, data, len, flags, address.__sockaddr__, address_len);
	return IN_FLIGHT(fd, REAL(recvfrom)(fd, data, len, flags, address, address_len),
			 &part, 1,
			 receive(channel, fd, data, len, flags, address.__sockaddr__,
				 address_len));
}

ssize_t __recvfrom_chk(int fd, void *data, size_t len, size_t room, int flags,
		       struct sockaddr *address, socklen_t *address_len)
{
	return len <= room ? recvfrom(fd, data, len, flags, address, address_len) :
	       REAL(__recvfrom_chk)(fd, data, len, room, flags, address, address_len);
}

ssize_t read(int fd, void *data, size_t len)
{
	struct channel *channel = channel_of(fd);
	const struct iovec part = { data, len };

	if (channel)
		return len ? receive_bare(channel, fd, data, len, 0) : 0;
	return IN_FLIGHT(fd, REAL(read)(fd, data, len), &part, 1,
			 receive_bare(channel, fd, data, len, 0));
}

ssize_t __read_chk(int fd, void *data, size_t len, size_t room)
{
	return len <= room ? read(fd, data, len) : REAL(__read_chk)(fd, data, len, room);
}

static ssize_t receive_message(struct channel *channel, int fd, struct msghdr *message, int flags)
{
	struct received received;
	ssize_t done;

	do {
		done = channel_receive(channel, fd, message->msg_iov, message->msg_iovlen, flags,
				       &received);
		if (received.foreign)
			done = REAL(recvmsg)(channel->shadow, message,
					     (flags & ~RECEIVE_QUICK) | MSG_DONTWAIT);
	} while (received.foreign && is_gone(done));
	if (received.foreign || done < 0)
		return done;
	if (message->msg_name)
		address_put(message->msg_name, &message->msg_namelen);
	message->msg_controllen = 0;
	message->msg_flags = received.flags;
	return done;
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	struct channel *channel = channel_of(fd);

	if (channel)
		return receive_message(channel, fd, message, flags);
	return IN_FLIGHT(fd, REAL(recvmsg)(fd, message, flags), message->msg_iov,
			 message->msg_iovlen, receive_message(channel, fd, message, flags));
}

static bool parts_room(const struct iovec *parts, int number)
{
	while (number-- > 0)
		if (parts[number].iov_len)
			return true;
	return false;
}

static ssize_t receive_parts(struct channel *channel, int fd, const struct iovec *parts, int number)
{
	struct msghdr message = { .msg_iov = (struct iovec *)parts, .msg_iovlen = (size_t)number };

	if (number < 0) {
		errno = EINVAL;
		return -1;
	}
	/* unlike recv(), read() and its kin take no message for no bytes */
	return parts_room(parts, number) ? receive_message(channel, fd, &message, 0) : 0;
}

ssize_t readv(int fd, const struct iovec *parts, int number)
{
	struct channel *channel = channel_of(fd);

	if (channel)
		return receive_parts(channel, fd, parts, number);
	return IN_FLIGHT(fd, REAL(readv)(fd, parts, number), parts, (size_t)number,
			 receive_parts(channel, fd, parts, number));
}

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * SECOND_NS + now.tv_nsec;
}

/* What can be added to the time; -1 and an error: no time limit. */
int64_t time_limit_ns(int64_t seconds, int64_t ns)
{
	if (seconds < 0 || ns < 0 || ns >= SECOND_NS) {
		errno = EINVAL;
		return -1;
	}
	return seconds < LIMIT_MAX ? seconds * SECOND_NS + ns : LIMIT_MAX * SECOND_NS;
}

/* The time limit is looked at after each message, as in the kernel. */
int channel_receive_messages(struct channel *channel, int fd, struct mmsghdr *messages,
			     unsigned int number, int flags, int64_t *limit_ns)
{
	int64_t end = limit_ns ? now_ns() + *limit_ns : 0;
	int own = flags & ~MSG_WAITFORONE;
	unsigned int done;

	for (done = 0; done < number && (!done || !limit_ns || *limit_ns); done++) {
		ssize_t len = receive_message(channel, fd, &messages[done].msg_hdr, own);

		if (len < 0)
			return done ? (int)done : -1;
		messages[done].msg_len = (unsigned int)len;
		if (flags & MSG_WAITFORONE)
			own |= MSG_DONTWAIT | RECEIVE_QUICK;
		if (limit_ns)
			*limit_ns = end > now_ns() ? end - now_ns() : 0;
	}
	return (int)done;
}

static int receive_messages(struct channel *channel, int fd, struct mmsghdr *messages,
			    unsigned int number, int flags, struct timespec *limit)
{
	int64_t rest = limit ? time_limit_ns(limit->tv_sec, limit->tv_nsec) : 0;
	int done;

	if (rest < 0)
		return -1;
	done = channel_receive_messages(channel, fd, messages, number, flags, limit ? &rest : NULL);
	if (limit && done > 0)
		*limit = (struct timespec){ (time_t)(rest / SECOND_NS), (long)(rest % SECOND_NS) };
	return done;
}

/* Of several messages the one that woke the call is the last one. */
static ssize_t first_len(const struct mmsghdr *messages, int done)
{
	return done == 1 ? (ssize_t)messages->msg_len : done < 0 ? -1 : 0;
}

int recvmmsg(int fd, struct mmsghdr *messages, unsigned int number, int flags,
	     struct timespec *timeout)
{
	struct channel *channel = channel_of(fd);
	int done;

	if (channel)
		return receive_messages(channel, fd, messages, number, flags, timeout);
	flight_begin(fd);
	done = REAL(recvmmsg)(fd, messages, number, flags, timeout);
	channel = flight_end(fd, first_len(messages, done), messages->msg_hdr.msg_iov,
			     messages->msg_hdr.msg_iovlen);
	return channel ? receive_messages(channel, fd, messages, number, flags, timeout) : done;
}
