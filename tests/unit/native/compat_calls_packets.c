// SPDX-License-Identifier: MIT
/* Callbacks whose queues end, signal handlers, messages of any kind, payloads given back. */
#define _GNU_SOURCE
#include <errno.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <linux/netlink.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "../../../native/nfqueue-compat/attribute.h"
#include "compat_calls.h"
#include "compat_device.h"

/* --- Queues that end under callbacks */

static int end_in_callback(struct nfq_q_handle *qh, struct nfgenmsg *message, struct nfq_data *packet,
			   void *data)
{
	unsigned char *payload;
	int len = nfq_get_payload(packet, &payload);

	(void)message, (void)data;
	nfq_set_verdict(qh, id_of(packet), NF_ACCEPT, 0, NULL);
	printf("destroyed: %d\n", nfq_destroy_queue(qh));
	printf("closed: %d\n", nfq_close(handle));
	printf("payload: %d, %d\n", len, is_whole(payload, len));
	printf("verdict: %d\n", nfq_set_verdict(qh, id_of(packet), NF_ACCEPT, 0, NULL) > 0);
	return 0;
}

void scenario_ended_in_callback(void)
{
	begin(end_in_callback, NULL);
	device_publish(QUEUE, 1000, 0);
	printf("handled: %d\n", pump());
	printf("settled: %s\n", device_settled());
}

static sem_t inside, go_on;

/* Another thread does something meanwhile; then the packet is looked at. */
static int wait_in_callback(struct nfq_q_handle *qh, struct nfgenmsg *message,
			    struct nfq_data *packet, void *data)
{
	unsigned char *payload;
	int len = nfq_get_payload(packet, &payload), *verdict_first = data;
	bool whole;

	(void)message;
	if (*verdict_first)
		nfq_set_verdict(qh, id_of(packet), NF_ACCEPT, 0, NULL);
	sem_post(&inside);
	sem_wait(&go_on);
	whole = is_whole(payload, len);
	printf("payload: %d, %d\n", len, whole);
	if (!*verdict_first)
		printf("verdict: %d\n", nfq_set_verdict(qh, id_of(packet), NF_ACCEPT, 0, NULL) > 0);
	return 0;
}

static void *pump_once(void *unused)
{
	printf("handled: %d\n", pump());
	return unused;
}

static pthread_t callback_begin_there(int *verdict_first)
{
	pthread_t thread;

	begin(wait_in_callback, verdict_first);
	device_publish(QUEUE, 1500, 0);
	thread = start(pump_once, NULL);
	sem_wait(&inside);
	return thread;
}

void scenario_ended_under_callback(void)
{
	int verdict_first, close_too;
	pthread_t thread;

	sem_init(&inside, 0, 0);
	sem_init(&go_on, 0, 0);
	for (verdict_first = 0; verdict_first < 2; verdict_first++) {
		for (close_too = 0; close_too < 2; close_too++) {
			thread = callback_begin_there(&verdict_first);
			printf("destroyed: %d\n", nfq_destroy_queue(queue));
			if (close_too)
				nfq_close(handle);
			printf("gone: %d\n", !device_namespace(QUEUE));
			sem_post(&go_on);
			pthread_join(thread, NULL);
			if (!close_too)
				nfq_close(handle);
			printf("settled: %s\n", device_settled());
		}
	}
}

/* Larger packets come meanwhile, and with each the ring is exchanged. */
void scenario_exchanged_under_callback(void)
{
	static const uint32_t sizes[] = { 3000, 6000, 12000, 30000 };
	int verdict_first = 1;
	pthread_t thread;
	unsigned char other[70000];
	size_t i;

	sem_init(&inside, 0, 0);
	sem_init(&go_on, 0, 0);
	thread = callback_begin_there(&verdict_first);
	for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		device_publish(QUEUE, sizes[i], 0);
		printf("received: %d\n", recv(nfq_fd(handle), other, sizeof(other), MSG_DONTWAIT) >
					 (ssize_t)sizes[i]);
	}
	sem_post(&go_on);
	pthread_join(thread, NULL);
	end();
}

static int leave_in_callback(struct nfq_q_handle *qh, struct nfgenmsg *message,
			     struct nfq_data *packet, void *data)
{
	(void)message, (void)data;
	nfq_set_verdict(qh, id_of(packet), NF_ACCEPT, 0, NULL);
	pthread_exit(NULL);
}

/* Most of the ring is in use, so that the verdict waits for the end of the callback. */
void scenario_thread_ends_in_callback(void)
{
	int i;

	begin(leave_in_callback, NULL);
	nfq_set_queue_maxlen(queue, 8);
	while (device_publish(QUEUE, 100, 0))
		;
	for (i = 0; i < 3; i++)
		pthread_join(start(pump_once, NULL), NULL);
	printf("settled: %.36s\n", device_settled());
	end();
}

/* --- Signal handlers */

static volatile sig_atomic_t ended;

static int accept_all(struct nfq_q_handle *qh, struct nfgenmsg *message, struct nfq_data *packet,
		      void *data)
{
	(void)message, (void)data;
	return nfq_set_verdict(qh, id_of(packet), NF_ACCEPT, 0, NULL) < 0;
}

static void destroy(int number)
{
	(void)number;
	if (!ended)
		nfq_destroy_queue(queue);
	ended = 1;
}

static void *serve(void *unused)
{
	static __thread unsigned char own[4096] __attribute__((aligned(4)));
	int fd = nfq_fd(handle);

	while (!ended) {
		ssize_t len = recv(fd, own, sizeof(own), MSG_DONTWAIT);

		if (len > 0)
			nfq_handle_packet(handle, (char *)own, (int)len);
	}
	return unused;
}

/* A handler ends the queue that its own thread, and two others, are at work on. */
void scenario_signals(void)
{
	struct itimerval soon = { { 0, 0 }, { 0, 0 } };
	sigset_t alarms;
	pthread_t threads[2];
	int i;

	sigemptyset(&alarms);
	sigaddset(&alarms, SIGALRM);
	signal(SIGALRM, destroy);
	for (i = 0; i < 150; i++) {
		ended = 0;
		begin(accept_all, NULL);
		pthread_sigmask(SIG_BLOCK, &alarms, NULL);
		threads[0] = start(serve, NULL);
		threads[1] = start(serve, NULL);
		pthread_sigmask(SIG_UNBLOCK, &alarms, NULL);
		soon.it_value.tv_usec = 100 + rand() % 3000;
		setitimer(ITIMER_REAL, &soon, NULL);
		while (!ended) {
			device_publish(QUEUE, rand() % 50 ? 100 : 3000, 0);
			pump();
		}
		pthread_join(threads[0], NULL);
		pthread_join(threads[1], NULL);
		nfq_close(handle);
	}
	printf("gone: %d\n", !device_namespace(QUEUE));
}

static void close_all(int number)
{
	(void)number;
	nfq_destroy_queue(queue);
	nfq_close(handle);
	ended = 1;
}

/* A handler closes what its thread sleeps on: that ends, or the program does. */
void scenario_signals_in_recv(void)
{
	struct sigaction action = { .sa_handler = close_all };
	struct itimerval soon = { { 0, 0 }, { 0, 0 } };
	ssize_t len;
	int i, fd;

	sigaction(SIGALRM, &action, NULL);
	for (i = 0; i < 50; i++) {
		ended = 0;
		begin(accept_all, NULL);
		fd = nfq_fd(handle);
		soon.it_value.tv_usec = 100 + rand() % 1000;
		setitimer(ITIMER_REAL, &soon, NULL);
		do {
			len = recv(fd, buffer, sizeof(buffer), ended ? MSG_DONTWAIT : 0);
		} while (len > 0);
		if (errno != EINTR && errno != EBADF)
			printf("%s\n", strerror(errno));
		while (!ended)
			usleep(100);
	}
	printf("gone: %d\n", !device_namespace(QUEUE));
}

/* --- Messages */

static int look(struct nfq_q_handle *qh, struct nfgenmsg *message, struct nfq_data *packet, void *data)
{
	uint32_t owner = 77;
	unsigned char *payload = NULL;
	int has = nfq_get_uid(packet, &owner), len = nfq_get_payload(packet, &payload);

	(void)qh, (void)message, (void)data;
	printf(" uid %d/%u, payload %d, whole %d;", has, owner, len, is_whole(payload, len));
	return 0;
}

/* Handle a message from memory of just its length; len_of: what it says of itself. */
static void handle_exactly(const char *what, const unsigned char *body, size_t len)
{
	struct nlmsghdr header = {
		.nlmsg_len = (uint32_t)(20 + len), .nlmsg_type = NFNL_SUBSYS_QUEUE << 8,
	};
	unsigned char *exact = malloc(20 + len);
	const unsigned char generic[4] = { 0, 0, 0, QUEUE };

	memcpy(exact, &header, 16);
	memcpy(exact + 16, generic, 4);
	if (len)
		memcpy(exact + 20, body, len);
	printf("%s:", what);
	printf(" %d\n", nfq_handle_packet(handle, (char *)exact, (int)(20 + len)));
	free(exact);
}

static unsigned char *put(unsigned char *at, uint16_t type, const void *content, size_t len)
{
	memcpy(attribute_begin(at, type, len), content, len);
	return at + NLA_HDRLEN + NLA_ALIGN(len);
}

static const unsigned char header[8] = { 0, 0, 0, 1, 8, 0, 3, 0 };	/* of packet 1 */

void scenario_messages(void)
{
	static unsigned char body[70000] __attribute__((aligned(4)));
	unsigned char *at, zeros[100] = { 0 };

	begin(look, NULL);
	device_publish(QUEUE, 100, 0);
	if (recv(nfq_fd(handle), buffer, sizeof(buffer), 0) < 0)
		fail("recv");
	handle_exactly("no attribute", body, 0);
	at = put(body, NFQA_UID, zeros, 4);
	handle_exactly("no header", body, (size_t)(at - body));
	at = put(body, NFQA_PACKET_HDR, header, 0);
	handle_exactly("header of 0 bytes", body, 4);
	at = put(body, NFQA_PACKET_HDR, header, 4);
	handle_exactly("header of 4 bytes", body, (size_t)(at - body));
	at = put(body, NFQA_PACKET_HDR, header, 6);
	handle_exactly("header of 6 bytes", body, (size_t)(at - body));
	at = put(body, NFQA_PACKET_HDR, header, 7);
	handle_exactly("header of 7 bytes", body, (size_t)(at - body));
	handle_exactly("no uid", body, (size_t)(put(at, NFQA_PAYLOAD, zeros, 100) - body));
	at = put(at, NFQA_UID, zeros, 3);
	handle_exactly("uid of 3 bytes", body, (size_t)(put(at, NFQA_PAYLOAD, zeros, 100) - body));
	at = put(body, NFQA_PACKET_HDR, header, 7);
	at = put(at, NFQA_UID, zeros, 4);
	handle_exactly("uid of 4 bytes", body, (size_t)(put(at, NFQA_PAYLOAD, zeros, 100) - body));
	memset(body + 5000, 0, 60000);
	attribute_begin(at, NFQA_PAYLOAD, 60000);
	handle_exactly("payload of 60000 bytes", body, (size_t)(at - body) + 4 + 60000);
	nfq_set_mode(queue, NFQNL_COPY_PACKET, 20);
	handle_exactly("range lowered", body, (size_t)(put(at, NFQA_PAYLOAD, zeros, 100) - body));
	end();
}

/* Messages beyond 64 KiB, then short ones that begin alike. */
void scenario_shapes(void)
{
	static unsigned char body[140000] __attribute__((aligned(4)));
	static const unsigned char large[65000];
	unsigned char *at;
	size_t i;

	begin(look, NULL);
	device_publish(QUEUE, 100, 0);
	if (recv(nfq_fd(handle), buffer, sizeof(buffer), 0) < 0)
		fail("recv");
	for (i = 65480; i < 65600; i += 4) {
		at = put(body, NFQA_HWADDR, large, 65000);
		at = put(at, NFQA_CT, large, i - 65000);
		at = put(at, NFQA_PACKET_HDR, header, 7);
		handle_exactly("long", body, (size_t)(at - body));
		/* begins like the long one, and has a header where its offset would be in 16 bits */
		at = put(body + 4, NFQA_PACKET_HDR, header, 7);
		handle_exactly("short", body, (size_t)(at - body));
	}
	end();
}

/* --- Payloads that are given back */

enum { AS_IT_WAS, COPY_AS_IT_WAS, CHANGED_IN_PLACE, CHANGED_AND_COPIED, CHANGED_AND_PUT_BACK, COPY_CHANGED,
       SHORTER, NOTHING, WAYS };

static int give_back(struct nfq_q_handle *qh, struct nfgenmsg *message, struct nfq_data *packet,
		     void *data)
{
	static unsigned char copy[70000];
	const int *way = data;
	unsigned char *payload;
	int len = nfq_get_payload(packet, &payload);

	(void)message;
	memcpy(copy, payload, (size_t)len);
	if (*way >= CHANGED_IN_PLACE && *way <= CHANGED_AND_PUT_BACK)
		payload[0] = 200;
	if (*way == CHANGED_AND_COPIED || *way == COPY_CHANGED)
		copy[0] = 200;
	if (*way == CHANGED_AND_PUT_BACK)
		payload[0] = copy[0];
	if (*way == COPY_AS_IT_WAS || *way == CHANGED_AND_COPIED || *way == COPY_CHANGED)
		payload = copy;
	if (*way == SHORTER)
		len--;
	return nfq_set_verdict(qh, id_of(packet), NF_ACCEPT, *way == NOTHING ? 0 : (uint32_t)len,
			       *way == NOTHING ? NULL : payload) < 0;
}

static void payloads_round(int *way, uint32_t flags, uint32_t len)
{
	for (*way = 0; *way < WAYS; (*way)++) {
		device_publish(QUEUE, len, flags);
		pump();
		printf("%s", device_settled());
	}
	puts("");
}

void scenario_payloads(void)
{
	int way = NOTHING, i;

	begin(give_back, &way);
	payloads_round(&way, 0, 100);
	payloads_round(&way, 0x04, 1000);	/* FASTQUEUE_M_GSO */
	payloads_round(&way, 0, 5000);
	for (i = 0, way = NOTHING; i < 100; i++) {
		device_publish(QUEUE, 100, 0);
		pump();
	}
	device_settled();
	payloads_round(&way, 0, 100);	/* the first one was not expected any more */
	end();
}

/* The program has whole messages: what is in the ring is as it came. */
void scenario_payloads_of_messages(void)
{
	unsigned char request[2048] __attribute__((aligned(4))) = { 0 }, payload[1000];
	int fd = netlink_socket(), number;
	size_t len;

	request_send(fd, 0);
	for (number = 0; number < 4; number++) {
		device_publish(QUEUE, sizeof(payload), number > 1 ? 0x04 : 0);
		if (recv(fd, buffer, sizeof(buffer), 0) < (ssize_t)sizeof(payload))
			fail("recv");
		memset(payload, number, sizeof(payload));
		if (number % 2)
			payload[0] = 200;
		len = verdict_message(request, (uint32_t)number + 1, 1, payload, sizeof(payload));
		if (send(fd, request, len, 0) != (ssize_t)len)
			fail("send");
		printf("%s", device_settled());
	}
	puts("");
	close(fd);
}
