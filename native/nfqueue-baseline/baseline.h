/* SPDX-License-Identifier: MIT */
/* The NFQUEUE handler that Fast Queue is measured against, at its best. */
#ifndef BASELINE_H
#define BASELINE_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

struct mnl_socket;

struct options {
	uint32_t queue;
	uint32_t batch;		/* packets a verdict message at most */
	uint32_t copy_range;	/* bytes of a packet to copy at most */
	uint32_t maxlen;	/* packets the kernel's queue holds */
	uint32_t buffer;	/* bytes of the socket's receive buffer */
	bool gso;
	bool fail_open;
	bool drop;
};

struct counters {
	uint64_t packets;
	uint64_t verdicts;	/* messages with a verdict */
	uint64_t receives;	/* system calls that brought packets */
	uint64_t overruns;	/* ENOBUFS */
};

/* options.c: ends the program with 0 (--help) or 2 (wrong). */
void options_read(struct options *options, int argc, char **argv);

/* queue.c: bind and set up; NULL after saying on stderr what went wrong. */
struct mnl_socket *queue_open(const struct options *options);

/* receive.c: packets and verdicts until *stopped. 0 or a negative errno. */
int queue_serve(struct mnl_socket *socket, const struct options *options,
		const volatile sig_atomic_t *stopped, struct counters *counters);

#endif /* BASELINE_H */
