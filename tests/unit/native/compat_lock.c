// SPDX-License-Identifier: MIT
/*
 * The compatibility library's lock: threads that count under it; a signal handler that
 * takes it from the thread that holds it; and both at once, so that other threads wait
 * for the lock when the handler comes. Prints the counts.
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

static void threads_start(pthread_t *threads, void *(*function)(void *))
{
	int i;

	for (i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, function, NULL);
}

static void threads_end(const pthread_t *threads)
{
	int i;

	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

/* Take the lock until the handler has come so often; with a pause, others wait. */
static void take_until(int signals_wanted, unsigned int pause)
{
	volatile unsigned int i;

	signals = 0;
	while (signals < signals_wanted) {
		lock_take(&lock);
		counted++;
		for (i = 0; i < pause; i++)
			;
		lock_give(&lock);
	}
}

static volatile bool done;

/* Contend without end; signals are the first thread's. */
static void *contend(void *unused)
{
	while (!done) {
		lock_take(&lock);
		counted++;
		lock_give(&lock);
	}
	return unused;
}

int main(void)
{
	struct itimerval often = { { 0, 200 }, { 0, 200 } };
	pthread_t threads[THREADS];
	sigset_t alarms;

	sigemptyset(&alarms);
	sigaddset(&alarms, SIGALRM);
	threads_start(threads, count);
	threads_end(threads);
	printf("%d ", counted == THREADS * TIMES);
	signal(SIGALRM, interrupt);
	pthread_sigmask(SIG_BLOCK, &alarms, NULL);
	threads_start(threads, contend);
	pthread_sigmask(SIG_UNBLOCK, &alarms, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	take_until(SIGNALS, 2000);
	done = true;
	threads_end(threads);
	take_until(SIGNALS, 0);
	signal(SIGALRM, SIG_IGN);
	printf("%u %u\n", lock.owner, lock.nested);
	return 0;
}
