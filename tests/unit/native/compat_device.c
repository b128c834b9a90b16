// SPDX-License-Identifier: MIT
/* libfastqueue's calls to the kernel on a model of it: rings in memory, queues by number. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../../native/libfastqueue/internal.h"
#include "compat_device.h"

#define QUEUES	8
#define ROOM	(1 << 20)	/* bytes for answers, and for metadata */
#define FRAMES_MAX	(1u << 13)	/* more do not fit there */

struct packet {
	uint32_t number, len, flags;
	bool there;
};

struct device {
	struct fq_queue *queue;
	uint16_t number;
	ino_t namespace;
	int memory;
	uint32_t frames, frame_size, fa, fp;
	struct fastqueue_stats stats;
	struct packet packets[FRAMES_MAX];	/* by slot */
};

struct device_moment device_moment;
static struct device devices[QUEUES];
static pthread_mutex_t kernel = PTHREAD_MUTEX_INITIALIZER;
static __thread sigset_t before;
static uint32_t published;
static char settled[1 << 16];

/* Signals are delivered when the kernel is through with a call. */
static void kernel_enter(void)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_mutex_lock(&kernel);
}

static void kernel_leave(void)
{
	pthread_mutex_unlock(&kernel);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static struct device *device_of(const struct fq_queue *queue)
{
	struct device *device = devices;

	while (device < devices + QUEUES && device->queue != queue)
		device++;
	return device < devices + QUEUES ? device : NULL;
}

static struct device *device_numbered(uint16_t number)
{
	struct device *device;

	for (device = devices; device < devices + QUEUES; device++)
		if (device->queue && device->number == number)
			return device;
	return NULL;
}

/* Where even root may not leave its namespace the tests that need no other one go on. */
void device_begin(void)
{
	if (unshare(CLONE_NEWNET | (geteuid() ? CLONE_NEWUSER : 0)) && geteuid())
		perror("unshare");
}

ino_t namespace_of_thread(void)
{
	struct stat status;

	return stat("/proc/thread-self/ns/net", &status) ? 0 : status.st_ino;
}

static void tell(struct device *device)
{
	struct fastqueue_status *status = (struct fastqueue_status *)device->queue->status;

	__atomic_store_n(&status->fp, device->fp, __ATOMIC_RELEASE);
	__atomic_store_n(&status->fa, device->fa, __ATOMIC_RELEASE);
}

/* Where it was, if that is known; as the kernel's areas it does not go to children. */
static void area_map(struct device *device, struct fq_area *area, void *wanted, size_t size,
		     off_t offset)
{
	void *start = mmap(wanted, size, PROT_READ | PROT_WRITE,
			   MAP_SHARED | (wanted ? MAP_FIXED_NOREPLACE : 0), device->memory, offset);

	if (start == MAP_FAILED || madvise(start, size, MADV_DONTFORK))
		abort();
	*area = (struct fq_area){ start, size };
}

static int areas_map(struct fq_queue *queue, void *answer, void *meta, void *payload)
{
	struct device *device = device_of(queue);

	if (device_moment.no_map) {
		device_moment.no_map--;
		return -ENOMEM;
	}
	queue->frames = device->frames;
	queue->order = (uint32_t)__builtin_ctz(device->frames);
	queue->frame_size = device->frame_size;
	area_map(device, &queue->answer_area, answer, ROOM, 0);
	area_map(device, &queue->meta_area, meta, ROOM, ROOM);
	area_map(device, &queue->payload_area, payload, (size_t)queue->frames * queue->frame_size,
		 2 * ROOM);
	queue->control = queue->answer_area.start;
	queue->words = (void *)((char *)queue->answer_area.start + FASTQUEUE_WORDS_OFFSET);
	queue->answers = (void *)(queue->words + queue->frames);
	queue->status = queue->meta_area.start;
	queue->meta = (void *)((char *)queue->meta_area.start + FASTQUEUE_META_OFFSET);
	queue->payload = queue->payload_area.start;
	queue->fo = queue->first = queue->control->fo;
	queue->mapped = true;
	return 0;
}

int fq_map(struct fq_queue *queue)
{
	return areas_map(queue, NULL, NULL, NULL);
}

static void area_unmap(struct fq_area *area)
{
	if (area->start)
		munmap(area->start, area->size);
	area->start = NULL;
}

void fq_unmap(struct fq_queue *queue)
{
	area_unmap(&queue->answer_area);
	area_unmap(&queue->meta_area);
	area_unmap(&queue->payload_area);
	fq_lay_out_empty(queue);
}

void fq_forget_mapping(struct fq_queue *queue)
{
	queue->answer_area.start = queue->meta_area.start = queue->payload_area.start = NULL;
	fq_lay_out_empty(queue);
}

int fq_remap(struct fq_queue *queue)
{
	void *answer = queue->answer_area.start, *meta = queue->meta_area.start;
	void *payload = queue->payload_area.start;

	fq_forget_mapping(queue);
	return areas_map(queue, answer, meta, payload);
}

/* Beyond the descriptors that a program looks through: the kernel's memory has none. */
static int memory_make(void)
{
	int low = memfd_create("ring", MFD_CLOEXEC), high = fcntl(low, F_DUPFD_CLOEXEC, 200);

	close(low);
	return high;
}

static void ring_make(struct device *device, uint32_t frames, uint32_t frame_size)
{
	device->frames = frames;
	device->frame_size = frame_size;
	device->memory = memory_make();
	if (device->memory < 0 || ftruncate(device->memory, 2 * ROOM + (off_t)frames * frame_size))
		abort();
	device->fa = device->fp = 0;
	device->stats.occupied = 0;
	memset(device->packets, 0, sizeof(device->packets));
	fq_map(device->queue);
}

int fq_open(struct fq_queue **opened, const struct fq_options *options)
{
	struct device *device;
	int err = -EBUSY;

	kernel_enter();
	device = device_of(NULL);
	if (device_moment.no_writable && options->flags & FASTQUEUE_F_WRITABLE) {
		err = -EPERM;
	} else if (device_moment.busy) {
		device_moment.busy--;
	} else if (!device_numbered((uint16_t)options->queue)) {
		device->queue = calloc(1, sizeof(*device->queue));
		device->queue->flags = options->flags;
		device->queue->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		device->number = (uint16_t)options->queue;
		device->namespace = namespace_of_thread();
		device->stats = (struct fastqueue_stats){ 0 };
		ring_make(device, options->frames, options->frame_size);
		*opened = device->queue;
		err = 0;
	}
	kernel_leave();
	return err;
}

/* Asked for before each poll(): readable while there are frames that were not taken. */
int fq_fd(const struct fq_queue *queue)
{
	eventfd_t value;

	kernel_enter();
	if (queue->mapped && __atomic_load_n(&queue->control->fo, __ATOMIC_ACQUIRE) ==
	    device_of(queue)->fa)
		eventfd_read(queue->fd, &value);
	kernel_leave();
	return queue->fd;
}

static void packet_put(struct device *device, const struct packet *packet)
{
	struct fq_queue *queue = device->queue;
	uint32_t slot = device->fa & (queue->frames - 1);
	struct fastqueue_meta *meta = (struct fastqueue_meta *)&queue->meta[slot];

	device->packets[slot] = *packet;
	*meta = (struct fastqueue_meta){ .len = packet->len, .flags = packet->flags };
	meta->cap_len = packet->len < queue->frame_size ? packet->len : queue->frame_size;
	memset(queue->payload + (size_t)slot * queue->frame_size, (int)packet->number, meta->cap_len);
	__atomic_store_n(&queue->words[slot], fq_lap(queue, device->fa) | FASTQUEUE_OCCUPIED,
			 __ATOMIC_RELEASE);
	device->fa++;
	device->stats.occupied++;
	tell(device);
	eventfd_write(queue->fd, 1);
}

static bool packet_come(struct device *device, uint32_t len, uint32_t meta_flags)
{
	struct packet packet = { .len = len, .flags = meta_flags, .there = true };

	if (device->fa - device->fp >= device->queue->frames)
		return false;
	packet.number = published++;
	device->stats.queued++;
	packet_put(device, &packet);
	return true;
}

bool device_publish(uint16_t number, uint32_t len, uint32_t meta_flags)
{
	struct device *device;
	bool done;

	kernel_enter();
	device = device_numbered(number);
	done = device && device->queue->mapped && packet_come(device, len, meta_flags);
	kernel_leave();
	return done;
}

static void packet_settle(struct device *device, uint32_t slot, uint32_t word)
{
	const struct fq_queue *queue = device->queue;
	size_t len = strlen(settled);
	bool changed = word & FASTQUEUE_WITH_PAYLOAD;
	unsigned char first = 0;

	device->stats.occupied--;
	device->stats.accepted++;

	if (queue->answers[slot].flags && changed)
		abort();	/* the library never asks for anything on top of the bytes */
	/* from the memory itself: the library may have taken the mapping of a queue that ends */
	if (changed && pread(device->memory, &first, 1,
			     2 * ROOM + (off_t)slot * queue->frame_size) != 1)
		abort();
	snprintf(settled + len, sizeof(settled) - len, "%u:%u:%u:%d ", device->packets[slot].number,
		 (word & FASTQUEUE_VERDICT_MASK) >> FASTQUEUE_VERDICT_SHIFT, word & 0xe0,
		 changed ? first : -1);
	device->packets[slot].there = false;
	if (!device_moment.late_answers)
		queue->words[slot] &= ~FASTQUEUE_STATE_MASK;
}

/* As the sender does it for queues that keep no order. */
static void settle(struct device *device)
{
	const struct fq_queue *queue = device->queue;
	uint32_t count, slot, word;

	for (count = device->fp; count != device->fa; count++) {
		slot = count & (queue->frames - 1);
		word = __atomic_load_n(&queue->words[slot], __ATOMIC_ACQUIRE);
		if (device->packets[slot].there && word != (fq_lap(queue, count) | FASTQUEUE_OCCUPIED))
			packet_settle(device, slot, word);
	}
	while (device->fp != device->fa && !device->packets[device->fp & (queue->frames - 1)].there)
		device->fp++;
	tell(device);
}

void fq_close(struct fq_queue *queue)
{
	struct device *device = device_of(queue);

	kernel_enter();
	if (queue->mapped)
		settle(device);
	fq_unmap(queue);
	close(device->memory);
	close(queue->fd);
	device->queue = NULL;
	free(queue);
	kernel_leave();
}

int fq_kick(struct fq_queue *queue)
{
	kernel_enter();
	if (queue->mapped && !device_moment.no_kick)
		settle(device_of(queue));
	kernel_leave();
	return 0;
}

/* The packets of a ring in their order, without those that leave just now. */
static uint32_t packets_list(struct device *device, struct packet *list)
{
	const struct fq_queue *queue = device->queue;
	uint32_t count, number = 0;

	for (count = device->fp; count != device->fa; count++) {
		const struct packet *packet = &device->packets[count & (queue->frames - 1)];

		if (packet->there && device_moment.lose) {
			device_moment.lose--;
			device->stats.flushed++;
		} else if (packet->there) {
			list[number++] = *packet;
		}
	}
	return number;
}

int fq_resize(struct fq_queue *queue, const struct fq_options *options)
{
	static struct packet moved[FRAMES_MAX];
	struct device *device = device_of(queue);
	uint32_t number, i;

	if (options->frames > FRAMES_MAX || !queue->mapped)
		return queue->mapped ? -ENOMEM : -EPIPE;
	kernel_enter();
	for (; device_moment.come; device_moment.come--)
		packet_come(device, 100, 0);
	number = packets_list(device, moved);
	fq_unmap(queue);
	if (number <= options->frames) {
		close(device->memory);
		ring_make(device, options->frames, options->frame_size);
		for (i = 0; queue->mapped && i < number; i++)
			packet_put(device, &moved[i]);
	} else {
		fq_map(queue);
	}
	kernel_leave();
	return !queue->mapped ? -EPIPE : number > options->frames ? -EBUSY : 0;
}

static uint32_t flags_set_last;

int fq_set(struct fq_queue *queue, const struct fastqueue_settings *settings)
{
	(void)queue;
	if (settings->fields & FASTQUEUE_SET_FLAGS)
		flags_set_last = settings->flags;
	return 0;
}

uint32_t device_flags(void)
{
	return flags_set_last;
}

int fq_stats(struct fq_queue *queue, struct fastqueue_stats *stats)
{
	kernel_enter();
	*stats = device_of(queue)->stats;
	kernel_leave();
	return 0;
}

const char *fq_strerror(int error)
{
	return strerror(-error);
}

ino_t device_namespace(uint16_t number)
{
	struct device *device;
	ino_t namespace;

	kernel_enter();
	device = device_numbered(number);
	namespace = device ? device->namespace : 0;
	kernel_leave();
	return namespace;
}

const char *device_settled(void)
{
	static char found[sizeof(settled)];
	struct device *device;

	kernel_enter();
	for (device = devices; device < devices + QUEUES; device++)
		if (device->queue && device->queue->mapped)
			settle(device);
	strcpy(found, settled);
	*settled = '\0';
	kernel_leave();
	return found;
}
