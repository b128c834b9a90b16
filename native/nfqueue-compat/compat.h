/* SPDX-License-Identifier: MIT */
/*
 * libnetfilter_queue's functions over /dev/fastqueue.
 *
 * A channel stands for one netlink socket: a descriptor with any number of
 * queues behind it. What the program reads from the descriptor are netlink
 * messages as nfnetlink_queue writes them, except that the bytes of the packet
 * stay in the ring where only nfq_handle_packet() will look for them.
 */
#ifndef COMPAT_H
#define COMPAT_H

#include <fastqueue.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netlink.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "attribute.h"
#include "lock.h"

struct channel;

/* Memory where frames of an exchanged ring were; pointers into it stay good. */
struct overlay {
	void *start;
	size_t size;
};

struct queue {
	struct queue *next;	/* of its channel */
	struct channel *channel;
	struct fq_queue *ring;
	uint16_t number;
	uint8_t mode;		/* NFQNL_COPY_* */
	uint32_t range;		/* bytes of a packet that the program gets */
	uint32_t maxlen;	/* packets out at most */
	uint32_t flags;		/* NFQA_CFG_F_* */
	uint32_t frames;
	uint32_t frame_size;
	bool entire;		/* whole packets into the ring, whatever the range */
	bool told;		/* about packets larger than any frame */
	uint32_t period_ms;	/* of the sender's timer */
	uint32_t pace_low;	/* packets out for which it is right */
	uint32_t pace_high;
	bool dirty;		/* answered since the sender was last at work */

	uint32_t taken;		/* count of the next frame to deliver */
	uint32_t answered;	/* a batch answered all before this one */
	uint32_t searched;	/* count of the next frame, when room was looked for last */
	uint32_t shift;		/* a frame's id is its count and this */
	uint32_t moved;		/* frames at the start whose ids are in moved_ids */
	uint32_t *moved_ids;	/* ascending */
	struct overlay overlays[4];	/* payload and meta of the last two rings */
};

/* A message that waits to be read, beside packets. */
struct reply {
	struct reply *next;
	size_t len;
	unsigned char data[];
};

struct channel {
	struct lock lock;
	int fd;			/* what the program has: an epoll instance */
	int shadow;		/* a real netlink socket, for all that is not a queue */
	int wake;		/* eventfd: replies, and changes for who sleeps */
	unsigned int references;	/* descriptors, with duplicates */
	bool whole;		/* packets' bytes go into the messages */
	bool foreign;		/* messages of others come through the shadow */
	bool adopted;		/* from a socket on which other threads may sleep */
	bool blocks;		/* the program sleeps in recv() */
	int timeout_ms;		/* SO_RCVTIMEO, -1: none */
	unsigned int sleepers;
	void *receiver;		/* the thread that called recv() last */
	struct queue *queues;
	struct queue *turn;	/* whose packet comes next */
	struct reply *replies;
	struct reply **last;
	size_t replies_len;
	unsigned int process;	/* forks before the rings were mapped */
	struct channel *free;	/* list of those that are closed */
};

/* Who calls: pthread_self() without a call. */
static inline void *thread_self(void)
{
	return __builtin_thread_pointer();
}

/* log.c: one line to standard error and to syslog. */
void compat_log(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* channel.c. Calls that fail return a negative error number. */
int channel_open(struct channel **channel);
int channel_adopt(int fd, struct channel **channel);
struct channel *channel_of(int fd);
void channel_share(int fd, int copy);
void channel_forget(int fd);
void channel_remap(struct channel *channel);
extern unsigned int channel_forks;	/* between the first process and this one */
void channel_wake(struct channel *channel);
struct queue *channel_queue(struct channel *channel, uint16_t number);
int channel_reply(struct channel *channel, const struct nlmsghdr *request, size_t len, int error);

static inline void channel_lock(struct channel *channel)
{
	lock_take(&channel->lock);
	if (channel->process != channel_forks)
		channel_remap(channel);
}

static inline void channel_unlock(struct channel *channel)
{
	lock_give(&channel->lock);
}

/* queue.c: what NFQNL_MSG_CONFIG can say; with the channel's lock held. */
struct configuration {
	const struct nfqnl_msg_config_cmd *command;
	const struct nfqnl_msg_config_params *params;
	const uint32_t *maxlen;		/* these three in network byte order */
	const uint32_t *flags;
	const uint32_t *mask;
};

int queue_configure(struct channel *channel, uint16_t number, const struct configuration *wanted);
void queue_free(struct queue *queue, bool used);

/* rebuild.c: exchange the ring; ids stay. */
int queue_rebuild(struct queue *queue, uint32_t frames, uint32_t frame_size);
uint32_t queue_frames_for(const struct queue *queue, uint32_t frame_size);
uint32_t queue_copy_range(const struct queue *queue, uint32_t frame_size);
void queue_overlays_free(struct queue *queue);

/* pace.c: the period for out packets in the ring, which is beyond the queue's limits. */
void queue_pace_begin(struct queue *queue);
void queue_pace(struct queue *queue, uint32_t out);

/* frames.c */
bool frame_moved(const struct queue *queue, uint32_t id, uint32_t *count);

static inline uint32_t frame_id(const struct queue *queue, uint32_t count)
{
	return count < queue->moved ? queue->moved_ids[count] : count + queue->shift;
}

/* A delivered frame that is still unanswered. In line: each packet is found so. */
static inline bool frame_find(const struct queue *queue, uint32_t id, uint32_t *count)
{
	uint32_t oldest = fq_oldest(queue->ring), c = id - queue->shift;

	if (queue->moved && (int32_t)(c - queue->moved) < 0 && !frame_moved(queue, id, &c))
		return false;
	/* taken may be behind oldest: others answered what was not delivered */
	if ((int32_t)(c - oldest) < 0 || (int32_t)(c - queue->taken) >= 0)
		return false;
	*count = c;
	return fq_waiting(queue->ring, c);
}

uint32_t frame_end(const struct queue *queue, uint32_t id);
bool frame_next(struct queue *queue, uint32_t *count);
void frame_pass(struct queue *queue);
uint32_t frame_payload(const struct queue *queue, uint32_t count, unsigned char **payload);

/* message.c */
#define MESSAGE_HEAD	320	/* bytes, all attributes but the payload's content */

/* Returns the bytes at head; *total is the message's length with payload. */
size_t message_head(const struct queue *queue, uint32_t count, unsigned char *head,
		    uint32_t payload, size_t *total);

/* verdict.c; with the channel's lock held. */
struct decision {
	uint32_t verdict;	/* as in nfqnl_msg_verdict_hdr, host byte order */
	const uint32_t *mark;	/* NULL: stays */
	const uint32_t *priority;
	const unsigned char *payload;
	uint32_t payload_len;	/* 0: stays */
};

int verdict_one(struct queue *queue, uint32_t id, const struct decision *decision);
int verdict_batch(struct queue *queue, uint32_t id, const struct decision *decision);
void verdict_send(struct queue *queue);
/* Around a callback: answers to its frame wait until it is through with it. */
void verdict_callback_begin(struct queue *queue, uint32_t id);
void verdict_callback_end(void);
void verdict_queue_end(const struct queue *queue, bool used);

/* request.c: messages that the program sends through its socket. */
bool request_is_ours(const void *data, size_t len);
void request_run(struct channel *channel, const unsigned char *data, size_t len);

/* receive.c: recvmsg() of a channel, with errno. */
#define RECEIVE_QUICK	0x08000000	/* do not run the senders */

struct received {
	int flags;		/* MSG_TRUNC */
	bool foreign;
};

ssize_t channel_receive(struct channel *channel, const struct iovec *parts, size_t number,
			int flags, struct received *received);
ssize_t channel_receive_here(struct channel *channel, void *data, size_t len, int flags,
			     bool *foreign);

/* real.c: the C library's own functions under names that are taken here. */
void *real_function(const char *name);
void *original_function(const char *name);

#endif /* COMPAT_H */
