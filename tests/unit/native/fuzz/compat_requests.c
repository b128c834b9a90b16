// SPDX-License-Identifier: MIT
/*
 * The whole compatibility library on the model of the device: requests of any
 * content, packets, messages read into buffers of any size, and calls of
 * libnetfilter_queue. Nothing reaches the kernel: only what the library serves is sent.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../../../native/nfqueue-compat/compat.h"
#include "../compat_device.h"
#include "choice.h"
#include "driver.h"
#include "netlink_make.h"

#define STEPS	200	/* of one input */

static struct choice choice;
static struct nfq_handle *handle;	/* NULL: netlink by hand */
static struct nfq_q_handle *queue;
static int fd;
static unsigned char *last;		/* message that was received */
static size_t last_len;

void compat_log(const char *format, ...)
{
	char line[512];
	va_list words;

	va_start(words, format);
	vsnprintf(line, sizeof(line), format, words);
	va_end(words);
}

static void request_send(const unsigned char *data, size_t len)
{
	if (request_is_ours(data, len))
		CHECK(send(fd, data, len, 0) == (ssize_t)len);
}

static void request_any(uint8_t type)
{
	unsigned char room[2048] __attribute__((aligned(4))) = { 0 }, *data;
	size_t len = request_fill(&choice, room, sizeof(room), type);

	data = malloc(len);
	memcpy(data, room, len);
	request_send(data, len);
	free(data);
}

static void request_raw(void)
{
	size_t len;
	unsigned char *data = choice_copy(&choice, choice_byte(&choice), &len);

	request_send(data, len);
	free(data);
}

static void configure(void)
{
	struct {
		struct nlmsghdr message;
		struct nfgenmsg generic;
		struct nlattr command_header;
		struct nfqnl_msg_config_cmd command;
		struct nlattr params_header;
		struct nfqnl_msg_config_params params;
	} __attribute__((packed, aligned(4))) request = {
		{ sizeof(request), NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_CONFIG, NLM_F_REQUEST, 0, 0 },
		{ .res_id = htons(queue_number(&choice)) },
		{ 8, NFQA_CFG_CMD }, { .command = choice_byte(&choice) % 4 },
		{ 9, NFQA_CFG_PARAMS },
		{ htonl(choice_byte(&choice) & 1 ? 0xffff : choice_word(&choice)),
		  choice_byte(&choice) & 3 },
	};
	unsigned char data[sizeof(request) + 3] __attribute__((aligned(4))) = { 0 };

	memcpy(data, &request, sizeof(request));
	request_send(data, sizeof(request));
}

static void publish(void)
{
	static const uint32_t lengths[] = { 20, 40, 100, 1500, 2047, 2048, 2049, 9000, 65535 };
	uint8_t which = choice_byte(&choice);
	uint32_t number = 1 + which / 64 * 4;

	while (number--)
		device_publish(QUEUE + (which % 8 == 7), lengths[which % 9], choice_byte(&choice));
}

static void message_keep(unsigned char *data, size_t len)
{
	free(last);
	last = malloc(len);
	last_len = len;
	memcpy(last, data, len);
}

/* A whole message says how long it is, and its attributes can be read. */
static void message_check(const unsigned char *data, size_t len)
{
	const struct nlmsghdr *message = (const void *)data;
	const struct nlattr *found[__NFQA_MAX];
	uint32_t present;

	CHECK(message->nlmsg_len == len);
	if (message->nlmsg_type == (NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET)) {
		CHECK(attributes_scan(data + 20, len - 20, found, NFQA_MAX, &present));
		CHECK(present & 1u << NFQA_PACKET_HDR);
	} else {
		CHECK(message->nlmsg_type == NLMSG_ERROR);
	}
}

static void receive(void)
{
	static const size_t rooms[] = { 0, 1, 16, 20, 100, 319, 320, 321, 2048, 70000, 70000, 70000 };
	uint8_t which = choice_byte(&choice);
	size_t room = rooms[which % 12];
	int flags = MSG_DONTWAIT | (which & 0x40 ? MSG_PEEK : 0) | (which & 0x80 ? MSG_TRUNC : 0);
	unsigned char *data = malloc(room);
	ssize_t len = recv(fd, data, room, flags);

	if (len >= 0 && (size_t)len <= room && room == 70000) {
		message_check(data, (size_t)len);
		message_keep(data, (size_t)len);
	}
	CHECK(len < 0 || (size_t)len <= room || flags & MSG_TRUNC);
	free(data);
}

static void message_handle(void)
{
	unsigned char *data;
	uint8_t change = choice_byte(&choice);
	size_t len = last_len;

	if (!handle || !last)
		return;
	if (change > 200)	/* cut short */
		len = len * (change - 200u) / 64;
	data = malloc(len);
	memcpy(data, last, len);
	while (change & 1 && len > 4) {
		data[choice_word(&choice) % (len < 200 ? len : 200)] = choice_byte(&choice);
		change = choice_byte(&choice);
	}
	nfq_handle_packet(handle, (char *)data, (int)len);
	free(data);
}

/* A message as a program may have kept or changed it, of a packet that is there or not. */
static void message_made(void)
{
	static unsigned char room[70000] __attribute__((aligned(4)));
	struct nlmsghdr *message = (void *)room;
	struct nfgenmsg *generic = NLMSG_DATA(message);
	unsigned char *end = (unsigned char *)(generic + 1), *data;
	uint32_t number = choice_byte(&choice) % 5;
	size_t len;

	while (number--) {
		uint8_t type = choice_byte(&choice), size = choice_byte(&choice);

		if (type & 1)
			type = type & 2 ? NFQA_PACKET_HDR : NFQA_PAYLOAD;
		len = type == NFQA_PACKET_HDR && size & 8 ? sizeof(struct nfqnl_msg_packet_hdr) :
		      type == NFQA_PAYLOAD ? size * 64u : size % 16u;
		end = attribute_put(end, type % (NFQA_MAX + 2), len, choice_byte(&choice) % 16);
	}
	len = (size_t)(end - room);
	*message = (struct nlmsghdr){ (uint32_t)len, NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET, 0, 0, 0 };
	*generic = (struct nfgenmsg){ .res_id = htons(queue_number(&choice)) };
	if (!handle)
		return;
	data = malloc(len);
	memcpy(data, room, len);
	nfq_handle_packet(handle, (char *)data, (int)len);
	free(data);
}

static void payload_answer(struct nfq_q_handle *qh, uint32_t id, unsigned char *payload, int len,
			   uint8_t how)
{
	unsigned char *copy = NULL;

	if (how & 1 && len > 0)
		payload[0] ^= how;
	if (how & 2 && len > 0) {
		copy = malloc((size_t)len);
		memcpy(copy, payload, (size_t)len);
	}
	nfq_set_verdict(qh, id, NF_ACCEPT, len < 0 ? 0 : (uint32_t)len, copy ? copy : payload);
	free(copy);
}

/* All else that a program can ask about a packet. */
static void all_read(struct nfq_data *packet)
{
	struct nfqnl_msg_packet_hw *hardware = nfq_get_packet_hw(packet);
	unsigned char *context;
	struct timeval time;
	uint32_t id;
	char text[300];

	CHECK(!hardware || hardware->hw_addrlen <= 0xffff);
	nfq_get_uid(packet, &id);
	nfq_get_gid(packet, &id);
	nfq_get_nfmark(packet);
	nfq_get_skbinfo(packet);
	nfq_get_indev(packet);
	nfq_get_outdev(packet);
	nfq_get_timestamp(packet, &time);
	nfq_get_secctx(packet, &context);
	nfq_snprintf_xml(text, choice_byte(&choice), packet, choice_byte(&choice));
}

static int packet_handle(struct nfq_q_handle *qh, struct nfgenmsg *message, struct nfq_data *packet,
			 void *data)
{
	struct nfqnl_msg_packet_hdr *header = nfq_get_msg_packet_hdr(packet);
	uint32_t id = ntohl(header->packet_id);
	unsigned char *payload = NULL;
	int len = nfq_get_payload(packet, &payload), i;

	(void)message;
	(void)data;
	for (i = 2; i < len; i++)	/* as the device wrote it; the first byte is changed below */
		CHECK(payload[i] == payload[1]);
	all_read(packet);
	switch (choice_byte(&choice) % 6) {
	case 0:
		return nfq_set_verdict(qh, id, choice_word(&choice), 0, NULL);
	case 1:
		return nfq_set_verdict_batch(qh, id, NF_ACCEPT);
	case 2:
		return nfq_set_verdict2(qh, id, NF_ACCEPT, choice_word(&choice), 0, NULL);
	case 3:
		return nfq_destroy_queue(qh) ? 0 : (queue = NULL, 0);
	case 4:
		payload_answer(qh, id, payload, len, choice_byte(&choice));
		return 0;
	default:
		return 0;
	}
}

static void verdict_call(void)
{
	unsigned char payload[300] = { 1, 2, 3 };
	uint32_t id = choice_byte(&choice), len = choice_byte(&choice);

	if (!queue)
		return;
	if (len & 1)
		nfq_set_verdict_batch2(queue, id, choice_word(&choice), 7);
	else
		nfq_set_verdict(queue, id, choice_byte(&choice) % 5, len, payload);
}

static void queue_call(void)
{
	uint8_t which = choice_byte(&choice) % 4;

	if (!handle)
		return;
	if (!queue)
		queue = nfq_create_queue(handle, QUEUE, packet_handle, NULL);
	else if (which == 0)
		nfq_set_mode(queue, choice_byte(&choice) % 4, choice_word(&choice));
	else if (which == 1)
		nfq_set_queue_maxlen(queue, choice_byte(&choice) & 1 ? choice_byte(&choice) :
				     choice_word(&choice));
	else if (which == 2)
		nfq_set_queue_flags(queue, choice_byte(&choice), choice_byte(&choice));
	else if (!nfq_destroy_queue(queue))
		queue = NULL;
}

static void step(void)
{
	switch (choice_byte(&choice) % 13) {
	case 0:
		request_raw();
		break;
	case 1:
		request_any(NFQNL_MSG_CONFIG);
		break;
	case 2:
		request_any(choice_byte(&choice) & 1 ? NFQNL_MSG_VERDICT : NFQNL_MSG_VERDICT_BATCH);
		break;
	case 3:
		configure();
		break;
	case 4:
	case 5:
		publish();
		break;
	case 6:
	case 7:
		receive();
		break;
	case 8:
	case 9:
		message_handle();
		break;
	case 10:
		verdict_call();
		break;
	case 12:
		message_made();
		break;
	default:
		queue_call();
	}
}

static void begin(void)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK };

	queue = NULL;
	handle = NULL;
	if (choice_byte(&choice) & 1) {
		fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
		CHECK(fd >= 0 && !bind(fd, (struct sockaddr *)&address, sizeof(address)));
		return;
	}
	handle = nfq_open();
	CHECK(handle);
	fd = nfq_fd(handle);
	queue = nfq_create_queue(handle, QUEUE, packet_handle, NULL);
	CHECK(queue && !nfq_set_mode(queue, NFQNL_COPY_PACKET, 0xffff));
}

/* A queue that a request ended has a handle still: the queue is made again for it. */
static void end(void)
{
	if (queue && nfq_destroy_queue(queue)) {
		struct nfqnl_msg_config_cmd bind = { .command = NFQNL_CFG_CMD_BIND };
		struct configuration wanted = { .command = &bind };

		CHECK(!queue_configure(channel_of(fd), QUEUE, &wanted));
		CHECK(!nfq_destroy_queue(queue));
	}
	CHECK(!(handle ? nfq_close(handle) : close(fd)));
	CHECK(!device_namespace(QUEUE) && !device_namespace(QUEUE + 1));
	device_settled();
	free(last);
	last = NULL;
	last_len = 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool begun;
	unsigned int steps = STEPS;

	if (!begun)
		device_begin();
	begun = true;
	choice = (struct choice){ data, size };
	begin();
	while (choice.len && steps--)
		step();
	end();
	return 0;
}
