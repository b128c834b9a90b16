// SPDX-License-Identifier: MIT
/*
 * Rules of nftables, as messages: a base chain for each hook, all whose packets
 * go to a queue. Chain n queues to number n; without a handler they pass.
 */
#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter_bridge.h>
#include <linux/netlink.h>
#include <stdio.h>

#include "netlink.h"
#include "session.h"

#define TABLE	"fuzz"

struct chain {
	uint8_t family;
	uint8_t hook;
	const char *name;
};

static const struct chain chains[CHAINS] = {
	{ NFPROTO_INET, NF_INET_PRE_ROUTING, "prerouting" },
	{ NFPROTO_INET, NF_INET_LOCAL_IN, "input" },
	{ NFPROTO_INET, NF_INET_FORWARD, "forward" },
	{ NFPROTO_INET, NF_INET_LOCAL_OUT, "output" },
	{ NFPROTO_INET, NF_INET_POST_ROUTING, "postrouting" },
	{ NFPROTO_BRIDGE, NF_BR_PRE_ROUTING, "prerouting" },
	{ NFPROTO_BRIDGE, NF_BR_FORWARD, "forward" },
	{ NFPROTO_BRIDGE, NF_BR_POST_ROUTING, "postrouting" },
};

static void batch(struct message *message, uint16_t type)
{
	struct nfgenmsg header = { .res_id = htons(NFNL_SUBSYS_NFTABLES) };

	message_begin(message, type, 0, &header, sizeof(header));
	/* these two are not acknowledged */
	((struct nlmsghdr *)(message->data + message->begin))->nlmsg_flags = NLM_F_REQUEST;
}

static void request(struct message *message, uint16_t type, uint16_t flags, uint8_t family)
{
	struct nfgenmsg header = { .nfgen_family = family };

	message_begin(message, NFNL_SUBSYS_NFTABLES << 8 | type, flags, &header, sizeof(header));
}

static void table(struct message *message, uint16_t type, uint8_t family)
{
	request(message, type, type == NFT_MSG_NEWTABLE ? NLM_F_CREATE : 0, family);
	attribute_text(message, NFTA_TABLE_NAME, TABLE);
}

static void add_chain(struct message *message, const struct chain *chain)
{
	size_t nest;

	request(message, NFT_MSG_NEWCHAIN, NLM_F_CREATE, chain->family);
	attribute_text(message, NFTA_CHAIN_TABLE, TABLE);
	attribute_text(message, NFTA_CHAIN_NAME, chain->name);
	nest = nest_begin(message, NFTA_CHAIN_HOOK);
	attribute_be32(message, NFTA_HOOK_HOOKNUM, chain->hook);
	attribute_be32(message, NFTA_HOOK_PRIORITY, 0);
	nest_end(message, nest);
	attribute_text(message, NFTA_CHAIN_TYPE, "filter");
}

static void delete_from(struct message *message, uint16_t type, const struct chain *chain)
{
	request(message, type, 0, chain->family);
	attribute_text(message, NFTA_CHAIN_TABLE, TABLE);	/* the same numbers in a rule */
	attribute_text(message, NFTA_RULE_CHAIN, chain->name);
}

static void delete_chain(struct message *message, const struct chain *chain)
{
	request(message, NFT_MSG_DELCHAIN, 0, chain->family);
	attribute_text(message, NFTA_CHAIN_TABLE, TABLE);
	attribute_text(message, NFTA_CHAIN_NAME, chain->name);
}

static size_t rule_begin(struct message *message, const struct chain *chain)
{
	request(message, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, chain->family);
	attribute_text(message, NFTA_RULE_TABLE, TABLE);
	attribute_text(message, NFTA_RULE_CHAIN, chain->name);
	return nest_begin(message, NFTA_RULE_EXPRESSIONS);
}

static void add_queue_rule(struct message *message, const struct chain *chain, unsigned int queue,
			   unsigned int flags)
{
	size_t rule = rule_begin(message, chain), element, data;

	element = nest_begin(message, NFTA_LIST_ELEM);
	attribute_text(message, NFTA_EXPR_NAME, "queue");
	data = nest_begin(message, NFTA_EXPR_DATA);
	attribute_be16(message, NFTA_QUEUE_NUM, queue);
	attribute_be16(message, NFTA_QUEUE_TOTAL, 1);
	attribute_be16(message, NFTA_QUEUE_FLAGS, flags);
	nest_end(message, data);
	nest_end(message, element);
	nest_end(message, rule);
}

/* A look at the state of a connection has them tracked. */
static void add_tracking_rule(struct message *message, const struct chain *chain)
{
	size_t rule = rule_begin(message, chain), element, data;

	element = nest_begin(message, NFTA_LIST_ELEM);
	attribute_text(message, NFTA_EXPR_NAME, "ct");
	data = nest_begin(message, NFTA_EXPR_DATA);
	attribute_be32(message, NFTA_CT_DREG, NFT_REG_1);
	attribute_be32(message, NFTA_CT_KEY, NFT_CT_STATE);
	nest_end(message, data);
	nest_end(message, element);
	nest_end(message, rule);
}

static void add_all(struct message *message, uint8_t family)
{
	unsigned int i;

	table(message, NFT_MSG_NEWTABLE, family);
	for (i = 0; i < CHAINS; i++) {
		if (chains[i].family != family)
			continue;
		add_chain(message, &chains[i]);
		add_queue_rule(message, &chains[i], i, NFT_QUEUE_FLAG_BYPASS);
	}
}

/* 0: all as at the beginning; 1: table, 2: chain, 3: rules go; 4: a rule is added; 5: connections are tracked. */
int rules_change(unsigned int what, unsigned int number, unsigned int queue, unsigned int flags)
{
	const struct chain *chain = &chains[number % CHAINS];
	struct message message = {};

	batch(&message, NFNL_MSG_BATCH_BEGIN);
	switch (what % 6) {
	case 0:
		add_all(&message, NFPROTO_INET);
		add_all(&message, NFPROTO_BRIDGE);
		break;
	case 1:
		table(&message, NFT_MSG_DELTABLE, chain->family);
		break;
	case 2:
		delete_from(&message, NFT_MSG_DELRULE, chain);
		delete_chain(&message, chain);
		break;
	case 3:
		delete_from(&message, NFT_MSG_DELRULE, chain);
		break;
	case 4:
		add_queue_rule(&message, chain, queue, flags);
		break;
	default:
		add_tracking_rule(&message, chain);
	}
	batch(&message, NFNL_MSG_BATCH_END);
	return message_send(&message, NETLINK_NETFILTER);
}

static int restore(uint8_t family)
{
	struct message gone = {}, again = {};

	batch(&gone, NFNL_MSG_BATCH_BEGIN);
	table(&gone, NFT_MSG_DELTABLE, family);
	batch(&gone, NFNL_MSG_BATCH_END);
	message_send(&gone, NETLINK_NETFILTER);	/* there may be none */

	batch(&again, NFNL_MSG_BATCH_BEGIN);
	add_all(&again, family);
	batch(&again, NFNL_MSG_BATCH_END);
	return message_send(&again, NETLINK_NETFILTER);
}

int rules_restore(unsigned int changed)
{
	int err = 0;

	if (changed & CHANGED_IP_RULES)
		err = restore(NFPROTO_INET);
	if (!err && changed & CHANGED_BRIDGE_RULES)
		err = restore(NFPROTO_BRIDGE);
	return err;
}
