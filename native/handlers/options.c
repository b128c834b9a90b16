// SPDX-License-Identifier: MIT
/* The command line of a handler: the options of `python3 -m fastqueue run`, and --realtime. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../common/arguments.h"
#include "options.h"

static const char usage[] =
	"usage: %s [OPTION...]\n"
	"Accept every packet of a queue, or drop it.\n"
	"  --queue N                queue number of the netfilter rule (0)\n"
	"  --frames N               frames in the ring, a power of two (2048)\n"
	"  --frame-size N           bytes a frame, a multiple of 64 (2048)\n"
	"  --copy-range N           bytes of a packet to copy, 0: the frame's size (0)\n"
	"  --period-us N            period of the sender's timer, 0: 1000 (0)\n"
	"  --timeout-ms N           time limit of an unanswered frame, 0: none (1000)\n"
	"  --default accept|drop    for packets that no handler decides about (drop)\n"
	"  --timer-only             the paper's mode: settle on the timer alone\n"
	"  --gso                    take GSO packets whole\n"
	"  --drop                   drop instead of accept\n"
	"  --realtime               under SCHED_FIFO: woken sooner, and for less\n"
	"Exit status: 0 ended by a signal, 1 the queue cannot be used, 2 wrong arguments.\n";

enum {
	QUEUE, FRAMES, FRAME_SIZE, COPY_RANGE, PERIOD, TIMEOUT,
	DEFAULT, TIMER_ONLY, GSO, DROP, REALTIME, HELP
};

static const struct option long_options[] = {
	{ "queue", required_argument, NULL, QUEUE },
	{ "frames", required_argument, NULL, FRAMES },
	{ "frame-size", required_argument, NULL, FRAME_SIZE },
	{ "copy-range", required_argument, NULL, COPY_RANGE },
	{ "period-us", required_argument, NULL, PERIOD },
	{ "timeout-ms", required_argument, NULL, TIMEOUT },
	{ "default", required_argument, NULL, DEFAULT },
	{ "timer-only", no_argument, NULL, TIMER_ONLY },
	{ "gso", no_argument, NULL, GSO },
	{ "drop", no_argument, NULL, DROP },
	{ "realtime", no_argument, NULL, REALTIME },
	{ "help", no_argument, NULL, HELP },
	{ 0 },
};

static uint32_t action(const char *program, const char *text)
{
	if (!strcmp(text, "accept"))
		return FASTQUEUE_ACCEPT;
	if (strcmp(text, "drop"))
		argument_wrong(program, text, "accept or drop");
	return FASTQUEUE_DROP;
}

/* The field that an option with a number is about. */
static uint32_t *field(struct fq_options *ring, int option)
{
	switch (option) {
	case QUEUE:
		return &ring->queue;
	case FRAMES:
		return &ring->frames;
	case FRAME_SIZE:
		return &ring->frame_size;
	case COPY_RANGE:
		return &ring->copy_range;
	case PERIOD:
		return &ring->period_us;
	default:
		return &ring->timeout_ms;
	}
}

static void option_take(struct handler_options *options, int option, const char *program)
{
	switch (option) {
	case DEFAULT:
		options->ring.default_action = action(program, optarg);
		break;
	case TIMER_ONLY:
		options->ring.flags |= FASTQUEUE_F_TIMER_ONLY;
		break;
	case GSO:
		options->ring.flags |= FASTQUEUE_F_GSO;
		break;
	case DROP:
		options->verdict = FASTQUEUE_DROP;
		break;
	case REALTIME:
		options->realtime = true;
		break;
	case HELP:
		printf(usage, program);
		exit(0);
	case '?':
		exit(2);	/* getopt has said why */
	default:
		*field(&options->ring, option) = argument_number(program, optarg, 0, UINT32_MAX);
	}
}

void options_read(struct handler_options *options, int argc, char **argv)
{
	int option;

	*options = (struct handler_options){
		.ring = FQ_OPTIONS_INIT,
		.verdict = FASTQUEUE_ACCEPT,
	};
	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		option_take(options, option, argv[0]);
	arguments_end(argc, argv);
}
