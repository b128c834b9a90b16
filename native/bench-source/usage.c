// SPDX-License-Identifier: MIT
/*
 * Idle time and packet counts. /proc/timer_list has the processor's idle time
 * in nanoseconds, where /proc/uptime has it in hundredths of a second.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "source.h"

#define IDLE_FIELD	" .idle_sleeptime : %lld"

static int64_t idle_read(void)
{
	FILE *file = fopen("/proc/timer_list", "r");
	long long idle = -1;
	char line[256];

	if (!file)
		return -1;
	/* one processor: the first line that matches is the only one */
	while (idle < 0 && fgets(line, sizeof(line), file))
		if (sscanf(line, IDLE_FIELD, &idle) != 1)
			idle = -1;
	fclose(file);
	return idle;
}

int64_t forwarded_read(const char *out)
{
	long long packets = -1;
	char path[96];
	FILE *file;

	snprintf(path, sizeof(path), "/sys/class/net/%s/statistics/tx_packets", out);
	file = fopen(path, "r");
	if (!file)
		return -1;
	if (fscanf(file, "%lld", &packets) != 1)
		packets = -1;
	fclose(file);
	return packets;
}

int usage_read(struct usage *usage, const char *out)
{
	struct timespec now;

	usage->forwarded = forwarded_read(out);
	usage->idle_ns = idle_read();
	clock_gettime(CLOCK_MONOTONIC, &now);
	usage->now_ns = now.tv_sec * SECOND_NS + now.tv_nsec;
	return usage->forwarded < 0 || usage->idle_ns < 0 ? -ENOENT : 0;
}
