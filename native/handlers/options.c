// SPDX-License-Identifier: MIT
/* The command line of a handler: the options of `python3 -m fastqueue run`, and --realtime. */
#include <getopt.h>
#include <stddef.h>
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

/* Options with a number: the field that each is about, and its limits. */
static const struct {
	size_t field;
	uint32_t low, high;
} numbers[] = {
	[QUEUE] = { offsetof(struct fq_options, queue), 0, FASTQUEUE_MAX_QUEUE },
	[FRAMES] = { offsetof(struct fq_options, frames), FASTQUEUE_MIN_FRAMES, FASTQUEUE_MAX_FRAMES },
	[FRAME_SIZE] = { offsetof(struct fq_options, frame_size), FASTQUEUE_MIN_FRAME_SIZE,
			 FASTQUEUE_MAX_FRAME_SIZE },
	[COPY_RANGE] = { offsetof(struct fq_options, copy_range), 0, FASTQUEUE_MAX_FRAME_SIZE },
	[PERIOD] = { offsetof(struct fq_options, period_us), 0, FASTQUEUE_MAX_PERIOD_US },
	[TIMEOUT] = { offsetof(struct fq_options, timeout_ms), 0, UINT32_MAX },
};

static void number_take(struct fq_options *ring, int option, const char *program)
{
	uint32_t value = argument_number(program, optarg, numbers[option].low, numbers[option].high);

	*(uint32_t *)((char *)ring + numbers[option].field) = value;
}

static void need(bool good, const char *program, const char *option, uint32_t value,
		 const char *expected)
{
	char found[40];

	if (good)
		return;
	snprintf(found, sizeof(found), "%s %u", option, value);
	argument_wrong(program, found, expected);
}

/* What the kernel asks of a ring besides limits. */
static void ring_check(const struct fq_options *ring, const char *program)
{
	need(!(ring->frames & (ring->frames - 1)), program, "--frames", ring->frames,
	     "a power of two");
	need(!(ring->frame_size % 64), program, "--frame-size", ring->frame_size,
	     "a multiple of 64");
	need(ring->copy_range <= ring->frame_size, program, "--copy-range", ring->copy_range,
	     "at most the frame's size");
	need(!ring->period_us || ring->period_us >= FASTQUEUE_MIN_PERIOD_US, program, "--period-us",
	     ring->period_us, "0, or 50 or more");
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
		number_take(&options->ring, option, program);
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
	ring_check(&options->ring, argv[0]);
}
