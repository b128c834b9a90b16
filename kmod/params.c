// SPDX-License-Identifier: GPL-2.0-only
/* The module's parameters. */
#include <linux/init.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/netfilter.h>
#include <linux/sysfs.h>

#include "params.h"

/* Default of max_packet_memory on machines with much memory. */
#define FQ_PACKET_MEMORY	(256UL << 20)

static ulong max_memory = 64UL << 20;
module_param(max_memory, ulong, 0644);
MODULE_PARM_DESC(max_memory, "bytes that all rings together may take (default 64 MiB)");

static ulong max_packet_memory;
module_param(max_packet_memory, ulong, 0644);
MODULE_PARM_DESC(max_packet_memory, "bytes that packets in all rings together may hold (default: a quarter of the memory, 256 MiB at most)");

static bool userns_writable;
module_param(userns_writable, bool, 0644);
MODULE_PARM_DESC(userns_writable, "handlers in user namespaces may change packets (default: no)");

static const char * const fq_actions[] = { [NF_DROP] = "drop", [NF_ACCEPT] = "accept" };
static unsigned int default_action = NF_DROP;

static int fq_action_set(const char *text, const struct kernel_param *param)
{
	int action = sysfs_match_string(fq_actions, text);

	if (action < 0)
		return action;
	WRITE_ONCE(default_action, action);
	return 0;
}

static int fq_action_get(char *buffer, const struct kernel_param *param)
{
	return sysfs_emit(buffer, "%s\n", fq_actions[READ_ONCE(default_action)]);
}

static const struct kernel_param_ops fq_action_ops = {
	.set = fq_action_set,
	.get = fq_action_get,
};
module_param_cb(default_action, &fq_action_ops, NULL, 0644);
MODULE_PARM_DESC(default_action, "for packets of a queue without a ring: drop (default) or accept");

unsigned int fq_default_action(void)
{
	return READ_ONCE(default_action);
}

unsigned long fq_max_memory(void)
{
	return READ_ONCE(max_memory);
}

unsigned long fq_max_packet_memory(void)
{
	return READ_ONCE(max_packet_memory);
}

bool fq_userns_writable(void)
{
	return READ_ONCE(userns_writable);
}

/* Defaults that depend on the machine. */
void __init fq_params_init(void)
{
	if (!max_packet_memory)
		max_packet_memory = min(totalram_pages() / 4, FQ_PACKET_MEMORY >> PAGE_SHIFT)
				    << PAGE_SHIFT;
}
