// SPDX-License-Identifier: MIT
/* The command line. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "baseline.h"

static const char usage[] =
	"usage: %s [OPTION...]\n"
	"Accept every packet of an NFQUEUE queue, or drop it.\n"
	"  --queue N         queue number of the netfilter rule (0)\n"
	"  --batch N         packets answered by one message at most (64)\n"
	"  --copy-range N    bytes of a packet to copy (65535)\n"
	"  --maxlen N        packets the kernel's queue holds (2048)\n"
	"  --buffer N        bytes of the socket's receive buffer (8388608)\n"
	"  --gso             take GSO packets whole\n"
	"  --fail-open       accept what does not fit into the queue\n"
	"  --drop            drop instead of accept\n"
	"Exit status: 0 ended by a signal, 1 the queue cannot be used, 2 wrong arguments.\n";

enum { QUEUE, BATCH, COPY_RANGE, MAXLEN, BUFFER, GSO, FAIL_OPEN, DROP, HELP };

static const struct option long_options[] = {
	{ "queue", required_argument, NULL, QUEUE },
	{ "batch", required_argument, NULL, BATCH },
	{ "copy-range", required_argument, NULL, COPY_RANGE },
	{ "maxlen", required_argument, NULL, MAXLEN },
	{ "buffer", required_argument, NULL, BUFFER },
	{ "gso", no_argument, NULL, GSO },
	{ "fail-open", no_argument, NULL, FAIL_OPEN },
	{ "drop", no_argument, NULL, DROP },
	{ "help", no_argument, NULL, HELP },
	{ 0 },
};

static uint32_t number(const char *program, uint32_t low, uint32_t high)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(optarg, &end, 10);
	if (errno || end == optarg || *end || *optarg == '-' || value < low || value > high) {
		fprintf(stderr, "%s: found '%s', expected a number from %u to %u; see --help\n",
			program, optarg, low, high);
		exit(2);
	}
	return (uint32_t)value;
}

static void option_take(struct options *options, int option, const char *program)
{
	switch (option) {
	case QUEUE:
		options->queue = number(program, 0, 65535);
		break;
	case BATCH:
		options->batch = number(program, 1, 1024);
		break;
	case COPY_RANGE:
		options->copy_range = number(program, 0, 65535);
		break;
	case MAXLEN:
		options->maxlen = number(program, 1, INT32_MAX);
		break;
	case BUFFER:
		options->buffer = number(program, 4096, INT32_MAX);
		break;
	case GSO:
		options->gso = true;
		break;
	case FAIL_OPEN:
		options->fail_open = true;
		break;
	case DROP:
		options->drop = true;
		break;
	case HELP:
		printf(usage, program);
		exit(0);
	default:
		exit(2);	/* getopt has said why */
	}
}

void options_read(struct options *options, int argc, char **argv)
{
	int option;

	*options = (struct options){
		.batch = 64,
		.copy_range = 65535,
		.maxlen = 2048,
		.buffer = 8 << 20,
	};
	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		option_take(options, option, argv[0]);
	if (optind < argc) {
		fprintf(stderr, "%s: found '%s', expected options only; see --help\n",
			argv[0], argv[optind]);
		exit(2);
	}
}
