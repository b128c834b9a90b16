// SPDX-License-Identifier: MIT
/* Calls on a channel's descriptor that are a socket's, and those that close and replace. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "compat_calls.h"
#include "compat_device.h"

static int leave_waiting(struct nfq_q_handle *qh, struct nfgenmsg *message, struct nfq_data *packet,
			 void *data)
{
	(void)qh, (void)message, (void)packet, (void)data;
	return 0;
}

static int is_bound(void)
{
	return device_namespace(QUEUE) != 0;
}

/* A message that is no queue's, and has the kernel answer. */
static const struct nlmsghdr other = {
	.nlmsg_len = sizeof(other), .nlmsg_type = NLMSG_NOOP,
	.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK, .nlmsg_seq = 5,
};

/* --- Descriptors that are closed and replaced */

void scenario_replaced(void)
{
	int fd, null = open("/dev/null", O_RDWR), done;

	begin(leave_waiting, NULL);
	fd = nfq_fd(handle);
	done = dup2(-1, fd);
	printf("dup2: %d, %d\n", done, is_bound());
	done = dup3(fd, fd, 0);
	printf("dup3: %d, %d\n", done, is_bound());
	done = dup3(null, fd, -1);
	printf("dup3 with wrong flags: %d, %d\n", done, is_bound());
	done = dup2(null, fd);
	printf("replaced: %d, %d\n", done == fd, is_bound());
	printf("writable: %zd\n", write(fd, "x", 1));
	close(fd);
	close(null);
}

/* A program that closes all descriptors but its own keeps its queue. */
void scenario_descriptors_of_the_library(void)
{
	int fd, i, closed = 0, first;

	closefrom(3);	/* what came with the process */
	begin(leave_waiting, NULL);
	fd = nfq_fd(handle);
	for (i = 3; i < 64; i++)
		closed += i != fd && !close(i);
	device_publish(QUEUE, 100, 0);
	printf("all closed but one: %d, %d\n", closed, pump());
	first = fd > 3 ? close_range(3, (unsigned int)fd - 1, 0) : 0;
	printf("ranges: %d, %d\n", first, close_range((unsigned int)fd + 1, ~0u, 0));
	device_publish(QUEUE, 100, 0);
	printf("packet: %d\n", pump());
	for (i = 3; i < 64 && (i == fd || fcntl(i, F_GETFD) < 0); i++)
		;
	first = dup2(fd, i);
	printf("replaced: %d, %d\n", first, errno == EBUSY);
	closefrom(3);
	printf("gone: %d\n", !is_bound());
	for (i = 3; i < 64; i++)
		if (fcntl(i, F_GETFD) >= 0)
			printf("left: %d\n", i);
}

/* --- Reads and writes of nothing, of parts, and of several messages */

void scenario_nothing(void)
{
	struct iovec empty[2] = { { buffer, 0 }, { buffer, 0 } };

	begin(leave_waiting, NULL);
	device_publish(QUEUE, 100, 0);
	printf("read: %zd, readv: %zd, %zd\n", read(nfq_fd(handle), buffer, 0),
	       readv(nfq_fd(handle), empty, 2), readv(nfq_fd(handle), NULL, 0));
	printf("packet: %d\n", pump());
	end();
}

void scenario_parts_of_nothing(void)
{
	unsigned char data[128] __attribute__((aligned(4))) = { 0 };
	size_t len = bind_message(data, 0);
	struct iovec parts[5] = { { data, 0 }, { data, 4 }, { NULL, 0 }, { data + 4, 9 },
				  { data + 13, len - 13 } };
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 5 };
	int fd = netlink_socket();

	printf("sendmsg: %d", sendmsg(fd, &message, 0) == (ssize_t)len);
	printf(", %d\n", is_bound());
	close(fd);
	fd = netlink_socket();
	printf("writev: %d", writev(fd, parts, 5) == (ssize_t)len);
	printf(", %d\n", is_bound());
	close(fd);
}

void scenario_messages_of_others(void)
{
	unsigned char data[256] __attribute__((aligned(4))) = { 0 };
	struct pollfd file;
	size_t len;
	int i;

	begin(leave_waiting, NULL);
	file = (struct pollfd){ nfq_fd(handle), POLLIN, 0 };
	printf("nothing sent: %d\n", poll(&file, 1, 0));
	send(file.fd, &other, sizeof(other), 0);
	printf("sent: %d", poll(&file, 1, 1000));
	printf(", %zd\n", recv(file.fd, data, sizeof(data), MSG_DONTWAIT));
	device_publish(QUEUE, 100, 0);
	device_publish(QUEUE, 100, 0);
	pump();
	pump();
	memset(data, 0, sizeof(data));
	memcpy(data, &other, sizeof(other));
	len = sizeof(other);
	len += verdict_message(data + len, 1, NF_ACCEPT, NULL, 0);
	memcpy(data + len, &other, sizeof(other));
	len += sizeof(other);
	len += verdict_message(data + len, 2, NF_ACCEPT, NULL, 0);
	printf("among others: %d\n", send(file.fd, data, len, 0) == (ssize_t)len);
	printf("settled: %s\n", device_settled());
	for (i = 0; i < 3; i++)
		printf("answer: %zd\n", recv(file.fd, data, sizeof(data), MSG_DONTWAIT));
	end();
}

/* The port id of an acknowledgement is the socket's, whatever the request said. */
void scenario_port_ids(void)
{
	unsigned char data[512] __attribute__((aligned(4)));
	struct sockaddr_nl address = { 0 };
	socklen_t len = sizeof(address);
	int fd = netlink_socket();

	getsockname(fd, (struct sockaddr *)&address, &len);
	request_send(fd, NLM_F_ACK);
	printf("acknowledged: %zd", recv(fd, data, sizeof(data), 0));
	printf(", %d\n", ((struct nlmsghdr *)data)->nlmsg_pid == address.nl_pid && address.nl_pid);
	close(fd);
}

/* Both packets have headers; an empty payload ends before them. */
void scenario_empty_payload(void)
{
	unsigned char data[128] __attribute__((aligned(4))) = { 0 };
	struct nlattr *payload;
	size_t len;

	begin(leave_waiting, NULL);
	device_publish(QUEUE, 100, 0);
	device_publish(QUEUE, 100, 0);
	pump();
	pump();
	len = verdict_message(data, 1, NF_ACCEPT, NULL, 0);
	payload = (void *)(data + len);
	*payload = (struct nlattr){ NLA_HDRLEN, NFQA_PAYLOAD };
	((struct nlmsghdr *)data)->nlmsg_len += NLA_HDRLEN;
	send(nfq_fd(handle), data, len + NLA_HDRLEN, 0);
	nfq_set_verdict(queue, 2, NF_ACCEPT, 0, data);
	printf("settled: %s\n", device_settled());
	end();
}

/* --- Several messages within a time */

static void *publish_slowly(void *unused)
{
	int i;

	for (i = 0; i < 4; i++) {
		usleep(200000);
		device_publish(QUEUE, 100, 0);
	}
	return unused;
}

void scenario_time_limit_of_messages(void)
{
	static unsigned char data[4][4096] __attribute__((aligned(4)));
	struct timespec limit = { 0, 100000000 }, wrong = { 0, 1000000000 }, long_one = { 1000, 0 };
	struct mmsghdr messages[4] = { 0 };
	struct iovec parts[4];
	pthread_t thread;
	int i, number;

	for (i = 0; i < 4; i++) {
		parts[i] = (struct iovec){ data[i], sizeof(data[i]) };
		messages[i].msg_hdr = (struct msghdr){ .msg_iov = &parts[i], .msg_iovlen = 1 };
	}
	begin(leave_waiting, NULL);
	thread = start(publish_slowly, NULL);
	number = recvmmsg(nfq_fd(handle), messages, 4, 0, &limit);
	printf("late: %d, %ld\n", number, (long)limit.tv_sec + limit.tv_nsec);
	number = recvmmsg(nfq_fd(handle), messages, 4, 0, &wrong);
	printf("wrong: %d, %d\n", number, errno == EINVAL);
	number = recvmmsg(nfq_fd(handle), messages, 3, 0, &long_one);
	printf("in time: %d, %d\n", number, long_one.tv_sec > 900 && long_one.tv_sec < 1000);
	pthread_join(thread, NULL);
	end();
}
