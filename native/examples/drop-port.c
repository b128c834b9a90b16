// SPDX-License-Identifier: MIT
/* Look at each packet in place: drop UDP over IPv4 to one port, accept the rest. */
#define _POSIX_C_SOURCE 200809L	/* sigaction(), whatever -std= says */

#include <fastqueue.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static volatile sig_atomic_t stopped;

static void stop(int number)
{
	(void)number;
	stopped = 1;
}

/* cap_len is what was captured: never read behind it. */
static int is_udp_to(const struct fq_frame *frame, unsigned int port)
{
	const unsigned char *packet = frame->payload;
	unsigned int header;

	if (frame->cap_len < 20 || packet[0] >> 4 != 4 || packet[9] != IPPROTO_UDP)
		return 0;
	if ((packet[6] & 0x1f) || packet[7])	/* a later fragment has no ports */
		return 0;
	header = (packet[0] & 15) * 4;
	if (header < 20 || frame->cap_len < header + 4)
		return 0;
	return (packet[header + 2] << 8 | packet[header + 3]) == (int)port;
}

/* A port's number, all of the text; -1 if it is anything else. */
static long port_read(const char *text)
{
	char *end;
	long port = strtol(text, &end, 10);

	return *text >= '0' && *text <= '9' && !*end && port > 0 && port < 65536 ? port : -1;
}

int main(int argc, char **argv)
{
	struct fq_options options = FQ_OPTIONS_INIT;
	struct sigaction action = { .sa_handler = stop };	/* no SA_RESTART: ends the sleep */
	long port = argc > 1 ? port_read(argv[1]) : 5001;
	unsigned int dropped = 0;
	struct fq_queue *queue;
	int i, number, err;

	if (argc > 2 || port < 0) {
		fputs("usage: drop-port [PORT]    (1 to 65535; 5001)\n", stderr);
		return 2;
	}
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	err = fq_open(&queue, &options);
	if (err) {
		fprintf(stderr, "drop-port: %s\n", fq_strerror(err));
		return 1;
	}
	while (!stopped && (number = fq_wait(queue, 500)) >= 0) {
		for (i = 0; i < number; i++) {
			uint32_t count = fq_first(queue) + i;
			struct fq_frame frame = fq_frame(queue, count);
			int drop = is_udp_to(&frame, (unsigned int)port);

			fq_set_verdict(queue, count, drop ? FASTQUEUE_DROP : FASTQUEUE_ACCEPT);
			dropped += drop;
		}
	}
	fq_kick(queue);		/* send what was answered last */
	fq_close(queue);
	printf("dropped %u\n", dropped);
	return 0;
}
