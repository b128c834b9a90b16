// SPDX-License-Identifier: MIT
/* Waiting for a lock that another thread holds. */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lock.h"

/* Who waits marks the lock, also when it gets it: others may wait as well. */
void lock_wait(struct lock *lock)
{
	if (__atomic_load_n(&lock->owner, __ATOMIC_RELAXED) == lock_self()) {
		lock->nested++;
		return;
	}
	while (__atomic_exchange_n(&lock->owner, LOCK_CONTENDED, __ATOMIC_ACQUIRE))
		syscall(SYS_futex, &lock->owner, FUTEX_WAIT_PRIVATE, LOCK_CONTENDED, NULL, NULL, 0);
}

void lock_wake(struct lock *lock)
{
	syscall(SYS_futex, &lock->owner, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}
