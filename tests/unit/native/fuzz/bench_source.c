// SPDX-License-Identifier: MIT
/* The command line of the bench's source of packets, and the frames that it makes from it. */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>

#include "../../../../native/bench-source/source.h"
#include "command_line.h"

const char *const fuzz_words[] = {
	"--interface\neth0\n--out\neth1\n", "--destination", "--out", "--length\n64\n", "--length",
	"--burst", "--period-us", "--packets", "--warm-up", "--flows\n200\n", "--tcp\n45\n", "--tcp\n1\n",
	"--acks", "--ipv6", "--latency", "--help", "\n", "\n1\n", "02:00:00:00:00:01", ":", "1500", NULL
};

static struct options options;

static void read_options(int argc, char **argv)
{
	options_read(&options, argc, argv);
}

static void ranges_check(void)
{
	CHECK(options.interface && options.out);
	CHECK(options.length >= 64 && options.length <= 1500);
	CHECK(options.burst >= 1 && options.burst <= 4096);
	CHECK(options.flows >= 1 && options.flows <= 200);
	CHECK(options.segments <= 45 && (!options.segments || !options.ipv6));
	CHECK(!options.acks || options.segments);
}

/* Sum of 16-bit words in network byte order, the ones' complement of which is a checksum. */
static uint32_t sum(const uint8_t *data, size_t len, uint32_t found)
{
	size_t i;

	for (i = 0; i < len; i++)
		found += i % 2 ? data[i] : (uint32_t)data[i] << 8;
	while (found >> 16)
		found = (found & 0xffff) + (found >> 16);
	return found;
}

static void ipv6_check(const uint8_t *packet)
{
	const struct ip6_hdr *ip = (const void *)packet;
	uint32_t rest = ntohs(ip->ip6_plen);

	CHECK(packet[0] >> 4 == 6 && sizeof(*ip) + rest == options.length);
	CHECK(sum(packet + sizeof(*ip), rest,
		  sum((const uint8_t *)&ip->ip6_src, 32, rest + IPPROTO_UDP)) == 0xffff);
}

static void tcp_check(const uint8_t *packet, uint32_t rest, bool complete)
{
	const struct ip *ip = (const void *)packet;
	uint32_t pseudo = sum((const uint8_t *)&ip->ip_src, 8, rest + IPPROTO_TCP);

	CHECK(ip->ip_p == IPPROTO_TCP && rest >= 32);
	CHECK(sum(packet + 20, rest, pseudo) == 0xffff || !complete);
}

static void ipv4_check(const uint8_t *packet, size_t len, bool ack)
{
	const struct ip *ip = (const void *)packet;

	CHECK(ip->ip_v == 4 && ip->ip_hl == 5);
	CHECK(sum(packet, 20, 0) == 0xffff);
	CHECK(ntohs(ip->ip_len) == (len & 0xffff));
	if (options.segments)
		tcp_check(packet, (uint32_t)len - 20, options.segments == 1 || ack);
	else
		CHECK(ip->ip_p == IPPROTO_UDP && len == options.length);
}

static void frames_check(void)
{
	struct frames frames;
	uint32_t flow;

	CHECK(!frames_make(&frames, &options));
	CHECK(frames.number == options.flows);
	CHECK(frames.size <= frames.stride && frames.ack_size <= frames.stride);
	CHECK(frames.payload <= frames.size);
	for (flow = 0; flow < frames.number; flow += frames.number / 2 + 1) {
		size_t before = gso_room(&options) + ETH_HLEN;

		CHECK(!memcmp(frame_data(&frames, flow) + gso_room(&options), options.destination, 6));
		if (options.ipv6) {
			ipv6_check(frame_data(&frames, flow) + before);
			continue;
		}
		ipv4_check(frame_data(&frames, flow) + before, frames.size - before, false);
		if (options.segments)
			ipv4_check(frame_ack(&frames, flow) + before, frames.ack_size - before, true);
	}
	free(frames.memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *argv[WORDS_MAX + 1];
	int argc = words_make(argv, "bench-source", data, size), status;
	struct told told;

	told_begin(&told);
	status = program_run(read_options, argc, argv);
	told_end(&told, status);
	CHECK(status == RETURNED || status == 0 || status == 2);
	if (status == RETURNED) {
		ranges_check();
		frames_check();
	}
	words_free(argv, argc);
	return 0;
}
