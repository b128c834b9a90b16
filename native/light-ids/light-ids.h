/* SPDX-License-Identifier: MIT */
/* A light IDS: packets with one of a few patterns are dropped. */
#ifndef LIGHT_IDS_H
#define LIGHT_IDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct patterns;

/*
 * One pattern a line of the file, in hexadecimal: up to 256 bytes, 1 MiB in all. NULL, with a line
 * on standard error.
 */
struct patterns *patterns_read(const char *path);
bool patterns_found(const struct patterns *patterns, const unsigned char *data, size_t len);

#endif /* LIGHT_IDS_H */
