// SPDX-License-Identifier: MIT
/* Calls about processes, time, /proc and the module's parameters. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "session.h"

#define PARAMETERS	"/sys/module/fastqueue/parameters/"
#define STANDARD_MEMORY	"67108864"

/* A child inherits descriptors, but no mapping. It asks of each, then ends, or stays until it is killed. */
static void child(const struct session *session, bool stays)
{
	unsigned int i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (i = 0; i < FILES; i++)
		ioctl(session->files[i].fd, FASTQUEUE_IOC_KICK);
	while (stays)
		pause();
	_exit(0);
}

int do_reap(struct session *session, const uint32_t *arguments)
{
	(void)arguments;
	if (!session->child)
		return ECHILD;
	kill(session->child, SIGKILL);
	waitpid(session->child, NULL, 0);
	session->child = 0;
	return 0;
}

int do_fork(struct session *session, const uint32_t *arguments)
{
	pid_t pid;

	do_reap(session, NULL);
	pid = fork();
	if (pid < 0)
		return errno;
	if (!pid)
		child(session, arguments[0] & 1);
	if (arguments[0] & 1)
		session->child = pid;
	else
		waitpid(pid, NULL, 0);
	return 0;
}

int do_sleep(struct session *session, const uint32_t *arguments)
{
	struct timespec time = { .tv_nsec = (arguments[0] % 20 + 1) * 1000000 };

	(void)session;
	nanosleep(&time, NULL);
	return 0;
}

int do_proc(struct session *session, const uint32_t *arguments)
{
	char text[4096];
	int fd = open("/proc/net/fastqueue", O_RDONLY), err;

	(void)session;
	(void)arguments;
	if (fd < 0)
		return errno;
	err = read(fd, text, sizeof(text)) < 0 ? errno : 0;
	close(fd);
	return err;
}

static int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), err;

	if (fd < 0)
		return errno;
	err = write(fd, text, strlen(text)) < 0 ? errno : 0;
	close(fd);
	return err;
}

static bool params_changed;

int do_param(struct session *session, const uint32_t *arguments)
{
	char text[16];

	(void)session;
	params_changed = true;
	if (!(arguments[0] & 1))
		return write_text(PARAMETERS "default_action",
				  arguments[1] == 0 ? "drop" : arguments[1] == 1 ? "accept" : "wrong");
	snprintf(text, sizeof(text), "%u", arguments[1]);
	return write_text(PARAMETERS "max_memory", text);
}

void params_restore(void)
{
	if (!params_changed)
		return;
	params_changed = false;
	write_text(PARAMETERS "default_action", "drop");
	write_text(PARAMETERS "max_memory", STANDARD_MEMORY);
}
