/* SPDX-License-Identifier: MIT */
/*
 * What the compatibility library's tests need of libnetfilter_queue's interface, so that
 * they can be built where its header is not installed. The library itself is built with
 * the original's header.
 */
#ifndef LIBNETFILTER_QUEUE_STAND_IN_H
#define LIBNETFILTER_QUEUE_STAND_IN_H

#include <linux/netfilter/nfnetlink_queue.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/time.h>

struct nfnl_handle;
struct nfgenmsg;
struct nlif_handle;
struct nfq_handle;
struct nfq_q_handle;
struct nfq_data;

typedef int nfq_callback(struct nfq_q_handle *qh, struct nfgenmsg *message, struct nfq_data *packet,
			 void *data);

enum { NFQ_XML_HW = 1, NFQ_XML_MARK = 2, NFQ_XML_DEV = 4, NFQ_XML_PHYSDEV = 8, NFQ_XML_PAYLOAD = 16,
       NFQ_XML_TIME = 32, NFQ_XML_UID = 64, NFQ_XML_GID = 128 };

extern int nfq_errno;

struct nfq_handle *nfq_open(void);
struct nfq_handle *nfq_open_nfnl(struct nfnl_handle *nfnlh);
struct nfnl_handle *nfq_nfnlh(struct nfq_handle *h);
/* Of libnfnetlink's header, which the original's includes. */
unsigned int nfnl_rcvbufsiz(const struct nfnl_handle *h, unsigned int size);
int nfq_fd(struct nfq_handle *h);
int nfq_close(struct nfq_handle *h);
int nfq_bind_pf(struct nfq_handle *h, uint16_t pf);
int nfq_unbind_pf(struct nfq_handle *h, uint16_t pf);
struct nfq_q_handle *nfq_create_queue(struct nfq_handle *h, uint16_t num, nfq_callback *cb, void *data);
int nfq_destroy_queue(struct nfq_q_handle *qh);
int nfq_handle_packet(struct nfq_handle *h, char *buf, int len);
int nfq_snprintf_xml(char *buf, size_t len, struct nfq_data *packet, int flags);
int nfq_set_mode(struct nfq_q_handle *qh, uint8_t mode, unsigned int len);
int nfq_set_queue_maxlen(struct nfq_q_handle *qh, uint32_t queuelen);
int nfq_set_queue_flags(struct nfq_q_handle *qh, uint32_t mask, uint32_t flags);
int nfq_set_verdict(struct nfq_q_handle *qh, uint32_t id, uint32_t verdict, uint32_t len,
		    const unsigned char *buf);
int nfq_set_verdict2(struct nfq_q_handle *qh, uint32_t id, uint32_t verdict, uint32_t mark,
		     uint32_t len, const unsigned char *buf);
int nfq_set_verdict_mark(struct nfq_q_handle *qh, uint32_t id, uint32_t verdict, uint32_t mark,
			 uint32_t len, const unsigned char *buf);
int nfq_set_verdict_batch(struct nfq_q_handle *qh, uint32_t id, uint32_t verdict);
int nfq_set_verdict_batch2(struct nfq_q_handle *qh, uint32_t id, uint32_t verdict, uint32_t mark);
struct nfqnl_msg_packet_hdr *nfq_get_msg_packet_hdr(struct nfq_data *nfad);
uint32_t nfq_get_nfmark(struct nfq_data *nfad);
int nfq_get_timestamp(struct nfq_data *nfad, struct timeval *tv);
uint32_t nfq_get_indev(struct nfq_data *nfad);
uint32_t nfq_get_physindev(struct nfq_data *nfad);
uint32_t nfq_get_outdev(struct nfq_data *nfad);
uint32_t nfq_get_physoutdev(struct nfq_data *nfad);
uint32_t nfq_get_skbinfo(struct nfq_data *nfad);
int nfq_get_uid(struct nfq_data *nfad, uint32_t *uid);
int nfq_get_gid(struct nfq_data *nfad, uint32_t *gid);
int nfq_get_secctx(struct nfq_data *nfad, unsigned char **secdata);
struct nfqnl_msg_packet_hw *nfq_get_packet_hw(struct nfq_data *nfad);
int nfq_get_payload(struct nfq_data *nfad, unsigned char **data);

#endif /* LIBNETFILTER_QUEUE_STAND_IN_H */
