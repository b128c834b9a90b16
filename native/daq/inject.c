// SPDX-License-Identifier: MIT
/*
 * Packets of the program's own (resets, for the most part): raw sockets, so the
 * routing table says where they leave, whichever way the packet before went.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "source.h"

static int raw_open(const struct source *source, int family)
{
	int fd = socket(family, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);

	/* A rule that lets cleared flows by lets these by, too. */
	if (fd >= 0 && source->bypass)
		setsockopt(fd, SOL_SOCKET, SO_MARK, &source->bypass_mark,
			   sizeof(source->bypass_mark));
	return fd;
}

void inject_open(struct source *source)
{
	source->raw4 = raw_open(source, AF_INET);
	source->raw6 = raw_open(source, AF_INET6);	/* -1 in a kernel without it */
}

void inject_close(struct source *source)
{
	if (source->raw4 >= 0)
		close(source->raw4);
	if (source->raw6 >= 0)
		close(source->raw6);
	source->raw4 = source->raw6 = -1;
}

static ssize_t send4(int fd, const uint8_t *packet, uint32_t len)
{
	struct sockaddr_in to = { .sin_family = AF_INET };

	memcpy(&to.sin_addr, packet + offsetof(struct ip, ip_dst), sizeof(to.sin_addr));
	return sendto(fd, packet, len, 0, (struct sockaddr *)&to, sizeof(to));
}

static ssize_t send6(int fd, const uint8_t *packet, uint32_t len)
{
	struct sockaddr_in6 to = { .sin6_family = AF_INET6 };

	memcpy(&to.sin6_addr, packet + offsetof(struct ip6_hdr, ip6_dst), sizeof(to.sin6_addr));
	return sendto(fd, packet, len, 0, (struct sockaddr *)&to, sizeof(to));
}

int source_inject(void *handle, const DAQ_PktHdr_t *header, const uint8_t *packet, uint32_t len,
		  int reverse)
{
	struct source *source = handle;
	int version = len ? packet[0] >> 4 : 0;
	ssize_t sent;

	(void)header;
	(void)reverse;
	if (version == 4 && len >= sizeof(struct ip))
		sent = send4(source->raw4, packet, len);
	else if (version == 6 && len >= sizeof(struct ip6_hdr))
		sent = send6(source->raw6, packet, len);
	else
		return source_fail(source, DAQ_ERROR_INVAL, "inject: not an IP packet");
	if (sent < 0)
		return source_fail(source, DAQ_ERROR, "inject: %s", strerror(errno));
	source->stats.packets_injected++;
	return DAQ_SUCCESS;
}
