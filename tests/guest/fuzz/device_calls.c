// SPDX-License-Identifier: MIT
/* Calls on the device: open to close, and each ioctl. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "session.h"

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

static struct file *file_of(struct session *session, uint32_t slot)
{
	return &session->files[slot % FILES];
}

static int result(int returned)
{
	return returned < 0 ? errno : 0;
}

int do_close(struct session *session, const uint32_t *arguments)
{
	struct file *file = file_of(session, arguments[0]);
	int fd = file->fd;

	memset(file, 0, sizeof(*file));
	file->fd = -1;
	return result(close(fd));
}

int do_open(struct session *session, const uint32_t *arguments)
{
	struct file *file = file_of(session, arguments[0]);

	do_close(session, arguments);
	file->fd = open(FASTQUEUE_DEVICE, arguments[1] ? O_RDWR : O_RDONLY);
	return result(file->fd);
}

int do_dup(struct session *session, const uint32_t *arguments)
{
	struct file *from = file_of(session, arguments[0]), *to = file_of(session, arguments[1]);

	if (from == to || from->fd < 0)
		return EINVAL;
	do_close(session, &arguments[1]);
	*to = *from;
	to->fd = dup(from->fd);
	return result(to->fd);
}

static int ask_for_ring(struct file *file, unsigned long request, const uint32_t *arguments)
{
	struct fastqueue_ring ring = {
		.version = arguments[1],
		.size = arguments[2],
		.queue = arguments[3],
		.frames = arguments[4],
		.frame_size = arguments[5],
		.copy_range = arguments[6],
		.default_action = arguments[7],
		.period_us = arguments[8],
		.timeout_ms = arguments[9],
		.flags = arguments[10],
		.reserved = { arguments[11] },
	};

	if (ioctl(file->fd, request, &ring) < 0)
		return errno;
	file->ring = ring;
	file->allocated = true;
	return 0;
}

int do_alloc(struct session *session, const uint32_t *arguments)
{
	return ask_for_ring(file_of(session, arguments[0]), FASTQUEUE_IOC_ALLOC, arguments);
}

int do_resize(struct session *session, const uint32_t *arguments)
{
	return ask_for_ring(file_of(session, arguments[0]), FASTQUEUE_IOC_RESIZE, arguments);
}

int do_set(struct session *session, const uint32_t *arguments)
{
	struct fastqueue_settings settings = {
		.fields = arguments[1],
		.default_action = arguments[2],
		.period_us = arguments[3],
		.timeout_ms = arguments[4],
		.copy_range = arguments[5],
		.limit = arguments[6],
		.flags = arguments[7],
		.reserved = arguments[8],
	};

	return result(ioctl(file_of(session, arguments[0])->fd, FASTQUEUE_IOC_SET, &settings));
}

int do_kick(struct session *session, const uint32_t *arguments)
{
	return result(ioctl(file_of(session, arguments[0])->fd, FASTQUEUE_IOC_KICK));
}

/* The rules of the counters hold at all times. */
int do_stats(struct session *session, const uint32_t *arguments)
{
	struct fastqueue_stats s;

	if (ioctl(file_of(session, arguments[0])->fd, FASTQUEUE_IOC_STATS, &s) < 0)
		return errno;
	if (s.queued != s.accepted + s.dropped + s.flushed + s.occupied)
		session->fault = "queued is not accepted + dropped + flushed + occupied";
	if (s.received != s.queued + s.default_accepted + s.default_dropped)
		session->fault = "received is not queued + default_accepted + default_dropped";
	if (s.timed_out > s.flushed)
		session->fault = "timed_out is more than flushed";
	return 0;
}

int do_poll(struct session *session, const uint32_t *arguments)
{
	struct pollfd poller = { .fd = file_of(session, arguments[0])->fd, .events = POLLIN | POLLOUT };

	return result(poll(&poller, 1, 0));
}

/* A timer of this thread's own ends the call: it has no time limit itself. */
int do_wait(struct session *session, const uint32_t *arguments)
{
	unsigned int ms = arguments[1] % 20 + 1;
	struct itimerspec spec = { .it_value.tv_nsec = ms * 1000000,
				   .it_interval.tv_nsec = 1000000 };
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGALRM };
	timer_t timer;
	int err;

	event.sigev_notify_thread_id = syscall(SYS_gettid);
	if (timer_create(CLOCK_MONOTONIC, &event, &timer))
		return errno;
	timer_settime(timer, 0, &spec, NULL);
	err = result(ioctl(file_of(session, arguments[0])->fd, FASTQUEUE_IOC_WAIT));
	timer_delete(timer);
	return err;
}

int do_ioctl(struct session *session, const uint32_t *arguments)
{
	if (arguments[1] == FASTQUEUE_IOC_WAIT)
		return EINVAL;	/* has nothing here to end it */
	return result(ioctl(file_of(session, arguments[0])->fd, arguments[1],
			    (void *)(uintptr_t)arguments[2]));
}
