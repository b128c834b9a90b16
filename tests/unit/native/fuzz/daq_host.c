// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include "daq_host.h"

#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

size_t daq_injected;

int socket(int family, int type, int protocol)
{
	(void)family;
	(void)type;
	(void)protocol;
	return memfd_create("socket", MFD_CLOEXEC);
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	(void)fd;
	(void)level;
	(void)name;
	(void)value;
	(void)len;
	return 0;
}

ssize_t sendto(int fd, const void *data, size_t len, int flags, const struct sockaddr *to,
	       socklen_t to_len)
{
	const unsigned char *at = data;
	volatile unsigned char seen;
	size_t i;

	(void)fd;
	(void)flags;
	(void)to;
	(void)to_len;
	for (i = 0; i < len; i++)	/* all of them must be there */
		seen = at[i];
	(void)seen;
	daq_injected += len;
	return (ssize_t)len;
}

/* Filters have names of hosts, networks, protocols and services in them. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
		struct addrinfo **found)
{
	(void)node;
	(void)service;
	(void)hints;
	*found = NULL;
	return EAI_NONAME;
}

struct hostent *gethostbyname(const char *name)
{
	(void)name;
	return NULL;
}

struct netent *getnetbyname(const char *name)
{
	(void)name;
	return NULL;
}

struct protoent *getprotobyname(const char *name)
{
	(void)name;
	return NULL;
}

struct servent *getservbyname(const char *name, const char *protocol)
{
	(void)name;
	(void)protocol;
	return NULL;
}

static DAQ_Dict *value_make(const uint8_t *text, size_t len, DAQ_Dict *next)
{
	const uint8_t *sign = memchr(text, '=', len);
	size_t key = sign ? (size_t)(sign - text) : len;
	DAQ_Dict *value = calloc(1, sizeof(*value));

	value->key = strndup((const char *)text, key);
	value->value = sign ? strndup((const char *)sign + 1, len - key - 1) : NULL;
	value->next = next;
	return value;
}

DAQ_Dict *values_make(const uint8_t *text, size_t len)
{
	DAQ_Dict *values = NULL;

	while (len) {
		const uint8_t *end = memchr(text, '\n', len);
		size_t line = end ? (size_t)(end - text) : len;

		values = value_make(text, line, values);
		text += line + (end != NULL);
		len -= line + (end != NULL);
	}
	return values;
}

void values_free(DAQ_Dict *values)
{
	while (values) {
		DAQ_Dict *next = values->next;

		free(values->key);
		free(values->value);
		free(values);
		values = next;
	}
}
