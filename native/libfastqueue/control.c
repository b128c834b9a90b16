// SPDX-License-Identifier: MIT
/* Calls to the kernel besides poll(), and what its errors mean. */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "internal.h"

int fq_kick(struct fq_queue *queue)
{
	return ioctl(queue->fd, FASTQUEUE_IOC_KICK) < 0 ? -errno : 0;
}

int fq_set(struct fq_queue *queue, const struct fastqueue_settings *settings)
{
	return ioctl(queue->fd, FASTQUEUE_IOC_SET, settings) < 0 ? -errno : 0;
}

int fq_stats(struct fq_queue *queue, struct fastqueue_stats *stats)
{
	return ioctl(queue->fd, FASTQUEUE_IOC_STATS, stats) < 0 ? -errno : 0;
}

const char *fq_strerror(int error)
{
	switch (-error) {
	case ENOENT:
	case ENODEV:
	case ENXIO:
	case ENOTTY:	/* some other device */
		return "the module is not loaded; load it: modprobe fastqueue";
	case EACCES:
	case EPERM:
		return "not allowed; run as root, or with CAP_NET_ADMIN; in a user namespace without FASTQUEUE_F_WRITABLE";
	case EBUSY:
		return "the queue has a handler already; stop that one or take another number";
	case EPROTO:
		return "the module speaks another version of the ABI; install both of the same release";
	case EINVAL:
		return "a parameter is out of its limits; see linux/fastqueue.h";
	case ENOMEM:
		return "no memory for the ring; take fewer frames or a smaller frame size";
	case EPIPE:
		return "the kernel closed the queue; its namespace or the module is going";
	default:
		return strerror(-error);
	}
}
