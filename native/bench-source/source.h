/* SPDX-License-Identifier: MIT */
/*
 * A traffic source inside the target: paced bursts of UDP frames, and what the
 * target's processor spent on them, all in the target's own time.
 */
#ifndef BENCH_SOURCE_H
#define BENCH_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_SIZE	2048	/* of the longest frame without GSO, in bytes */
#define SECOND_NS	1000000000LL

struct options {
	const char *interface;	/* where frames are sent */
	const char *out;	/* where they leave the target again */
	uint8_t destination[6];	/* MAC address of the router's side */
	uint32_t length;	/* bytes of a packet from its network header */
	uint32_t burst;		/* packets that come at once */
	uint32_t period_us;	/* from one burst to the next */
	uint32_t packets;	/* in the measured window */
	uint32_t warm_up;	/* before it */
	uint32_t flows;		/* source addresses: each burst has the next one */
	uint32_t segments;	/* 0: UDP; TCP segments a packet, more than 1: as GSO */
	uint32_t acks;		/* TCP packets before a bare ACK, 0: no ACKs */
	bool ipv6;
	bool latency;		/* time each packet as it leaves */
};

/* options.c: ends the program with 0 (--help) or 2 (wrong). */
void options_read(struct options *options, int argc, char **argv);

/* frame.c: one frame with data for each flow, and a bare ACK. */
struct frames {
	uint8_t *memory;
	uint32_t number;
	size_t stride;		/* bytes from one frame to the next */
	size_t size;		/* bytes of a frame with data */
	size_t ack_size;
	size_t payload;		/* offset of the payload */
};

int frames_make(struct frames *frames, const struct options *options);
uint8_t *frame_data(const struct frames *frames, uint32_t flow);
uint8_t *frame_ack(const struct frames *frames, uint32_t flow);

/* tcp.c: the headers of TCP over IPv4, and what stands before a GSO packet. */
#define TCP_HEADER	32	/* with the time stamps that bulk has */

size_t tcp_length(const struct options *options, bool ack);
void tcp_write(void *header, uint32_t pseudo_sum, const struct options *options, bool ack);
/* Bytes in front of the Ethernet header: a virtio_net_hdr, or nothing. */
size_t gso_room(const struct options *options);
void gso_write(void *room, const struct options *options, bool ack);

/* frame.c: the Internet checksum. */
uint32_t sum_words(const void *data, size_t size, uint32_t sum);
uint16_t checksum(uint32_t sum);

/* usage.c: what the kernel counted so far. Negative: cannot be read. */
struct usage {
	int64_t now_ns;		/* CLOCK_MONOTONIC */
	int64_t idle_ns;	/* of that the processor had nothing to do */
	int64_t forwarded;	/* packets that left through the interface */
};

int usage_read(struct usage *usage, const char *out);
int64_t forwarded_read(const char *out);

/* latency.c: when frames left, by the kernel's own time stamps. */
struct latency {
	int fd;			/* -1: not measured */
	uint32_t number, room;
	size_t payload;
	int64_t *ns;		/* from the stamp in the payload to leaving */
};

int latency_open(struct latency *latency, const struct options *options, size_t payload);
void latency_stamp(const struct latency *latency, uint8_t *frame);
void latency_collect(struct latency *latency);
void latency_print(const struct latency *latency);

#endif /* BENCH_SOURCE_H */
