// SPDX-License-Identifier: MIT
/*
 * The source writes its time into each payload; the kernel stamps the frame as
 * it leaves. Reading those stamps late changes nothing, so the source does it
 * itself before its next burst, and no other process wakes up for it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "source.h"

/* A stamp is told from the packets of others by the word before it. */
#define MAGIC	0x46515453u

struct stamp {
	uint32_t magic;
	int64_t ns;		/* CLOCK_REALTIME, as the kernel's stamps are */
} __attribute__((packed));

static int64_t in_ns(const struct timespec *time)
{
	return time->tv_sec * SECOND_NS + time->tv_nsec;
}

int latency_open(struct latency *latency, const struct options *options, size_t payload)
{
	struct sockaddr_ll address = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	int on = 1, room = 4 << 20;

	*latency = (struct latency){ .fd = -1, .payload = payload };
	if (!options->latency)
		return 0;
	latency->room = options->packets + options->warm_up;
	latency->ns = calloc(latency->room, sizeof(*latency->ns));
	address.sll_ifindex = (int)if_nametoindex(options->out);
	latency->fd = socket(AF_PACKET, SOCK_RAW, 0);
	if (!latency->ns || latency->fd < 0 ||
	    setsockopt(latency->fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) ||
	    setsockopt(latency->fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) ||
	    bind(latency->fd, (struct sockaddr *)&address, sizeof(address)))
		return -errno;
	return 0;
}

void latency_stamp(const struct latency *latency, uint8_t *frame)
{
	struct stamp stamp = { .magic = MAGIC };
	struct timespec now;

	if (latency->fd < 0)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	stamp.ns = in_ns(&now);
	memcpy(frame + latency->payload, &stamp, sizeof(stamp));
}

static const struct timespec *kernel_stamp(struct msghdr *message)
{
	struct cmsghdr *part = CMSG_FIRSTHDR(message);

	for (; part; part = CMSG_NXTHDR(message, part))
		if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_TIMESTAMPNS)
			return (const struct timespec *)CMSG_DATA(part);
	return NULL;
}

/* Take in the next frame that left; 0: there is none. */
static int next_take(struct latency *latency)
{
	static uint8_t frame[FRAME_SIZE];
	char control[128] __attribute__((aligned(8)));
	struct iovec data = { frame, sizeof(frame) };
	struct msghdr message = {
		.msg_iov = &data, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	ssize_t size = recvmsg(latency->fd, &message, MSG_DONTWAIT);
	const struct timespec *left;
	struct stamp stamp;

	if (size < 0)
		return 0;
	left = kernel_stamp(&message);
	if (left && (size_t)size >= latency->payload + sizeof(stamp)) {
		memcpy(&stamp, frame + latency->payload, sizeof(stamp));
		if (stamp.magic == MAGIC && latency->number < latency->room)
			latency->ns[latency->number++] = in_ns(left) - stamp.ns;
	}
	return 1;
}

void latency_collect(struct latency *latency)
{
	if (latency->fd >= 0)
		while (next_take(latency))
			;
}

void latency_print(const struct latency *latency)
{
	if (latency->fd < 0)
		return;
	printf(", \"latency_ns\": [");
	for (uint32_t i = 0; i < latency->number; i++)
		printf("%s%lld", i ? "," : "", (long long)latency->ns[i]);
	printf("]");
}
