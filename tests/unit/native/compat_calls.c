// SPDX-License-Identifier: MIT
/* compat_calls SCENARIO: prints what happened; what the scenarios have in common. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "../../../native/nfqueue-compat/compat.h"
#include "compat_calls.h"
#include "compat_device.h"

void compat_log(const char *format, ...)
{
	(void)format;
}

void fail(const char *what)
{
	perror(what);
	exit(1);
}

pthread_t start(void *(*function)(void *), void *argument)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, function, argument))
		fail("pthread_create");
	return thread;
}

int netlink_socket(void)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)))
		fail("socket");
	return fd;
}

static unsigned char *message_begin(void *data, uint8_t type, uint16_t flags)
{
	struct nlmsghdr *message = data;
	struct nfgenmsg *generic = NLMSG_DATA(message);

	*message = (struct nlmsghdr){
		.nlmsg_type = (uint16_t)(NFNL_SUBSYS_QUEUE << 8 | type),
		.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags),
	};
	*generic = (struct nfgenmsg){ .res_id = htons(QUEUE) };
	return (unsigned char *)(generic + 1);
}

static unsigned char *put(unsigned char *end, uint16_t type, const void *content, size_t len)
{
	memcpy(attribute_begin(end, type, len), content, len);
	return end + NLA_HDRLEN + NLA_ALIGN(len);
}

static size_t message_end(void *data, const unsigned char *end)
{
	struct nlmsghdr *message = data;

	message->nlmsg_len = (uint32_t)(end - (unsigned char *)data);
	return message->nlmsg_len;
}

size_t bind_message(void *data, uint16_t flags)
{
	const struct nfqnl_msg_config_cmd bind = { .command = NFQNL_CFG_CMD_BIND };
	const struct nfqnl_msg_config_params params = {
		.copy_range = htonl(0xffff), .copy_mode = NFQNL_COPY_PACKET,
	};
	unsigned char *end = message_begin(data, NFQNL_MSG_CONFIG, flags);

	end = put(end, NFQA_CFG_CMD, &bind, sizeof(bind));
	end = put(end, NFQA_CFG_PARAMS, &params, sizeof(params));
	return message_end(data, end);
}

size_t verdict_message(void *data, uint32_t id, uint32_t verdict, const void *payload, size_t len)
{
	const struct nfqnl_msg_verdict_hdr header = { htonl(verdict), htonl(id) };
	unsigned char *end = message_begin(data, NFQNL_MSG_VERDICT, 0);

	end = put(end, NFQA_VERDICT_HDR, &header, sizeof(header));
	if (len)
		end = put(end, NFQA_PAYLOAD, payload, len);
	return message_end(data, end);
}

void request_send(int fd, uint16_t flags)
{
	unsigned char data[128] __attribute__((aligned(4))) = { 0 };
	size_t len = bind_message(data, flags);

	if (send(fd, data, len, 0) != (ssize_t)len)
		fail("bind by hand");
}

static const struct {
	const char *name;
	void (*run)(void);
} scenarios[] = {
	{ "namespaces", scenario_namespaces },
	{ "flight", scenario_flight },
	{ "flight_of_options", scenario_flight_of_options },
	{ "flight_of_sends", scenario_flight_of_sends },
	{ "flight_of_duplicates", scenario_flight_of_duplicates },
	{ "ended_in_callback", scenario_ended_in_callback },
	{ "ended_under_callback", scenario_ended_under_callback },
	{ "exchanged_under_callback", scenario_exchanged_under_callback },
	{ "thread_ends_in_callback", scenario_thread_ends_in_callback },
	{ "signals", scenario_signals },
	{ "signals_in_recv", scenario_signals_in_recv },
	{ "parts", scenario_parts },
	{ "readonly", scenario_readonly },
	{ "messages", scenario_messages },
	{ "shapes", scenario_shapes },
	{ "time_limits", scenario_time_limits },
	{ "payloads", scenario_payloads },
	{ "payloads_of_messages", scenario_payloads_of_messages },
	{ "answers_not_seen", scenario_answers_not_seen },
	{ "lost_in_exchange", scenario_lost_in_exchange },
	{ "payload_that_waits", scenario_payload_that_waits },
	{ "verdict_that_waits", scenario_verdict_that_waits },
	{ "burst_in_exchange", scenario_burst_in_exchange },
	{ "old_handle", scenario_old_handle },
	{ "ring_lost", scenario_ring_lost },
	{ "pointers_into_rings", scenario_pointers_into_rings },
	{ "fork_in_callback", scenario_fork_in_callback },
	{ "cancelled", scenario_cancelled },
	{ "made_anew", scenario_made_anew },
	{ "closed_at_each_step", scenario_closed_at_each_step },
	{ "received_at_each_step", scenario_received_at_each_step },
	{ "child_of_sleeper", scenario_child_of_sleeper },
	{ "replaced", scenario_replaced },
	{ "descriptors_of_the_library", scenario_descriptors_of_the_library },
	{ "nothing", scenario_nothing },
	{ "parts_of_nothing", scenario_parts_of_nothing },
	{ "messages_of_others", scenario_messages_of_others },
	{ "port_ids", scenario_port_ids },
	{ "empty_payload", scenario_empty_payload },
	{ "time_limit_of_messages", scenario_time_limit_of_messages },
};

int main(int argc, char **argv)
{
	size_t i;

	device_begin();
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (i = 0; argc == 2 && i < sizeof(scenarios) / sizeof(*scenarios); i++)
		if (!strcmp(scenarios[i].name, argv[1])) {
			scenarios[i].run();
			return 0;
		}
	return 2;
}
