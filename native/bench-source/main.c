// SPDX-License-Identifier: MIT
/* Send, measure, print one line of JSON. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "source.h"

#define DRAIN_MS	200	/* for the last packets to leave */

/*
 * Multi-byte no-operations that an emulator can tell from all others: the
 * profile counts what lies between. The processor does nothing.
 */
#define MARK_BEGIN	__asm__ volatile("nopl 0x46514231(%%eax)" ::: "memory")
#define MARK_END	__asm__ volatile("nopl 0x46514532(%%eax)" ::: "memory")

struct source {
	const struct options *options;
	struct frames frames;
	struct latency latency;
	struct timespec next;	/* when the next burst is due */
	uint32_t flow;
	uint32_t since_ack;	/* packets */
	int64_t lag_ns;		/* behind time after the last burst, 0: on time */
	int fd;
};

static int socket_open(const struct options *options)
{
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_ifindex = (int)if_nametoindex(options->interface),
		.sll_halen = ETH_ALEN,
	};
	int on = 1, gso = gso_room(options) > 0, fd = socket(AF_PACKET, SOCK_RAW, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &gso, sizeof(gso)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on)))
		return -errno;
	return fd;
}

/*
 * First in, first out, above all others: a burst is sent whole before the
 * handler runs, as a network card's packets come in one poll of its driver.
 */
static int realtime(void)
{
	struct sched_param priority = { .sched_priority = 50 };

	return sched_setscheduler(0, SCHED_FIFO, &priority) ? -errno : 0;
}

static void wait_for_time(struct source *source)
{
	struct timespec now, *next = &source->next;

	next->tv_nsec += source->options->period_us * 1000L;
	while (next->tv_nsec >= SECOND_NS) {
		next->tv_nsec -= SECOND_NS;
		next->tv_sec++;
	}
	clock_gettime(CLOCK_MONOTONIC, &now);
	source->lag_ns = (now.tv_sec - next->tv_sec) * SECOND_NS + now.tv_nsec - next->tv_nsec;
	if (source->lag_ns < 0)
		source->lag_ns = 0;
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, next, NULL);
}

static bool ack_due(struct source *source)
{
	uint32_t every = source->options->acks;

	if (!every || source->since_ack++ < every)
		return false;
	source->since_ack = 0;
	return true;
}

static int packet_send(struct source *source)
{
	const struct frames *frames = &source->frames;
	uint8_t *frame = frame_data(frames, source->flow);
	size_t size = frames->size;

	if (ack_due(source)) {
		frame = frame_ack(frames, source->flow);
		size = frames->ack_size;
	} else {
		latency_stamp(&source->latency, frame);
	}
	return send(source->fd, frame, size, 0) < 0 ? -errno : 0;
}

static int burst_send(struct source *source, uint32_t number)
{
	int err = 0;

	while (number-- && !err)
		err = packet_send(source);
	source->flow = (source->flow + 1) % source->frames.number;
	return err;
}

static int packets_send(struct source *source, uint32_t packets)
{
	int err = 0;

	for (uint32_t sent = 0; sent < packets && !err; sent += source->options->burst) {
		uint32_t rest = packets - sent;

		latency_collect(&source->latency);
		err = burst_send(source, rest < source->options->burst ? rest :
				 source->options->burst);
		wait_for_time(source);
	}
	return err;
}

/* Wait until all packets have left, or for DRAIN_MS. */
static void drain(struct source *source, int64_t wanted)
{
	struct timespec pause = { .tv_nsec = 1000000 };

	for (int i = 0; i < DRAIN_MS && forwarded_read(source->options->out) < wanted; i++)
		nanosleep(&pause, NULL);
	latency_collect(&source->latency);
}

static int measure(struct source *source)
{
	const struct options *options = source->options;
	struct usage before, after;
	int64_t start = forwarded_read(options->out), at_end;
	int err;

	clock_gettime(CLOCK_MONOTONIC, &source->next);
	err = packets_send(source, options->warm_up);
	drain(source, start + options->warm_up);
	source->latency.number = 0;
	if (err || usage_read(&before, options->out))
		return err ? err : -ENOENT;

	MARK_BEGIN;
	clock_gettime(CLOCK_MONOTONIC, &source->next);
	err = packets_send(source, options->packets);
	at_end = forwarded_read(options->out);
	drain(source, before.forwarded + options->packets);
	MARK_END;
	if (err || usage_read(&after, options->out))
		return err ? err : -ENOENT;

	printf("{\"sent\": %u, \"forwarded\": %lld, \"backlog\": %lld, \"lag_ns\": %lld, "
	       "\"virtual_ns\": %lld, \"idle_ns\": %lld", options->packets,
	       (long long)(after.forwarded - before.forwarded),
	       (long long)(before.forwarded + options->packets - at_end),
	       (long long)source->lag_ns,
	       (long long)(after.now_ns - before.now_ns),
	       (long long)(after.idle_ns - before.idle_ns));
	latency_print(&source->latency);
	printf("}\n");
	return 0;
}

int main(int argc, char **argv)
{
	struct options options;
	struct source source = { .options = &options };
	int err;

	options_read(&options, argc, argv);
	err = frames_make(&source.frames, &options);
	if (!err)
		err = latency_open(&source.latency, &options, source.frames.payload);
	if (!err) {
		source.fd = socket_open(&options);
		err = source.fd < 0 ? source.fd : realtime();
	}
	if (!err)
		err = measure(&source);
	if (err)
		fprintf(stderr, "bench-source: %s\n", strerror(-err));
	return err ? 1 : 0;
}
