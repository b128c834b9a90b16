// SPDX-License-Identifier: MIT
/* Names that 32-bit programs with 64-bit time call; only what has times in it differs. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/socket.h>

#include "compat.h"

#if __SIZEOF_LONG__ == 4

struct timespec64 {
	int64_t seconds;
	int32_t ns;
	int32_t unused;
};

ssize_t __recvmsg64(int fd, struct msghdr *message, int flags);
int __recvmmsg64(int fd, struct mmsghdr *messages, unsigned int number, int flags,
		 struct timespec64 *timeout);
ssize_t __sendmsg64(int fd, const struct msghdr *message, int flags);
int __sendmmsg64(int fd, struct mmsghdr *messages, unsigned int number, int flags);
int __setsockopt64(int fd, int level, int name, const void *value, socklen_t len);
int __getsockopt64(int fd, int level, int name, void *value, socklen_t *len);
int __fcntl_time64(int fd, int command, ...);

/* Messages on netlink sockets have no times with them; those of other sockets may. */
ssize_t __recvmsg64(int fd, struct msghdr *message, int flags)
{
	struct channel *channel = channel_of(fd);
	ssize_t done;

	if (channel)
		return recvmsg(fd, message, flags);
	flight_begin(fd);
	done = REAL(__recvmsg64)(fd, message, flags);
	channel = flight_end(fd, done, message->msg_iov, message->msg_iovlen);
	return channel ? recvmsg(fd, message, flags) : done;
}

static int receive_messages(struct channel *channel, int fd, struct mmsghdr *messages,
			    unsigned int number, int flags, struct timespec64 *limit)
{
	int64_t rest = limit ? time_limit_ns(limit->seconds, limit->ns) : 0;
	int done;

	if (rest < 0)
		return -1;
	done = channel_receive_messages(channel, fd, messages, number, flags, limit ? &rest : NULL);
	if (limit && done > 0)
		*limit = (struct timespec64){ rest / 1000000000, (int32_t)(rest % 1000000000), 0 };
	return done;
}

int __recvmmsg64(int fd, struct mmsghdr *messages, unsigned int number, int flags,
		 struct timespec64 *timeout)
{
	struct channel *channel = channel_of(fd);
	int done;

	if (channel)
		return receive_messages(channel, fd, messages, number, flags, timeout);
	flight_begin(fd);
	done = REAL(__recvmmsg64)(fd, messages, number, flags, timeout);
	channel = flight_end(fd, done == 1 ? (ssize_t)messages->msg_len : done < 0 ? -1 : 0,
			     messages->msg_hdr.msg_iov, messages->msg_hdr.msg_iovlen);
	return channel ? receive_messages(channel, fd, messages, number, flags, timeout) : done;
}

ssize_t __sendmsg64(int fd, const struct msghdr *message, int flags)
{
	return sendmsg(fd, message, flags);
}

int __sendmmsg64(int fd, struct mmsghdr *messages, unsigned int number, int flags)
{
	return sendmmsg(fd, messages, number, flags);
}

/* SO_RCVTIMEO has another number and structure there; the real socket knows both. */
int __setsockopt64(int fd, int level, int name, const void *value, socklen_t len)
{
	struct channel *channel = channel_of(fd);
	int err = REAL(__setsockopt64)(channel ? channel->shadow : fd, level, name, value, len);

	if (err && errno == ENOTSOCK && !channel && (channel = channel_of(fd)))
		err = REAL(__setsockopt64)(channel->shadow, level, name, value, len);
	if (!err && channel && level == SOL_SOCKET)
		channel_timeout_read(channel);
	return err;
}

int __getsockopt64(int fd, int level, int name, void *value, socklen_t *len)
{
	struct channel *channel = channel_of(fd);
	int err = REAL(__getsockopt64)(channel ? channel->shadow : fd, level, name, value, len);

	if (err && errno == ENOTSOCK && !channel && (channel = channel_of(fd)))
		err = REAL(__getsockopt64)(channel->shadow, level, name, value, len);
	return err;
}

int __fcntl_time64(int fd, int command, ...)
{
	va_list words;
	void *word;
	int done;

	va_start(words, command);
	word = va_arg(words, void *);
	va_end(words);
	done = REAL(__fcntl_time64)(fd, command, word);
	if (done >= 0 && (command == F_DUPFD || command == F_DUPFD_CLOEXEC))
		channel_share(fd, done);
	return done;
}

#endif
