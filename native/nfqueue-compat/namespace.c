// SPDX-License-Identifier: MIT
/*
 * A queue belongs to the network namespace of its netlink socket: the socket may be
 * inherited, passed, or older than an unshare(). The device takes the namespace of the
 * thread that opens it. To leave a namespace and to come back takes rights in both, and
 * a signal handler may run in between, so a thread of its own goes there, and ends.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/netlink.h>
#include <linux/sockios.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "namespace.h"

#define STACK	(256u << 10)

struct visit {
	int namespace;
	int (*function)(void *);
	void *argument;
	int result;
};

/* A descriptor of a socket's namespace; needs CAP_NET_ADMIN there, as queues do. */
static int namespace_of(int socket)
{
	int found = ioctl(socket, SIOCGSKNS);

	return found < 0 ? -errno : found;
}

/* This thread's, without a need of /proc. */
static int namespace_here(void)
{
	int probe = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER), found;

	if (probe < 0)
		return -errno;
	found = namespace_of(probe);
	close(probe);
	return found;
}

static bool is_here(int namespace)
{
	int here = namespace_here();
	struct stat one, other;
	bool same;

	if (here < 0)
		return false;
	same = !fstat(here, &one) && !fstat(namespace, &other) && one.st_dev == other.st_dev &&
	       one.st_ino == other.st_ino;
	close(here);
	return same;
}

static void *visit(void *argument)
{
	struct visit *visit = argument;

	visit->result = setns(visit->namespace, CLONE_NEWNET) ? -errno :
			visit->function(visit->argument);
	return NULL;
}

/* The program's signal handlers are not for this thread, nor is its cancellation. */
static int visit_run(struct visit *visit_there)
{
	pthread_attr_t attributes;
	sigset_t all, before;
	pthread_t thread;
	int err, cancelled;

	sigfillset(&all);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancelled);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK);
	err = pthread_create(&thread, &attributes, visit, visit_there);
	pthread_attr_destroy(&attributes);
	if (!err)
		pthread_join(thread, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_setcancelstate(cancelled, NULL);
	return err ? -err : visit_there->result;
}

int namespace_call(int socket, int (*function)(void *), void *argument)
{
	struct visit there = { namespace_of(socket), function, argument, 0 };
	int result;

	if (there.namespace == -EPERM)
		return -EPERM;
	if (there.namespace < 0)	/* a kernel without namespaces */
		return function(argument);
	result = is_here(there.namespace) ? function(argument) : visit_run(&there);
	close(there.namespace);
	return result;
}
