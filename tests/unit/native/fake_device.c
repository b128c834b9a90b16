// SPDX-License-Identifier: MIT
/*
 * /dev/fastqueue for programs of the unit tests, by LD_PRELOAD: a ring in a
 * file in memory. Each poll() or WAIT settles what was answered and puts the next
 * packets of a plan in; after the last one it says on stderr what was accepted
 * and dropped, and interrupts the program.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <linux/fastqueue.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define ROOM (8u << 20)		/* bytes for each area */
#define PACKETS 40		/* every fourth UDP to port 5001, the rest to 5002 */
#define BURST 5

static unsigned char *memory;
static int device = -1;
static unsigned int frames, frame_size, fa, fp, sent, accepted, dropped, invalid;

static unsigned int *words(void)
{
	return (void *)(memory + FASTQUEUE_WORDS_OFFSET);
}

static struct fastqueue_status *status(void)
{
	return (void *)(memory + ROOM);
}

static void settle(void)
{
	for (; fp != fa; fp++) {
		unsigned int word = words()[fp % frames], lap = fp / frames << FASTQUEUE_LAP_SHIFT;

		if ((word & FASTQUEUE_STATE_MASK) != FASTQUEUE_PROCESSED)
			break;
		invalid += (word & FASTQUEUE_LAP_MASK) != lap;
		if ((word & FASTQUEUE_VERDICT_MASK) >> FASTQUEUE_VERDICT_SHIFT == FASTQUEUE_ACCEPT)
			accepted++;
		else
			dropped++;
	}
	status()->fp = fp;
}

static void receive(void)
{
	struct fastqueue_meta *meta = (void *)(memory + ROOM + FASTQUEUE_META_OFFSET);
	unsigned int slot = fa % frames, port = sent++ % 4 ? 5002 : 5001;
	unsigned char *packet = memory + 2 * ROOM + slot * frame_size;

	memset(packet, 0, 28);
	packet[0] = 0x45;
	packet[9] = 17;
	packet[22] = port >> 8;
	packet[23] = port & 255;
	meta[slot].len = meta[slot].cap_len = 28;
	words()[slot] = FASTQUEUE_OCCUPIED | fa / frames << FASTQUEUE_LAP_SHIFT;
	status()->fa = ++fa;
}

static int handler_waits(void)
{
	unsigned int i;

	settle();
	if (sent == PACKETS && fp == fa) {
		fprintf(stderr, "accepted %u, dropped %u, invalid %u\n", accepted, dropped, invalid);
		raise(SIGINT);
		errno = EINTR;
		return -1;
	}
	for (i = 0; i < BURST && sent < PACKETS && fa - fp < frames; i++)
		receive();
	return 0;
}

int poll(struct pollfd *files, nfds_t number, int timeout_ms)
{
	(void)number, (void)timeout_ms;
	if (handler_waits())
		return -1;
	files->revents = POLLIN;
	return 1;
}

static int allocate(struct fastqueue_ring *ring)
{
	if (ring->frames * (size_t)ring->frame_size > ROOM)
		return errno = ENOMEM, -1;
	frames = ring->frames;
	frame_size = ring->frame_size;
	fa = fp = 0;
	memset(memory, 0, 3 * ROOM);
	ring->meta_offset = ROOM;
	ring->payload_offset = 2 * ROOM;
	ring->answer_offset = 0;
	ring->answer_size = ring->meta_size = ring->payload_size = ROOM;
	if (frames == 1024)	/* for a program that is to see a ring which cannot be mapped */
		ring->payload_size = 1ull << 60;
	return 0;
}

int open(const char *path, int flags, ...)
{
	if (strcmp(path, FASTQUEUE_DEVICE))
		return errno = ENOENT, -1;
	(void)flags;
	device = memfd_create("ring", 0);
	if (device < 0 || ftruncate(device, 3 * ROOM))
		return -1;
	memory = mmap(NULL, 3 * ROOM, PROT_READ | PROT_WRITE, MAP_SHARED, device, 0);
	return memory == MAP_FAILED ? -1 : device;
}

int ioctl(int file, unsigned long request, ...)
{
	va_list list;
	void *argument;

	va_start(list, request);
	argument = va_arg(list, void *);
	va_end(list);
	if (file != device)
		return errno = EBADF, -1;
	if (request == FASTQUEUE_IOC_ALLOC)
		return allocate(argument);
	if (request == FASTQUEUE_IOC_KICK)
		settle();
	if (request == FASTQUEUE_IOC_WAIT)
		return handler_waits();
	if (request == FASTQUEUE_IOC_RESIZE) {
		unsigned int out = fa - fp;

		if (((struct fastqueue_ring *)argument)->frames < out)
			return errno = EBUSY, -1;
		if (allocate(argument))
			return -1;
		for (sent -= out; out; out--)	/* unanswered: they come again */
			receive();
	}
	return 0;
}
