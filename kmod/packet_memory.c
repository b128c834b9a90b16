// SPDX-License-Identifier: GPL-2.0-only
#include "account.h"
#include "packet_memory.h"

/* Reserve for @held bytes at least, and a chunk at once where that is possible. */
bool fq_packet_memory_reserve(struct fq_queue *queue, unsigned long held)
{
	unsigned long limit = fq_account_queue_limit(queue->account);
	unsigned long wanted = held + FQ_RESERVE_CHUNK;

	if (held > limit)
		return false;
	if (wanted > limit)
		wanted = held;
	if (!fq_account_charge(queue->account, FQ_MEMORY_PACKETS, wanted - queue->reserved)) {
		wanted = held;
		if (!fq_account_charge(queue->account, FQ_MEMORY_PACKETS,
				       wanted - queue->reserved))
			return false;
	}
	queue->reserved = wanted;
	return true;
}

/* Return all but @keep of the reserved bytes; @keep is at least what is held. */
void fq_packet_memory_return(struct fq_queue *queue, unsigned long keep)
{
	fq_account_uncharge(queue->account, FQ_MEMORY_PACKETS, queue->reserved - keep);
	queue->reserved = keep;
}
