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

#define FRAME_SIZE	2048	/* of the longest frame, in bytes */
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
	bool ipv6;
	bool latency;		/* time each packet as it leaves */
};

/* options.c: ends the program with 0 (--help) or 2 (wrong). */
void options_read(struct options *options, int argc, char **argv);

/* frame.c: one frame for each flow. */
struct frames {
	uint8_t (*data)[FRAME_SIZE];
	uint32_t number;
	size_t size;		/* bytes of each */
	size_t payload;		/* offset of the UDP payload */
};

int frames_make(struct frames *frames, const struct options *options);

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
