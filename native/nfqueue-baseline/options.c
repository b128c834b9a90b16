// SPDX-License-Identifier: MIT
/* The command line. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "../common/arguments.h"
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

static void option_take(struct options *options, int option, const char *program)
{
	switch (option) {
	case QUEUE:
		options->queue = argument_number(program, optarg, 0, 65535);
		break;
	case BATCH:
		options->batch = argument_number(program, optarg, 1, 1024);
		break;
	case COPY_RANGE:
		options->copy_range = argument_number(program, optarg, 0, 65535);
		break;
	case MAXLEN:
		options->maxlen = argument_number(program, optarg, 1, INT32_MAX);
		break;
	case BUFFER:
		options->buffer = argument_number(program, optarg, 4096, INT32_MAX);
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
	arguments_end(argc, argv);
}
