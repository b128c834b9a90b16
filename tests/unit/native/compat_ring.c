// SPDX-License-Identifier: MIT
/*
 * The compatibility library's frames, verdicts and exchanges of rings on a model
 * of the kernel's side, told what to do by lines on standard input. Each line is
 * answered by one:
 *
 *	start COUNT		"done"; of the first frame, before all others
 *	publish LEN		"done", or "full"
 *	next			"ID SERIAL BYTES": the packet's id, its number, what is there of it
 *	hold FRAMES SIZE	the same, the error of an exchange, and the number there is now
 *				where the program saw the packet
 *	verdict ID VERDICT	an error number
 *	batch ID VERDICT	an error number
 *	payload ID LEN		an error number; accepted with other bytes
 *	exchange FRAMES SIZE	an error number
 *	lose NUMBER		"done"; the oldest packets leave during the next exchange
 *	settled			"SERIAL:VERDICT:LEN ...", of what left since, after a kick
 *	kicks			how often the sender was asked to look at the ring
 *	period			of its timer, in microseconds
 *	mode NUMBER		"done"; the copy mode, 0: what comes from now on is refused
 *	behind			frames between the next one and those that a batch answered
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../../native/libfastqueue/internal.h"
#include "../../../native/nfqueue-compat/original.h"
#include "../../../native/nfqueue-compat/overlay.h"

#define ROOM (1 << 20)	/* bytes for answers, and for metadata */

struct packet {
	uint32_t serial, len;
	bool there;
};

static struct fq_queue ring = { .flags = FASTQUEUE_F_WRITABLE };
static struct channel channel;
static struct queue queue = { .channel = &channel, .ring = &ring, .mode = NFQNL_COPY_PACKET,
			      .range = 0xffff, .maxlen = 8, .shift = 1 };
static struct packet packets[FASTQUEUE_MAX_FRAMES];	/* by slot */
static uint32_t serial;
static unsigned int kicks;
static uint32_t period_us;
static char settled[1 << 16];

static uint32_t fa, fp;
static uint32_t losing, lost;	/* packets, during the next exchange, and until now */

/* What user space sees; gone while a ring is being exchanged. */
static void tell(void)
{
	struct fastqueue_status *status = (struct fastqueue_status *)ring.status;

	status->fa = fa;
	status->fp = fp;
}

static void area_map(struct fq_area *area, size_t size, off_t offset)
{
	void *start = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, ring.fd, offset);

	if (start == MAP_FAILED)
		abort();
	*area = (struct fq_area){ start, size };
}

static void ring_map(void)
{
	size_t answers = FASTQUEUE_WORDS_OFFSET +
			 ring.frames * (4 + sizeof(struct fastqueue_answer));
	size_t metas = FASTQUEUE_META_OFFSET + ring.frames * sizeof(struct fastqueue_meta);

	area_map(&ring.answer_area, answers, 0);
	area_map(&ring.meta_area, metas, ROOM);
	area_map(&ring.payload_area, (size_t)ring.frames * ring.frame_size, 2 * ROOM);
	fq_lay_out(&ring);
}

static void ring_make(uint32_t frames, uint32_t frame_size)
{
	ring.frames = queue.frames = frames;
	ring.order = __builtin_ctz(frames);
	ring.frame_size = queue.frame_size = frame_size;
	ring.fd = memfd_create("ring", 0);
	if (ring.fd < 0 || ftruncate(ring.fd, 2 * ROOM + (off_t)frames * frame_size))
		abort();
	ring_map();
}

static void packet_put(const struct packet *packet)
{
	uint32_t slot = fa & (ring.frames - 1);
	struct fastqueue_meta *meta = (struct fastqueue_meta *)&ring.meta[slot];

	packets[slot] = *packet;
	*meta = (struct fastqueue_meta){ .len = packet->len };
	meta->cap_len = packet->len < ring.frame_size ? packet->len : ring.frame_size;
	memset(ring.payload + slot * ring.frame_size, (int)packet->serial, meta->cap_len);
	memcpy(ring.payload + slot * ring.frame_size, &packet->serial, 4);
	ring.words[slot] = fq_lap(&ring, fa++) | FASTQUEUE_OCCUPIED;
	tell();
}

/* As the sender does it for queues that keep no order. */
static void settle(void)
{
	uint32_t count;

	for (count = fp; count != fa; count++) {
		uint32_t slot = count & (ring.frames - 1), word = ring.words[slot];

		if (!packets[slot].there || word == (fq_lap(&ring, count) | FASTQUEUE_OCCUPIED))
			continue;
		if ((word & FASTQUEUE_LAP_MASK) != fq_lap(&ring, count))
			abort();	/* of a packet that is gone */
		sprintf(settled + strlen(settled), "%u:%u:%u ", packets[slot].serial,
			(word & FASTQUEUE_VERDICT_MASK) >> FASTQUEUE_VERDICT_SHIFT,
			word & FASTQUEUE_WITH_PAYLOAD ? ring.answers[slot].len : packets[slot].len);
		packets[slot].there = false;
		ring.words[slot] &= ~FASTQUEUE_STATE_MASK;
	}
	while (fp != fa && !packets[fp & (ring.frames - 1)].there)
		fp++;
	tell();
}

int fq_kick(struct fq_queue *unused)
{
	(void)unused;
	kicks++;
	settle();
	return 0;
}

int fq_set(struct fq_queue *unused, const struct fastqueue_settings *settings)
{
	(void)unused;
	if (settings->fields != FASTQUEUE_SET_PERIOD)
		abort();
	period_us = settings->period_us;
	return 0;
}

int fq_stats(struct fq_queue *unused, struct fastqueue_stats *stats)
{
	(void)unused;
	*stats = (struct fastqueue_stats){ .flushed = lost };	/* there are no late answers here */
	return 0;
}

int fq_resize(struct fq_queue *unused, const struct fq_options *options)
{
	static struct packet moved[FASTQUEUE_MAX_FRAMES];
	uint32_t count, number = 0, i;

	(void)unused;
	for (count = fp; count != fa; count++)
		if (!packets[count & (ring.frames - 1)].there)
			continue;
		else if (losing)
			losing--, lost++;
		else
			moved[number++] = packets[count & (ring.frames - 1)];
	fq_unmap(&ring);
	if (number > options->frames) {
		ring_map();
		return -EBUSY;
	}
	close(ring.fd);
	ring_make(options->frames, options->frame_size);
	fa = fp = 0;
	for (i = 0; i < number; i++)
		packet_put(&moved[i]);
	return 0;
}

int fq_fd(const struct fq_queue *unused)
{
	(void)unused;
	return ring.fd;
}

const char *fq_strerror(int error)
{
	return strerror(-error);
}

void compat_log(const char *format, ...)
{
	(void)format;
}

unsigned int channel_forks;

void channel_remap(struct channel *unused)
{
	(void)unused;
}

void channel_unlock_late(struct channel *unused)
{
	(void)unused;
}

bool queue_is_served(struct channel *unused, uint16_t number)
{
	(void)unused;
	return number == 7;
}

static const char *publish(uint32_t len)
{
	struct packet packet = { serial, len, true };

	if (fa - fp == ring.frames)
		return "full";
	packet_put(&packet);
	serial++;
	return "done";
}

static unsigned char *next(void)
{
	unsigned char *payload;
	uint32_t count, len, seen;

	if (!frame_next(&queue, &count)) {
		printf("none");
		return NULL;
	}
	len = frame_payload(&queue, count, &payload);
	memcpy(&seen, payload, 4);
	if (count < queue.moved)
		queue.moved_shown[count] = true;
	printf("%u %u %u", frame_id(&queue, count), seen, len);
	frame_pass(&queue);
	return payload;
}

static void start(uint32_t count)
{
	fa = fp = queue.taken = queue.answered = count;
	queue.shift = 1 - count;
	tell();
}

static void hold(uint32_t frames, uint32_t frame_size)
{
	unsigned char *payload = next();
	int err = queue_rebuild(&queue, frames, frame_size);
	uint32_t seen;

	if (payload) {
		memcpy(&seen, payload, 4);
		printf(" %d %u", err, seen);
	}
	puts("");
}

static int decide(const char *how, uint32_t id, uint32_t value)
{
	static unsigned char bytes[1 << 16];
	struct decision decision = { .verdict = value };

	if (!strcmp(how, "batch"))
		return verdict_batch(&queue, id, &decision);
	if (!strcmp(how, "payload"))
		decision = (struct decision){ .verdict = 1, .payload = bytes, .payload_len = value };
	return verdict_one(&queue, id, &decision);
}

int main(void)
{
	char line[256], word[32];
	uint32_t one, two;

	channel.queues = &queue;
	queue_pace_begin(&queue);
	period_us = queue.period_ms * 1000;
	ring_make(8, 2048);
	setvbuf(stdout, NULL, _IOLBF, 0);
	while (fgets(line, sizeof(line), stdin)) {
		one = two = 0;
		sscanf(line, "%31s %u %u", word, &one, &two);
		if (!strcmp(word, "start")) {
			start(one);
			puts("done");
		} else if (!strcmp(word, "publish")) {
			puts(publish(one));
		} else if (!strcmp(word, "next")) {
			next();
			puts("");
		} else if (!strcmp(word, "hold")) {
			hold(one, two);
		} else if (!strcmp(word, "exchange")) {
			printf("%d\n", queue_rebuild(&queue, one, two));
		} else if (!strcmp(word, "lose")) {
			losing = one;
			puts("done");
		} else if (!strcmp(word, "kicks")) {
			printf("%u\n", kicks);
		} else if (!strcmp(word, "mode")) {
			if (queue_refuses(&queue))
				frames_refuse(&queue);
			queue.refused_from = fq_head(&ring);
			queue.mode = (uint8_t)one;
			puts("done");
		} else if (!strcmp(word, "behind")) {
			printf("%u\n", queue.taken - queue.answered);
		} else if (!strcmp(word, "period")) {
			printf("%u\n", period_us);
		} else if (!strcmp(word, "settled")) {
			verdict_send(&queue);
			puts(settled);
			*settled = '\0';
		} else {
			printf("%d\n", decide(word, one, two));
		}
	}
	queue_overlays_free(&queue);
	originals_free(&queue);
	free(queue.moved_ids);
	fq_unmap(&ring);
	return 0;
}
