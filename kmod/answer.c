// SPDX-License-Identifier: GPL-2.0-only
#include <linux/netfilter.h>
#include <linux/skbuff.h>
#include <net/netfilter/nf_queue.h>

#include "answer.h"
#include "mangle.h"
#include "queue_types.h"
#include "ring.h"

/*
 * Copy the arguments of @word, each field once. False: they ask for something
 * impossible, such as changing a packet of which the handler saw only a part.
 */
bool fq_answer_read(const struct fq_queue *queue, u32 index, u32 word,
		    struct fastqueue_answer *own)
{
	const struct fastqueue_answer *answer = &queue->ring->answers[index];
	const struct fq_slot *slot = &queue->ring->slots[index];
	const struct sk_buff *skb = slot->entry->skb;
	struct fq_answer_limits limits = {
		.frame_size = queue->ring->frame_size,
		.changeable = queue->flags & FASTQUEUE_F_WRITABLE &&
			      slot->cap_len == skb->len && !skb_is_gso(skb),
	};

	own->mark = READ_ONCE(answer->mark);
	own->priority = READ_ONCE(answer->priority);
	own->len = READ_ONCE(answer->len);
	own->queue = READ_ONCE(answer->queue);
	own->flags = READ_ONCE(answer->flags);
	return fq_answer_valid(word, own, &limits);
}

/*
 * Apply the handler's answer to the packet, *@verdict is netfilter's. Negative:
 * the stack cannot accept the change, the packet is to be dropped.
 */
int fq_answer_apply(struct fq_queue *queue, u32 index, u32 word,
		    const struct fastqueue_answer *answer, unsigned int *verdict)
{
	struct fq_ring *ring = queue->ring;
	struct nf_queue_entry *entry = ring->slots[index].entry;
	int err = 0;

	*verdict = NF_DROP;
	if (fq_word_verdict(word) == FASTQUEUE_DROP)
		return 0;
	if (word & FASTQUEUE_WITH_PAYLOAD)
		err = fq_mangle(entry, ring->payload + (size_t)index * ring->frame_size,
				answer);
	if (err)
		return err;
	if (word & FASTQUEUE_WITH_MARK)
		entry->skb->mark = answer->mark;
	if (word & FASTQUEUE_WITH_PRIORITY)
		entry->skb->priority = answer->priority;

	if (fq_word_verdict(word) == FASTQUEUE_QUEUE)
		*verdict = NF_QUEUE_NR(answer->queue);
	else
		*verdict = fq_word_verdict(word);	/* netfilter's own numbers */
	return 0;
}
