// SPDX-License-Identifier: MIT
/* What the library tells of a packet in a message is what libnetfilter_queue's functions read from it. */
#include <arpa/inet.h>
#include <linux/netfilter.h>

#include "../../../../native/nfqueue-compat/handle.h"
#include "choice.h"
#include "driver.h"

static struct fastqueue_meta meta;

struct fq_frame fq_frame(const struct fq_queue *unused, uint32_t count)
{
	(void)unused;
	(void)count;
	return (struct fq_frame){ .meta = &meta };
}

bool frame_moved(const struct queue *unused, uint32_t id, uint32_t *count)
{
	(void)unused;
	(void)id;
	(void)count;
	return false;
}

void *real_function(const char *name)
{
	(void)name;
	return NULL;
}

static void numbers_check(struct nfq_data *packet)
{
	CHECK(nfq_get_nfmark(packet) == meta.mark);
	CHECK(nfq_get_indev(packet) == meta.indev);
	CHECK(nfq_get_outdev(packet) == meta.outdev);
	CHECK(nfq_get_physindev(packet) == meta.physindev);
	CHECK(nfq_get_physoutdev(packet) == meta.physoutdev);
	CHECK(!(meta.flags & FASTQUEUE_M_GSO) == !(nfq_get_skbinfo(packet) & NFQA_SKB_GSO));
}

static void owner_check(struct nfq_data *packet, const struct queue *queue)
{
	bool there = meta.flags & FASTQUEUE_M_UID && queue->flags & NFQA_CFG_F_UID_GID;
	uint32_t uid = 0, gid = 0;

	CHECK(nfq_get_uid(packet, &uid) == there);
	CHECK(nfq_get_gid(packet, &gid) == there);
	CHECK(!there || (uid == meta.uid && gid == meta.gid));
}

static void time_check(struct nfq_data *packet)
{
	bool there = meta.timestamp && meta.hook <= NF_INET_FORWARD;
	struct timeval time;

	CHECK(nfq_get_timestamp(packet, &time) == (there ? 0 : -1));
	CHECK(!there || (uint64_t)time.tv_sec == meta.timestamp / 1000000000);
	CHECK(!there || (uint64_t)time.tv_usec == meta.timestamp % 1000000000 / 1000);
}

static void header_check(struct nfq_data *packet, uint32_t id)
{
	const struct nfqnl_msg_packet_hdr *header = nfq_get_msg_packet_hdr(packet);
	const struct nfqnl_msg_packet_hw *hardware = nfq_get_packet_hw(packet);

	CHECK(header && ntohl(header->packet_id) == id);
	CHECK(header->hw_protocol == meta.protocol && header->hook == meta.hook);
	CHECK(!hardware == !meta.hw_addrlen);
	CHECK(!hardware || !memcmp(hardware->hw_addr, meta.hw_addr, sizeof(meta.hw_addr)));
}

/* Without the time, which goes on. In a smaller buffer it is the same, cut. */
static void xml_check(struct nfq_data *packet, uint8_t flags, uint32_t room)
{
	char *whole, *cut = malloc(room);
	int len = nfq_snprintf_xml(NULL, 0, packet, flags & ~NFQ_XML_TIME);

	CHECK(len > 0);
	whole = malloc((size_t)len + 1);
	CHECK(nfq_snprintf_xml(whole, (size_t)len + 1, packet, flags & ~NFQ_XML_TIME) == len);
	CHECK(strlen(whole) == (size_t)len && !strcmp(whole + len - 6, "</pkt>"));
	CHECK(nfq_snprintf_xml(cut, room, packet, flags & ~NFQ_XML_TIME) == len);
	CHECK(!room || !strncmp(whole, cut, room - 1));
	CHECK(!room || (uint32_t)len < room || strlen(cut) == room - 1);
	CHECK(nfq_snprintf_xml(NULL, 0, packet, flags | NFQ_XML_TIME) > len);
	free(whole);
	free(cut);
}

static void packet_check(const struct queue *queue, uint32_t count, uint32_t payload, uint8_t flags)
{
	/* with its payload, of which only the place is looked for */
	unsigned char *message = malloc(MESSAGE_HEAD), *whole;
	struct nfq_data packet;
	size_t total, len = message_head(queue, count, message, payload, &total);
	unsigned char *content;

	CHECK(len <= MESSAGE_HEAD && total == len + payload);
	CHECK(((struct nlmsghdr *)message)->nlmsg_len == total);
	whole = calloc(1, total);
	memcpy(whole, message, len);
	free(message);
	CHECK(attributes_of_packet(whole + 20, total - 20, packet.attributes, &packet.present));
	packet.payload = whole + len;
	packet.payload_len = payload;
	header_check(&packet, count + queue->shift);
	numbers_check(&packet);
	owner_check(&packet, queue);
	time_check(&packet);
	CHECK(nfq_get_secctx(&packet, &content) == -1);
	CHECK(nfq_get_payload(&packet, &content) == (payload ? (int)payload : -1));
	if (payload < 2000)
		xml_check(&packet, flags, count % 1024);
	free(whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct choice choice = { data, size };
	struct queue queue = { .shift = 1 };

	while (choice.len) {
		const uint8_t *content;
		size_t len;

		queue.mode = choice_byte(&choice) % 3;
		queue.flags = choice_byte(&choice);
		queue.number = choice_byte(&choice);
		content = choice_bytes(&choice, sizeof(meta), &len);
		memset(&meta, 0, sizeof(meta));
		memcpy(&meta, content, len);
		packet_check(&queue, choice_word(&choice), choice_word(&choice) % 65532,
			     choice_byte(&choice));
	}
	return 0;
}
