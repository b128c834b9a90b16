// SPDX-License-Identifier: MIT
/*
 * Functions that only compute: packet buffers, headers, checksums, and netlink
 * messages as bytes. The original library has them, and results are the same
 * because it is asked. Without it they fail as it does without memory.
 */
#include <errno.h>
#include <stdbool.h>		/* before pktbuff.h, which has need of it */

#include <libnetfilter_queue/libnetfilter_queue.h>
#include <libnetfilter_queue/libnetfilter_queue_ipv4.h>
#include <libnetfilter_queue/libnetfilter_queue_ipv6.h>
#include <libnetfilter_queue/libnetfilter_queue_tcp.h>
#include <libnetfilter_queue/libnetfilter_queue_udp.h>
#include <libnetfilter_queue/pktbuff.h>

#include "compat.h"

#define ORIGINAL(name)							\
	static __typeof__(&name) original;				\
	if (!original)							\
		original = (__typeof__(&name))original_function(#name);	\
	if (!original)							\
		errno = ENOSYS

/* A function with a result, its value where the original is missing, and one without. */
#define FORWARD(type, failed, name, parameters, words)	\
	type name parameters				\
	{						\
		ORIGINAL(name);				\
		return original ? original words : (failed);	\
	}
#define FORWARD_VOID(name, parameters, words)		\
	void name parameters				\
	{						\
		ORIGINAL(name);				\
		if (original)				\
			original words;			\
	}

FORWARD(struct nlmsghdr *, NULL, nfq_nlmsg_put, (char *buf, int type, uint32_t queue),
	(buf, type, queue))
FORWARD(int, -1, nfq_nlmsg_parse, (const struct nlmsghdr *nlh, struct nlattr **attr), (nlh, attr))
FORWARD_VOID(nfq_nlmsg_cfg_put_cmd, (struct nlmsghdr *nlh, uint16_t pf, uint8_t cmd),
	     (nlh, pf, cmd))
FORWARD_VOID(nfq_nlmsg_cfg_put_params, (struct nlmsghdr *nlh, uint8_t mode, int range),
	     (nlh, mode, range))
FORWARD_VOID(nfq_nlmsg_cfg_put_qmaxlen, (struct nlmsghdr *nlh, uint32_t maxlen), (nlh, maxlen))
FORWARD_VOID(nfq_nlmsg_verdict_put, (struct nlmsghdr *nlh, int id, int verdict),
	     (nlh, id, verdict))
FORWARD_VOID(nfq_nlmsg_verdict_put_mark, (struct nlmsghdr *nlh, uint32_t mark), (nlh, mark))
FORWARD_VOID(nfq_nlmsg_verdict_put_pkt, (struct nlmsghdr *nlh, const void *pkt, uint32_t len),
	     (nlh, pkt, len))

FORWARD(struct pkt_buff *, NULL, pktb_alloc, (int family, void *data, size_t len, size_t extra),
	(family, data, len, extra))
FORWARD_VOID(pktb_free, (struct pkt_buff *pktb), (pktb))
FORWARD(uint8_t *, NULL, pktb_data, (struct pkt_buff *pktb), (pktb))
FORWARD(uint32_t, 0, pktb_len, (struct pkt_buff *pktb), (pktb))
FORWARD_VOID(pktb_push, (struct pkt_buff *pktb, unsigned int len), (pktb, len))
FORWARD_VOID(pktb_pull, (struct pkt_buff *pktb, unsigned int len), (pktb, len))
FORWARD_VOID(pktb_put, (struct pkt_buff *pktb, unsigned int len), (pktb, len))
FORWARD_VOID(pktb_trim, (struct pkt_buff *pktb, unsigned int len), (pktb, len))
FORWARD(unsigned int, 0, pktb_tailroom, (struct pkt_buff *pktb), (pktb))
FORWARD(uint8_t *, NULL, pktb_mac_header, (struct pkt_buff *pktb), (pktb))
FORWARD(uint8_t *, NULL, pktb_network_header, (struct pkt_buff *pktb), (pktb))
FORWARD(uint8_t *, NULL, pktb_transport_header, (struct pkt_buff *pktb), (pktb))
FORWARD(bool, false, pktb_mangled, (const struct pkt_buff *pktb), (pktb))
FORWARD(int, 0, pktb_mangle,
	(struct pkt_buff *pktb, int off, unsigned int at, unsigned int len, const char *by,
	 unsigned int by_len), (pktb, off, at, len, by, by_len))

FORWARD(struct iphdr *, NULL, nfq_ip_get_hdr, (struct pkt_buff *pktb), (pktb))
FORWARD(int, -1, nfq_ip_set_transport_header, (struct pkt_buff *pktb, struct iphdr *iph),
	(pktb, iph))
FORWARD_VOID(nfq_ip_set_checksum, (struct iphdr *iph), (iph))
FORWARD(int, 0, nfq_ip_mangle,
	(struct pkt_buff *pktb, unsigned int off, unsigned int at, unsigned int len, const char *by,
	 unsigned int by_len), (pktb, off, at, len, by, by_len))
FORWARD(int, -1, nfq_ip_snprintf, (char *buf, size_t size, const struct iphdr *iph),
	(buf, size, iph))

FORWARD(struct ip6_hdr *, NULL, nfq_ip6_get_hdr, (struct pkt_buff *pktb), (pktb))
FORWARD(int, -1, nfq_ip6_set_transport_header,
	(struct pkt_buff *pktb, struct ip6_hdr *iph, uint8_t target), (pktb, iph, target))
FORWARD(int, 0, nfq_ip6_mangle,
	(struct pkt_buff *pktb, unsigned int off, unsigned int at, unsigned int len, const char *by,
	 unsigned int by_len), (pktb, off, at, len, by, by_len))
FORWARD(int, -1, nfq_ip6_snprintf, (char *buf, size_t size, const struct ip6_hdr *iph),
	(buf, size, iph))

#define TRANSPORT(kind, header)							\
	FORWARD(struct header *, NULL, nfq_##kind##_get_hdr, (struct pkt_buff *pktb), (pktb))	\
	FORWARD(void *, NULL, nfq_##kind##_get_payload,				\
		(struct header *own, struct pkt_buff *pktb), (own, pktb))	\
	FORWARD(unsigned int, 0, nfq_##kind##_get_payload_len,			\
		(struct header *own, struct pkt_buff *pktb), (own, pktb))	\
	FORWARD_VOID(nfq_##kind##_compute_checksum_ipv4,			\
		     (struct header *own, struct iphdr *iph), (own, iph))	\
	FORWARD_VOID(nfq_##kind##_compute_checksum_ipv6,			\
		     (struct header *own, struct ip6_hdr *iph), (own, iph))	\
	FORWARD(int, 0, nfq_##kind##_mangle_ipv4,				\
		(struct pkt_buff *pktb, unsigned int at, unsigned int len, const char *by,	\
		 unsigned int by_len), (pktb, at, len, by, by_len))		\
	FORWARD(int, 0, nfq_##kind##_mangle_ipv6,				\
		(struct pkt_buff *pktb, unsigned int at, unsigned int len, const char *by,	\
		 unsigned int by_len), (pktb, at, len, by, by_len))		\
	FORWARD(int, -1, nfq_##kind##_snprintf,					\
		(char *buf, size_t size, const struct header *own), (buf, size, own))

TRANSPORT(tcp, tcphdr)
TRANSPORT(udp, udphdr)
