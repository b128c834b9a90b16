/* SPDX-License-Identifier: MIT */
/*
 * A lock for a few instructions: it is taken twice a packet, by one thread as a
 * rule, and a call into the C library for that costs as much as all the rest
 * that is done under it.
 */
#ifndef LOCK_H
#define LOCK_H

#include <stdbool.h>
#include <stdint.h>

/*
 * owner is LOCK_FREE, LOCK_CONTENDED (held, and somebody sleeps), or whose it is: a
 * signal's handler that closes what its thread is at work on, as many programs'
 * does, goes on. nested counts such ones.
 */
struct lock {
	uint32_t owner;
	uint32_t nested;
};

enum { LOCK_FREE = 0, LOCK_CONTENDED = 2 };

/* lock.c: the system calls. */
void lock_wait(struct lock *lock);
void lock_wake(struct lock *lock);

static inline uint32_t lock_self(void)
{
	return (uint32_t)(uintptr_t)__builtin_thread_pointer();
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
	else if (__atomic_exchange_n(&lock->owner, LOCK_FREE, __ATOMIC_RELEASE) == LOCK_CONTENDED)
		lock_wake(lock);
}

#endif /* LOCK_H */
