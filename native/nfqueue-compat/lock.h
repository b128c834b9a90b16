/* SPDX-License-Identifier: MIT */
/*
 * A lock for a few instructions: it is taken twice a packet, by one thread as a
 * rule, and a call into the C library for that costs as much as all the rest
 * that is done under it. 0: free, 1: held, 2: held, and somebody sleeps.
 */
#ifndef LOCK_H
#define LOCK_H

#include <stdbool.h>
#include <stdint.h>

/* lock.c: the system calls. */
void lock_wait(uint32_t *lock);
void lock_wake(uint32_t *lock);

static inline void lock_take(uint32_t *lock)
{
	uint32_t free = 0;

	if (!__atomic_compare_exchange_n(lock, &free, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		lock_wait(lock);
}

static inline void lock_give(uint32_t *lock)
{
	if (__atomic_exchange_n(lock, 0, __ATOMIC_RELEASE) == 2)
		lock_wake(lock);
}

#endif /* LOCK_H */
