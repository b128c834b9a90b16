// SPDX-License-Identifier: MIT
/* Exchanges of the ring while answers wait, packets leave or come, and callbacks read. */
#define _GNU_SOURCE
#include <errno.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "compat_calls.h"
#include "compat_device.h"

static sem_t inside, go_on;

static int leave_waiting(struct nfq_q_handle *qh, struct nfgenmsg *message, struct nfq_data *packet,
			 void *data)
{
	(void)qh, (void)message, (void)packet, (void)data;
	return 0;
}

/* All of them are read, and none is answered. */
static void packets_read(int number)
{
	while (number--) {
		device_publish(QUEUE, 100, 0);
		if (pump())
			fail("packet");
	}
}

static int accept_one(uint32_t id)
{
	return nfq_set_verdict(queue, id, NF_ACCEPT, 0, NULL);
}

/* The error number of a request for another ring, 0: it succeeded. */
static int exchange(uint32_t maxlen)
{
	return nfq_set_queue_maxlen(queue, maxlen) ? errno : 0;
}

/* The sender does not get to an answer; or it was too late, and its word stays in the ring. */
void scenario_answers_not_seen(void)
{
	begin(leave_waiting, NULL);
	packets_read(5);
	device_moment.no_kick = true;
	accept_one(2);
	printf("not seen: %d\n", exchange(4096) == EAGAIN);
	device_moment.no_kick = false;
	nfq_set_verdict(queue, 3, NF_DROP, 0, NULL);
	printf("settled: %s\n", device_settled());
	device_moment.late_answers = true;
	accept_one(4);
	printf("late: %d\n", exchange(2048));
	device_moment.late_answers = false;
	nfq_set_verdict(queue, 5, NF_DROP, 0, NULL);
	printf("settled: %s\n", device_settled());
	end();
}

/* The interface of the packet goes during the exchange for which its longer payload asks. */
void scenario_lost_in_exchange(void)
{
	static unsigned char longer[3000];
	int i;

	begin(leave_waiting, NULL);
	packets_read(3);
	accept_one(1);
	accept_one(2);
	printf("settled: %s\n", device_settled());
	for (i = 0; i < 6; i++)
		device_publish(QUEUE, 100, 0);
	device_moment.lose = 1;
	nfq_set_verdict(queue, 3, NF_ACCEPT, sizeof(longer), longer);
	printf("settled: %s\n", device_settled());
	end();
}

/* So many packets wait that answers do, too. */
static void ring_fill(void)
{
	int i;

	nfq_set_queue_maxlen(queue, 64);
	device_publish(QUEUE, 100, 0);
	device_publish(QUEUE, 3000, 0);
	for (i = 0; i < 40; i++)
		device_publish(QUEUE, 100, 0);
}

static int change_and_receive(struct nfq_q_handle *qh, struct nfgenmsg *message,
			      struct nfq_data *packet, void *data)
{
	static unsigned char other[70000] __attribute__((aligned(4)));
	unsigned char mine[100];

	(void)message, (void)data;
	memset(mine, 0xaa, sizeof(mine));
	nfq_set_verdict(qh, id_of(packet), NF_ACCEPT, sizeof(mine), mine);
	printf("received: %d\n",
	       recv(nfq_fd(handle), other, sizeof(other), MSG_DONTWAIT) > 3000);
	return 0;
}

void scenario_payload_that_waits(void)
{
	begin(change_and_receive, NULL);
	ring_fill();
	pump();
	printf("settled: %s\n", device_settled());
	end();
}

static int drop_and_wait(struct nfq_q_handle *qh, struct nfgenmsg *message, struct nfq_data *packet,
			 void *data)
{
	(void)message;
	if (id_of(packet) != 1)
		return 0;
	nfq_set_verdict(qh, id_of(packet), NF_DROP, 0, NULL);
	sem_post(&inside);
	sem_wait(&go_on);
	return (int)(intptr_t)data;
}

static void *pump_there(void *unused)
{
	static unsigned char own[70000] __attribute__((aligned(4)));
	ssize_t len = recv(nfq_fd(handle), own, sizeof(own), MSG_DONTWAIT);

	nfq_handle_packet(handle, (char *)own, (int)len);
	return unused;
}

/* Another thread answers what the callback answered, alone and among others. */
void scenario_verdict_that_waits(void)
{
	pthread_t thread;

	sem_init(&inside, 0, 0);
	sem_init(&go_on, 0, 0);
	begin(drop_and_wait, NULL);
	ring_fill();
	thread = start(pump_there, NULL);
	sem_wait(&inside);
	accept_one(1);
	nfq_set_verdict_batch(queue, 1, NF_ACCEPT);
	printf("settled: %s\n", device_settled());
	nfq_set_verdict_batch(queue, 3, NF_ACCEPT);
	printf("settled: %s\n", device_settled());
	sem_post(&go_on);
	pthread_join(thread, NULL);
	printf("settled: %s\n", device_settled());
	end();
}

static int accept_and_measure(struct nfq_q_handle *qh, struct nfgenmsg *message,
			      struct nfq_data *packet, void *data)
{
	unsigned char *payload;
	int len = nfq_get_payload(packet, &payload);

	(void)message, (void)data;
	if (len > 100)
		printf("bytes: %d\n", len);
	return nfq_set_verdict(qh, id_of(packet), NF_ACCEPT, 0, NULL) < 0;
}

/* More packets come during an exchange than the new ring holds. */
void scenario_burst_in_exchange(void)
{
	int i;

	begin(accept_and_measure, NULL);
	nfq_set_queue_maxlen(queue, 8192);
	device_publish(QUEUE, 65000, 0);
	for (i = 0; i < 200; i++)
		device_publish(QUEUE, 100, 0);
	device_moment.come = 100;
	while (!pump())
		;
	device_settled();
	device_publish(QUEUE, 3000, 0);
	pump();
	end();
}

/* --- Pointers into rings that are gone */

/* The new ring cannot be mapped: nothing is left of the queue but that it can be ended. */
void scenario_ring_lost(void)
{
	begin(leave_waiting, NULL);
	packets_read(1);
	device_publish(QUEUE, 3000, 0);
	device_moment.no_map = 1;
	printf("packet: %d\n", pump());
	device_publish(QUEUE, 100, 0);
	printf("packet: %d\n", pump());
	printf("verdict: %d, batch: %d\n", accept_one(1) > 0, nfq_set_verdict_batch(queue, 9, NF_DROP) > 0);
	printf("exchange: %d\n", exchange(4096) == EPIPE);
	nfq_set_queue_flags(queue, NFQA_CFG_F_FAIL_OPEN, NFQA_CFG_F_FAIL_OPEN);
	end();
	printf("gone: %d\n", !device_namespace(QUEUE));
}

#define KEPT	12

static struct {
	unsigned char *payload;
	int len;
	uint32_t id;
} kept[KEPT];

static int keep(struct nfq_q_handle *qh, struct nfgenmsg *message, struct nfq_data *packet,
		void *data)
{
	int *number = data;

	(void)qh, (void)message;
	kept[*number].len = nfq_get_payload(packet, &kept[*number].payload);
	kept[*number].id = id_of(packet);
	(*number)++;
	return 0;
}

/* The process's address space, in pages. */
static long space(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	long pages = 0;

	if (!file || fscanf(file, "%ld", &pages) != 1)
		fail("statm");
	fclose(file);
	return pages;
}

/* Packets that wait, some of them answered in between, through many rings. */
void scenario_pointers_into_rings(void)
{
	int number = 0, i, good = 0;
	long before;

	begin(keep, &number);
	exchange(2048);
	exchange(1024);
	before = space();
	for (i = 0; i < KEPT; i++) {
		device_publish(QUEUE, 1000, 0);
		pump();
		if (i % 3 == 1)
			accept_one(kept[i].id);
		exchange(i % 2 ? 1024 : 2048);
	}
	for (i = 0; i < KEPT; i++)
		good += i % 3 == 1 || (kept[i].len == 1000 && is_whole(kept[i].payload, 1000) &&
				       kept[i].payload[0] == i);
	printf("readable: %d\n", good == KEPT);
	for (i = 0; i < 60; i++)
		exchange(i % 2 ? 1024 : 2048);
	printf("grows: %d\n", space() > before + 500);
	for (i = 0; i < KEPT; i++)
		nfq_set_verdict(queue, kept[i].id, NF_ACCEPT, 1000, kept[i].payload);
	device_settled();
	end();
}
