// SPDX-License-Identifier: MIT
/* The kernel's log, record by record: which sequence was it that it complained about? */
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "kernel_log.h"

/* The host's list (devkit/target/kernel_log.py) is longer, and looked at as well. */
static const char *const complaints[] = {
	"WARNING:", "BUG:", "Oops", "Call Trace:", "lockup", "detected stall", "self-detected stall",
	"blocked for more than", "general protection fault", "KASAN:", "UBSAN:", "refcount_t:",
	"corruption", "possible circular", "possible recursive", "suspicious RCU",
	"scheduling while atomic", "sleeping function called", "unregister_netdevice: waiting",
};

static int log_fd = -1;
static char record[8192];

int kernel_log_open(void)
{
	log_fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (log_fd < 0)
		return -1;
	lseek(log_fd, 0, SEEK_END);
	return 0;
}

const char *kernel_log_complaint(void)
{
	ssize_t size;
	size_t i;

	/* EPIPE: records were overwritten before we came; the next read goes on after them */
	while ((size = read(log_fd, record, sizeof(record) - 1)) > 0) {
		record[size] = '\0';
		for (i = 0; i < sizeof(complaints) / sizeof(complaints[0]); i++)
			if (strstr(record, complaints[i]))
				return record;
	}
	return NULL;
}
