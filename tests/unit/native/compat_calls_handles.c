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
