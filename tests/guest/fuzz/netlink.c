// SPDX-License-Identifier: MIT
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netlink.h"

#define ALIGNED(size)	(((size) + 3) & ~(size_t)3)

static void append(struct message *message, const void *data, size_t size)
{
	struct nlmsghdr *header = (struct nlmsghdr *)(message->data + message->begin);

	if (message->length + ALIGNED(size) > sizeof(message->data))
		return;
	memset(message->data + message->length, 0, ALIGNED(size));
	if (size)
		memcpy(message->data + message->length, data, size);
	message->length += ALIGNED(size);
	header->nlmsg_len = message->length - message->begin;
}

void message_begin(struct message *message, uint16_t type, uint16_t flags, const void *header,
		   size_t size)
{
	struct nlmsghdr begin = {
		.nlmsg_type = type,
		.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags,
		.nlmsg_seq = ++message->number,
	};

	message->begin = message->length;
	append(message, &begin, sizeof(begin));
	append(message, header, size);
}

void attribute(struct message *message, uint16_t type, const void *data, size_t size)
{
	struct nlattr begin = { .nla_type = type, .nla_len = sizeof(begin) + size };

	append(message, &begin, sizeof(begin));
	append(message, data, size);
}

void attribute_text(struct message *message, uint16_t type, const char *text)
{
	attribute(message, type, text, strlen(text) + 1);
}

void attribute_u32(struct message *message, uint16_t type, uint32_t value)
{
	attribute(message, type, &value, sizeof(value));
}

void attribute_be16(struct message *message, uint16_t type, uint16_t value)
{
	value = htons(value);
	attribute(message, type, &value, sizeof(value));
}

void attribute_be32(struct message *message, uint16_t type, uint32_t value)
{
	attribute_u32(message, type, htonl(value));
}

size_t nest_begin(struct message *message, uint16_t type)
{
	size_t nest = message->length;

	attribute(message, type | NLA_F_NESTED, NULL, 0);
	return nest;
}

void nest_end(struct message *message, size_t nest)
{
	struct nlattr *begin = (struct nlattr *)(message->data + nest);

	begin->nla_len = message->length - nest;
}

/* Each message is acknowledged, a batch of nftables message by message. */
static int answers_read(int fd)
{
	uint8_t data[8192] __attribute__((aligned(4)));
	ssize_t size = recv(fd, data, sizeof(data), MSG_DONTWAIT);
	int err = 0;

	while (size > 0 && !err) {
		struct nlmsghdr *header = (struct nlmsghdr *)data;

		for (; NLMSG_OK(header, (size_t)size); header = NLMSG_NEXT(header, size))
			if (header->nlmsg_type == NLMSG_ERROR && !err)
				err = -*(int *)NLMSG_DATA(header);
		size = recv(fd, data, sizeof(data), MSG_DONTWAIT);
	}
	return err;
}

int message_send(const struct message *message, int protocol)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol), err;

	if (fd < 0)
		return errno;
	if (sendto(fd, message->data, message->length, 0, (struct sockaddr *)&kernel,
		   sizeof(kernel)) < 0)
		err = errno;
	else
		err = answers_read(fd);
	close(fd);
	return err;
}
