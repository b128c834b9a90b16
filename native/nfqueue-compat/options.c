// SPDX-License-Identifier: MIT
/* Socket options and duplicates of a channel's descriptor. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "compat.h"

#define REAL(name) ({							\
	static __typeof__(&name) real;					\
	if (!real)							\
		real = (__typeof__(&name))real_function(#name);		\
	real; })

int fcntl64(int fd, int command, ...);

/* Whatever the real socket says about an option is so; the time limit holds here. */
static void timeout_read(struct channel *channel)
{
	struct timeval limit = { 0 };
	socklen_t len = sizeof(limit);

	if (REAL(getsockopt)(channel->shadow, SOL_SOCKET, SO_RCVTIMEO, &limit, &len))
		return;
	channel->timeout_ms = limit.tv_sec || limit.tv_usec ?
			      (int)(limit.tv_sec * 1000 + (limit.tv_usec + 999) / 1000) : -1;
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	struct channel *channel = channel_of(fd);
	int err;

	if (!channel)
		return REAL(setsockopt)(fd, level, name, value, len);
	err = REAL(setsockopt)(channel->shadow, level, name, value, len);
	if (!err && level == SOL_SOCKET)
		timeout_read(channel);
	return err;
}

int getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
	struct channel *channel = channel_of(fd);

	return REAL(getsockopt)(channel ? channel->shadow : fd, level, name, value, len);
}

int getsockname(int fd, __SOCKADDR_ARG address, socklen_t *len)
{
	struct channel *channel = channel_of(fd);

	return REAL(getsockname)(channel ? channel->shadow : fd, address, len);
}

int getpeername(int fd, __SOCKADDR_ARG address, socklen_t *len)
{
	struct channel *channel = channel_of(fd);

	return REAL(getpeername)(channel ? channel->shadow : fd, address, len);
}

int bind(int fd, __CONST_SOCKADDR_ARG address, socklen_t len)
{
	struct channel *channel = channel_of(fd);

	return REAL(bind)(channel ? channel->shadow : fd, address, len);
}

int close(int fd)
{
	channel_forget(fd);
	return REAL(close)(fd);
}

int dup(int fd)
{
	int copy = REAL(dup)(fd);

	if (copy >= 0)
		channel_share(fd, copy);
	return copy;
}

int dup2(int fd, int copy)
{
	int done;

	if (fd != copy)
		channel_forget(copy);
	done = REAL(dup2)(fd, copy);
	if (done >= 0 && fd != copy)
		channel_share(fd, copy);
	return done;
}

int dup3(int fd, int copy, int flags)
{
	int done;

	channel_forget(copy);
	done = REAL(dup3)(fd, copy, flags);
	if (done >= 0)
		channel_share(fd, copy);
	return done;
}

int close_range(unsigned int first, unsigned int last, int flags)
{
	int fd;

	for (fd = (int)first; !flags && fd >= 0 && (unsigned int)fd <= last && fd < 4096; fd++)
		channel_forget(fd);
	return REAL(close_range)(first, last, flags);
}

/* All of its commands take one word, a number or a pointer. */
static int duplicated(int fd, int command, int done)
{
	if (done >= 0 && (command == F_DUPFD || command == F_DUPFD_CLOEXEC))
		channel_share(fd, done);
	return done;
}

int fcntl(int fd, int command, ...)
{
	va_list words;
	void *word;

	va_start(words, command);
	word = va_arg(words, void *);
	va_end(words);
	return duplicated(fd, command, REAL(fcntl)(fd, command, word));
}

int fcntl64(int fd, int command, ...)
{
	va_list words;
	void *word;

	va_start(words, command);
	word = va_arg(words, void *);
	va_end(words);
	return duplicated(fd, command, REAL(fcntl64)(fd, command, word));
}
