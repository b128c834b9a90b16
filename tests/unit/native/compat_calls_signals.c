// SPDX-License-Identifier: MIT
/* Signal handlers at every instruction of a call, and children of fork(). */
#define _GNU_SOURCE
#include <errno.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "compat_calls.h"
#include "compat_device.h"

#define TRAP_FLAG	0x100
#define STEPS_MAX	20000

#ifdef __x86_64__
#define STACK	"rsp"
#else
#define STACK	"esp"
#endif

static int leave_waiting(struct nfq_q_handle *qh, struct nfgenmsg *message, struct nfq_data *packet,
			 void *data)
{
	(void)qh, (void)message, (void)packet, (void)data;
	return 0;
}

/* --- Each instruction of a call */

static void (*volatile handler)(void);
static volatile long step, handled_at;
static volatile bool handled;
static int open_fd;

static void trap(int number, siginfo_t *info, void *context)
{
	ucontext_t *user = context;

	(void)number, (void)info;
	if (++step != handled_at)
		return;
	handled = true;
	user->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
	handler();
}

static inline void trap_on(void)
{
	__asm__ volatile("pushf; orl $0x100, (%%" STACK "); popf" ::: "cc", "memory");
}

static inline void trap_off(void)
{
	__asm__ volatile("pushf; andl $~0x100, (%%" STACK "); popf" ::: "cc", "memory");
}

/* recv() with the handler at an instruction; handled is false where it has fewer. */
static ssize_t receive_with(void (*what)(void), long at)
{
	ssize_t len;

	open_fd = nfq_fd(handle);
	handler = what;
	step = 0;
	handled_at = at;
	handled = false;
	trap_on();
	len = recv(open_fd, buffer, sizeof(buffer), MSG_DONTWAIT);
	trap_off();
	return len;
}

static void traps_begin(void)
{
	struct sigaction action = { .sa_sigaction = trap, .sa_flags = SA_SIGINFO };

	sigaction(SIGTRAP, &action, NULL);
	/* what is done once is done */
	begin(leave_waiting, NULL);
	device_publish(QUEUE, 100, 0);
	pump();
	end();
}

static void close_it(void)
{
	nfq_destroy_queue(queue);
	nfq_close(handle);
}

void scenario_closed_at_each_step(void)
{
	long at, left = 0;

	traps_begin();
	for (at = 1; at < STEPS_MAX; at++) {
		handle = nfq_open();	/* and no copy mode: that takes another ring */
		queue = nfq_create_queue(handle, QUEUE, leave_waiting, NULL);
		receive_with(close_it, at);
		left += handled && device_namespace(QUEUE);
		if (!handled)
			break;
	}
	end();
	printf("steps: %d, left open: %ld\n", at > 50 && at < STEPS_MAX, left);
}

static ssize_t inner;
static unsigned char inner_buffer[4096] __attribute__((aligned(4)));

static void receive_too(void)
{
	inner = recv(nfq_fd(handle), inner_buffer, sizeof(inner_buffer), MSG_DONTWAIT);
}

/* The id of a packet's message, 0: there is none. */
static uint32_t id_in(const unsigned char *message, ssize_t len)
{
	uint32_t id;

	memcpy(&id, message + 24, sizeof(id));
	return len > 0 ? __builtin_bswap32(id) : 0;
}

void scenario_received_at_each_step(void)
{
	uint32_t sum, first = 1, outer;
	long at, twice = 0, lost = 0;
	ssize_t len;

	traps_begin();
	begin(leave_waiting, NULL);
	for (at = 1, handled = true; handled && at < STEPS_MAX; at += 5, first += 2) {
		device_publish(QUEUE, 100, 0);
		device_publish(QUEUE, 100, 0);
		inner = -1;
		len = receive_with(receive_too, at);
		outer = id_in(buffer, len);
		sum = outer + id_in(inner_buffer, inner);
		twice += outer && sum == 2 * outer;
		while ((len = recv(nfq_fd(handle), buffer, sizeof(buffer), MSG_DONTWAIT)) > 0)
			sum += id_in(buffer, len);
		lost += sum != 2 * first + 1;
		nfq_set_verdict_batch(queue, first + 1, NF_ACCEPT);
		device_settled();
	}
	end();
	printf("steps: %d, twice: %ld, lost: %ld\n", at > 50 && at < STEPS_MAX, twice, lost);
}

/* --- Children */

static void *sleep_in_recv(void *unused)
{
	unsigned char data[4096];

	recv(nfq_fd(handle), data, sizeof(data), 0);
	return unused;
}

static double processor_time(void)
{
	struct rusage used;

	getrusage(RUSAGE_SELF, &used);
	return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
	       (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static void child_of_sleeper(void)
{
	struct timeval limit = { 0, 300000 };
	double before = processor_time();
	int fd = nfq_fd(handle), i;
	ssize_t len;

	nfq_create_queue(handle, QUEUE + 1, leave_waiting, NULL);	/* wakes whoever sleeps */
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	for (i = 0; i < 2; i++) {
		len = recv(fd, buffer, sizeof(buffer), 0);
		printf("nothing came: %zd, %d\n", len, errno == EAGAIN);
	}
	printf("slept: %d\n", processor_time() - before < 0.3);
}

/* A thread of the parent's sleeps in recv(); it does not exist in the child, which stays alone. */
static void parent_of_child(void)
{
	pid_t self = getpid();

	begin(leave_waiting, NULL);
	start(sleep_in_recv, NULL);
	usleep(100000);
	if (fork())
		_exit(0);
	while (getppid() == self)
		usleep(1000);
	child_of_sleeper();
	fflush(stdout);
	_exit(0);
}

void scenario_child_of_sleeper(void)
{
	int ends[2];
	char byte;

	if (pipe(ends))
		fail("pipe");
	if (!fork())
		parent_of_child();
	close(ends[1]);
	if (read(ends[0], &byte, 1))	/* until the child has ended, too */
		fail("read");
	close(ends[0]);
	wait(NULL);
}

static int fork_in_callback(struct nfq_q_handle *qh, struct nfgenmsg *message,
			    struct nfq_data *packet, void *data)
{
	unsigned char *payload;
	int len = nfq_get_payload(packet, &payload), status;
	pid_t child = fork();

	(void)message, (void)data;
	if (!child)
		_exit(!is_whole(payload, len) || len != 1000 || payload[0] != 0);
	waitpid(child, &status, 0);
	printf("read in the child: %d\n", WIFEXITED(status) && !WEXITSTATUS(status));
	return nfq_set_verdict(qh, id_of(packet), NF_ACCEPT, 0, NULL) < 0;
}

void scenario_fork_in_callback(void)
{
	begin(fork_in_callback, NULL);
	device_publish(QUEUE, 1000, 0);
	pump();
	printf("settled: %s\n", device_settled());
	end();
}
