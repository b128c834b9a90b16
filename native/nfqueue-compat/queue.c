// SPDX-License-Identifier: MIT
/*
 * A queue's configuration, in the order and with the errors of nfnetlink_queue.
 * A bound queue without a copy mode drops its packets; its ring is the smallest.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "callback.h"
#include "environment.h"
#include "namespace.h"
#include "original.h"
#include "overlay.h"

#define MAXLEN_DEFAULT	1024
#define BUSY_TRIES	100	/* before a number counts as another process's */
#define BUSY_PAUSE_NS	100000
#define RANGE_MAX	(0xffff - NLA_HDRLEN)
#define FRAME_SIZE	2048	/* a full Ethernet frame; grows when larger ones come */
#define FLAGS_SERVED	(NFQA_CFG_F_FAIL_OPEN | NFQA_CFG_F_GSO | NFQA_CFG_F_UID_GID)

static int queue_register(struct queue *queue)
{
	struct epoll_event event = { .events = EPOLLIN };

	return epoll_ctl(queue->channel->fd, EPOLL_CTL_ADD, fq_fd(queue->ring), &event) < 0 ?
	       -errno : 0;
}

static int ring_open_here(void *argument)
{
	struct queue *queue = argument;
	struct fq_options options = {
		.queue = queue->number,
		.frames = queue->frames,
		.frame_size = queue->frame_size,
		.default_action = FASTQUEUE_DROP,
		.period_us = queue->period_ms * 1000,
		.flags = FASTQUEUE_F_UNORDERED | FASTQUEUE_F_WRITABLE,
	};
	int err;

	err = fq_open(&queue->ring, &options);
	if (err != -EPERM)
		return err;
	/* in a user namespace; a program that writes into a packet writes into its message */
	options.flags &= ~FASTQUEUE_F_WRITABLE;
	err = fq_open(&queue->ring, &options);
	if (!err)
		queue->readonly = queue->channel->whole = true;
	return err;
}

static int ring_open(struct queue *queue)
{
	int err = namespace_call(queue->channel->shadow, ring_open_here, queue);

	if (err && err != -EBUSY)
		compat_log("queue %u: %s", queue->number, fq_strerror(err));
	return err;
}

static int table_open_here(void *argument)
{
	(void)argument;
	return open("/proc/thread-self/net/fastqueue", O_RDONLY | O_CLOEXEC);
}

static bool table_has(struct channel *channel, uint16_t number)
{
	bool found = false;
	char line[512];
	FILE *table;
	int fd;

	fd = namespace_call(channel->shadow, table_open_here, NULL);
	table = fd < 0 ? NULL : fdopen(fd, "r");
	if (!table)
		return true;
	while (!found && fgets(line, sizeof(line), table))
		found = *line >= '0' && *line <= '9' && strtoul(line, NULL, 10) == number;
	fclose(table);
	return found;
}

/*
 * Whether a queue has a handler, of any process: a verdict asks that its packet goes
 * on otherwise. If the kernel's table cannot be read it has one.
 */
bool queue_is_served(struct channel *channel, uint16_t number)
{
	bool found = channel_queue(channel, number);
	int cancelled = cancel_disable();

	if (!found)
		found = table_has(channel, number);
	cancel_restore(cancelled);
	return found;
}

static int queue_bind(struct channel *channel, uint16_t number)
{
	int gso = environment_flag(ENVIRONMENT_GSO), err;
	struct queue *queue, **end;

	if (gso < 0)
		return gso;
	queue = calloc(1, sizeof(*queue));
	if (!queue)
		return -ENOMEM;
	queue->channel = channel;
	queue->number = number;
	queue->maxlen = MAXLEN_DEFAULT;
	queue->mode = NFQNL_COPY_NONE;
	queue->flags = gso ? NFQA_CFG_F_GSO : 0;
	queue->frames = FASTQUEUE_MIN_FRAMES;
	queue->frame_size = FASTQUEUE_MIN_FRAME_SIZE;
	queue->shift = 1;
	queue_pace_begin(queue);
	err = ring_open(queue);
	if (!err)
		err = queue_register(queue);
	if (err) {
		if (queue->ring)
			fq_close(queue->ring);
		free(queue);
		return err;
	}
	descriptor_own(fq_fd(queue->ring), true);
	for (end = &channel->queues; *end; end = &(*end)->next)
		;
	*end = queue;
	channel_wake(channel);
	return 0;
}

/* Let other threads run for a while. False: one of them closed the channel. */
static bool channel_pause(struct channel *channel)
{
	const struct timespec pause = { 0, BUSY_PAUSE_NS };
	unsigned int generation = channel->generation;

	channel_wake_set(channel);
	channel_unlock(channel);
	nanosleep(&pause, NULL);
	channel_lock(channel);
	return channel->generation == generation;
}

/*
 * A queue that just ended has its number until the threads have woken up that sleep on
 * its device in recv().
 */
static int queue_bind_patiently(struct channel *channel, uint16_t number)
{
	unsigned int tries = 0;
	int err;

	for (;;) {
		if (channel_queue(channel, number))
			return -EBUSY;
		err = queue_bind(channel, number);
		if (err != -EBUSY)
			return err;
		/* as it is in nfnetlink_queue for a queue of another socket */
		if (!channel->sleepers || channel->lock.nested || tries++ == BUSY_TRIES)
			return -EPERM;
		if (!channel_pause(channel))
			return -EBADF;
	}
}

/*
 * What was answered leaves; the rest is dropped, fail-open or not. A process
 * that only inherited the queue (used is false) leaves it as it is to its parent.
 */
void queue_free(struct queue *queue, bool used)
{
	struct fastqueue_settings settings = {
		.fields = FASTQUEUE_SET_DEFAULT_ACTION,
		.default_action = FASTQUEUE_DROP,
	};

	callbacks_queue_end(queue, used);
	if (used) {
		fq_set(queue->ring, &settings);
		epoll_ctl(queue->channel->fd, EPOLL_CTL_DEL, fq_fd(queue->ring), NULL);
	}
	descriptor_own(fq_fd(queue->ring), false);
	fq_close(queue->ring);
	queue_overlays_free(queue);
	originals_free(queue);
	free(queue->moved_ids);
	free(queue);
}

static void queue_unbind(struct queue *queue)
{
	struct channel *channel = queue->channel;
	struct queue **at;

	for (at = &channel->queues; *at != queue; at = &(*at)->next)
		;
	*at = queue->next;
	if (channel->turn == queue)
		channel->turn = NULL;
	channel_bury(channel, queue);
	channel_wake(channel);
}

static uint32_t frame_size_for(const struct queue *queue)
{
	uint32_t size = (queue->range + 63) / 64 * 64;

	if (size > queue->frame_size && size > FRAME_SIZE)
		size = queue->frame_size > FRAME_SIZE ? queue->frame_size : FRAME_SIZE;
	if (queue->flags & NFQA_CFG_F_GSO && queue->range > FRAME_SIZE)
		size = FASTQUEUE_MAX_FRAME_SIZE;
	/* nor smaller ones while packets are in them: the program may have yet to see those */
	if (size < queue->frame_size &&
	    (queue->entire || fq_tail(queue->ring) != fq_head(queue->ring)))
		size = queue->frame_size;
	return size < FASTQUEUE_MIN_FRAME_SIZE ? FASTQUEUE_MIN_FRAME_SIZE : size;
}

/* Bring the ring to what is configured now. */
static int queue_apply(struct queue *queue)
{
	struct fastqueue_settings settings = {
		.fields = FASTQUEUE_SET_LIMIT | FASTQUEUE_SET_FLAGS | FASTQUEUE_SET_COPY_RANGE |
			  FASTQUEUE_SET_DEFAULT_ACTION,
		.default_action = queue->flags & NFQA_CFG_F_FAIL_OPEN ?
				  FASTQUEUE_ACCEPT : FASTQUEUE_DROP,
		.limit = queue->maxlen,
		.flags = (queue->flags & NFQA_CFG_F_GSO ? FASTQUEUE_F_GSO : 0) |
			 (queue->flags & NFQA_CFG_F_UID_GID ? FASTQUEUE_F_UID : 0),
	};
	uint32_t size = frame_size_for(queue), frames = queue_frames_for(queue, size);
	uint32_t before = queue->frames;
	int err = 0;

	if (queue->mode == NFQNL_COPY_NONE)
		return 0;
	if (size != queue->frame_size || frames != queue->frames)
		err = queue_rebuild(queue, frames, size);
	if (err)
		compat_log("queue %u: %s", queue->number, fq_strerror(err));
	else if (queue->frames < queue->maxlen && (queue->frames != before || frames != before))
		compat_log("queue %u: memory for %u packets of %u bytes, not %u", queue->number,
			   queue->frames, queue->frame_size, queue->maxlen);
	settings.copy_range = queue_copy_range(queue, queue->frame_size);
	return err ? err : fq_set(queue->ring, &settings);
}

static void mode_set(struct queue *queue, const struct nfqnl_msg_config_params *params)
{
	uint32_t range = ntohl(params->copy_range);

	switch (params->copy_mode) {
	case NFQNL_COPY_NONE:	/* the range is that of packets which are there already */
		break;
	case NFQNL_COPY_META:
		queue->range = 0;
		break;
	case NFQNL_COPY_PACKET:
		queue->range = range && range < RANGE_MAX ? range : RANGE_MAX;
		break;
	default:
		return;		/* nfnetlink_queue says nothing either */
	}
	queue->mode = params->copy_mode;
}

static int flags_check(const struct configuration *wanted)
{
	uint32_t flags, set;

	if (!wanted->flags)
		return 0;
	if (!wanted->mask)
		return -EINVAL;
	flags = ntohl(*wanted->flags);
	set = flags & ntohl(*wanted->mask);
	if (flags >= NFQA_CFG_F_MAX)
		return -EOPNOTSUPP;
	if (!(set & ~FLAGS_SERVED))
		return 0;
	compat_log("%s cannot be had from /dev/fastqueue",
		   set & NFQA_CFG_F_CONNTRACK ? "conntrack entries (NFQA_CFG_F_CONNTRACK)" :
						"security contexts (NFQA_CFG_F_SECCTX)");
	return -EOPNOTSUPP;
}

/* Many programs end where the first of these calls fails. */
static int module_check(void)
{
	static bool told;

	if (!access(FASTQUEUE_DEVICE, F_OK))
		return 0;
	if (!told)
		compat_log("%s", fq_strerror(-ENOENT));
	told = true;
	return -EINVAL;
}

static int command_run(struct channel *channel, uint16_t number, uint8_t command)
{
	struct queue *queue = channel_queue(channel, number);

	switch (command) {
	case NFQNL_CFG_CMD_BIND:
		return queue_bind_patiently(channel, number);
	case NFQNL_CFG_CMD_UNBIND:
		if (!queue)
			return -ENODEV;
		queue_unbind(queue);
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}

static int configure(struct channel *channel, uint16_t number, const struct configuration *wanted)
{
	struct queue *queue;
	uint32_t mask;
	int err = flags_check(wanted);
	bool refused;

	if (wanted->command && (wanted->command->command == NFQNL_CFG_CMD_PF_BIND ||
				wanted->command->command == NFQNL_CFG_CMD_PF_UNBIND))
		return module_check();
	if (!err && wanted->command)
		err = command_run(channel, number, wanted->command->command);
	if (err || (wanted->command && wanted->command->command == NFQNL_CFG_CMD_UNBIND))
		return err;
	queue = channel_queue(channel, number);
	if (!queue)
		return -ENODEV;
	refused = queue_refuses(queue);
	if (refused)
		frames_refuse(queue);
	if (wanted->params)
		mode_set(queue, wanted->params);
	if (wanted->maxlen)
		queue->maxlen = ntohl(*wanted->maxlen);
	if (wanted->flags) {
		mask = ntohl(*wanted->mask);
		queue->flags = (queue->flags & ~mask) | (ntohl(*wanted->flags) & mask);
	}
	if (!refused)
		queue->refused_from = fq_head(queue->ring);
	return queue_apply(queue);
}

int queue_configure(struct channel *channel, uint16_t number, const struct configuration *wanted)
{
	int cancelled = cancel_disable(), err = configure(channel, number, wanted);

	cancel_restore(cancelled);
	return err;
}
