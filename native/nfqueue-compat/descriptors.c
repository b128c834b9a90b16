// SPDX-License-Identifier: MIT
/*
 * Descriptors that are closed and duplicated. Those of the library itself are not for the
 * program to close: one that closes all but its own would end its queues.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <unistd.h>

#include "compat.h"

int fcntl64(int fd, int command, ...);

static bool owned[DESCRIPTORS];

void descriptor_own(int fd, bool own)
{
	if ((unsigned int)fd < DESCRIPTORS)
		__atomic_store_n(&owned[fd], own, __ATOMIC_RELAXED);
}

static bool is_own(unsigned int fd)
{
	return fd < DESCRIPTORS && __atomic_load_n(&owned[fd], __ATOMIC_RELAXED);
}

void descriptor_close(int fd)
{
	if (fd < 0)
		return;
	descriptor_own(fd, false);
	REAL(close)(fd);
}

int close(int fd)
{
	if (is_own((unsigned int)fd)) {
		errno = EBADF;
		return -1;
	}
	channel_forget(fd);
	return REAL(close)(fd);
}

int dup(int fd)
{
	int copy = REAL(dup)(fd);

	if (copy >= 0)
		channel_share(fd, copy);
	return copy;
}

/* In place of one of the library's own nothing is put: as if another thread just opened it. */
static int own_kept(void)
{
	errno = EBUSY;
	return -1;
}

/* copy stands for another file now, if the call succeeded: a call that fails closes nothing. */
static int replaced(int fd, int copy, int done)
{
	if (done >= 0 && fd != copy) {
		channel_forget(copy);
		channel_share(fd, copy);
	}
	return done;
}

int dup2(int fd, int copy)
{
	if (is_own((unsigned int)copy) && fd != copy)
		return own_kept();
	return replaced(fd, copy, REAL(dup2)(fd, copy));
}

int dup3(int fd, int copy, int flags)
{
	if (is_own((unsigned int)copy))
		return own_kept();
	return replaced(fd, copy, REAL(dup3)(fd, copy, flags));
}

/* Descriptors of a range are about to be closed. */
static void range_forget(unsigned int first, unsigned int last)
{
	unsigned int fd;

	for (fd = first; fd <= last && fd < DESCRIPTORS; fd++)
		if (!is_own(fd))
			channel_forget((int)fd);
}

/* A range without the library's own. */
static int range_close(unsigned int first, unsigned int last, int flags)
{
	unsigned int fd;

	for (fd = first; fd <= last && fd < DESCRIPTORS; fd++) {
		if (!is_own(fd))
			continue;
		if (fd > first && REAL(close_range)(first, fd - 1, flags))
			return -1;
		first = fd + 1;
	}
	return first > last ? 0 : REAL(close_range)(first, last, flags);
}

/* Nothing is closed at once with CLOSE_RANGE_CLOEXEC, nor here with CLOSE_RANGE_UNSHARE. */
int close_range(unsigned int first, unsigned int last, int flags)
{
	if (first > last)
		return REAL(close_range)(first, last, flags);
	if (!flags)
		range_forget(first, last);
	return range_close(first, last, flags);
}

void closefrom(int first)
{
	unsigned int fd = first < 0 ? 0 : (unsigned int)first;

	range_forget(fd, DESCRIPTORS);
	if (!range_close(fd, ~0u, 0))
		return;
	for (; fd < DESCRIPTORS; fd++)	/* a kernel without close_range() */
		if (!is_own(fd))
			REAL(close)((int)fd);
	REAL(closefrom)((int)fd);
}

/* All of its commands take one word, a number or a pointer. */
static int duplicated(int fd, int command, int done)
{
	if (done >= 0 && (command == F_DUPFD || command == F_DUPFD_CLOEXEC))
		channel_share(fd, done);
	return done;
}

int fcntl(int fd, int command, ...)
{
	va_list words;
	void *word;

	va_start(words, command);
	word = va_arg(words, void *);
	va_end(words);
	return duplicated(fd, command, REAL(fcntl)(fd, command, word));
}

int fcntl64(int fd, int command, ...)
{
	va_list words;
	void *word;

	va_start(words, command);
	word = va_arg(words, void *);
	va_end(words);
	return duplicated(fd, command, REAL(fcntl64)(fd, command, word));
}
