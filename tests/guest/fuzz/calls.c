// SPDX-License-Identifier: MIT
/* All calls that a sequence may have, their arguments and usual values. */
#include <linux/fastqueue.h>
#include <sys/mman.h>

#include "session.h"

#define ONE_OF(name, standard, ...) \
	{ name, standard, (const uint32_t[]){ __VA_ARGS__ }, COUNT_OF(((const uint32_t[]){ __VA_ARGS__ })), 0 }
#define BITS(name, standard, mask)	{ name, standard, NULL, 0, mask }
#define SLOT(name)			ONE_OF(name, 0, 0, 0, 0, 1, 2, 3)
#define MAPPING				ONE_OF("map", 0, 0, 0, 1, 2, 2, 3, 4, 5)

#define RING_ARGUMENTS \
	SLOT("fd"), \
	ONE_OF("version", FASTQUEUE_ABI_VERSION, FASTQUEUE_ABI_VERSION), \
	ONE_OF("size", sizeof(struct fastqueue_ring), sizeof(struct fastqueue_ring)), \
	ONE_OF("queue", 3, 0, 1, 2, 3, 3, 3, 4, 4, 5, 6, 7), \
	ONE_OF("frames", 8, 8, 8, 8, 16, 64, 1024, FASTQUEUE_MAX_FRAMES), \
	ONE_OF("frame_size", 2048, 64, 128, 2048, 2048, 4096, FASTQUEUE_MAX_FRAME_SIZE), \
	ONE_OF("copy_range", 0, 0, 0, 1, 20, 64, 128), \
	ONE_OF("default_action", FASTQUEUE_ACCEPT, FASTQUEUE_ACCEPT, FASTQUEUE_DROP), \
	ONE_OF("period_us", 0, 0, FASTQUEUE_MIN_PERIOD_US, 1000, FASTQUEUE_MAX_PERIOD_US), \
	ONE_OF("timeout_ms", 0, 0, 0, 1, 4, 1000), \
	BITS("flags", FASTQUEUE_F_WRITABLE, FASTQUEUE_F_ALL), \
	ONE_OF("reserved", 0, 0)

const struct call_type call_types[] = {
	{ "open", 6, MAY_FAIL, do_open, { SLOT("fd"), ONE_OF("writable", 1, 1, 1, 1, 0) } },
	{ "close", 4, MAY_FAIL | MAY_CONCUR, do_close, { SLOT("fd") } },
	{ "dup", 2, 0, do_dup, { SLOT("fd"), ONE_OF("to", 1, 0, 1, 2, 3) } },
	{ "alloc", 10, MAY_FAIL | MAY_CONCUR, do_alloc, { RING_ARGUMENTS } },
	{ "resize", 6, MAY_FAIL | MAY_CONCUR, do_resize, { RING_ARGUMENTS } },
	{ "set", 5, MAY_FAIL | MAY_CONCUR, do_set, {
		SLOT("fd"),
		BITS("fields", 0, FASTQUEUE_SET_ALL),
		ONE_OF("default_action", 1, 1, 0),
		ONE_OF("period_us", 1000, 50, 1000, 1000000),
		ONE_OF("timeout_ms", 0, 0, 1, 4, 1000),
		ONE_OF("copy_range", 64, 1, 64, 128, 2048),
		ONE_OF("limit", 0, 0, 1, 4, 8),
		BITS("flags", 0, FASTQUEUE_F_LIVE),
		ONE_OF("reserved", 0, 0) } },
	{ "kick", 12, MAY_FAIL | MAY_CONCUR, do_kick, { SLOT("fd") } },
	{ "stats", 3, MAY_CONCUR, do_stats, { SLOT("fd") } },
	{ "poll", 6, MAY_FAIL | MAY_CONCUR, do_poll, { SLOT("fd") } },
	{ "wait", 3, MAY_FAIL | MAY_CONCUR, do_wait, { SLOT("fd"), ONE_OF("ms", 2, 1, 2, 5) } },
	{ "ioctl", 1, 0, do_ioctl, {
		SLOT("fd"),
		ONE_OF("number", FASTQUEUE_IOC_KICK + 16, FASTQUEUE_IOC_ALLOC, FASTQUEUE_IOC_SET,
		       FASTQUEUE_IOC_STATS, FASTQUEUE_IOC_RESIZE, FASTQUEUE_IOC_KICK + 16),
		ONE_OF("address", 0, 0, 16, 0xffffffff) } },

	{ "map", 14, MAY_FAIL, do_map, {
		MAPPING, SLOT("fd"),
		ONE_OF("area", 0, 0, 0, 0, 1, 2, 2),
		ONE_OF("protection", PROT_READ | PROT_WRITE, PROT_READ, PROT_READ | PROT_WRITE,
		       PROT_READ | PROT_WRITE, PROT_READ | PROT_EXEC),
		ONE_OF("flags", MAP_SHARED, MAP_SHARED, MAP_SHARED, MAP_SHARED, MAP_PRIVATE),
		ONE_OF("offset_pages", 0, 0, 0, 0, 1, 0xffffffff),
		ONE_OF("size_pages", 0, 0, 0, 0, 1, 0xffffffff) } },
	{ "unmap", 4, 0, do_unmap, {
		MAPPING, ONE_OF("first", 0, 0, 0, 1), ONE_OF("pages", 65536, 1, 65536, 65536) } },
	{ "protect", 2, 0, do_protect, {
		MAPPING, ONE_OF("protection", 3, PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE,
				PROT_READ | PROT_EXEC) } },
	{ "remap", 2, 0, do_remap, { MAPPING, ONE_OF("pages", 0, 0, 0, 1, 0xffffffff) } },
	{ "poke", 5, 0, do_poke, {
		MAPPING, ONE_OF("offset", 0, 0, 4, 64, 68, 96, 100, 192, 2048),
		ONE_OF("value", 0, 0, 1, 6, 8, 0x106, 0xffffffff) } },
	{ "answer", 16, 0, do_answer, {
		MAPPING, ONE_OF("first", 0, 0, 0, 1, 4, 7), ONE_OF("count", 8, 1, 2, 8, 64, 1024),
		ONE_OF("verdict", FASTQUEUE_ACCEPT, FASTQUEUE_DROP, FASTQUEUE_ACCEPT,
		       FASTQUEUE_ACCEPT, FASTQUEUE_QUEUE, FASTQUEUE_REPEAT, 2, 7),
		BITS("with", 0, FASTQUEUE_WITH_MARK | FASTQUEUE_WITH_PRIORITY | FASTQUEUE_WITH_PAYLOAD),
		ONE_OF("lap", 0, 0, 0, 0, 0, 1, 0xffffffff),
		ONE_OF("length", 128, 0, 1, 20, 28, 40, 48, 60, 128, 1400, 2048, 65536),
		ONE_OF("queue", 4, 0, 3, 4, 5, 9, 65535),
		BITS("flags", 0, FASTQUEUE_A_ALL), ONE_OF("mark", 7, 0, 7) } },
	{ "payload", 8, 0, do_payload, {
		ONE_OF("map", 2, 0, 1, 2, 2, 2, 3, 4, 5), ONE_OF("frame", 0, 0, 0, 0, 1, 2, 7),
		ONE_OF("offset", 0, 0, 0, 2, 4, 6, 6, 7, 8, 9, 9, 10, 12, 16, 20, 24, 40, 41, 44, 48, 56),
		ONE_OF("value", 0x45, 0x45, 0x46, 0x4f, 0x40, 0x60, 0, 1, 6, 17, 44, 47, 58, 60, 132, 0xff,
		       0x2000, 0xffff, 0x100007f, 0xffffffff),
		ONE_OF("width", 1, 1, 1, 1, 2, 4), ONE_OF("count", 1, 1, 1, 1, 8) } },

	{ "fork", 2, 0, do_fork, { ONE_OF("stays", 0, 0, 1) } },
	{ "reap", 1, 0, do_reap, { } },
	{ "sleep", 2, MAY_CONCUR, do_sleep, { ONE_OF("ms", 2, 1, 2, 5) } },
	{ "proc", 1, MAY_CONCUR, do_proc, { } },
	{ "param", 1, 0, do_param, {
		ONE_OF("which", 0, 0, 1),
		ONE_OF("value", 0, 0, 1, 2, 4096, 1 << 20, 64 << 20) } },

	{ "link", 4, MAY_CONCUR, do_link, {
		ONE_OF("device", 0, 0, 1, 2, 3), ONE_OF("change", 0, 0, 1, 2, 3, 4, 5) } },
	{ "rules", 4, 0, do_rules, {
		ONE_OF("change", 0, 0, 1, 2, 3, 4, 5, 5), ONE_OF("chain", 3, 0, 1, 2, 3, 3, 4, 5, 6, 7),
		ONE_OF("queue", 3, 0, 1, 3, 4, 5, 9), ONE_OF("flags", 1, 0, 1, 3) } },
	{ "leave", 1, 0, do_leave, { } },

	{ "send", 18, MAY_FAIL | MAY_CONCUR, do_send, {
		ONE_OF("version", 4, 4, 4, 6), ONE_OF("protocol", 17, 17, 17, 17, 1, 58, 132, 47, 255),
		ONE_OF("to", 0, 0, 0, 0, 1, 2, 3), ONE_OF("size", 100, 0, 1, 8, 64, 100, 1400, 4000, 60000),
		ONE_OF("count", 1, 1, 1, 4, 9, 64), ONE_OF("segment", 0, 0, 0, 0, 100, 1000),
		BITS("flags", 0, 7) } },
	{ "connect", 4, 0, do_connect, {
		ONE_OF("stream", 0, 0, 1, 2, 3), ONE_OF("version", 4, 4, 6), ONE_OF("to", 0, 0, 0, 1) } },
	{ "write", 4, MAY_FAIL | MAY_CONCUR, do_write, {
		ONE_OF("stream", 0, 0, 1, 2, 3), ONE_OF("size", 100, 1, 100, 1400, 60000) } },
	{ "frame", 10, MAY_FAIL | MAY_CONCUR, do_frame, {
		ONE_OF("device", 0, 0, 0, 1, 2), ONE_OF("version", 4, 4, 4, 6, 0),
		ONE_OF("protocol", 17, 17, 6, 1, 58, 132, 47, 50, 0, 44, 60, 255),
		ONE_OF("size", 64, 0, 4, 8, 20, 64, 1400), ONE_OF("options", 0, 0, 0, 1, 2, 10),
		ONE_OF("fragment", 0, 0, 0, 0x2000, 1, 0x2001), ONE_OF("vlan", 0, 0, 0, 1),
		ONE_OF("padding", 0, 0, 0, 18, 46), ONE_OF("to", 0, 0, 0, 1, 2, 3),
		ONE_OF("count", 1, 1, 1, 3), ONE_OF("spoil", 0, 0, 0, 0, 1, 2, 3, 4) } },
};

const unsigned int call_type_count = COUNT_OF(call_types);
