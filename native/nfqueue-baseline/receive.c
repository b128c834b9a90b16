// SPDX-License-Identifier: MIT
/*
 * Packets in, verdicts out: two system calls a batch. recvmmsg() brings all
 * messages that wait, up to a batch; then one batch verdict answers them.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "baseline.h"

/* Room for netlink's headers and all attributes besides the packet. */
#define ATTRIBUTES_ROOM	1088

struct batch {
	struct mmsghdr *messages;
	struct iovec *parts;
	char *memory;
};

static void batch_free(struct batch *batch)
{
	free(batch->messages);
	free(batch->parts);
	free(batch->memory);
}

static int batch_make(struct batch *batch, const struct options *options)
{
	size_t size = options->copy_range + ATTRIBUTES_ROOM;
	uint32_t i;

	batch->messages = calloc(options->batch, sizeof(*batch->messages));
	batch->parts = calloc(options->batch, sizeof(*batch->parts));
	batch->memory = calloc(options->batch, size);
	if (!batch->messages || !batch->parts || !batch->memory) {
		batch_free(batch);
		return -ENOMEM;
	}
	for (i = 0; i < options->batch; i++) {
		batch->parts[i] = (struct iovec){ batch->memory + i * size, size };
		batch->messages[i].msg_hdr.msg_iov = &batch->parts[i];
		batch->messages[i].msg_hdr.msg_iovlen = 1;
	}
	return 0;
}

/* The packet's id: the header is the first attribute the kernel puts. */
static bool packet_id(const struct nlmsghdr *message, uint32_t *id)
{
	const struct nfqnl_msg_packet_hdr *header;
	const struct nlattr *attribute;

	mnl_attr_for_each(attribute, message, sizeof(struct nfgenmsg)) {
		if (mnl_attr_get_type(attribute) != NFQA_PACKET_HDR)
			continue;
		if (mnl_attr_get_payload_len(attribute) < sizeof(*header))
			return false;
		header = mnl_attr_get_payload(attribute);
		*id = ntohl(header->packet_id);
		return true;
	}
	return false;
}

/* mnl_nlmsg_ok() takes a length from 2 GiB on for a negative one. */
static bool message_is_whole(const struct nlmsghdr *message, int rest)
{
	return mnl_nlmsg_ok(message, rest) && message->nlmsg_len <= (uint32_t)rest;
}

/* Number of packets in one datagram; *last is the id of the last of them. */
static uint32_t datagram_read(char *data, size_t length, uint32_t *last)
{
	const struct nlmsghdr *message = (const void *)data;
	const int packet = NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET;
	int rest = (int)length;
	uint32_t packets = 0;

	while (message_is_whole(message, rest)) {
		if (message->nlmsg_type == packet)
			packets += packet_id(message, last);
		message = mnl_nlmsg_next(message, &rest);
	}
	return packets;
}

/* One message answers all packets up to this id. */
static int verdict_send(struct mnl_socket *socket, const struct options *options, uint32_t last)
{
	char buffer[MNL_NLMSG_HDRLEN + 256];
	struct nlmsghdr *message;

	message = nfq_nlmsg_put(buffer, NFQNL_MSG_VERDICT_BATCH, options->queue);
	nfq_nlmsg_verdict_put(message, (int)last, options->drop ? NF_DROP : NF_ACCEPT);
	return mnl_socket_sendto(socket, message, message->nlmsg_len) < 0 ? -errno : 0;
}

static int batch_answer(struct mnl_socket *socket, const struct options *options,
			const struct batch *batch, int datagrams, struct counters *counters)
{
	uint32_t packets = 0, last = 0;
	int i;

	for (i = 0; i < datagrams; i++)
		packets += datagram_read(batch->parts[i].iov_base,
					 batch->messages[i].msg_len, &last);
	if (!packets)
		return 0;
	counters->packets += packets;
	counters->verdicts++;
	return verdict_send(socket, options, last);
}

static int serve(struct mnl_socket *socket, const struct options *options, struct batch *batch,
		 const volatile sig_atomic_t *stopped, struct counters *counters)
{
	int fd = mnl_socket_get_fd(socket);

	while (!*stopped) {
		int err, datagrams = recvmmsg(fd, batch->messages, options->batch,
					      MSG_WAITFORONE, NULL);

		if (datagrams >= 0) {
			counters->receives++;
			err = batch_answer(socket, options, batch, datagrams, counters);
			if (err)
				return err;
		} else if (errno == ENOBUFS) {
			counters->overruns++;
		} else if (errno != EINTR) {
			return -errno;
		}
	}
	return 0;
}

int queue_serve(struct mnl_socket *socket, const struct options *options,
		const volatile sig_atomic_t *stopped, struct counters *counters)
{
	struct batch batch;
	int err = batch_make(&batch, options);

	if (err)
		return err;
	err = serve(socket, options, &batch, stopped, counters);
	batch_free(&batch);
	return err;
}
