// SPDX-License-Identifier: MIT
/* libnetfilter_queue: what is known about a packet, during its callback. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/time.h>

#include "handle.h"

static const void *attribute(const struct nfq_data *packet, uint16_t type, size_t len)
{
	const struct nlattr *found;

	if (!packet_has(packet, type))
		return NULL;
	found = packet->attributes[type];
	return found->nla_len >= NLA_HDRLEN + len ? attribute_data(found) : NULL;
}

/* A number, 0 where there is none. */
static uint32_t number(const struct nfq_data *packet, uint16_t type)
{
	const uint32_t *found = attribute(packet, type, sizeof(*found));

	return found ? ntohl(*found) : 0;
}

struct nfqnl_msg_packet_hdr *nfq_get_msg_packet_hdr(struct nfq_data *nfad)
{
	return (void *)attribute(nfad, NFQA_PACKET_HDR, sizeof(struct nfqnl_msg_packet_hdr));
}

uint32_t nfq_get_nfmark(struct nfq_data *nfad)
{
	return number(nfad, NFQA_MARK);
}

int nfq_get_timestamp(struct nfq_data *nfad, struct timeval *tv)
{
	const struct nfqnl_msg_packet_timestamp *time =
		attribute(nfad, NFQA_TIMESTAMP, sizeof(*time));

	if (!time)
		return -1;
	tv->tv_sec = (time_t)__builtin_bswap64(time->sec);
	tv->tv_usec = (suseconds_t)__builtin_bswap64(time->usec);
	return 0;
}

uint32_t nfq_get_indev(struct nfq_data *nfad)
{
	return number(nfad, NFQA_IFINDEX_INDEV);
}

uint32_t nfq_get_physindev(struct nfq_data *nfad)
{
	return number(nfad, NFQA_IFINDEX_PHYSINDEV);
}

uint32_t nfq_get_outdev(struct nfq_data *nfad)
{
	return number(nfad, NFQA_IFINDEX_OUTDEV);
}

uint32_t nfq_get_physoutdev(struct nfq_data *nfad)
{
	return number(nfad, NFQA_IFINDEX_PHYSOUTDEV);
}

uint32_t nfq_get_skbinfo(struct nfq_data *nfad)
{
	return number(nfad, NFQA_SKB_INFO);
}

static int owner(const struct nfq_data *packet, uint16_t type, uint32_t *id)
{
	const uint32_t *found = attribute(packet, type, sizeof(*found));

	if (!found)
		return 0;
	*id = ntohl(*found);
	return 1;
}

int nfq_get_uid(struct nfq_data *nfad, uint32_t *uid)
{
	return owner(nfad, NFQA_UID, uid);
}

int nfq_get_gid(struct nfq_data *nfad, uint32_t *gid)
{
	return owner(nfad, NFQA_GID, gid);
}

/* No kernel without security modules has one. */
int nfq_get_secctx(struct nfq_data *nfad, unsigned char **secdata)
{
	const struct nlattr *found;

	if (!packet_has(nfad, NFQA_SECCTX))
		return -1;
	found = nfad->attributes[NFQA_SECCTX];
	*secdata = (unsigned char *)attribute_data(found);
	return found->nla_len - NLA_HDRLEN;
}

struct nfqnl_msg_packet_hw *nfq_get_packet_hw(struct nfq_data *nfad)
{
	return (void *)attribute(nfad, NFQA_HWADDR, sizeof(struct nfqnl_msg_packet_hw));
}

int nfq_get_payload(struct nfq_data *nfad, unsigned char **data)
{
	if (!packet_has(nfad, NFQA_PAYLOAD))
		return -1;
	*data = nfad->payload;
	return (int)nfad->payload_len;
}

/* Names of interfaces are libnfnetlink's to know. */
static int name_of(struct nlif_handle *names, uint32_t interface, char *name)
{
	static int (*real)(struct nlif_handle *, unsigned int, char *);

	if (!real)
		real = (int (*)(struct nlif_handle *, unsigned int, char *))
			real_function("nlif_index2name");
	if (real)
		return real(names, interface, name);
	errno = ENOSYS;
	return -1;
}

int nfq_get_indev_name(struct nlif_handle *nlif_handle, struct nfq_data *nfad, char *name)
{
	return name_of(nlif_handle, nfq_get_indev(nfad), name);
}

int nfq_get_physindev_name(struct nlif_handle *nlif_handle, struct nfq_data *nfad, char *name)
{
	return name_of(nlif_handle, nfq_get_physindev(nfad), name);
}

int nfq_get_outdev_name(struct nlif_handle *nlif_handle, struct nfq_data *nfad, char *name)
{
	return name_of(nlif_handle, nfq_get_outdev(nfad), name);
}

int nfq_get_physoutdev_name(struct nlif_handle *nlif_handle, struct nfq_data *nfad, char *name)
{
	return name_of(nlif_handle, nfq_get_physoutdev(nfad), name);
}
