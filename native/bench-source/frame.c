// SPDX-License-Identifier: MIT
/* The frames: Ethernet, IPv4 or IPv6, UDP; the payload is zeros. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include <stdlib.h>
#include <string.h>

#include "source.h"

/* From the ranges of RFC 2544 and RFC 5180, beside those of the lab's own networks. */
#define SOURCE4		"198.18.1.2"
#define SINK4		"198.19.1.2"
#define SOURCE6		"2001:2:0:11::2"
#define SINK6		"2001:2:0:12::2"
#define PORT		9	/* discard */

static uint32_t sum_words(const void *data, size_t size, uint32_t sum)
{
	const uint8_t *byte = data;

	for (; size > 1; size -= 2, byte += 2)
		sum += byte[0] << 8 | byte[1];
	return sum;
}

static uint16_t checksum(uint32_t sum)
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

static struct udphdr *ipv4_write(struct iphdr *ip, uint16_t length, uint32_t flow)
{
	ip->version = 4;
	ip->ihl = 5;
	ip->tot_len = htons(length);
	ip->ttl = 64;
	ip->protocol = IPPROTO_UDP;
	ip->saddr = htonl(ntohl(inet_addr(SOURCE4)) + flow);
	ip->daddr = inet_addr(SINK4);
	ip->check = checksum(sum_words(ip, sizeof(*ip), 0));
	udp_write((struct udphdr *)(ip + 1), length - sizeof(*ip));
	return (struct udphdr *)(ip + 1);
}

static struct udphdr *ipv6_write(struct ipv6hdr *ip, uint16_t length, uint32_t flow)
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
	return udp;
}

static void frame_write(uint8_t *frame, const struct options *options, uint32_t flow,
			size_t *payload)
{
	static const uint8_t own[ETH_ALEN] = { 0x02, 0, 0, 0, 0, 0x01 };
	struct ethhdr *ethernet = (struct ethhdr *)frame;
	struct udphdr *udp;

	memcpy(ethernet->h_dest, options->destination, ETH_ALEN);
	memcpy(ethernet->h_source, own, ETH_ALEN);
	ethernet->h_proto = htons(options->ipv6 ? ETH_P_IPV6 : ETH_P_IP);
	if (options->ipv6)
		udp = ipv6_write((struct ipv6hdr *)(ethernet + 1), options->length, flow);
	else
		udp = ipv4_write((struct iphdr *)(ethernet + 1), options->length, flow);
	*payload = (size_t)((uint8_t *)(udp + 1) - frame);
}

int frames_make(struct frames *frames, const struct options *options)
{
	frames->number = options->flows;
	frames->size = sizeof(struct ethhdr) + options->length;
	frames->data = calloc(options->flows, FRAME_SIZE);
	if (!frames->data)
		return -ENOMEM;
	for (uint32_t flow = 0; flow < options->flows; flow++)
		frame_write(frames->data[flow], options, flow, &frames->payload);
	return 0;
}
