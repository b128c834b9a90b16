// SPDX-License-Identifier: MIT
/* The command line. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "source.h"

static const char usage[] =
	"usage: %s --interface NAME --destination MAC --out NAME [OPTION...]\n"
	"Send UDP packets in bursts, at times of the target's own clock, and print what they cost.\n"
	"  --interface NAME   where frames are sent\n"
	"  --destination MAC  of the interface that receives them\n"
	"  --out NAME         interface that they leave the target by\n"
	"  --length N         bytes a packet, from its network header (1400)\n"
	"  --burst N          packets that come at once (60)\n"
	"  --period-us N      from one burst to the next (1000)\n"
	"  --packets N        packets in the measured window (12000)\n"
	"  --warm-up N        packets before it (1200)\n"
	"  --flows N          source addresses, one a burst in turn (1)\n"
	"  --ipv6             IPv6 instead of IPv4\n"
	"  --latency          also: nanoseconds from sending to leaving, of each packet\n"
	"Exit status: 0 done, 1 packets cannot be sent or counted, 2 wrong arguments.\n";

enum { INTERFACE, DESTINATION, OUT, LENGTH, BURST, PERIOD, PACKETS, WARM_UP, FLOWS, IPV6, LATENCY, HELP };

static const struct option long_options[] = {
	{ "interface", required_argument, NULL, INTERFACE },
	{ "destination", required_argument, NULL, DESTINATION },
	{ "out", required_argument, NULL, OUT },
	{ "length", required_argument, NULL, LENGTH },
	{ "burst", required_argument, NULL, BURST },
	{ "period-us", required_argument, NULL, PERIOD },
	{ "packets", required_argument, NULL, PACKETS },
	{ "warm-up", required_argument, NULL, WARM_UP },
	{ "flows", required_argument, NULL, FLOWS },
	{ "ipv6", no_argument, NULL, IPV6 },
	{ "latency", no_argument, NULL, LATENCY },
	{ "help", no_argument, NULL, HELP },
	{ 0 },
};

static void wrong(const char *program, const char *found, const char *expected)
{
	fprintf(stderr, "%s: found '%s', expected %s; see --help\n", program, found, expected);
	exit(2);
}

static uint32_t number(const char *program, uint32_t low, uint32_t high)
{
	unsigned long value;
	char *end, expected[64];

	errno = 0;
	value = strtoul(optarg, &end, 10);
	snprintf(expected, sizeof(expected), "a number from %u to %u", low, high);
	if (errno || end == optarg || *end || *optarg == '-' || value < low || value > high)
		wrong(program, optarg, expected);
	return (uint32_t)value;
}

static void mac_read(const char *program, uint8_t *mac)
{
	char rest;

	if (sscanf(optarg, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%c", mac, mac + 1, mac + 2,
		   mac + 3, mac + 4, mac + 5, &rest) != 6)
		wrong(program, optarg, "a MAC address");
}

static void option_take(struct options *options, int option, const char *program)
{
	switch (option) {
	case INTERFACE:
		options->interface = optarg;
		break;
	case DESTINATION:
		mac_read(program, options->destination);
		break;
	case OUT:
		options->out = optarg;
		break;
	case LENGTH:
		options->length = number(program, 64, 1500);
		break;
	case BURST:
		options->burst = number(program, 1, 4096);
		break;
	case PERIOD:
		options->period_us = number(program, 1, 1000000);
		break;
	case PACKETS:
		options->packets = number(program, 1, 100000000);
		break;
	case WARM_UP:
		options->warm_up = number(program, 0, 100000000);
		break;
	case FLOWS:
		options->flows = number(program, 1, 200);
		break;
	case IPV6:
		options->ipv6 = true;
		break;
	case LATENCY:
		options->latency = true;
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
		.length = 1400, .burst = 60, .period_us = 1000, .packets = 12000,
		.warm_up = 1200, .flows = 1,
	};
	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		option_take(options, option, argv[0]);
	if (optind < argc)
		wrong(argv[0], argv[optind], "options only");
	if (!options->interface || !options->out)
		wrong(argv[0], "no interfaces", "--interface and --out");
}
