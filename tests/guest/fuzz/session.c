// SPDX-License-Identifier: MIT
/* Running the calls of a sequence, one after the other or beside each other. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "session.h"

/* Queues of this namespace in /proc/net/fastqueue, below a heading. */
static unsigned int queues_left(void)
{
	FILE *file = fopen("/proc/net/fastqueue", "re");
	unsigned int lines = 0;
	char line[512];

	while (file && fgets(line, sizeof(line), file))
		lines++;
	if (file)
		fclose(file);
	return lines ? lines - 1 : 0;
}

/* The n-th allocation of this thread fails; kernels without fault injection have no such file. */
static void fail_nth(unsigned int nth)
{
	char text[8];
	int fd = open("/proc/thread-self/fail-nth", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	/* the number is written last, so that no allocation of ours is hit */
	snprintf(text, sizeof(text), "%u", nth);
	if (write(fd, text, strlen(text)) < 0)
		perror("fail-nth");
	close(fd);
}

static int call_run(struct session *session, const struct call *call)
{
	int err;

	if (call->fail)
		fail_nth(call->fail);
	err = call_types[call->type].run(session, call->arguments);
	if (call->fail)
		fail_nth(0);
	return err;
}

static void *thread_main(void *argument)
{
	struct thread *thread = argument;

	thread->session->results[thread->number] = call_run(thread->session, thread->call);
	return NULL;
}

static bool call_start(struct session *session, const struct call *call, unsigned int number)
{
	struct thread *thread = &session->threads[session->thread_count];

	if (session->thread_count == THREADS)
		return false;
	*thread = (struct thread){ .session = session, .call = call, .number = number };
	if (pthread_create(&thread->id, NULL, thread_main, thread))
		return false;
	session->thread_count++;
	return true;
}

static void session_release(struct session *session)
{
	unsigned int i;

	for (i = 0; i < session->thread_count; i++)
		pthread_join(session->threads[i].id, NULL);
	do_reap(session, NULL);
	for (i = 0; i < STREAMS; i++)
		if (session->streams[i] >= 0)
			close(session->streams[i]);
	for (i = 0; i < MAPPINGS; i++)
		if (session->mappings[i].address)
			munmap(session->mappings[i].address, session->mappings[i].size);
	for (i = 0; i < FILES; i++)
		if (session->files[i].fd >= 0)
			close(session->files[i].fd);
	params_restore();
	if (queues_left() && !session->fault)
		session->fault = "a queue is left although all its files are closed";
}

void session_run(struct session *session, const struct sequence *sequence)
{
	unsigned int i;

	memset(session, 0, sizeof(*session));
	for (i = 0; i < FILES; i++)
		session->files[i].fd = -1;
	for (i = 0; i < STREAMS; i++)
		session->streams[i] = -1;
	for (i = 0; i < MAX_CALLS; i++)
		session->results[i] = -1;

	for (i = 0; i < sequence->length; i++) {
		const struct call *call = &sequence->calls[i];

		if (!call->async || !call_start(session, call, i))
			session->results[i] = call_run(session, call);
	}
	session_release(session);
}
