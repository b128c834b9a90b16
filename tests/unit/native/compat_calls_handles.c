// SPDX-License-Identifier: MIT
/* Handles that were closed while others use them, and what takes their place. */
#define _GNU_SOURCE
#include <errno.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "compat_calls.h"
#include "compat_device.h"

static sem_t inside, go_on;

static int leave_waiting(struct nfq_q_handle *qh, struct nfgenmsg *message, struct nfq_data *packet,
			 void *data)
{
	(void)qh, (void)message, (void)packet, (void)data;
	return 0;
}

/* --- A callback of a handle that another thread closes; the next handle gets its channel */

static void said(const char *what, int result)
{
	printf("%s: %d, %d\n", what, result, result < 0 && errno == EBADF);
}

static int use_old_handle(struct nfq_q_handle *qh, struct nfgenmsg *message,
			  struct nfq_data *packet, void *data)
{
	uint32_t id = id_of(packet);

	(void)message;
	sem_post(&inside);
	sem_wait(&go_on);
	said("verdict", nfq_set_verdict(qh, id, NF_DROP, 0, NULL));
	said("batch", nfq_set_verdict_batch(qh, id, NF_DROP));
	said("mode", nfq_set_mode(qh, NFQNL_COPY_NONE, 0));
	said("create", nfq_create_queue(data, QUEUE + 1, leave_waiting, NULL) ? 0 : -1);
	said("destroy", nfq_destroy_queue(qh));
	return 0;
}

static void *pump_there(void *data)
{
	static unsigned char own[4096] __attribute__((aligned(4)));
	ssize_t len = recv(nfq_fd(data), own, sizeof(own), MSG_DONTWAIT);

	nfq_handle_packet(data, (char *)own, (int)len);
	return NULL;
}

void scenario_old_handle(void)
{
	struct nfq_handle *old = nfq_open();
	struct nfq_q_handle *qh = nfq_create_queue(old, QUEUE, use_old_handle, old);
	pthread_t thread;

	sem_init(&inside, 0, 0);
	sem_init(&go_on, 0, 0);
	nfq_set_mode(qh, NFQNL_COPY_PACKET, 0xffff);
	device_publish(QUEUE, 100, 0);
	thread = start(pump_there, old);
	sem_wait(&inside);
	nfq_destroy_queue(qh);
	nfq_close(old);
	begin(leave_waiting, NULL);
	device_publish(QUEUE, 100, 0);
	printf("next handle: %d\n", pump());
	sem_post(&go_on);
	pthread_join(thread, NULL);
	printf("settled: %s\n", device_settled());
	printf("queues: %d, %d\n", !!device_namespace(QUEUE), !!device_namespace(QUEUE + 1));
	nfq_set_verdict(queue, 1, NF_ACCEPT, 0, NULL);
	printf("settled: %s\n", device_settled());
	end();
}

/* --- Threads that are cancelled during a call */

static void call_recv(int fd)
{
	unsigned char data[4096] __attribute__((aligned(4)));

	recv(fd, data, sizeof(data), MSG_DONTWAIT);
}

static struct nfq_q_handle *second;

static void call_create(int fd)
{
	(void)fd;
	second = nfq_create_queue(handle, QUEUE + 1, leave_waiting, NULL);
}

static void call_destroy(int fd)
{
	(void)fd;
	nfq_destroy_queue(queue);
}

static void call_bind(int fd)
{
	request_send(fd, 0);
}

static void call_verdict(int fd)
{
	(void)fd;
	nfq_set_verdict(queue, 4711, 3 | 9 << 16 | NF_VERDICT_FLAG_QUEUE_BYPASS, 0, NULL);
}

static struct {
	void (*run)(int fd);
	int fd;
	volatile int cancelled;
} call;

static void *call_run(void *unused)
{
	sem_post(&inside);
	while (!call.cancelled)	/* not at a cancellation point: the next one is the call's */
		;
	call.run(call.fd);
	pthread_testcancel();
	return unused;
}

/* The thread is about to be cancelled when it makes its call; then the lock is taken. */
static void call_cancelled(const char *what, void (*run)(int), int fd)
{
	pthread_t thread;
	void *result;

	call.run = run;
	call.fd = fd;
	call.cancelled = 0;
	thread = start(call_run, NULL);
	sem_wait(&inside);
	pthread_cancel(thread);
	call.cancelled = 1;
	pthread_join(thread, &result);
	alarm(10);
	recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT | MSG_PEEK);
	alarm(0);
	printf("%s: %d\n", what, result == PTHREAD_CANCELED);
}

void scenario_cancelled(void)
{
	int fd = netlink_socket(), adopted = netlink_socket();

	sem_init(&inside, 0, 0);
	begin(leave_waiting, NULL);
	nfq_set_verdict(queue, 4711, NF_DROP, 0, NULL);	/* its refusal waits to be read */
	call_cancelled("recv", call_recv, nfq_fd(handle));
	call_cancelled("verdict", call_verdict, nfq_fd(handle));
	call_cancelled("create", call_create, nfq_fd(handle));
	call_cancelled("destroy", call_destroy, nfq_fd(handle));
	call_cancelled("bind", call_bind, fd);
	close(fd);
	request_send(adopted, 0);
	call_cancelled("recv of another's", call_recv, adopted);
	close(adopted);
	nfq_destroy_queue(second);
	nfq_close(handle);
}

/* --- A queue that is made anew while a thread sleeps on the old one's device */

static void *sleep_in_recv(void *unused)
{
	unsigned char data[4096] __attribute__((aligned(4)));

	sem_post(&inside);
	printf("received: %d\n", recv(nfq_fd(handle), data, sizeof(data), 0) > 100);
	return unused;
}

void scenario_made_anew(void)
{
	pthread_t thread;

	sem_init(&inside, 0, 0);
	begin(leave_waiting, NULL);
	nfq_destroy_queue(queue);
	device_moment.busy = 3;
	queue = nfq_create_queue(handle, QUEUE, leave_waiting, NULL);
	printf("nobody sleeps: %d, %d\n", queue != NULL, errno == EPERM);
	device_moment.busy = 0;
	queue = nfq_create_queue(handle, QUEUE, leave_waiting, NULL);
	thread = start(sleep_in_recv, NULL);
	sem_wait(&inside);
	usleep(100000);
	nfq_destroy_queue(queue);
	device_moment.busy = 3;
	queue = nfq_create_queue(handle, QUEUE, leave_waiting, NULL);
	printf("made: %d\n", queue != NULL);
	nfq_set_mode(queue, NFQNL_COPY_PACKET, 0xffff);
	device_publish(QUEUE, 100, 0);
	pthread_join(thread, NULL);
	end();
}
