// SPDX-License-Identifier: MIT
/* Functions of the libraries behind this one. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>

#include "compat.h"

#ifndef MULTIARCH
#define MULTIARCH "i386-linux-gnu"
#endif

/* The next definition of a function that this library has, too. */
void *real_function(const char *name)
{
	void *found = dlsym(RTLD_NEXT, name);

	if (!found)
		compat_log("no function %s behind this library", name);
	return found;
}

static void *original;

static void original_open(void)
{
	/* By its place: its name is this library's. */
	static const char *const places[] = {
		"/usr/lib/" MULTIARCH "/libnetfilter_queue.so.1",
		"/lib/" MULTIARCH "/libnetfilter_queue.so.1",
		"/usr/lib/libnetfilter_queue.so.1",
		"/lib/libnetfilter_queue.so.1",
	};
	size_t i;

	for (i = 0; !original && i < sizeof(places) / sizeof(*places); i++)
		original = dlopen(places[i], RTLD_NOW | RTLD_LOCAL);
	if (!original)
		compat_log("functions that do not reach the kernel are taken from the original "
			   "libnetfilter_queue.so.1, which is not installed");
}

/* A function of the original library that needs no kernel; NULL without one. */
void *original_function(const char *name)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, original_open);
	return original ? dlsym(original, name) : NULL;
}
