/* SPDX-License-Identifier: MIT */
/*
 * A lock for a few instructions: it is taken twice per packet, by one thread as a
 * rule, and a call into the C library for that costs as much as all the rest
 * that is done under it.
 */
#ifndef LOCK_H
#define LOCK_H

#include <stdbool.h>
#include <stdint.h>

#define LOCK_FREE	0u
#define LOCK_WAITERS	0x80000000u	/* in owner: threads sleep until it is free */

/*
 * owner is the thread that holds the lock, also while others wait for it: a signal
 * handler that takes the lock from its own thread, as one does that closes what the
 * thread is at work on, must never wait for it. nested counts such holds.
 */
struct lock {
	uint32_t owner;
	uint32_t nested;
};

/* lock.c: the system calls. */
void lock_wait(struct lock *lock);
void lock_wake(struct lock *lock);
uint32_t lock_self_ask(void);
/* In a child of fork(), whose thread has another id. */
void lock_forget_self(void);

/* This thread's id, 0 until it is asked for; pointers are not unique in 32 bits. */
extern __thread uint32_t lock_thread __attribute__((tls_model("initial-exec")));

static inline uint32_t lock_self(void)
{
	uint32_t self = lock_thread;

	return self ? self : lock_self_ask();
}

static inline void lock_take(struct lock *lock)
{
	uint32_t free = LOCK_FREE;

	if (!__atomic_compare_exchange_n(&lock->owner, &free, lock_self(), false, __ATOMIC_ACQUIRE,
					 __ATOMIC_RELAXED))
		lock_wait(lock);
}

static inline void lock_give(struct lock *lock)
{
	if (lock->nested)
		lock->nested--;
	else if (__atomic_exchange_n(&lock->owner, LOCK_FREE, __ATOMIC_RELEASE) & LOCK_WAITERS)
		lock_wake(lock);
}

#endif /* LOCK_H */
