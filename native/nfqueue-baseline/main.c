// SPDX-License-Identifier: MIT
/* The baseline's life: bind, serve until a signal, print counts. */
#include <libmnl/libmnl.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>

#include "baseline.h"

static volatile sig_atomic_t stopped;

static void stop(int number)
{
	if (number != SIGALRM)
		stopped = 1;
}

/*
 * Without SA_RESTART a signal ends the sleep. One that arrives just before the
 * sleep would not: the alarm ends it twice a second, at no cost a packet.
 */
static void signals_catch(void)
{
	struct sigaction action = { .sa_handler = stop };
	struct itimerval often = { { 0, 500000 }, { 0, 500000 } };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
}

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
