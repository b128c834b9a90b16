// SPDX-License-Identifier: MIT
/*
 * The compatibility library's lock: threads that count under it, and then a signal's
 * handler that takes it from the thread that has it. Prints the counts.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/time.h>

#include "../../../native/nfqueue-compat/lock.h"

#define THREADS	4
#define TIMES	200000
#define SIGNALS	500

static struct lock lock;
static volatile unsigned int counted;
static volatile sig_atomic_t signals;

static void *count(void *unused)
{
	int i;

	for (i = 0; i < TIMES; i++) {
		lock_take(&lock);
		counted++;
		lock_give(&lock);
	}
	return unused;
}

static void interrupt(int number)
{
	(void)number;
	lock_take(&lock);
	signals++;
	lock_give(&lock);
}

int main(void)
{
	struct itimerval often = { { 0, 200 }, { 0, 200 } };
	pthread_t threads[THREADS];
	int i;

	for (i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, count, NULL);
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	printf("%d ", counted == THREADS * TIMES);
	signal(SIGALRM, interrupt);
	setitimer(ITIMER_REAL, &often, NULL);
	while (signals < SIGNALS) {
		lock_take(&lock);
		counted++;
		lock_give(&lock);
	}
	signal(SIGALRM, SIG_IGN);
	printf("%u %u\n", lock.owner, lock.nested);
	return 0;
}
