// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/fastqueue: each open file is at most one queue. Closing the last
 * reference (mappings included) closes the queue.
 */
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/nsproxy.h>
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/user_namespace.h>
#include <net/net_namespace.h>

#include "chardev.h"
#include "queue.h"
#include "queue_types.h"
#include "resize.h"
#include "ring.h"
#include "sender.h"

struct fq_file {
	struct mutex ring;		/* allocation, resizing, mapping */
	struct fq_queue *queue;		/* set once, with release semantics */
	struct net *net;		/* of the process that opened */
};

/*
 * An open file holds the module and a network namespace, so it takes the right
 * that a ring takes. fq_queue_create() asks again: a descriptor that was passed
 * on does not bring the right along.
 */
static int fq_open(struct inode *inode, struct file *file)
{
	struct net *net = current->nsproxy->net_ns;
	struct fq_file *ff;

	if (!ns_capable(net->user_ns, CAP_NET_ADMIN))
		return -EPERM;
	ff = kzalloc(sizeof(*ff), GFP_KERNEL_ACCOUNT);
	if (!ff)
		return -ENOMEM;
	mutex_init(&ff->ring);
	ff->net = get_net(net);
	file->private_data = ff;
	return nonseekable_open(inode, file);
}

static int fq_release(struct inode *inode, struct file *file)
{
	struct fq_file *ff = file->private_data;

	if (ff->queue)
		fq_queue_close(ff->queue);
	put_net(ff->net);
	kfree(ff);
	return 0;
}

static struct fq_queue *fq_file_queue(struct file *file)
{
	struct fq_file *ff = file->private_data;

	/* pairs with the release in fq_file_alloc(): a whole queue or none */
	return smp_load_acquire(&ff->queue);
}

static int fq_file_alloc(struct fq_file *ff, struct fastqueue_ring *ring)
{
	struct fq_queue *queue;

	if (ff->queue)
		return -EBUSY;
	queue = fq_queue_create(ff->net, ring);
	if (IS_ERR(queue))
		return PTR_ERR(queue);
	/* pairs with the acquire in fq_file_queue() */
	smp_store_release(&ff->queue, queue);
	return 0;
}

static int fq_file_resize(struct fq_file *ff, struct fastqueue_ring *ring)
{
	return ff->queue ? fq_queue_resize(ff->queue, ring) : -ENXIO;
}

/* User memory is touched outside the mutex: a fault takes mmap()'s lock. */
static long fq_ioctl_ring(struct fq_file *ff, struct fastqueue_ring __user *arg,
			  int (*make)(struct fq_file *, struct fastqueue_ring *))
{
	struct fastqueue_ring ring;
	int err;

	/* an answer that nobody could read would leave a ring that nobody knows */
	if (copy_from_user(&ring, arg, sizeof(ring)) ||
	    copy_to_user(arg, &ring, sizeof(ring)))
		return -EFAULT;
	mutex_lock(&ff->ring);
	err = make(ff, &ring);
	if (!err)
		fq_ring_describe(ff->queue->ring, &ring);
	mutex_unlock(&ff->ring);
	if (err)
		return err;
	return copy_to_user(arg, &ring, sizeof(ring)) ? -EFAULT : 0;
}

static long fq_ioctl_set(struct fq_queue *queue,
			 struct fastqueue_settings __user *arg)
{
	struct fastqueue_settings settings;

	if (copy_from_user(&settings, arg, sizeof(settings)))
		return -EFAULT;
	return fq_queue_set(queue, &settings);
}

static long fq_ioctl_stats(struct fq_queue *queue,
			   struct fastqueue_stats __user *arg)
{
	struct fastqueue_stats stats;

	fq_queue_stats(queue, &stats);
	return copy_to_user(arg, &stats, sizeof(stats)) ? -EFAULT : 0;
}

/* One look, one sleep: a caller that is woken early must call again. */
static long fq_ioctl_wait(struct fq_queue *queue)
{
	DEFINE_WAIT(wait);
	long err = 0;

	if (fq_sender_poll(queue))
		return 0;
	prepare_to_wait(&queue->wait, &wait, TASK_INTERRUPTIBLE);
	/* that orders as the barrier in fq_poll() does: sleepers, then fa */
	if (!fq_sender_unseen(queue)) {
		if (!signal_pending(current))
			schedule();
		if (signal_pending(current))
			err = -ERESTARTNOHAND;
	}
	finish_wait(&queue->wait, &wait);
	return err;
}

static long fq_ioctl(struct file *file, unsigned int command, unsigned long arg)
{
	struct fq_queue *queue = fq_file_queue(file);
	void __user *user = (void __user *)arg;

	if (command == FASTQUEUE_IOC_ALLOC)
		return fq_ioctl_ring(file->private_data, user, fq_file_alloc);
	if (command == FASTQUEUE_IOC_RESIZE)
		return fq_ioctl_ring(file->private_data, user, fq_file_resize);
	if (!queue)
		return -ENXIO;

	switch (command) {
	case FASTQUEUE_IOC_WAIT:
		return fq_ioctl_wait(queue);
	case FASTQUEUE_IOC_KICK:
		fq_sender_run(queue);
		return 0;
	case FASTQUEUE_IOC_SET:
		return fq_ioctl_set(queue, user);
	case FASTQUEUE_IOC_STATS:
		return fq_ioctl_stats(queue, user);
	default:
		return -ENOTTY;
	}
}

/* Entering poll() settles what was answered, then asks for unseen frames. */
static __poll_t fq_poll(struct file *file, poll_table *table)
{
	struct fq_queue *queue = fq_file_queue(file);

	if (!queue)
		return EPOLLERR;
	poll_wait(file, &queue->wait, table);
	/* pairs with the barrier in fq_receiver_wake(): sleepers, then fa */
	smp_mb();
	return fq_sender_poll(queue) ? EPOLLIN | EPOLLRDNORM : 0;
}

static int fq_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct fq_queue *queue = fq_file_queue(file);
	struct fq_file *ff = file->private_data;
	int err;

	if (!queue)
		return -ENXIO;
	mutex_lock(&ff->ring);
	err = fq_ring_mmap(queue->ring, vma,
			   READ_ONCE(queue->flags) & FASTQUEUE_F_WRITABLE);
	mutex_unlock(&ff->ring);
	return err;
}

static const struct file_operations fq_fops = {
	.owner = THIS_MODULE,
	.open = fq_open,
	.release = fq_release,
	.unlocked_ioctl = fq_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.poll = fq_poll,
	.mmap = fq_mmap,
};

static struct miscdevice fq_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "fastqueue",
	.fops = &fq_fops,
	.mode = 0666,	/* opening asks for CAP_NET_ADMIN, also of a user namespace */
};

int fq_chardev_register(void)
{
	return misc_register(&fq_device);
}

void fq_chardev_unregister(void)
{
	misc_deregister(&fq_device);
}
