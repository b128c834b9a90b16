// SPDX-License-Identifier: GPL-2.0-only
/* Memory that rings take, charged against the module's limit. */
#include <linux/atomic.h>
#include <linux/minmax.h>
#include <linux/mm.h>

#include "account.h"
#include "params.h"

static atomic_long_t fq_memory = ATOMIC_LONG_INIT(0);

/* Not even an administrator may take the memory that the machine runs on. */
static bool fq_memory_spare(u64 bytes)
{
	return bytes >> PAGE_SHIFT <= max(si_mem_available(), 0L) / 2;
}

bool fq_memory_charge(u64 bytes)
{
	unsigned long limit = fq_max_memory();

	if (bytes > limit || !fq_memory_spare(bytes))
		return false;
	if ((unsigned long)atomic_long_add_return(bytes, &fq_memory) <= limit)
		return true;
	atomic_long_sub(bytes, &fq_memory);
	return false;
}

void fq_memory_uncharge(u64 bytes)
{
	atomic_long_sub(bytes, &fq_memory);
}
