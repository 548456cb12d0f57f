/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Allocation of our own small things, where running out of memory is fatal: the process prints
 * where and aborts. A size that a peer, a file or a user chose is capped before it comes here. */
#ifndef COMMON_XALLOC_H
#define COMMON_XALLOC_H

#include <stddef.h>

/* Never return NULL; the caller frees with free(). xcalloc zeroes and checks count * size. */
void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *old, size_t size);
/* Grow or shrink an array: count * size is checked for overflow. */
void *xreallocarray(void *old, size_t count, size_t size);
char *xstrdup(const char *text);
char *xstrndup(const char *text, size_t size_max);
void *xmemdup(const void *bytes, size_t size);
/* printf into a new string. */
char *xasprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
