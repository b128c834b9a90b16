// SPDX-License-Identifier: GPL-2.0-only
/* Fast Queue: module set-up, and the calls that the rest of the kernel makes. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/netfilter/nfnetlink.h>
#include <net/netfilter/nf_queue.h>

#include "chardev.h"
#include "flush.h"
#include "params.h"
#include "procfs.h"
#include "queue.h"
#include "queue_table.h"
#include "receiver.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

static void fq_hook_drop(struct net *net)
{
	/* also called while a namespace that never had our part is unwound */
	if (fq_net(net))
		fq_flush_net(net);
}

static const struct nf_queue_handler fq_handler = {
	.outfn = fq_receive,
	.nf_hook_drop = fq_hook_drop,
};

static int fq_device_event(struct notifier_block *block, unsigned long event,
			   void *info)
{
	struct net_device *dev = netdev_notifier_info_to_dev(info);

	if (event == NETDEV_DOWN || event == NETDEV_UNREGISTER)
		fq_flush_device(dev);
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

	fq_params_init();
	err = nfnetlink_subsys_register(&fq_subsys);
	if (err) {
		pr_err("nfnetlink_queue is loaded and netfilter has room for one: rmmod nfnetlink_queue first\n");
		return err;
	}
	err = fq_flush_setup();
	if (err)
		goto err_subsys;
	err = fq_queues_init();
	if (err)
		goto err_flush;
	err = register_pernet_subsys(&fq_net_ops);
	if (err)
		goto err_queues;
	err = register_netdevice_notifier(&fq_device_notifier);
	if (err)
		goto err_pernet;
	err = fq_chardev_register();
	if (err)
		goto err_notifier;
	nf_register_queue_handler(&fq_handler);
	return 0;

err_notifier:
	unregister_netdevice_notifier(&fq_device_notifier);
err_pernet:
	unregister_pernet_subsys(&fq_net_ops);
err_queues:
	fq_queues_exit();
err_flush:
	fq_flush_teardown();
err_subsys:
	nfnetlink_subsys_unregister(&fq_subsys);
	return err;
}

/* No file is open here, so no queue is left and no packet is held. */
static void __exit fq_exit(void)
{
	nf_unregister_queue_handler();
	synchronize_net();
	fq_chardev_unregister();
	fq_queues_exit();
	unregister_netdevice_notifier(&fq_device_notifier);
	unregister_pernet_subsys(&fq_net_ops);
	fq_flush_teardown();
	nfnetlink_subsys_unregister(&fq_subsys);
}

module_init(fq_init);
module_exit(fq_exit);

MODULE_AUTHOR("The Fast Queue developers");
MODULE_DESCRIPTION("Fast Queue: netfilter's queued packets in a shared ring");
MODULE_VERSION("0.2.0");
MODULE_LICENSE("GPL");
