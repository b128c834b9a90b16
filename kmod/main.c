// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fast Queue: module set-up, its parameters, and what the rest of the kernel
 * tells it: packets to queue, hooks and interfaces that go away.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/mm.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/netfilter/nfnetlink.h>
#include <net/netfilter/nf_queue.h>
#include <net/netns/generic.h>

#include "queue.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

static unsigned int fq_net_id __read_mostly;
static atomic_long_t fq_memory = ATOMIC_LONG_INIT(0);

static ulong max_memory = 64UL << 20;
module_param(max_memory, ulong, 0644);
MODULE_PARM_DESC(max_memory, "bytes that all rings together may take (default 64 MiB)");

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

/* Not even an administrator may take what the machine runs on. */
static bool fq_memory_spare(u64 bytes)
{
	return bytes >> PAGE_SHIFT <= max(si_mem_available(), 0L) / 2;
}

bool fq_memory_charge(u64 bytes)
{
	ulong limit = READ_ONCE(max_memory);

	if (bytes > limit || !fq_memory_spare(bytes))
		return false;
	if ((ulong)atomic_long_add_return(bytes, &fq_memory) <= limit)
		return true;
	atomic_long_sub(bytes, &fq_memory);
	return false;
}

void fq_memory_uncharge(u64 bytes)
{
	atomic_long_sub(bytes, &fq_memory);
}

struct fq_net *fq_net(const struct net *net)
{
	return net_generic(net, fq_net_id);
}

static void fq_hook_drop(struct net *net)
{
	/* also called while a namespace that never had our part is unwound */
	if (fq_net(net))
		fq_net_flush(net, NULL, 0);
}

static const struct nf_queue_handler fq_handler = {
	.outfn = fq_receive,
	.nf_hook_drop = fq_hook_drop,
};

static bool fq_entry_uses(const struct nf_queue_entry *entry, int ifindex)
{
	const struct nf_hook_state *state = &entry->state;

#if IS_ENABLED(CONFIG_BRIDGE_NETFILTER)
	if ((entry->physin && entry->physin->ifindex == ifindex) ||
	    (entry->physout && entry->physout->ifindex == ifindex))
		return true;
#endif
	return (state->in && state->in->ifindex == ifindex) ||
	       (state->out && state->out->ifindex == ifindex) ||
	       (entry->skb->dev && entry->skb->dev->ifindex == ifindex);
}

static int fq_device_event(struct notifier_block *block, unsigned long event,
			   void *info)
{
	struct net_device *dev = netdev_notifier_info_to_dev(info);

	if (event == NETDEV_DOWN)
		fq_net_flush(dev_net(dev), fq_entry_uses, dev->ifindex);
	return NOTIFY_DONE;
}

static struct notifier_block fq_device_notifier = {
	.notifier_call = fq_device_event,
};

static int __net_init fq_net_init(struct net *net)
{
	xa_init(&fq_net(net)->queues);
	return fq_proc_init(net);
}

/* Every queue holds its namespace, so none is left here. */
static void __net_exit fq_net_exit(struct net *net)
{
	fq_proc_exit(net);
	WARN_ON_ONCE(!xa_empty(&fq_net(net)->queues));
}

static struct pernet_operations fq_net_ops = {
	.init = fq_net_init,
	.exit = fq_net_exit,
	.id = &fq_net_id,
	.size = sizeof(struct fq_net),
};

/*
 * Netfilter has room for one queue handler and overwrites it without asking.
 * Holding NFQUEUE's netlink subsystem keeps both modules from being loaded at
 * once, in either order.
 */
static const struct nfnetlink_subsystem fq_subsys = {
	.name = "fastqueue",
	.subsys_id = NFNL_SUBSYS_QUEUE,
};

static int __init fq_init(void)
{
	int err;

	err = nfnetlink_subsys_register(&fq_subsys);
	if (err) {
		pr_err("nfnetlink_queue is loaded and netfilter has room for one: rmmod nfnetlink_queue first\n");
		return err;
	}
	err = register_pernet_subsys(&fq_net_ops);
	if (err)
		goto err_subsys;
	err = register_netdevice_notifier(&fq_device_notifier);
	if (err)
		goto err_pernet;
	err = fq_device_register();
	if (err)
		goto err_notifier;
	nf_register_queue_handler(&fq_handler);
	return 0;

err_notifier:
	unregister_netdevice_notifier(&fq_device_notifier);
err_pernet:
	unregister_pernet_subsys(&fq_net_ops);
err_subsys:
	nfnetlink_subsys_unregister(&fq_subsys);
	return err;
}

/* No file is open here, so no queue is left and no packet is held. */
static void __exit fq_exit(void)
{
	nf_unregister_queue_handler();
	synchronize_net();
	fq_device_unregister();
	unregister_netdevice_notifier(&fq_device_notifier);
	unregister_pernet_subsys(&fq_net_ops);
	nfnetlink_subsys_unregister(&fq_subsys);
}

module_init(fq_init);
module_exit(fq_exit);

MODULE_DESCRIPTION("Fast Queue: netfilter's queued packets in a shared ring");
MODULE_LICENSE("GPL");
