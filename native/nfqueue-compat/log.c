// SPDX-License-Identifier: MIT
/* What cannot be served is said once, where people look for it. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <syslog.h>

#include "compat.h"

void compat_log(const char *format, ...)
{
	int saved = errno, cancelled = cancel_disable();
	char line[256];
	va_list words;

	va_start(words, format);
	vsnprintf(line, sizeof(line), format, words);
	va_end(words);
	fprintf(stderr, "fastqueue: %s: %s\n", program_invocation_short_name, line);
	/* a daemon has no standard error */
	syslog(LOG_DAEMON | LOG_WARNING, "fastqueue: %s", line);
	cancel_restore(cancelled);
	errno = saved;
}
