// SPDX-License-Identifier: MIT
/* A queue of a user namespace, where packets may be looked at and not changed. */
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <stdio.h>

#include "compat_calls.h"
#include "compat_device.h"

/* Writes into each packet; the second is given back as it was, the third as it is now. */
static int write_into(struct nfq_q_handle *qh, struct nfgenmsg *message, struct nfq_data *packet,
		      void *data)
{
	uint32_t id = id_of(packet);
	unsigned char *payload;
	int len = nfq_get_payload(packet, &payload);

	(void)message, (void)data;
	payload[0] ^= 0xff;
	if (id == 2)
		payload[0] ^= 0xff;
	return nfq_set_verdict(qh, id, NF_ACCEPT, id == 1 ? 0 : (uint32_t)len, payload);
}

void scenario_readonly(void)
{
	int i;

	device_moment.no_writable = true;
	begin(write_into, NULL);
	for (i = 0; i < 3; i++) {
		device_publish(QUEUE, 100, 0);
		pump();
	}
	printf("settled: %s\n", device_settled());
	end();
}
