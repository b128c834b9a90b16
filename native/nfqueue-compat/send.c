// SPDX-License-Identifier: MIT
/* The C library's calls that send: messages for nfnetlink_queue are requests of a channel. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "compat.h"

/* The channel of a socket through which the program asks for a queue. */
static struct channel *channel_for(int fd, const void *data, size_t len)
{
	struct channel *channel = channel_of(fd);
	int domain = 0, protocol = 0, saved = errno;
	socklen_t size = sizeof(int);

	if (channel || !request_is_ours(data, len))
		return channel;
	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) || domain != AF_NETLINK ||
	    getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) ||
	    protocol != NETLINK_NETFILTER) {
		errno = saved;
		return NULL;
	}
	compat_log("speaks netlink by itself; served over /dev/fastqueue with each packet copied once more");
	if (channel_adopt(fd, &channel)) {
		compat_log("its socket cannot be served; NFQUEUE's messages go to the kernel");
		return NULL;
	}
	return channel;
}

/* The channel that a socket has become on the way of a call to it. */
static struct channel *channel_since(int fd, ssize_t done)
{
	return done < 0 && (errno == ENOTSOCK || errno == EINVAL) ? channel_of(fd) : NULL;
}

static ssize_t channel_send(struct channel *channel, int fd, const void *data, size_t len, int flags,
			    const struct sockaddr *address, socklen_t address_len)
{
	if (!requests_are_ours(data, len)) {
		foreign_begin(channel);
		return REAL(sendto)(channel->shadow, data, len, flags, address, address_len);
	}
	return request_run(channel, fd, data, len);
}

ssize_t sendto(int fd, const void *data, size_t len, int flags, __CONST_SOCKADDR_ARG address,
	       socklen_t address_len)
{
	struct channel *channel = channel_for(fd, data, len);
	ssize_t done;

	if (!channel) {
		done = REAL(sendto)(fd, data, len, flags, address, address_len);
		channel = channel_since(fd, done);
		if (!channel)
			return done;
	}
	return channel_send(channel, fd, data, len, flags, address.__sockaddr__, address_len);
}

ssize_t send(int fd, const void *data, size_t len, int flags)
{
	struct channel *channel = channel_for(fd, data, len);
	ssize_t done;

	if (!channel) {
		done = REAL(send)(fd, data, len, flags);
		channel = channel_since(fd, done);
		if (!channel)
			return done;
	}
	return channel_send(channel, fd, data, len, flags, NULL, 0);
}

ssize_t write(int fd, const void *data, size_t len)
{
	struct channel *channel = channel_for(fd, data, len);
	ssize_t done;

	if (!channel) {
		done = REAL(write)(fd, data, len);
		channel = channel_since(fd, done);
		if (!channel)
			return done;
	}
	return channel_send(channel, fd, data, len, 0, NULL, 0);
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
		if (message->msg_iov[i].iov_len)
			memcpy(end, message->msg_iov[i].iov_base, message->msg_iov[i].iov_len);
		end += message->msg_iov[i].iov_len;
	}
	return data;
}

/* The first bytes of a message, which may be in several parts. */
static bool head_gather(struct nlmsghdr *head, const struct msghdr *message)
{
	size_t done = 0, i, len;

	for (i = 0; i < message->msg_iovlen && done < sizeof(*head); i++) {
		len = message->msg_iov[i].iov_len;
		if (len > sizeof(*head) - done)
			len = sizeof(*head) - done;
		if (len)
			memcpy((char *)head + done, message->msg_iov[i].iov_base, len);
		done += len;
	}
	return done == sizeof(*head);
}

/* Whether it begins like a message of ours. */
static bool message_may_be_ours(int fd, const struct msghdr *message)
{
	struct nlmsghdr first;

	if (channel_of(fd))
		return true;
	return head_gather(&first, message) && first.nlmsg_type >> 8 == NFNL_SUBSYS_QUEUE &&
	       first.nlmsg_flags & NLM_F_REQUEST && first.nlmsg_len <= gathered_len(message);
}

/* *sent: the message was a request of a channel. Else it is to be sent through *channel, or fd. */
static ssize_t message_run(int fd, const struct msghdr *message, struct channel **channel,
			   bool *sent)
{
	size_t len = gathered_len(message);
	unsigned char *data = gather(message, len);

	ssize_t done = (ssize_t)len;

	*sent = true;
	if (!data) {
		errno = ENOMEM;
		return -1;
	}
	*channel = channel_for(fd, data, len);
	*sent = *channel && requests_are_ours(data, len);
	if (*sent)
		done = request_run(*channel, fd, data, len);
	else if (*channel)
		foreign_begin(*channel);
	free(data);
	return done;
}

static ssize_t message_send(int fd, const struct msghdr *message, int flags)
{
	struct channel *channel;
	bool sent;
	ssize_t done = message_run(fd, message, &channel, &sent);

	return sent ? done : REAL(sendmsg)(channel ? channel->shadow : fd, message, flags);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	ssize_t done;

	if (message_may_be_ours(fd, message))
		return message_send(fd, message, flags);
	done = REAL(sendmsg)(fd, message, flags);
	return channel_since(fd, done) ? message_send(fd, message, flags) : done;
}

static bool any_may_be_ours(int fd, const struct mmsghdr *messages, unsigned int number)
{
	unsigned int i;

	for (i = 0; i < number; i++)
		if (message_may_be_ours(fd, &messages[i].msg_hdr))
			return true;
	return false;
}

/* One by one: the first of them may be what makes the socket a channel's. */
static int messages_send(int fd, struct mmsghdr *messages, unsigned int number, int flags)
{
	unsigned int i;

	for (i = 0; i < number; i++) {
		ssize_t done = sendmsg(fd, &messages[i].msg_hdr, flags);

		if (done < 0)
			return i ? (int)i : -1;
		messages[i].msg_len = (unsigned int)done;
	}
	return (int)i;
}

int sendmmsg(int fd, struct mmsghdr *messages, unsigned int number, int flags)
{
	int done;

	if (any_may_be_ours(fd, messages, number))
		return messages_send(fd, messages, number, flags);
	done = REAL(sendmmsg)(fd, messages, number, flags);
	return channel_since(fd, done) ? messages_send(fd, messages, number, flags) : done;
}

ssize_t writev(int fd, const struct iovec *parts, int number)
{
	struct msghdr message = { .msg_iov = (struct iovec *)parts,
				  .msg_iovlen = number > 0 ? (size_t)number : 0 };
	struct channel *channel;
	bool sent = false;
	ssize_t done;

	if (number > 0 && message_may_be_ours(fd, &message)) {
		done = message_run(fd, &message, &channel, &sent);
		if (sent)
			return done;
		if (channel)
			return REAL(sendmsg)(channel->shadow, &message, 0);
	}
	done = REAL(writev)(fd, parts, number);
	return channel_since(fd, done) ? message_send(fd, &message, 0) : done;
}
