// SPDX-License-Identifier: MIT
/*
 * A program that was made for NFQUEUE, with the compatibility library and the model of
 * the device in one: packets come when it says that it is ready, and after the last one it gets
 * SIGTERM until it ends. With SHOW_LOG, lines of the log and flags of the queue go to standard
 * error, too. Built with -Dmain=program_main -Dfflush=program_ready for the program.
 */
#undef main
#undef fflush
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compat_device.h"

#define QUEUE	0
#define PACKETS	300
#define LEN	60

int program_main(int argc, char **argv);
int program_ready(FILE *file);

static char settled[1 << 15];
static volatile bool ready, ended;

void compat_log(const char *format, ...)
{
	va_list words;

	if (!getenv("SHOW_LOG"))
		return;
	va_start(words, format);
	vfprintf(stderr, format, words);
	va_end(words);
	putc('\n', stderr);
}

/* "ready" is the first that it prints. */
int program_ready(FILE *file)
{
	if (getenv("SHOW_LOG"))
		fprintf(stderr, "flags %#x\n", device_flags());
	ready = true;
	return fflush(file);
}

static void settled_collect(void)
{
	const char *found = device_settled();

	if (strlen(settled) + strlen(found) < sizeof(settled))
		strcat(settled, found);
}

static unsigned int settled_count(void)
{
	unsigned int count = 0;
	const char *at;

	settled_collect();
	for (at = settled; *at; at++)
		count += *at == ' ';
	return count;
}

static void *packets_send(void *unused)
{
	unsigned int sent = 0, tries = 0;

	(void)unused;
	while (!ended && !ready)
		usleep(1000);
	while (!ended && tries++ < 60000 && (sent < PACKETS || settled_count() < PACKETS)) {
		if (sent < PACKETS && device_publish(QUEUE, LEN, 0))
			sent++;
		else
			usleep(1000);
	}
	for (; !ended; usleep(10000))	/* again: one may come just before it sleeps */
		kill(getpid(), SIGTERM);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread;
	int status;

	device_begin();
	if (pthread_create(&thread, NULL, packets_send, NULL))
		return 3;
	status = program_main(argc, argv);
	ended = true;
	pthread_join(thread, NULL);
	fprintf(stderr, "%s\n", settled);
	return status;
}
