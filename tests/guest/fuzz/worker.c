// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel_log.h"
#include "session.h"
#include "worker.h"

#define TIME_LIMIT	60000	/* ms for a sequence: what takes longer hangs */
#define MOST_RUNS	200	/* of one worker */

extern __thread sigjmp_buf *fault_return;

struct shared {
	struct sequence sequence;
	struct result result;
};

static struct shared *shared;
static pid_t pid;
static int control = -1;	/* a byte begins a run, a byte says that it is over */
static unsigned int runs;

static void on_fault(int signal)
{
	if (fault_return)
		siglongjmp(*fault_return, 1);
	_exit(128 + signal);
}

static void on_alarm(int signal)
{
	(void)signal;	/* has interrupted a call */
}

static void signals_init(void)
{
	struct sigaction fault = { .sa_handler = on_fault, .sa_flags = SA_NODEFER };
	struct sigaction alarm = { .sa_handler = on_alarm };

	sigaction(SIGSEGV, &fault, NULL);
	sigaction(SIGBUS, &fault, NULL);
	sigaction(SIGALRM, &alarm, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static void run_shared(void)
{
	static struct session session;
	struct result *result = &shared->result;

	memset(result->fault, 0, sizeof(result->fault));
	coverage_begin();
	session_run(&session, &shared->sequence);
	coverage_end(&result->coverage);
	memcpy(result->results, session.results, sizeof(result->results));
	result->used_up = session.changed & CHANGED_NAMESPACE;
	if (!result->used_up)
		network_repair(session.changed);
	if (session.fault)
		snprintf(result->fault, sizeof(result->fault), "%s", session.fault);
}

static void __attribute__((noreturn)) worker_main(int fd)
{
	char byte;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signals_init();
	if (network_create())
		_exit(1);
	coverage_open();
	while (read(fd, &byte, 1) == 1) {
		run_shared();
		if (write(fd, &byte, 1) != 1)
			break;
	}
	_exit(0);
}

int worker_init(void)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED || kernel_log_open()) {
		perror("worker");
		return -1;
	}
	return 0;
}

void worker_end(void)
{
	if (control < 0)
		return;
	close(control);
	waitpid(pid, NULL, 0);
	control = -1;
}

static int worker_begin(void)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return -1;
	fflush(NULL);
	pid = fork();
	if (pid < 0)
		return -1;
	if (!pid) {
		close(ends[0]);
		worker_main(ends[1]);
	}
	close(ends[1]);
	control = ends[0];
	runs = 0;
	return 0;
}

static void fault_set(const char *what)
{
	snprintf(shared->result.fault, sizeof(shared->result.fault), "%s", what);
}

/* Wait for the worker. A hanging one is left as it is, for the kernel's log to say more. */
static void worker_wait(void)
{
	struct pollfd poller = { .fd = control, .events = POLLIN };
	char byte;

	if (poll(&poller, 1, TIME_LIMIT) <= 0)
		fault_set("the sequence does not end");
	else if (read(control, &byte, 1) != 1)
		fault_set("the process that ran it ended");
}

const struct result *worker_run(const struct sequence *sequence)
{
	struct result *result = &shared->result;
	const char *complaint;

	memset(result, 0, offsetof(struct result, fault) + 1);
	shared->sequence = *sequence;
	if ((control < 0 && worker_begin()) || write(control, "", 1) != 1) {
		fault_set("no process to run it");
		return result;
	}
	worker_wait();
	if (result->used_up || ++runs == MOST_RUNS)
		worker_end();
	complaint = kernel_log_complaint();
	if (complaint)
		fault_set(complaint);
	return result;
}
