/* SPDX-License-Identifier: MIT */
/* Settings in the environment: a variable is 1 or 0, and 0 if it is empty or not there. */
#ifndef COMPAT_ENVIRONMENT_H
#define COMPAT_ENVIRONMENT_H

#include <stdlib.h>
#include <string.h>

#define ENVIRONMENT_GSO			"FASTQUEUE_GSO"
#define ENVIRONMENT_WHOLE_MESSAGES	"FASTQUEUE_WHOLE_MESSAGES"

/* 1 or 0; -1: neither. */
static inline int environment_read(const char *name)
{
	const char *text = getenv(name);

	if (!text || !*text || !strcmp(text, "0"))
		return 0;
	return strcmp(text, "1") ? -1 : 1;
}

/* channel.c: the same with a line in the log, and -EINVAL. */
int environment_flag(const char *name);

#endif /* COMPAT_ENVIRONMENT_H */
