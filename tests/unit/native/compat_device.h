/* SPDX-License-Identifier: MIT */
/* A model of /dev/fastqueue in this process, for the whole compatibility library. */
#ifndef COMPAT_DEVICE_H
#define COMPAT_DEVICE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Before all others: a network namespace of the process's own, where it may have queues, whoever runs it. */
void device_begin(void);
/* Put a packet of len bytes into a queue; each byte is the packet's number, counted from 0. */
bool device_publish(uint16_t queue, uint32_t len, uint32_t meta_flags);
/* Inode of the network namespace in which a queue was opened; 0: there is no such queue. */
ino_t device_namespace(uint16_t queue);
/* Of the calling thread. */
ino_t namespace_of_thread(void);
/* What left: "NUMBER:VERDICT:WHICH:FIRST_BYTE ..."; the first byte is of a changed payload, else -1. */
const char *device_settled(void);
/* FASTQUEUE_F_* that a queue was last set to. */
uint32_t device_flags(void);

/* What the kernel may do at a bad moment; a test sets it before that. */
struct device_moment {
	bool no_writable;	/* a user namespace: no ring in which packets can be changed */
	bool no_kick;		/* the sender does not get to the answers */
	bool late_answers;	/* an answer's word is written just after its packet left */
	uint32_t busy;		/* times that a number is another's, or a sleeper's, yet */
	uint32_t no_map;	/* times that the ring cannot be mapped */
	uint32_t lose;		/* packets that leave during the next exchange, the oldest first */
	uint32_t come;		/* that come during the next exchange */
};

extern struct device_moment device_moment;

#endif /* COMPAT_DEVICE_H */
