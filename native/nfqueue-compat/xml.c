// SPDX-License-Identifier: MIT
/* libnetfilter_queue: a packet as XML. */
#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "handle.h"

struct text {
	char *buf;
	size_t room;
	size_t len;		/* that it would have */
};

static void add(struct text *text, const char *format, ...)
{
	size_t room = text->room > text->len ? text->room - text->len : 0;
	va_list words;

	va_start(words, format);
	text->len += (size_t)vsnprintf(room ? text->buf + text->len : NULL, room, format, words);
	va_end(words);
}

static void add_hardware(struct text *text, const struct nfqnl_msg_packet_hw *hardware)
{
	uint16_t len = ntohs(hardware->hw_addrlen), i;

	add(text, "<src>");
	for (i = 0; i < len && i < sizeof(hardware->hw_addr); i++)
		add(text, "%02x", hardware->hw_addr[i]);
	add(text, "</src>");
}

static void add_time(struct text *text)
{
	time_t now = time(NULL);
	struct tm tm;

	if (!localtime_r(&now, &tm))
		return;
	add(text, "<when><hour>%d</hour><min>%02d</min><sec>%02d</sec><wday>%d</wday>"
	    "<day>%d</day><month>%d</month><year>%d</year></when>", tm.tm_hour, tm.tm_min,
	    tm.tm_sec, tm.tm_wday + 1, tm.tm_mday, tm.tm_mon + 1, 1900 + tm.tm_year);
}

static void add_number(struct text *text, const char *name, uint32_t value)
{
	if (value)
		add(text, "<%s>%u</%s>", name, value, name);
}

static void add_head(struct text *text, struct nfq_data *packet, int flags)
{
	struct nfqnl_msg_packet_hdr *header = nfq_get_msg_packet_hdr(packet);
	struct nfqnl_msg_packet_hw *hardware = nfq_get_packet_hw(packet);

	if (!header)
		return;
	add(text, "<hook>%u</hook><id>%u</id>", header->hook, ntohl(header->packet_id));
	if (hardware && flags & NFQ_XML_HW) {
		add(text, "<hw><proto>%04x</proto>", ntohs(header->hw_protocol));
		add_hardware(text, hardware);
		add(text, "</hw>");
	}
}

static void add_owner(struct text *text, struct nfq_data *packet, int flags)
{
	uint32_t id;

	if (flags & NFQ_XML_UID && nfq_get_uid(packet, &id))
		add(text, "<uid>%u</uid>", id);
	if (flags & NFQ_XML_GID && nfq_get_gid(packet, &id))
		add(text, "<gid>%u</gid>", id);
}

static void add_payload(struct text *text, struct nfq_data *packet)
{
	unsigned char *payload;
	int len = nfq_get_payload(packet, &payload), i;

	if (len < 0)
		return;
	add(text, "<payload>");
	for (i = 0; i < len; i++)
		add(text, "%02x", payload[i]);
	add(text, "</payload>");
}

int nfq_snprintf_xml(char *buf, size_t len, struct nfq_data *tb, int flags)
{
	struct text text = { buf, len, 0 };

	add(&text, "<pkt>");
	if (flags & NFQ_XML_TIME)
		add_time(&text);
	add_head(&text, tb, flags);
	if (flags & NFQ_XML_MARK)
		add_number(&text, "mark", nfq_get_nfmark(tb));
	if (flags & NFQ_XML_DEV) {
		add_number(&text, "indev", nfq_get_indev(tb));
		add_number(&text, "outdev", nfq_get_outdev(tb));
	}
	if (flags & NFQ_XML_PHYSDEV) {
		add_number(&text, "physindev", nfq_get_physindev(tb));
		add_number(&text, "physoutdev", nfq_get_physoutdev(tb));
	}
	add_owner(&text, tb, flags);
	if (flags & NFQ_XML_PAYLOAD)
		add_payload(&text, tb);
	add(&text, "</pkt>");
	return (int)text.len;
}
