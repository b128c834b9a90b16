// SPDX-License-Identifier: MIT
/* The command line. */
#include <getopt.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../common/arguments.h"
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
	"  --tcp N            TCP instead of UDP, N segments a packet; more than 1: as GSO\n"
	"  --acks N           after every N packets of TCP a bare ACK, counted as a packet\n"
	"  --ipv6             IPv6 instead of IPv4 (UDP)\n"
	"  --latency          also: nanoseconds from sending to leaving, of each packet (UDP)\n"
	"Exit status: 0 done, 1 packets cannot be sent or counted, 2 wrong arguments.\n";

enum { INTERFACE, DESTINATION, OUT, LENGTH, BURST, PERIOD, PACKETS, WARM_UP, FLOWS,
       TCP, ACKS, IPV6, LATENCY, HELP };

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
	{ "tcp", required_argument, NULL, TCP },
	{ "acks", required_argument, NULL, ACKS },
	{ "ipv6", no_argument, NULL, IPV6 },
	{ "latency", no_argument, NULL, LATENCY },
	{ "help", no_argument, NULL, HELP },
	{ 0 },
};

static const char *interface_read(const char *program)
{
	size_t len = strlen(optarg);

	if (!len || len >= IFNAMSIZ)
		argument_wrong(program, optarg, "an interface's name of 1 to 15 bytes");
	return optarg;
}

static void mac_read(const char *program, uint8_t *mac)
{
	char rest;

	/* sscanf() alone takes spaces, signs and 0x, too */
	if (strspn(optarg, "0123456789abcdefABCDEF:") != strlen(optarg) ||
	    sscanf(optarg, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%c", mac, mac + 1, mac + 2,
		   mac + 3, mac + 4, mac + 5, &rest) != 6)
		argument_wrong(program, optarg, "a MAC address");
}

static void option_take(struct options *options, int option, const char *program)
{
	switch (option) {
	case INTERFACE:
		options->interface = interface_read(program);
		break;
	case DESTINATION:
		mac_read(program, options->destination);
		break;
	case OUT:
		options->out = interface_read(program);
		break;
	case LENGTH:
		options->length = argument_number(program, optarg, 64, 1500);
		break;
	case BURST:
		options->burst = argument_number(program, optarg, 1, 4096);
		break;
	case PERIOD:
		options->period_us = argument_number(program, optarg, 1, 1000000);
		break;
	case PACKETS:
		options->packets = argument_number(program, optarg, 1, 100000000);
		break;
	case WARM_UP:
		options->warm_up = argument_number(program, optarg, 0, 100000000);
		break;
	case FLOWS:
		options->flows = argument_number(program, optarg, 1, 200);
		break;
	case TCP:
		options->segments = argument_number(program, optarg, 1, 45);
		break;
	case ACKS:
		options->acks = argument_number(program, optarg, 1, 1000);
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
	arguments_end(argc, argv);
	if (!options->interface || !options->out)
		argument_wrong(argv[0], "no interfaces", "--interface and --out");
	if (options->segments ? options->ipv6 || options->latency : options->acks > 0)
		argument_wrong(argv[0], "--ipv6, --latency or --acks",
			       "--acks with --tcp, the others without");
}
