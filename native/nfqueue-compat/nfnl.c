// SPDX-License-Identifier: MIT
/*
 * The functions of libnfnetlink that callers of libnetfilter_queue use on its
 * handle. Handles of libnfnetlink's own go to libnfnetlink.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "handle.h"

/* libnfnetlink's header cannot be included: it declares its own structures. */
int nfnl_fd(struct nfnl_handle *handle);
unsigned int nfnl_portid(const struct nfnl_handle *handle);
unsigned int nfnl_rcvbufsiz(const struct nfnl_handle *handle, unsigned int size);
ssize_t nfnl_recv(const struct nfnl_handle *handle, unsigned char *data, size_t len);
int nfnl_handle_packet(struct nfnl_handle *handle, char *data, int len);
int nfnl_catch(struct nfnl_handle *handle);

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static bool is_ours(const struct nfnl_handle *handle)
{
	return handle->magic == NFNL_MAGIC;
}

int nfnl_descriptor(struct nfnl_handle *handle)
{
	return nfnl_fd(handle);
}

int nfnl_fd(struct nfnl_handle *handle)
{
	return is_ours(handle) ? handle->fd : NEXT(nfnl_fd)(handle);
}

unsigned int nfnl_portid(const struct nfnl_handle *handle)
{
	struct sockaddr_nl address = { 0 };
	socklen_t len = sizeof(address);

	if (!is_ours(handle))
		return NEXT(nfnl_portid)(handle);
	getsockname(handle->fd, (struct sockaddr *)&address, &len);
	return address.nl_pid;
}

/* The real socket says what size it would have; the ring's is the queue length. */
unsigned int nfnl_rcvbufsiz(const struct nfnl_handle *handle, unsigned int size)
{
	socklen_t len = sizeof(size);
	unsigned int got = 0;

	if (!is_ours(handle))
		return NEXT(nfnl_rcvbufsiz)(handle, size);
	if (setsockopt(handle->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(handle->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	len = sizeof(got);
	getsockopt(handle->fd, SOL_SOCKET, SO_RCVBUF, &got, &len);
	return got;
}

ssize_t nfnl_recv(const struct nfnl_handle *handle, unsigned char *data, size_t len)
{
	return is_ours(handle) ? recv(handle->fd, data, len, 0) :
				 NEXT(nfnl_recv)(handle, data, len);
}

int nfnl_handle_packet(struct nfnl_handle *handle, char *data, int len)
{
	return is_ours(handle) ? nfq_handle_packet(handle->owner, data, len) :
				 NEXT(nfnl_handle_packet)(handle, data, len);
}

/* Handle messages until receiving or one of them fails. */
int nfnl_catch(struct nfnl_handle *handle)
{
	enum { SIZE = 1 << 16 };
	char *data;
	ssize_t len;

	if (!is_ours(handle))
		return NEXT(nfnl_catch)(handle);
	data = malloc(SIZE);
	if (!data)
		return -1;
	do {
		len = recv(handle->fd, data, SIZE, 0);
	} while (len > 0 && nfq_handle_packet(handle->owner, data, (int)len) >= 0);
	free(data);
	return -1;
}

int nfnl_close(struct nfnl_handle *handle)
{
	return is_ours(handle) ? close(handle->fd) : NEXT(nfnl_close)(handle);
}
