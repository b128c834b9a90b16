// SPDX-License-Identifier: MIT
/*
 * The C library's socket calls, for descriptors that lead to a channel; all
 * others go through untouched. The names with underscores are what programs
 * that were built with _FORTIFY_SOURCE, or for 64-bit time, call.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "compat.h"

#define REAL(name) ({							\
	static __typeof__(&name) real;					\
	if (!real)							\
		real = (__typeof__(&name))real_function(#name);		\
	real; })

ssize_t __recv_chk(int fd, void *data, size_t len, size_t room, int flags);
ssize_t __recvfrom_chk(int fd, void *data, size_t len, size_t room, int flags,
		       struct sockaddr *address, socklen_t *address_len);
ssize_t __read_chk(int fd, void *data, size_t len, size_t room);

/* The kernel's address: who netlink messages come from. */
static void address_put(void *address, socklen_t *len)
{
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };

	memcpy(address, &kernel, *len < sizeof(kernel) ? *len : sizeof(kernel));
	*len = sizeof(kernel);
}

static ssize_t receive(struct channel *channel, void *data, size_t len, int flags,
		       struct sockaddr *address, socklen_t *address_len)
{
	bool foreign = false;
	ssize_t done = channel_receive_here(channel, data, len, flags, &foreign);

	if (done < 0)
		return done;
	if (foreign)
		return REAL(recvfrom)(channel->shadow, data, len, flags, address, address_len);
	if (address && address_len)
		address_put(address, address_len);
	return done;
}

/* What nearly all callers want; not in line, which leaves them a look at the descriptor. */
static __attribute__((noinline)) ssize_t receive_bare(struct channel *channel, void *data,
						      size_t len, int flags)
{
	bool foreign = false;
	ssize_t done = channel_receive_here(channel, data, len, flags, &foreign);

	return foreign ? REAL(recv)(channel->shadow, data, len, flags) : done;
}

static __attribute__((noinline)) ssize_t real_recv(int fd, void *data, size_t len, int flags)
{
	return REAL(recv)(fd, data, len, flags);
}

ssize_t recv(int fd, void *data, size_t len, int flags)
{
	struct channel *channel = channel_of(fd);

	return channel ? receive_bare(channel, data, len, flags) :
			 real_recv(fd, data, len, flags);
}

ssize_t __recv_chk(int fd, void *data, size_t len, size_t room, int flags)
{
	struct channel *channel = channel_of(fd);

	return channel && len <= room ? receive_bare(channel, data, len, flags) :
					REAL(__recv_chk)(fd, data, len, room, flags);
}

ssize_t recvfrom(int fd, void *data, size_t len, int flags, __SOCKADDR_ARG address,
		 socklen_t *address_len)
{
	struct channel *channel = channel_of(fd);

	return channel ? receive(channel, data, len, flags, address.__sockaddr__, address_len) :
			 REAL(recvfrom)(fd, data, len, flags, address, address_len);
}

ssize_t __recvfrom_chk(int fd, void *data, size_t len, size_t room, int flags,
		       struct sockaddr *address, socklen_t *address_len)
{
	struct channel *channel = channel_of(fd);

	return channel && len <= room ?
	       receive(channel, data, len, flags, address, address_len) :
	       REAL(__recvfrom_chk)(fd, data, len, room, flags, address, address_len);
}

ssize_t read(int fd, void *data, size_t len)
{
	struct channel *channel = channel_of(fd);

	return channel ? receive_bare(channel, data, len, 0) : REAL(read)(fd, data, len);
}

ssize_t __read_chk(int fd, void *data, size_t len, size_t room)
{
	struct channel *channel = channel_of(fd);

	return channel && len <= room ? receive_bare(channel, data, len, 0) :
					REAL(__read_chk)(fd, data, len, room);
}

static ssize_t receive_message(struct channel *channel, struct msghdr *message, int flags)
{
	struct received received;
	ssize_t done = channel_receive(channel, message->msg_iov, message->msg_iovlen, flags,
				       &received);

	if (done < 0)
		return done;
	if (received.foreign)
		return REAL(recvmsg)(channel->shadow, message, flags & ~RECEIVE_QUICK);
	if (message->msg_name)
		address_put(message->msg_name, &message->msg_namelen);
	message->msg_controllen = 0;
	message->msg_flags = received.flags;
	return done;
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	struct channel *channel = channel_of(fd);

	return channel ? receive_message(channel, message, flags) :
			 REAL(recvmsg)(fd, message, flags);
}

/* The time limit is not looked at, as the kernel hardly does. */
int recvmmsg(int fd, struct mmsghdr *messages, unsigned int number, int flags,
	     struct timespec *timeout)
{
	struct channel *channel = channel_of(fd);
	int own = flags & ~MSG_WAITFORONE;
	unsigned int done;

	if (!channel)
		return REAL(recvmmsg)(fd, messages, number, flags, timeout);
	for (done = 0; done < number; done++) {
		ssize_t len = receive_message(channel, &messages[done].msg_hdr, own);

		if (len < 0)
			return done ? (int)done : -1;
		messages[done].msg_len = (unsigned int)len;
		if (flags & MSG_WAITFORONE)
			own |= MSG_DONTWAIT | RECEIVE_QUICK;
	}
	return (int)done;
}

/* The channel of a socket through which the program asks for a queue. */
static struct channel *channel_for(int fd, const void *data, size_t len)
{
	struct channel *channel = channel_of(fd);
	int domain = 0, protocol = 0;
	socklen_t size = sizeof(int);

	if (channel || !request_is_ours(data, len))
		return channel;
	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) || domain != AF_NETLINK ||
	    getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) ||
	    protocol != NETLINK_NETFILTER)
		return NULL;
	compat_log("speaks netlink by itself; served over /dev/fastqueue with each packet copied once more");
	if (channel_adopt(fd, &channel)) {
		compat_log("its socket cannot be served; NFQUEUE's messages go to the kernel");
		return NULL;
	}
	return channel;
}

ssize_t sendto(int fd, const void *data, size_t len, int flags, __CONST_SOCKADDR_ARG address,
	       socklen_t address_len)
{
	struct channel *channel = channel_for(fd, data, len);

	if (!channel)
		return REAL(sendto)(fd, data, len, flags, address, address_len);
	if (!request_is_ours(data, len)) {
		channel->foreign = true;
		return REAL(sendto)(channel->shadow, data, len, flags, address, address_len);
	}
	request_run(channel, data, len);
	return (ssize_t)len;
}

ssize_t send(int fd, const void *data, size_t len, int flags)
{
	if (channel_of(fd) || request_is_ours(data, len))
		return sendto(fd, data, len, flags, NULL, 0);
	return REAL(send)(fd, data, len, flags);
}

ssize_t write(int fd, const void *data, size_t len)
{
	return channel_of(fd) ? sendto(fd, data, len, 0, NULL, 0) : REAL(write)(fd, data, len);
}

static size_t gathered_len(const struct msghdr *message)
{
	size_t len = 0, i;

	for (i = 0; i < message->msg_iovlen; i++)
		len += message->msg_iov[i].iov_len;
	return len;
}

/* A netlink message in parts, in one piece; NULL without memory. */
static unsigned char *gather(const struct msghdr *message, size_t len)
{
	unsigned char *data = malloc(len + 1), *end = data;
	size_t i;

	for (i = 0; data && i < message->msg_iovlen; i++) {
		memcpy(end, message->msg_iov[i].iov_base, message->msg_iov[i].iov_len);
		end += message->msg_iov[i].iov_len;
	}
	return data;
}

/* Whether the first part begins like a message of ours; the rest may follow in others. */
static bool message_may_be_ours(int fd, const struct msghdr *message)
{
	const struct nlmsghdr *first;

	if (channel_of(fd))
		return true;
	if (!message->msg_iovlen || message->msg_iov[0].iov_len < sizeof(*first))
		return false;
	first = message->msg_iov[0].iov_base;
	return first->nlmsg_type >> 8 == NFNL_SUBSYS_QUEUE && first->nlmsg_flags & NLM_F_REQUEST &&
	       first->nlmsg_len <= gathered_len(message);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	size_t len = gathered_len(message);
	struct channel *channel;
	unsigned char *data;

	if (!message_may_be_ours(fd, message))
		return REAL(sendmsg)(fd, message, flags);
	data = gather(message, len);
	if (!data) {
		errno = ENOMEM;
		return -1;
	}
	channel = channel_for(fd, data, len);
	if (channel && request_is_ours(data, len)) {
		request_run(channel, data, len);
		free(data);
		return (ssize_t)len;
	}
	free(data);
	if (channel)
		channel->foreign = true;
	return REAL(sendmsg)(channel ? channel->shadow : fd, message, flags);
}
