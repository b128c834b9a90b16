/* SPDX-License-Identifier: MIT */
/*
 * A lock for a few instructions: it is taken twice a packet, by one thread as a
 * rule, and a call into the C library for that costs as much as all the rest
 * that is done under it. The first word is 0: free, 2: held, and somebody sleeps,
 * or whose it is: a signal's handler that closes what its thread is at work on, as
 * many programs' does, goes on. The second counts such ones.
 */
#ifndef LOCK_H
#define LOCK_H

#include <stdbool.h>
#include <stdint.h>

/* lock.c: the system calls. */
void lock_wait(uint32_t *lock);
void lock_wake(uint32_t *lock);

static inline uint32_t lock_self(void)
{
	return (uint32_t)(uintptr_t)__builtin_thread_pointer();
}

static inline void lock_take(uint32_t *lock)
{
	uint32_t free = 0;

	if (!__atomic_compare_exchange_n(lock, &free, lock_self(), false, __ATOMIC_ACQUIRE,
					 __ATOMIC_RELAXED))
		lock_wait(lock);
}

static inline void lock_give(uint32_t *lock)
{
	if (lock[1])
		lock[1]--;
	else if (__atomic_exchange_n(lock, 0, __ATOMIC_RELEASE) == 2)
		lock_wake(lock);
}

#endif /* LOCK_H */
