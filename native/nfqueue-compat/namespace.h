/* SPDX-License-Identifier: MIT */
/* Work in the network namespace of a socket, whichever the process is in. */
#ifndef NAMESPACE_H
#define NAMESPACE_H

/*
 * Call a function there. Returns what it returns, or -EPERM if the namespace cannot
 * be entered. It must not count on the calling thread: another one may run it.
 */
int namespace_call(int socket, int (*function)(void *), void *argument);

#endif /* NAMESPACE_H */
