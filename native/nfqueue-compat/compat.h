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
struct mmsghdr;

struct overlay;

struct queue {
	struct queue *next;	/* of its channel */
	struct queue *next_ended;
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
	bool readonly;		/* packets cannot be changed: a user namespace */
	uint32_t period_ms;	/* of the sender's timer */
	uint32_t pace_low;	/* packets out for which it is right */
	uint32_t pace_high;
	bool dirty;		/* answered since the sender was last at work */
	unsigned int held;	/* answers that wait for the ends of callbacks */

	uint32_t taken;		/* count of the next frame to deliver */
	uint32_t answered;	/* a batch answered all before this one */
	uint32_t searched;	/* count of the next frame, when room was looked for last */
	uint32_t shift;		/* a frame's id is its count and this */
	uint32_t moved;		/* frames at the start whose ids are in moved_ids */
	uint32_t *moved_ids;	/* ascending */
	uint32_t *moved_shown;	/* of the same memory: the program has pointers into this ring, too */
	uint32_t refused_from;	/* count of the first frame that it refuses, if it does */
	unsigned char *originals;	/* see original.c */
	uint32_t *original_of;
	uint32_t unchanged;
	struct overlay *overlays;	/* where payloads were in rings before this one */
};

/* Memory of the program's handles that a signal handler ended; inside that memory. */
struct leftover {
	struct leftover *next;
	void *memory;
};

/* A message that waits to be read, beside packets. */
struct reply {
	struct reply *next;
	size_t len;
	unsigned char data[];
};

#define DESCRIPTORS	4096	/* beyond them nothing is served */

struct channel {
	struct lock lock;	/* first: what follows these two is reset when a channel is used again */
	unsigned int generation;	/* how often it was closed: handles of before find it gone */
	int fd;			/* what the program has: an epoll instance; -1: closed */
	int shadow;		/* a real netlink socket, for all that is not a queue */
	int wake;		/* eventfd: replies, and changes for who sleeps */
	uint32_t port;		/* of the shadow, 0: not asked for yet */
	unsigned int references;	/* descriptors, with duplicates */
	bool whole;		/* packets' bytes go into the messages */
	bool foreign;		/* messages of others come through the shadow */
	bool blocks;		/* the program sleeps in recv() */
	bool late;		/* there is work for the outermost holder of the lock */
	int64_t timeout_ms;	/* SO_RCVTIMEO, -1: none */
	unsigned int sleepers;
	void *receiver;		/* the thread that called recv() last */
	struct queue *queues;
	struct queue *turn;	/* whose packet comes next */
	struct queue *ended;	/* by a signal handler while its thread was at work */
	struct leftover *leftovers;
	struct reply *replies;
	struct reply **last;
	size_t replies_len;
	unsigned int process;	/* forks before the rings were mapped */
	struct channel *free;	/* list of those that are closed */
	bool retired;		/* on that list */
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
struct channel *channel_new(void);
int channel_watch(struct channel *channel, int epoll);
void channel_end(struct channel *channel);
struct channel *channel_of(int fd);
void channel_enter(int fd, struct channel *channel);
void channel_share(int fd, int copy);
void channel_forget(int fd);
void channel_remap(struct channel *channel);
extern unsigned int channel_forks;	/* between the first process and this one */
void channel_wake(struct channel *channel);
struct queue *channel_queue(struct channel *channel, uint16_t number);
/* reply.c */
void channel_replies_free(struct channel *channel);
int channel_reply(struct channel *channel, const struct nlmsghdr *request, size_t len, int error);
/* channel.c: free a queue that is no longer the channel's, now or when nobody is at work on it. */
void channel_bury(struct channel *channel, struct queue *queue);
/* Do what came up while the lock was held, by a signal handler perhaps. */
void channel_unlock_late(struct channel *channel);
/* Have the wake descriptor readable, or not. */
void channel_wake_set(struct channel *channel);
void channel_wake_clear(struct channel *channel);
/* Free a handle of the program's, now or when nobody is at work with it. */
void channel_free(struct channel *channel, struct leftover *leftover, void *memory);

static inline void channel_lock(struct channel *channel)
{
	lock_take(&channel->lock);
	if (channel->process != channel_forks)
		channel_remap(channel);
}

static inline void channel_unlock(struct channel *channel)
{
	lock_give(&channel->lock);
	if (__atomic_load_n(&channel->late, __ATOMIC_RELAXED))
		channel_unlock_late(channel);
}

/*
 * A thread that is cancelled while it holds a lock keeps it for good. What is done under
 * locks has no cancellation points, or has cancellation wait until it is through.
 */
static inline int cancel_disable(void)
{
	int before;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
	return before;
}

static inline void cancel_restore(int before)
{
	pthread_setcancelstate(before, NULL);
}

/* adopt.c: a socket of the program's own becomes a channel's. */
int channel_adopt(int fd, struct channel **channel);
void adopt_fork(void);
/* Around a call that may sleep on a socket. The channel that it became, if the call has to be repeated. */
void flight_begin(int fd);
struct channel *flight_end(int fd, ssize_t done, const struct iovec *parts, size_t number);
/* Messages of others come through the real socket from now on. */
void foreign_begin(struct channel *channel);
/* Send one of several messages through it; with the channel's lock held. */
void foreign_send(struct channel *channel, const void *message, size_t len);
/* Whether a message waits on the real socket; negative: an error does. */
int foreign_look(struct channel *channel);

/* descriptors.c: those of the library itself, which the program does not know of. */
void descriptor_own(int fd, bool own);
void descriptor_close(int fd);

/* sockets.c: recvmmsg() of a channel; *limit_ns is the time limit and becomes what is left of it. */
int channel_receive_messages(struct channel *channel, int fd, struct mmsghdr *messages,
			     unsigned int number, int flags, int64_t *limit_ns);
int64_t time_limit_ns(int64_t seconds, int64_t ns);

/* options.c */
void channel_timeout_read(struct channel *channel);

/* queue.c: what NFQNL_MSG_CONFIG can say; with the channel's lock held. */
struct configuration {
	const struct nfqnl_msg_config_cmd *command;
	const struct nfqnl_msg_config_params *params;
	const uint32_t *maxlen;		/* these three in network byte order */
	const uint32_t *flags;
	const uint32_t *mask;
};

bool queue_is_served(struct channel *channel, uint16_t number);
int queue_configure(struct channel *channel, uint16_t number, const struct configuration *wanted);
void queue_free(struct queue *queue, bool used);

/* rebuild.c: exchange the ring; ids stay. */
int queue_rebuild(struct queue *queue, uint32_t frames, uint32_t frame_size);
/* Its ring is not mapped and will not be: it has no packets any more. */
void queue_lose(struct queue *queue);
uint32_t queue_frames_for(const struct queue *queue, uint32_t frame_size);
uint32_t queue_copy_range(const struct queue *queue, uint32_t frame_size);

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
	uint32_t oldest = fq_tail(queue->ring), c = id - queue->shift;

	if (queue->moved && (int32_t)(c - queue->moved) < 0 && !frame_moved(queue, id, &c))
		return false;
	/* taken may be behind oldest: others answered what was not delivered */
	if ((int32_t)(c - oldest) < 0 || (int32_t)(c - queue->taken) >= 0)
		return false;
	*count = c;
	return fq_is_pending(queue->ring, c);
}

/* For nfnetlink_queue it takes no packets, or is always full. */
static inline bool queue_refuses(const struct queue *queue)
{
	return queue->mode == NFQNL_COPY_NONE || !queue->maxlen;
}

void frames_refuse(struct queue *queue);
uint32_t frame_end(const struct queue *queue, uint32_t id);
void frame_answer(struct queue *queue, uint32_t count, uint32_t verdict, uint32_t which,
		  const struct fastqueue_answer *with);
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
	const unsigned char *payload;	/* NULL: stays */
	uint32_t payload_len;
};

int verdict_one(struct queue *queue, uint32_t id, const struct decision *decision);
int verdict_batch(struct queue *queue, uint32_t id, const struct decision *decision);
void verdict_send(struct queue *queue);

/* request.c: messages that the program sends through its socket; with errno. */
bool request_is_ours(const void *data, size_t len);
bool requests_are_ours(const void *data, size_t len);
ssize_t request_run(struct channel *channel, int fd, const unsigned char *data, size_t len);

/* receive.c: recvmsg() of a channel, with errno. */
#define RECEIVE_QUICK	0x08000000	/* do not run the senders */

struct received {
	int flags;		/* MSG_TRUNC */
	bool foreign;
};

ssize_t channel_receive(struct channel *channel, int fd, const struct iovec *parts, size_t number,
			int flags, struct received *received);
ssize_t channel_receive_here(struct channel *channel, int fd, void *data, size_t len, int flags,
			     bool *foreign);

/* real.c: the C library's own functions under names that are taken here. */
void *real_function(const char *name);
void *original_function(const char *name);

#define REAL(name) ({							\
	static __typeof__(&name) real;					\
	if (!real)							\
		real = (__typeof__(&name))real_function(#name);		\
	real; })

#endif /* COMPAT_H */
