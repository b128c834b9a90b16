// SPDX-License-Identifier: MIT
/* Waiting for a lock that another thread holds. */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lock.h"

__thread uint32_t lock_thread;

uint32_t lock_self_ask(void)
{
	lock_thread = (uint32_t)syscall(SYS_gettid);
	return lock_thread;
}

void lock_forget_self(void)
{
	lock_thread = 0;
}

/* Mark the lock as waited for and sleep, unless it changed. */
static void lock_sleep(struct lock *lock, uint32_t owner)
{
	uint32_t marked = owner | LOCK_WAITERS;

	if (owner == marked ||
	    __atomic_compare_exchange_n(&lock->owner, &owner, marked, false, __ATOMIC_RELAXED,
					__ATOMIC_RELAXED))
		syscall(SYS_futex, &lock->owner, FUTEX_WAIT_PRIVATE, marked, NULL, NULL, 0);
}

void lock_wait(struct lock *lock)
{
	uint32_t self = lock_self(), owner = __atomic_load_n(&lock->owner, __ATOMIC_RELAXED);

	if ((owner & ~LOCK_WAITERS) == self) {
		lock->nested++;
		return;
	}
	for (;;) {
		owner = LOCK_FREE;
		if (__atomic_compare_exchange_n(&lock->owner, &owner, self, false,
						__ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			return;
		lock_sleep(lock, owner);
		self |= LOCK_WAITERS;	/* only one is woken: others may sleep still */
	}
}

void lock_wake(struct lock *lock)
{
	syscall(SYS_futex, &lock->owner, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}
