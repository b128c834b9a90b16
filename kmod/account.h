/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory that rings take, charged against the module's limit. */
#ifndef FASTQUEUE_ACCOUNT_H
#define FASTQUEUE_ACCOUNT_H

#include <linux/types.h>

bool fq_memory_charge(u64 bytes);
void fq_memory_uncharge(u64 bytes);

#endif /* FASTQUEUE_ACCOUNT_H */
