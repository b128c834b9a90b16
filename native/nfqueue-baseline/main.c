// SPDX-License-Identifier: MIT
/* The baseline's life: bind, serve until a signal, print counts. */
#include <libmnl/libmnl.h>
#include <stdio.h>
#include <string.h>

#include "../common/signals.h"
#include "baseline.h"

int main(int argc, char **argv)
{
	struct counters counters = { 0 };
	struct mnl_socket *socket;
	struct options options;
	int err;

	options_read(&options, argc, argv);
	socket = queue_open(&options);
	if (!socket)
		return 1;
	signals_catch();
	printf("ready: queue %u, batches of %u packets\n", options.queue, options.batch);
	fflush(stdout);

	err = queue_serve(socket, &options, &stopped, &counters);
	printf("queue %u: received %llu, verdict messages %llu, receive calls %llu, overruns %llu\n",
	       options.queue, (unsigned long long)counters.packets,
	       (unsigned long long)counters.verdicts, (unsigned long long)counters.receives,
	       (unsigned long long)counters.overruns);
	mnl_socket_close(socket);
	if (err)
		fprintf(stderr, "nfqueue-baseline: queue %u: %s\n", options.queue, strerror(-err));
	return err ? 1 : 0;
}
