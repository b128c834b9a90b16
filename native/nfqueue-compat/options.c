// SPDX-License-Identifier: MIT
/* Socket options of a channel's descriptor. */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "compat.h"

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
