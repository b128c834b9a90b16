// SPDX-License-Identifier: GPL-2.0-only
#include <linux/netfilter.h>
#include <linux/skbuff.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_queue.h>

#include "conntrack.h"

/*
 * Whether an unconfirmed connection has other users, clones of the packet.
 * Conntrack takes exclusive ownership of those for granted.
 */
bool fq_ct_is_shared(const struct nf_queue_entry *entry, bool *unconfirmed)
{
#if IS_ENABLED(CONFIG_NF_CONNTRACK)
	struct nf_conn *ct = (void *)skb_nfct(entry->skb);

	if (!ct || nf_ct_is_confirmed(ct))
		return false;
	if (unconfirmed)
		*unconfirmed = true;
	return refcount_read(&ct->ct_general.use) > 1;
#else
	return false;
#endif
}

/*
 * What conntrack's update() answers when all is well: NF_ACCEPT where its answers
 * are verdicts, 0 where they are errors. No header tells them apart, and stable
 * kernels have the headers of the one with the code of the other; so it is asked
 * about a packet without a connection, with which nothing can be wrong.
 */
static int fq_ct_fine(const struct nf_ct_hook *ct, struct net *net)
{
	static struct sk_buff bare;
	static int fine = -1;
	int known = READ_ONCE(fine);

	if (known < 0) {
		known = ct->update(net, &bare);
		WRITE_ONCE(fine, known);
	}
	return known;
}

/*
 * Let conntrack catch up with what changed meanwhile. Returns the verdict to
 * go on with; NF_STOLEN: the packet is no longer ours.
 */
unsigned int fq_ct_update(struct nf_queue_entry *entry, unsigned int verdict)
{
	const struct nf_ct_hook *ct = rcu_dereference(nf_ct_hook);
	int answer;

	if (!ct)
		return verdict;
	answer = ct->update(entry->state.net, entry->skb);
	if (fq_ct_fine(ct, entry->state.net) != NF_ACCEPT)
		return answer < 0 ? NF_DROP : verdict;
	answer &= NF_VERDICT_MASK;
	return answer == NF_ACCEPT ? verdict : answer;
}
