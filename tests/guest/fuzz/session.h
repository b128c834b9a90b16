/* SPDX-License-Identifier: MIT */
/* What a running sequence has: descriptors, mappings, sockets, its network. */
#ifndef FUZZ_SESSION_H
#define FUZZ_SESSION_H

#include <linux/fastqueue.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "sequence.h"

#define FILES		4
#define MAPPINGS	6
#define STREAMS		4
#define THREADS		4

#define COUNT_OF(array)	(sizeof(array) / sizeof((array)[0]))

struct file {
	int fd;
	bool allocated;
	struct fastqueue_ring ring;	/* as the last ALLOC or RESIZE returned it */
};

struct mapping {
	uint8_t *address;	/* NULL: none */
	size_t size;
	unsigned int area;
	uint32_t frames;	/* of its ring */
	uint32_t frame_size;
};

struct thread {
	pthread_t id;
	struct session *session;
	const struct call *call;
	unsigned int number;
};

/* What a sequence changed in its network; network_repair() makes it whole again, unless it was left. */
#define CHANGED_LINKS		1
#define CHANGED_IP_RULES	2
#define CHANGED_BRIDGE_RULES	4
#define CHANGED_NAMESPACE	8

struct session {
	struct file files[FILES];
	struct mapping mappings[MAPPINGS];
	int streams[STREAMS];
	struct thread threads[THREADS];
	unsigned int thread_count;
	pid_t child;			/* holds descriptors, 0: none */
	unsigned int changed;		/* CHANGED_* */
	const char *fault;		/* a rule of the ABI that did not hold */
	int results[MAX_CALLS];		/* 0 or an errno, -1: not run */
};

/*
 * Run all calls of @sequence, then release what is left; @session begins empty.
 * Coverage is collected over both.
 */
void session_run(struct session *session, const struct sequence *sequence);

/* Run @write with the faults of a bad address caught. Returns 0 or EFAULT. */
int guarded_write(void (*write)(void *argument), void *argument);

/* Names of the network's devices in the namespace where the rules are; network.c. */
enum device { DEVICE_ROUTED, DEVICE_PORT, DEVICE_OTHER_PORT, DEVICE_BRIDGE, DEVICES };

/* Move this process into a network of its own. Returns 0, or -1 with a line on stderr. */
int network_create(void);
void network_repair(unsigned int changed);
int network_leave(void);
int device_change(enum device device, unsigned int change);
int rules_restore(unsigned int changed);
int rules_change(unsigned int change, unsigned int chain, unsigned int queue, unsigned int flags);
#define CHAINS		8	/* of both families */
#define BRIDGE_CHAIN	5	/* the first chain of the bridge family */
int peer_socket(void);			/* AF_PACKET, in the namespace at the other end */
unsigned int peer_index(enum device device);

/* Calls, by the file that they are in; calls.c names their arguments. */
int do_open(struct session *session, const uint32_t *arguments);
int do_close(struct session *session, const uint32_t *arguments);
int do_dup(struct session *session, const uint32_t *arguments);
int do_alloc(struct session *session, const uint32_t *arguments);
int do_resize(struct session *session, const uint32_t *arguments);
int do_set(struct session *session, const uint32_t *arguments);
int do_kick(struct session *session, const uint32_t *arguments);
int do_stats(struct session *session, const uint32_t *arguments);
int do_poll(struct session *session, const uint32_t *arguments);
int do_wait(struct session *session, const uint32_t *arguments);
int do_ioctl(struct session *session, const uint32_t *arguments);

int do_map(struct session *session, const uint32_t *arguments);
int do_unmap(struct session *session, const uint32_t *arguments);
int do_protect(struct session *session, const uint32_t *arguments);
int do_remap(struct session *session, const uint32_t *arguments);
int do_poke(struct session *session, const uint32_t *arguments);
int do_answer(struct session *session, const uint32_t *arguments);
int do_payload(struct session *session, const uint32_t *arguments);

int do_fork(struct session *session, const uint32_t *arguments);
int do_reap(struct session *session, const uint32_t *arguments);
int do_sleep(struct session *session, const uint32_t *arguments);
int do_proc(struct session *session, const uint32_t *arguments);
int do_param(struct session *session, const uint32_t *arguments);

int do_link(struct session *session, const uint32_t *arguments);
int do_rules(struct session *session, const uint32_t *arguments);
int do_leave(struct session *session, const uint32_t *arguments);

int do_send(struct session *session, const uint32_t *arguments);
int do_connect(struct session *session, const uint32_t *arguments);
int do_write(struct session *session, const uint32_t *arguments);
int do_frame(struct session *session, const uint32_t *arguments);

/* Restore the module's parameters that do_param() changed. */
void params_restore(void);

#endif
