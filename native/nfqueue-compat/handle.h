/* SPDX-License-Identifier: MIT */
/* What the pointers of libnetfilter_queue's functions point to. */
#ifndef HANDLE_H
#define HANDLE_H

/*
 * The kernel's header comes first: the original library brings an older one with
 * the same guard, in which NFQA_MAX is smaller. Units with the one and units with
 * the other would not agree about the length of attributes[] below.
 */
#include <linux/netfilter/nfnetlink_queue.h>
#include <libnetfilter_queue/libnetfilter_queue.h>

#include "compat.h"

/* Callers take it for libnfnetlink's; nfnl.c knows it by its first word. */
#define NFNL_MAGIC	0x46516e6cu

struct nfnl_handle {
	uint32_t magic;
	int fd;
	struct nfq_handle *owner;
};

struct nfq_handle {
	struct nfnl_handle nfnl;
	struct nfnl_handle *theirs;	/* of nfq_open_nfnl(), not ours to close */
	struct channel *channel;
	unsigned int generation;	/* of the channel; another one: it is closed, or another handle's */
	struct nfq_q_handle *queues;
	struct leftover leftover;
};

struct nfq_q_handle {
	struct nfq_q_handle *next;
	struct nfq_handle *handle;
	uint16_t number;
	nfq_callback *callback;
	void *data;
	struct leftover leftover;
};

_Static_assert(NFQA_MAX >= NFQA_PRIORITY, "an older header of nfnetlink_queue's came first");

/* A packet during its callback. */
struct nfq_data {
	uint32_t present;	/* a bit for each type of which attributes[] has one */
	const struct nlattr *attributes[__NFQA_MAX];
	unsigned char *payload;
	uint32_t payload_len;
};

/* With the channel's lock held. */
static inline bool handle_is_open(const struct nfq_handle *h)
{
	return h->generation == h->channel->generation;
}

static inline bool packet_has(const struct nfq_data *packet, uint16_t type)
{
	return packet->present & 1u << type;
}

/* handle.c; with the channel's lock held. Where the queue's handle is, or would be. */
struct nfq_q_handle **handle_find(struct nfq_handle *h, uint16_t number);

/* nfnl.c */
int nfnl_descriptor(struct nfnl_handle *handle);
int nfnl_close(struct nfnl_handle *handle);

#endif /* HANDLE_H */
