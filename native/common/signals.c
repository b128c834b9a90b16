// SPDX-License-Identifier: MIT
#include "signals.h"

#include <stddef.h>
#include <sys/time.h>

volatile sig_atomic_t stopped;

static void stop(int number)
{
	if (number != SIGALRM)
		stopped = 1;
}

/*
 * Without SA_RESTART a signal ends the sleep. One that arrives just before the
 * sleep would not: the alarm ends it twice a second, at no cost a packet.
 */
void signals_catch(void)
{
	struct sigaction action = { .sa_handler = stop };
	struct itimerval often = { { 0, 500000 }, { 0, 500000 } };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
}
