/* SPDX-License-Identifier: MIT */
#ifndef FUZZ_KERNEL_LOG_H
#define FUZZ_KERNEL_LOG_H

/* Begin to watch: what is in the log so far does not count. Returns 0 or -1. */
int kernel_log_open(void);

/* The first line since then with which a kernel complains, or NULL. */
const char *kernel_log_complaint(void);

#endif
