// SPDX-License-Identifier: MIT
/*
 * The compatibility library's netlink messages, for lines on standard input; bytes
 * are hexadecimal and lie in memory of just their length:
 *
 *	parse MAX BYTES		"bad", or "TYPE:BYTES ..." of the attributes found
 *	packet BYTES		the same of a packet's message, up to NFQA_MAX
 *	request BYTES		what was done: "configure ..., verdict ..., reply ..."
 *	message QUEUE MODE FLAGS PAYLOAD META	"TOTAL BYTES" of a packet's message
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../native/nfqueue-compat/compat.h"

static struct channel channel;
static struct queue queue = { .channel = &channel, .number = 7, .shift = 1 };
static struct fastqueue_meta meta;

unsigned int channel_forks;

void channel_remap(struct channel *unused)
{
	(void)unused;
}

void channel_unlock_late(struct channel *unused)
{
	(void)unused;
}

void foreign_send(struct channel *unused, const void *message, size_t len)
{
	(void)unused, (void)message;
	printf(" other %zu", len);
}

struct channel *channel_of(int fd)
{
	return fd ? NULL : &channel;
}

struct queue *channel_queue(struct channel *unused, uint16_t number)
{
	(void)unused;
	return number == queue.number ? &queue : NULL;
}

int channel_reply(struct channel *unused, const struct nlmsghdr *request, size_t len, int error)
{
	(void)unused;
	printf("reply %u %zu %d,", request->nlmsg_seq, len, error);
	return 0;
}

static void word_print(const char *name, const uint32_t *word)
{
	if (word)
		printf(" %s=%u", name, ntohl(*word));
}

int queue_configure(struct channel *unused, uint16_t number, const struct configuration *wanted)
{
	(void)unused;
	printf("configure %u", number);
	if (wanted->command)
		printf(" command=%u/%u", wanted->command->command, ntohs(wanted->command->pf));
	if (wanted->params)
		printf(" mode=%u/%u", wanted->params->copy_mode, ntohl(wanted->params->copy_range));
	word_print("maxlen", wanted->maxlen);
	word_print("flags", wanted->flags);
	word_print("mask", wanted->mask);
	printf(",");
	return 0;
}

static int decided(const char *how, uint32_t id, const struct decision *decision)
{
	uint32_t i, sum = 0;

	for (i = 0; i < decision->payload_len; i++)
		sum += decision->payload[i];	/* all of it must be there */
	printf("%s %u %u", how, id, decision->verdict);
	if (decision->mark)
		printf(" mark=%u", *decision->mark);
	if (decision->priority)
		printf(" priority=%u", *decision->priority);
	if (decision->payload_len)
		printf(" payload=%u/%u", decision->payload_len, sum);
	printf(",");
	return 0;
}

int verdict_one(struct queue *unused, uint32_t id, const struct decision *decision)
{
	(void)unused;
	return decided("verdict", id, decision);
}

int verdict_batch(struct queue *unused, uint32_t id, const struct decision *decision)
{
	(void)unused;
	return decided("batch", id, decision);
}

struct fq_frame fq_frame(const struct fq_queue *unused, uint32_t count)
{
	(void)unused;
	(void)count;
	return (struct fq_frame){ .meta = &meta, .cap_len = meta.cap_len };
}

static unsigned char *bytes(const char *text, size_t *len)
{
	unsigned char *data;
	size_t i;

	*len = strspn(text, "0123456789abcdef") / 2;
	data = malloc(*len ? *len : 1);
	for (i = 0; i < *len; i++)
		sscanf(text + 2 * i, "%2hhx", &data[i]);
	return data;
}

static void hex(const void *data, size_t len)
{
	const unsigned char *at = data;

	while (len--)
		printf("%02x", *at++);
}

static void found_print(const struct nlattr *found, unsigned int type)
{
	if (!found)
		return;
	printf("%u:", type);
	hex(attribute_data(found), found->nla_len - NLA_HDRLEN);
	printf(" ");
}

static void parse(const unsigned char *data, size_t len, uint16_t max)
{
	const struct nlattr **found = calloc(max + 1u, sizeof(*found));
	unsigned int type;

	attributes_parse(data, len, found, max);
	for (type = 0; type <= max; type++)
		found_print(found[type], type);
	free(found);
}

static void packet(const unsigned char *data, size_t len)
{
	const struct nlattr *found[__NFQA_MAX];
	uint32_t present;
	unsigned int type;

	if (!attributes_of_packet(data, len, found, &present))
		printf("bad");
	else
		for (type = 0; type < __NFQA_MAX; type++)
			found_print(present & 1u << type ? found[type] : NULL, type);
}

static void message(uint32_t number, uint32_t mode, uint32_t flags, uint32_t payload)
{
	unsigned char head[MESSAGE_HEAD] __attribute__((aligned(4)));
	size_t total, len;

	queue.number = (uint16_t)number;
	queue.mode = (uint8_t)mode;
	queue.flags = flags;
	memset(head, 0xaa, sizeof(head));	/* none of what was there may be seen */
	len = message_head(&queue, 4, head, payload, &total);
	printf("%zu ", total);
	hex(head, len);
	queue.number = 7;
}

int main(void)
{
	static char line[1 << 18];
	char word[16];
	uint32_t numbers[4];
	unsigned char *data;
	size_t len;

	setvbuf(stdout, NULL, _IOLBF, 0);
	while (fgets(line, sizeof(line), stdin)) {
		sscanf(line, "%15s %u %u %u %u", word, &numbers[0], &numbers[1], &numbers[2], &numbers[3]);
		data = bytes(strrchr(line, ' ') + 1, &len);
		if (!strcmp(word, "parse")) {
			parse(data, len, (uint16_t)numbers[0]);
		} else if (!strcmp(word, "packet")) {
			packet(data, len);
		} else if (!strcmp(word, "request")) {
			request_run(&channel, 0, data, len);
		} else {
			memcpy(&meta, data, sizeof(meta));
			message(numbers[0], numbers[1], numbers[2], numbers[3]);
		}
		free(data);
		puts("");
	}
	return 0;
}
