// SPDX-License-Identifier: MIT
/* Sockets that become a channel's descriptors, their namespaces, and calls on their way. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netlink.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "compat_calls.h"
#include "compat_device.h"

#define ROUNDS	150
#define PACKET	0x300	/* nlmsg_type of a packet's message */

static int no_callback(struct nfq_q_handle *queue, struct nfgenmsg *message, struct nfq_data *packet,
		       void *data)
{
	(void)queue, (void)message, (void)packet, (void)data;
	return 0;
}

/* --- Namespaces */

static void other_namespace(void)
{
	if (unshare(CLONE_NEWNET))
		fail("unshare");
}

static void *socket_elsewhere(void *argument)
{
	ino_t *namespace = argument;

	other_namespace();
	*namespace = namespace_of_thread();
	return (void *)(intptr_t)netlink_socket();
}

static void said(const char *what, ino_t wanted, ino_t here)
{
	printf("%s: %s, %s\n", what, device_namespace(QUEUE) == wanted ? "the socket's" : "another",
	       namespace_of_thread() == here ? "stayed" : "moved");
}

void scenario_namespaces(void)
{
	ino_t first = namespace_of_thread(), there = 0;
	struct nfq_handle *handle = nfq_open();
	int fd = netlink_socket();
	struct nfq_q_handle *queue;
	void *passed;

	queue = nfq_create_queue(handle, QUEUE, no_callback, NULL);
	said("nothing between", first, first);
	nfq_destroy_queue(queue);
	other_namespace();
	queue = nfq_create_queue(handle, QUEUE, no_callback, NULL);
	said("unshare after nfq_open", first, namespace_of_thread());
	nfq_destroy_queue(queue);
	nfq_close(handle);
	request_send(fd, 0);
	said("unshare after socket", first, namespace_of_thread());
	close(fd);
	pthread_join(start(socket_elsewhere, &there), &passed);
	request_send((int)(intptr_t)passed, 0);
	said("socket of elsewhere", there, namespace_of_thread());
	close((int)(intptr_t)passed);
	printf("gone: %d\n", !device_namespace(QUEUE));
}

/* --- Calls that wait on a socket while it becomes a channel's descriptor */

struct reader {
	int kind, fd;
	ssize_t len;
	int error;
	uint16_t type;
};

static ssize_t read_how(const struct reader *reader, void *data, size_t len)
{
	struct iovec parts[2] = { { data, 7 }, { (char *)data + 7, len - 7 } };
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
	struct mmsghdr one = { .msg_hdr = message };

	switch (reader->kind) {
	case 0:
		return recv(reader->fd, data, len, 0);
	case 1:
		return recvfrom(reader->fd, data, len, 0, NULL, NULL);
	case 2:
		return read(reader->fd, data, len);
	case 3:
		return recvmsg(reader->fd, &message, 0);
	case 4:
		return readv(reader->fd, parts, 2);
	default:
		return recvmmsg(reader->fd, &one, 1, 0, NULL) == 1 ? (ssize_t)one.msg_len : -1;
	}
}

#define KINDS	6

static void *reader_run(void *argument)
{
	struct reader *reader = argument;
	unsigned char data[4096] __attribute__((aligned(4))) = { 0 };

	reader->len = read_how(reader, data, sizeof(data));
	reader->error = reader->len < 0 ? errno : 0;
	reader->type = ((struct nlmsghdr *)data)->nlmsg_type;
	return NULL;
}

static void readers_print(const struct reader *readers)
{
	int i;

	for (i = 0; i < KINDS; i++)
		if (readers[i].error || readers[i].type != PACKET)
			printf("kind %d: %zd, %s, type 0x%x\n", i, readers[i].len,
			       strerror(readers[i].error), readers[i].type);
}

static void round_run(unsigned int pause_us, bool small)
{
	struct reader readers[KINDS] = { 0 };
	pthread_t threads[KINDS];
	unsigned char answer[512];
	int fd = netlink_socket(), i, room = 1;

	/* the kernel's least: it holds fewer messages than calls wait for */
	if (small && setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room)))
		printf("no small buffer\n");
	for (i = 0; i < KINDS; i++) {
		readers[i] = (struct reader){ .kind = i, .fd = fd };
		threads[i] = start(reader_run, &readers[i]);
	}
	usleep(pause_us);
	request_send(fd, 0);
	for (i = 0; i < KINDS; i++)
		device_publish(QUEUE, 100, 0);
	for (i = 0; i < KINDS; i++)
		pthread_join(threads[i], NULL);
	readers_print(readers);
	if (recv(fd, answer, sizeof(answer), MSG_DONTWAIT) >= 0 || errno != EAGAIN)
		printf("something is left\n");
	close(fd);
}

void scenario_flight(void)
{
	int i;

	for (i = 0; i < ROUNDS; i++)
		round_run((unsigned int)(i % 3 ? rand() % 300 : 3000), i % 2);
	puts("done");
}

static volatile bool ended;
static int shared = -1;

static void *ask_options(void *argument)
{
	int *errors = argument, value, on = 1;
	socklen_t len;
	struct sockaddr_nl address;

	while (!ended) {
		len = sizeof(value);
		*errors += getsockopt(shared, SOL_SOCKET, SO_TYPE, &value, &len) || value != SOCK_RAW;
		*errors += setsockopt(shared, SOL_NETLINK, NETLINK_NO_ENOBUFS, &on, sizeof(on)) != 0;
		len = sizeof(address);
		*errors += getsockname(shared, (struct sockaddr *)&address, &len) != 0;
	}
	return NULL;
}

/* Have a thread at work on sockets that become a channel's, one after the other. */
static int errors_during(void *(*work)(void *))
{
	int errors = 0, i, fd;
	pthread_t thread;

	for (i = 0; i < ROUNDS; i++) {
		fd = shared = netlink_socket();
		ended = false;
		thread = start(work, &errors);
		usleep((unsigned int)(rand() % 200));
		request_send(fd, 0);
		ended = true;
		pthread_join(thread, NULL);
		close(fd);
	}
	return errors;
}

void scenario_flight_of_options(void)
{
	printf("errors: %d\n", errors_during(ask_options));
}

static void *send_others(void *argument)
{
	struct nlmsghdr other = { .nlmsg_len = sizeof(other), .nlmsg_flags = NLM_F_REQUEST };
	struct iovec part = { &other, sizeof(other) };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	struct mmsghdr one = { .msg_hdr = message };
	const ssize_t len = sizeof(other);
	int *errors = argument;

	other.nlmsg_type = NLMSG_NOOP;
	while (!ended) {
		*errors += send(shared, &other, sizeof(other), 0) != len;
		*errors += sendto(shared, &other, sizeof(other), 0, NULL, 0) != len;
		*errors += write(shared, &other, sizeof(other)) != len;
		*errors += writev(shared, &part, 1) != len;
		*errors += sendmsg(shared, &message, 0) != len;
		*errors += sendmmsg(shared, &one, 1, 0) != 1;
	}
	return NULL;
}

void scenario_flight_of_sends(void)
{
	printf("errors: %d\n", errors_during(send_others));
}

/* Duplicates that were made before are the channel's, too; flags and limits stay. */
void scenario_flight_of_duplicates(void)
{
	int fd = netlink_socket(), copy = dup(fd), other = netlink_socket(), left;
	struct timeval limit = { 0, 50000 };
	struct reader reader = { .kind = 0, .fd = copy };
	pthread_t thread = start(reader_run, &reader);
	unsigned char data[4096];

	usleep(20000);
	request_send(fd, 0);
	device_publish(QUEUE, 100, 0);
	pthread_join(thread, NULL);
	printf("through the copy: 0x%x\n", reader.type);
	close(fd);
	device_publish(QUEUE, 100, 0);
	printf("after the first is closed: %d\n", recv(copy, data, sizeof(data), 0) > 100);
	left = fcntl(copy, F_GETFL) & O_NONBLOCK;
	close(copy);
	printf("gone: %d, %d\n", !device_namespace(QUEUE), left);
	fcntl(other, F_SETFL, fcntl(other, F_GETFL) | O_NONBLOCK);
	request_send(other, 0);
	printf("O_NONBLOCK: %zd, %d\n", recv(other, data, sizeof(data), 0), errno == EAGAIN);
	close(other);
	other = netlink_socket();
	setsockopt(other, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	request_send(other, 0);
	printf("SO_RCVTIMEO: %zd, %d\n", recv(other, data, sizeof(data), 0), errno == EAGAIN);
	close(other);
}

/* --- Calls with parts, and with several messages */

static void answers_read(int fd)
{
	unsigned char data[2][1024] __attribute__((aligned(4)));
	struct iovec first[2] = { { data[0], 10 }, { data[0] + 10, 1000 } }, second = { data[1], 1024 };
	struct mmsghdr messages[2] = {
		{ .msg_hdr = { .msg_iov = first, .msg_iovlen = 2 } },
		{ .msg_hdr = { .msg_iov = &second, .msg_iovlen = 1 } },
	};
	int number = recvmmsg(fd, messages, 2, MSG_WAITFORONE, NULL);

	printf("recvmmsg: %d, %u, %u\n", number, messages[0].msg_len, messages[1].msg_len);
	printf("readv: %zd\n", readv(fd, first, 2));
	printf("read: %zd\n", read(fd, data[0], 1024));
}

void scenario_parts(void)
{
	unsigned char bind[128] __attribute__((aligned(4))) = { 0 }, one[128] = { 0 }, two[128] = { 0 };
	size_t len = bind_message(bind, NLM_F_ACK), one_len = verdict_message(one, 1, 1, NULL, 0);
	size_t two_len = verdict_message(two, 2, 0, NULL, 0);
	struct iovec parts[2] = { { bind, 20 }, { bind + 20, len - 20 } }, first = { one, one_len };
	struct iovec second = { two, two_len };
	struct mmsghdr verdicts[2] = {
		{ .msg_hdr = { .msg_iov = &first, .msg_iovlen = 1 } },
		{ .msg_hdr = { .msg_iov = &second, .msg_iovlen = 1 } },
	};
	struct mmsghdr binds = { .msg_hdr = { .msg_iov = parts, .msg_iovlen = 2 } };
	int fd = netlink_socket(), i;

	printf("writev: %d\n", writev(fd, parts, 2) == (ssize_t)len);
	for (i = 0; i < 3; i++)
		device_publish(QUEUE, 100, 0);
	answers_read(fd);
	i = sendmmsg(fd, verdicts, 2, 0);
	printf("sendmmsg: %d, %d, %d\n", i, verdicts[0].msg_len == one_len,
	       verdicts[1].msg_len == two_len);
	printf("settled: %s\n", device_settled());
	close(fd);
	fd = netlink_socket();
	i = write(fd, bind, len) == (ssize_t)len;
	printf("write: %d, %d\n", i, device_namespace(QUEUE) != 0);
	close(fd);
	fd = netlink_socket();
	i = sendmmsg(fd, &binds, 1, 0);
	printf("sendmmsg: %d, %d\n", i, device_namespace(QUEUE) != 0);
	close(fd);
	fd = netlink_socket();
	request_send(fd, 0);
	closefrom(fd);
	printf("closefrom: %d\n", !device_namespace(QUEUE));
}

/* --- Time limits */

static void *publish_late(void *unused)
{
	usleep(1500000);
	device_publish(QUEUE, 100, 0);
	return unused;
}

void scenario_time_limits(void)
{
	struct timeval weeks = { 4294968, 0 }, short_one = { 0, 20000 }, none = { 0 };
	struct nfq_handle *handle = nfq_open();
	struct nfq_q_handle *queue = nfq_create_queue(handle, QUEUE, no_callback, NULL);
	unsigned char data[4096];
	pthread_t thread;
	int fd = nfq_fd(handle);

	nfq_set_mode(queue, 2, 0xffff);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &short_one, sizeof(short_one));
	printf("short: %zd, %d\n", recv(fd, data, sizeof(data), 0), errno == EAGAIN);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &weeks, sizeof(weeks));
	thread = start(publish_late, NULL);
	printf("weeks: %d\n", recv(fd, data, sizeof(data), 0) > 100);
	pthread_join(thread, NULL);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &none, sizeof(none));
	thread = start(publish_late, NULL);
	printf("none: %d\n", recv(fd, data, sizeof(data), 0) > 100);
	pthread_join(thread, NULL);
	nfq_destroy_queue(queue);
	nfq_close(handle);
}
