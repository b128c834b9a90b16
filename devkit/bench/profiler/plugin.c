// SPDX-License-Identifier: MIT
/*
 * QEMU plugin: how often each guest instruction is executed between the two
 * marks of native/bench-source. Written against version 1 of QEMU's plugin API
 * as its manual describes it ("QEMU TCG Plugins"); the declarations are given
 * here because Debian's QEMU comes without qemu-plugin.h. Credit for the API
 * goes to QEMU and its authors.
 *
 *	-plugin libplugin.so,out=FILE
 *
 * Writes "ADDRESS COUNT" lines, hexadecimal and decimal, at the second mark.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

/* --- The part of QEMU's plugin API that is used */

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_info;

enum { QEMU_PLUGIN_CB_NO_REGS = 0 };
enum { QEMU_PLUGIN_INLINE_ADD_U64 = 0 };

typedef void (*tb_callback)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb);
typedef void (*exec_callback)(unsigned int vcpu, void *data);

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, tb_callback callback);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *insn, int operation,
						void *counter, uint64_t addend);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, exec_callback callback,
					    int flags, void *data);

EXPORT int qemu_plugin_version = 1;

/* --- Counters, one an address: open addressing, never more than half full */

#define SLOT_BITS 24
#define SLOTS (1u << SLOT_BITS)

struct counter {
	uint64_t address;	/* 0: free */
	uint64_t count;
	uint64_t at_begin;
};

static struct counter *counters;
static unsigned int used;
static const char *out;

static uint64_t *counter_of(uint64_t address)
{
	uint32_t slot = (uint32_t)((address * 0x9e3779b97f4a7c15u) >> (64 - SLOT_BITS));

	while (counters[slot].address && counters[slot].address != address)
		slot = (slot + 1) % SLOTS;
	if (!counters[slot].address && ++used > SLOTS / 2) {
		fprintf(stderr, "plugin: too many different instructions\n");
		exit(1);
	}
	counters[slot].address = address;
	return &counters[slot].count;
}

/* --- The marks: nopl DISPLACEMENT(%eax), which nothing else executes */

static const uint8_t mark_begin[] = { 0x0f, 0x1f, 0x80, 0x31, 0x42, 0x51, 0x46 };
static const uint8_t mark_end[] = { 0x0f, 0x1f, 0x80, 0x32, 0x45, 0x51, 0x46 };

static int is(const struct qemu_plugin_insn *insn, const uint8_t *mark)
{
	return qemu_plugin_insn_size(insn) == sizeof(mark_begin) &&
	       !memcmp(qemu_plugin_insn_data(insn), mark, sizeof(mark_begin));
}

static void begin(unsigned int vcpu, void *data)
{
	(void)vcpu;
	(void)data;
	for (uint32_t slot = 0; slot < SLOTS; slot++)
		counters[slot].at_begin = counters[slot].count;
}

static void end(unsigned int vcpu, void *data)
{
	FILE *file = fopen(out, "w");

	(void)vcpu;
	(void)data;
	if (!file) {
		perror(out);
		exit(1);
	}
	for (uint32_t slot = 0; slot < SLOTS; slot++) {
		uint64_t count = counters[slot].count - counters[slot].at_begin;

		if (count)
			fprintf(file, "%" PRIx64 " %" PRIu64 "\n", counters[slot].address, count);
	}
	fclose(file);
}

/* --- Set-up */

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	size_t number = qemu_plugin_tb_n_insns(tb);

	(void)id;
	for (size_t index = 0; index < number; index++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, index);

		qemu_plugin_register_vcpu_insn_exec_inline(insn, QEMU_PLUGIN_INLINE_ADD_U64,
			counter_of(qemu_plugin_insn_vaddr(insn)), 1);
		if (is(insn, mark_begin))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, begin, QEMU_PLUGIN_CB_NO_REGS, NULL);
		if (is(insn, mark_end))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, end, QEMU_PLUGIN_CB_NO_REGS, NULL);
	}
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int argc, char **argv)
{
	(void)info;
	if (argc != 1 || strncmp(argv[0], "out=", 4)) {
		fprintf(stderr, "plugin: expected out=FILE\n");
		return -1;
	}
	out = strdup(argv[0] + 4);
	counters = calloc(SLOTS, sizeof(*counters));
	if (!out || !counters)
		return -1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	return 0;
}
