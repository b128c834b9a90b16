// SPDX-License-Identifier: MIT
/* A handle with a queue, as scenarios begin with it. */
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include "compat_calls.h"

struct nfq_handle *handle;
struct nfq_q_handle *volatile queue;
unsigned char buffer[70000] __attribute__((aligned(4)));

void begin(nfq_callback *callback, void *data)
{
	handle = nfq_open();
	queue = handle ? nfq_create_queue(handle, QUEUE, callback, data) : NULL;
	if (!queue || nfq_set_mode(queue, NFQNL_COPY_PACKET, 0xffff))
		fail("queue");
}

void end(void)
{
	nfq_destroy_queue(queue);
	nfq_close(handle);
}

int pump(void)
{
	ssize_t len = recv(nfq_fd(handle), buffer, sizeof(buffer), MSG_DONTWAIT);

	return len < 0 ? -2 : nfq_handle_packet(handle, (char *)buffer, (int)len);
}

uint32_t id_of(struct nfq_data *packet)
{
	return __builtin_bswap32(nfq_get_msg_packet_hdr(packet)->packet_id);
}

/* Whether all bytes are as the device wrote them. */
bool is_whole(const unsigned char *payload, int len)
{
	int i;

	for (i = 1; i < len; i++)
		if (payload[i] != payload[0])
			return false;
	return len > 0;
}
