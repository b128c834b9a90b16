/* SPDX-License-Identifier: GPL-2.0-only */
/* Packets that leave their frames without an answer. */
#ifndef FASTQUEUE_FLUSH_H
#define FASTQUEUE_FLUSH_H

struct fq_queue;
struct net;
struct net_device;

int fq_flush_setup(void);
void fq_flush_teardown(void);
void fq_flush_init(struct fq_queue *queue);
void fq_flush_end(struct fq_queue *queue);
void fq_flush_queue(struct fq_queue *queue, unsigned int verdict);
void fq_flush_marked(struct fq_queue *queue);
void fq_flush_resume(struct fq_queue *queue);
void fq_flush_net(struct net *net);
void fq_flush_device(const struct net_device *dev);

#endif /* FASTQUEUE_FLUSH_H */
