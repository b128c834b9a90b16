// SPDX-License-Identifier: MIT
/* Frames as they come from a cable: right ones, and those that no sender should send. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <string.h>
#include <sys/socket.h>

#include "session.h"

#define MOST_FRAME	2048u

/* What is wrong with a frame. */
enum spoil { SPOIL_NONE, SPOIL_LENGTH, SPOIL_CHECKSUM, SPOIL_HEADER_LENGTH, SPOIL_CUT };

struct frame {
	uint8_t data[MOST_FRAME];
	uint32_t length;
	uint32_t spoil;
};

static void add(struct frame *frame, const void *data, uint32_t size)
{
	if (frame->length + size > MOST_FRAME)
		size = MOST_FRAME - frame->length;
	if (data)
		memcpy(frame->data + frame->length, data, size);
	frame->length += size;
}

static uint16_t sum(const uint8_t *data, uint32_t size)
{
	uint32_t total = 0, i;

	for (i = 0; i + 1 < size; i += 2)
		total += data[i] << 8 | data[i + 1];
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	return ~total;
}

static void add_ethernet(struct frame *frame, const uint32_t *arguments)
{
	uint8_t header[12] = { 2, 0, 0, 0, 9, arguments[0] % 3, 2, 0, 0, 1, 9, arguments[0] % 3 };
	uint16_t vlan[2] = { htons(ETHERTYPE_VLAN), htons(5) };
	uint16_t type = htons(arguments[1] == 4 ? ETHERTYPE_IP :
			      arguments[1] == 6 ? ETHERTYPE_IPV6 : ETHERTYPE_ARP);

	/* on the bridge: to it, through it, or to all */
	if (arguments[0] % 3 && arguments[8] == 3)
		header[5] = 3 - arguments[0] % 3;
	if (arguments[0] % 3 && arguments[8] == 2)
		memset(header, 0xff, 6);
	add(frame, header, sizeof(header));
	if (arguments[6])
		add(frame, vlan, sizeof(vlan));
	add(frame, &type, sizeof(type));
}

/* Options of IPv4 are no-operations. */
static void add_ipv4(struct frame *frame, const uint32_t *arguments, uint32_t size)
{
	static const char *const to[] = { "10.9.1.2", "10.9.0.1", "10.9.1.1", "10.9.0.9" };
	uint32_t options = arguments[4] % 11 * 4, length = 20 + options + size;
	uint8_t header[60] = { 0x40 | (5 + options / 4), 0, length >> 8, length, 0, 1,
			       arguments[5] >> 8, arguments[5], 64, arguments[2] };
	uint16_t checksum;

	inet_pton(AF_INET, "10.9.0.2", header + 12);
	inet_pton(AF_INET, to[arguments[8] % 4], header + 16);
	memset(header + 20, 1, options);
	if (frame->spoil == SPOIL_LENGTH)
		header[2] ^= 1;
	if (frame->spoil == SPOIL_HEADER_LENGTH)
		header[0] ^= 3;
	checksum = htons(sum(header, 20 + options));
	if (frame->spoil == SPOIL_CHECKSUM)
		checksum = 0;
	memcpy(header + 10, &checksum, sizeof(checksum));
	add(frame, header, 20 + options);
}

/* With options or a fragment: extension headers. */
static void add_ipv6(struct frame *frame, const uint32_t *arguments, uint32_t size)
{
	static const char *const to[] = { "fd00:9:1::2", "fd00:9::1", "fd00:9:1::1", "ff02::1" };
	uint32_t options = arguments[4] % 8 * 8, length = size + options + (arguments[5] ? 8 : 0);
	uint8_t next = arguments[2];
	uint8_t fragment[8] = { next, 0, arguments[5] >> 8 & 0x1f, arguments[5] << 3 | !!(arguments[5] >> 13),
				0, 0, 0, 1 };
	uint8_t hop[64] = { arguments[5] ? IPPROTO_FRAGMENT : next, options / 8 - 1, 1, options - 4 };
	uint8_t header[40] = { 0x60, 0, 0, 0, length >> 8, length,
			       options ? IPPROTO_DSTOPTS : arguments[5] ? IPPROTO_FRAGMENT : next, 64 };

	inet_pton(AF_INET6, "fd00:9::2", header + 8);
	inet_pton(AF_INET6, to[arguments[8] % 4], header + 24);
	if (frame->spoil == SPOIL_LENGTH)
		header[4] ^= 1;
	if (frame->spoil == SPOIL_HEADER_LENGTH)
		hop[1] += 3;
	add(frame, header, sizeof(header));
	add(frame, hop, options);
	if (arguments[5])
		add(frame, fragment, sizeof(fragment));
}

/* Ports are right, and for UDP the length; a checksum of zero says that there is none. */
static void add_transport(struct frame *frame, uint32_t protocol, uint32_t size)
{
	uint8_t header[20] = { 27, 88, 27, 88, size >> 8, size };

	if (protocol == IPPROTO_TCP) {
		header[4] = header[5] = 0;
		header[12] = 0x50;
		header[13] = 2;	/* SYN */
	}
	if (protocol == IPPROTO_ICMP)
		header[0] = 8, header[1] = 0, header[2] = 0xf7, header[3] = 0xff;
	if (protocol == IPPROTO_ICMPV6)
		header[0] = 128, header[1] = 0;
	add(frame, header, size < sizeof(header) ? size : sizeof(header));
	if (size > sizeof(header))
		add(frame, NULL, size - sizeof(header));
}

static void frame_make(struct frame *frame, const uint32_t *arguments)
{
	uint32_t size = arguments[3] % 1800;

	frame->spoil = arguments[10];
	add_ethernet(frame, arguments);
	if (arguments[1] == 4)
		add_ipv4(frame, arguments, size);
	else if (arguments[1] == 6)
		add_ipv6(frame, arguments, size);
	add_transport(frame, arguments[2], size);
	add(frame, NULL, arguments[7] % 64);
	if (frame->spoil == SPOIL_CUT)
		frame->length -= size / 2 + 1;
}

int do_frame(struct session *session, const uint32_t *arguments)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET };
	static int socket_of_peer = -1;
	struct frame frame = {};
	uint32_t i;
	int err = 0;

	(void)session;
	if (socket_of_peer < 0)
		socket_of_peer = peer_socket();
	frame_make(&frame, arguments);
	to.sll_ifindex = peer_index(arguments[0] % 3);
	for (i = 0; i < arguments[9] % 9 && !err; i++)
		if (sendto(socket_of_peer, frame.data, frame.length, MSG_DONTWAIT,
			   (struct sockaddr *)&to, sizeof(to)) < 0)
			err = errno;
	return err;
}
