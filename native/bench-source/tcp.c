// SPDX-License-Identifier: MIT
/*
 * TCP as bulk has it: segments with data, bare ACKs. With GSO a packet carries
 * many segments, and the checksum is left to the card, as the lab's virtio
 * cards hand them over with offloads on.
 */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <linux/virtio_net.h>
#include <stddef.h>
#include <string.h>

#include "source.h"

#define PORT	9	/* discard */
#define HEADERS	(sizeof(struct iphdr) + TCP_HEADER)

static size_t segment_payload(const struct options *options)
{
	return options->length - HEADERS;
}

size_t tcp_length(const struct options *options, bool ack)
{
	return HEADERS + (ack ? 0 : options->segments * segment_payload(options));
}

void tcp_write(void *header, uint32_t pseudo_sum, const struct options *options, bool ack)
{
	static const uint8_t time_stamps[] = { 1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 1 };
	uint32_t length = (uint32_t)(tcp_length(options, ack) - sizeof(struct iphdr));
	struct tcphdr *tcp = header;

	tcp->source = htons(1024 + PORT);
	tcp->dest = htons(PORT);
	tcp->seq = htonl(1);
	tcp->ack_seq = htonl(1);
	tcp->doff = TCP_HEADER / 4;
	tcp->ack = 1;
	tcp->window = htons(65535);
	memcpy(tcp + 1, time_stamps, sizeof(time_stamps));
	if (options->segments > 1 && !ack)
		tcp->check = (uint16_t)~checksum(pseudo_sum + length);
	else	/* the payload is zeros */
		tcp->check = checksum(sum_words(tcp, TCP_HEADER, pseudo_sum + length));
}

size_t gso_room(const struct options *options)
{
	return options->segments > 1 ? sizeof(struct virtio_net_hdr) : 0;
}

void gso_write(void *room, const struct options *options, bool ack)
{
	struct virtio_net_hdr header = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
		.hdr_len = sizeof(struct ethhdr) + HEADERS,
		.gso_size = (uint16_t)segment_payload(options),
		.csum_start = sizeof(struct ethhdr) + sizeof(struct iphdr),
		.csum_offset = offsetof(struct tcphdr, check),
	};

	if (options->segments > 1 && !ack)
		memcpy(room, &header, sizeof(header));
}
