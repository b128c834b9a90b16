// SPDX-License-Identifier: MIT
/*
 * light-ids FILE: an IDS of the smallest kind, written against
 * libnetfilter_queue, so that it runs over NFQUEUE and, under fastqueue-run,
 * over Fast Queue. Whatever has none of the patterns is accepted, in batches.
 */
#include <errno.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "light-ids.h"

#define BATCH	64	/* packets accepted with one verdict */

static const char usage[] =
	"usage: light-ids FILE    (a pattern a line, in hexadecimal, up to 256 bytes)\n"
	"Exit status: 0 ended by a signal, 1 the queue cannot be used, 2 wrong arguments or patterns.\n";

struct work {
	const struct patterns *patterns;
	uint32_t last;		/* accepted, and not told yet */
	unsigned int waiting;
};

static volatile sig_atomic_t stopped;

static void stop(int number)
{
	(void)number;
	stopped = 1;
}

static void accepted_tell(struct nfq_q_handle *queue, struct work *work)
{
	if (work->waiting)
		nfq_set_verdict_batch(queue, work->last, NF_ACCEPT);
	work->waiting = 0;
}

static int packet(struct nfq_q_handle *queue, struct nfgenmsg *message, struct nfq_data *data,
		  void *argument)
{
	struct nfqnl_msg_packet_hdr *header = nfq_get_msg_packet_hdr(data);
	struct work *work = argument;
	unsigned char *payload;
	int len = nfq_get_payload(data, &payload);
	uint32_t id = header ? __builtin_bswap32(header->packet_id) : 0;

	(void)message;
	if (len > 0 && patterns_found(work->patterns, payload, (size_t)len)) {
		accepted_tell(queue, work);
		return nfq_set_verdict(queue, id, NF_DROP, 0, NULL);
	}
	work->last = id;
	if (++work->waiting == BATCH)
		accepted_tell(queue, work);
	return 0;
}

static int serve(struct nfq_handle *handle, struct nfq_q_handle *queue, struct work *work)
{
	static char buffer[0x20000] __attribute__((aligned(8)));

	while (!stopped) {
		ssize_t len = recv(nfq_fd(handle), buffer, sizeof(buffer),
				   work->waiting ? MSG_DONTWAIT : 0);

		if (len >= 0)
			nfq_handle_packet(handle, buffer, (int)len);
		else if (errno == EAGAIN)
			accepted_tell(queue, work);
		else if (errno != EINTR && errno != ENOBUFS)
			return errno;
	}
	return 0;
}

/* Serve queue 0 until a signal; returns the exit status. */
static int run(const struct patterns *patterns)
{
	struct sigaction action = { .sa_handler = stop };
	struct work work = { .patterns = patterns };
	struct nfq_handle *handle = nfq_open();
	struct nfq_q_handle *queue = handle ? nfq_create_queue(handle, 0, packet, &work) : NULL;
	int err;

	if (!queue || nfq_set_mode(queue, NFQNL_COPY_PACKET, 0xffff) < 0 ||
	    nfq_set_queue_maxlen(queue, 2048) < 0) {
		fprintf(stderr, "light-ids: queue 0: %s\n", strerror(errno));
		if (handle)
			nfq_close(handle);
		return 1;
	}
	nfnl_rcvbufsiz(nfq_nfnlh(handle), 8 << 20);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	puts("ready: queue 0");
	fflush(stdout);
	err = serve(handle, queue, &work);
	if (err)
		fprintf(stderr, "light-ids: %s\n", strerror(err));
	nfq_destroy_queue(queue);
	nfq_close(handle);
	return err != 0;
}

int main(int argc, char **argv)
{
	struct patterns *patterns;
	int status;

	if (argc == 2 && !strcmp(argv[1], "--help")) {
		fputs(usage, stdout);
		return 0;
	}
	if (argc != 2 || argv[1][0] == '-') {
		fputs(usage, stderr);
		return 2;
	}
	patterns = patterns_read(argv[1]);
	if (!patterns)
		return 2;
	status = run(patterns);
	free(patterns);
	return status;
}
