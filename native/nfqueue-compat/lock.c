// SPDX-License-Identifier: MIT
/* Waiting for a lock that another thread holds. */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lock.h"

/* Who waits marks the lock, also when it gets it: others may wait as well. */
void lock_wait(uint32_t *lock)
{
	if (__atomic_load_n(lock, __ATOMIC_RELAXED) == lock_self()) {
		lock[1]++;
		return;
	}
	while (__atomic_exchange_n(lock, 2, __ATOMIC_ACQUIRE))
		syscall(SYS_futex, lock, FUTEX_WAIT_PRIVATE, 2, NULL, NULL, 0);
}

void lock_wake(uint32_t *lock)
{
	syscall(SYS_futex, lock, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}
