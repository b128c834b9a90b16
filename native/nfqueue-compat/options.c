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

int fcntl64(int fd, int command, ...);

/* A call on a socket, or on the real one of a channel; also if fd becomes a channel's just now. */
#define ON_SOCKET(fd, name, ...) ({					\
	struct channel *channel = channel_of(fd);			\
	int done = REAL(name)(channel ? channel->shadow : fd, __VA_ARGS__);	\
									\
	if (done < 0 && errno == ENOTSOCK && !channel && (channel = channel_of(fd)))	\
		done = REAL(name)(channel->shadow, __VA_ARGS__);	\
	done; })

/* Whatever the real socket says about an option is so; the time limit holds here. */
void channel_timeout_read(struct channel *channel)
{
	struct timeval limit = { 0 };
	socklen_t len = sizeof(limit);
	int64_t ms;

	if (REAL(getsockopt)(channel->shadow, SOL_SOCKET, SO_RCVTIMEO, &limit, &len))
		return;
	ms = limit.tv_sec * (int64_t)1000 + (limit.tv_usec + 999) / 1000;
	channel->timeout_ms = ms ? ms : -1;
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	int err = ON_SOCKET(fd, setsockopt, level, name, value, len);
	struct channel *channel = channel_of(fd);

	if (!err && channel && level == SOL_SOCKET)
		channel_timeout_read(channel);
	return err;
}

int getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
	return ON_SOCKET(fd, getsockopt, level, name, value, len);
}

int getsockname(int fd, __SOCKADDR_ARG address, socklen_t *len)
{
	return ON_SOCKET(fd, getsockname, address, len);
}

int getpeername(int fd, __SOCKADDR_ARG address, socklen_t *len)
{
	return ON_SOCKET(fd, getpeername, address, len);
}

int bind(int fd, __CONST_SOCKADDR_ARG address, socklen_t len)
{
	return ON_SOCKET(fd, bind, address, len);
}

int connect(int fd, __CONST_SOCKADDR_ARG address, socklen_t len)
{
	return ON_SOCKET(fd, connect, address, len);
}

int shutdown(int fd, int how)
{
	return ON_SOCKET(fd, shutdown, how);
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

/* Descriptors of a range are about to be closed. */
static void range_forget(unsigned int first, unsigned int last)
{
	unsigned int fd;

	for (fd = first; fd <= last && fd < DESCRIPTORS; fd++)
		channel_forget((int)fd);
}

/* Nothing is closed at once with CLOSE_RANGE_CLOEXEC, nor here with CLOSE_RANGE_UNSHARE. */
int close_range(unsigned int first, unsigned int last, int flags)
{
	if (!flags && first <= last)
		range_forget(first, last);
	return REAL(close_range)(first, last, flags);
}

void closefrom(int first)
{
	range_forget(first < 0 ? 0 : (unsigned int)first, DESCRIPTORS);
	REAL(closefrom)(first);
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
