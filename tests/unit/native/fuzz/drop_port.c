// SPDX-License-Identifier: MIT
/* The example that looks at packets: its argument, behind a zero byte a packet. */
#define main drop_port_main
#include "../../../../native/examples/drop-port.c"
#undef main

#include "choice.h"
#include "driver.h"

const char *const fuzz_words[] = {
	"5001", "65535", "65536", "+80", " 80", "0x50", "-1", "99999999999999999999", NULL
};

static long port_of(const char *text)
{
	const char *at;
	long port = 0;

	for (at = text; *at; at++) {
		if (*at < '0' || *at > '9')
			return -1;
		port = port < 65536 ? port * 10 + (*at - '0') : port;
	}
	return at > text && port > 0 && port < 65536 ? port : -1;
}

/* UDP over IPv4 to this port, by RFC 791 and 768; of what was captured. */
static bool is_to(const uint8_t *packet, size_t len, unsigned int port)
{
	size_t header = len ? (packet[0] & 15u) * 4 : 0;

	return len >= 20 && packet[0] >> 4 == 4 && header >= 20 && packet[9] == 17 &&
	       !(packet[6] & 0x1f) && !packet[7] && len >= header + 4 &&
	       packet[header + 2] * 256u + packet[header + 3] == port;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t text_len = strnlen((const char *)data, size), len;
	struct choice rest = { data + text_len, size - text_len };
	char *text = strndup((const char *)data, text_len);
	long port = port_read(text);
	uint8_t *packet;
	struct fq_frame frame = { 0 };

	choice_byte(&rest);
	packet = choice_copy(&rest, rest.len, &len);
	frame.payload = packet;
	frame.cap_len = (uint32_t)len;
	CHECK(port == port_of(text));
	if (port < 0)
		port = 5001;
	CHECK(!!is_udp_to(&frame, (unsigned int)port) == is_to(packet, len, (unsigned int)port));
	free(packet);
	free(text);
	return 0;
}
