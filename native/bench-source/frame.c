// SPDX-License-Identifier: MIT
/* The frames: Ethernet, IPv4 or IPv6, UDP or TCP; the payload is zeros. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "source.h"

/* From the ranges of RFC 2544 and RFC 5180, beside those of the lab's own networks. */
#define SOURCE4		"198.18.1.2"
#define SINK4		"198.19.1.2"
#define SOURCE6		"2001:2:0:11::2"
#define SINK6		"2001:2:0:12::2"
#define PORT		9	/* discard */

uint32_t sum_words(const void *data, size_t size, uint32_t sum)
{
	const uint8_t *byte = data;

	for (; size > 1; size -= 2, byte += 2)
		sum += byte[0] << 8 | byte[1];
	return sum;
}

uint16_t checksum(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static void udp_write(struct udphdr *udp, uint16_t length)
{
	udp->source = htons(1024 + PORT);
	udp->dest = htons(PORT);
	udp->len = htons(length);
}

/* IPv4 with room for length bytes; returns the sum of the pseudo header but for the protocol's length. */
static uint32_t ipv4_write(struct iphdr *ip, size_t length, uint8_t protocol, uint32_t flow)
{
	ip->version = 4;
	ip->ihl = 5;
	ip->tot_len = htons((uint16_t)length);
	ip->ttl = 64;
	ip->protocol = protocol;
	ip->saddr = htonl(ntohl(inet_addr(SOURCE4)) + flow);
	ip->daddr = inet_addr(SINK4);
	ip->check = checksum(sum_words(ip, sizeof(*ip), 0));
	return sum_words(&ip->saddr, 8, protocol);
}

static void ipv6_write(struct ipv6hdr *ip, uint16_t length, uint32_t flow)
{
	struct udphdr *udp = (struct udphdr *)(ip + 1);
	uint16_t rest = length - sizeof(*ip);

	ip->version = 6;
	ip->payload_len = htons(rest);
	ip->nexthdr = IPPROTO_UDP;
	ip->hop_limit = 64;
	inet_pton(AF_INET6, SOURCE6, &ip->saddr);
	inet_pton(AF_INET6, SINK6, &ip->daddr);
	((uint8_t *)&ip->saddr)[15] += flow;
	udp_write(udp, rest);
	/* the payload is zeros, and zero is no checksum in IPv6 */
	udp->check = checksum(sum_words(udp, sizeof(*udp),
					sum_words(&ip->saddr, 32, rest + IPPROTO_UDP)));
}

/* Write one frame with all its headers; returns its size. */
static size_t frame_write(uint8_t *frame, const struct options *options, uint32_t flow, bool ack)
{
	static const uint8_t own[ETH_ALEN] = { 0x02, 0, 0, 0, 0, 0x01 };
	struct ethhdr *ethernet = (struct ethhdr *)(frame + gso_room(options));
	size_t length = options->segments ? tcp_length(options, ack) : options->length;
	struct iphdr *ip = (struct iphdr *)(ethernet + 1);

	gso_write(frame, options, ack);
	memcpy(ethernet->h_dest, options->destination, ETH_ALEN);
	memcpy(ethernet->h_source, own, ETH_ALEN);
	ethernet->h_proto = htons(options->ipv6 ? ETH_P_IPV6 : ETH_P_IP);
	if (options->ipv6) {
		ipv6_write((struct ipv6hdr *)ip, options->length, flow);
	} else if (options->segments) {
		tcp_write(ip + 1, ipv4_write(ip, length, IPPROTO_TCP, flow), options, ack);
	} else {
		ipv4_write(ip, length, IPPROTO_UDP, flow);
		udp_write((struct udphdr *)(ip + 1), (uint16_t)(length - sizeof(*ip)));
	}
	return gso_room(options) + sizeof(*ethernet) + length;
}

static size_t headers_size(const struct options *options)
{
	size_t network = options->ipv6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr);
	size_t transport = options->segments ? TCP_HEADER : sizeof(struct udphdr);

	return gso_room(options) + sizeof(struct ethhdr) + network + transport;
}

uint8_t *frame_data(const struct frames *frames, uint32_t flow)
{
	return frames->memory + flow * frames->stride;
}

uint8_t *frame_ack(const struct frames *frames, uint32_t flow)
{
	return frame_data(frames, frames->number + flow);
}

int frames_make(struct frames *frames, const struct options *options)
{
	uint32_t segments = options->segments ? options->segments : 1;

	frames->number = options->flows;
	frames->stride = FRAME_SIZE * segments;
	frames->payload = headers_size(options);
	frames->memory = calloc(2 * options->flows, frames->stride);
	if (!frames->memory)
		return -ENOMEM;
	for (uint32_t flow = 0; flow < options->flows; flow++) {
		frames->size = frame_write(frame_data(frames, flow), options, flow, false);
		frames->ack_size = frame_write(frame_ack(frames, flow), options, flow, true);
	}
	return 0;
}
