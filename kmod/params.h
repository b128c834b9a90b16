/* SPDX-License-Identifier: GPL-2.0-only */
/* The module's parameters. */
#ifndef FASTQUEUE_PARAMS_H
#define FASTQUEUE_PARAMS_H

#include <linux/types.h>

/* NF_ACCEPT or NF_DROP, for packets of a queue that has no ring. */
unsigned int fq_default_action(void);
/* Bytes that all rings together may take. */
unsigned long fq_max_memory(void);
/* Bytes that the packets in all rings together may hold, by their truesize. */
unsigned long fq_max_packet_memory(void);
/* Whether handlers in user namespaces may change packets. */
bool fq_userns_writable(void);

void fq_params_init(void);

#endif /* FASTQUEUE_PARAMS_H */
