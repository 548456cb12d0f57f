/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Small files that are read and replaced as a whole, so that a crash leaves the old or the new one,
 * never half of one.
 *
 * Threads: no state. */
#ifndef COMMON_DURABLE_H
#define COMMON_DURABLE_H

#include <stddef.h>
#include <sys/types.h>

/* Write PATH.tmp, fsync it, rename it over `path`, fsync the folder. 0 or -errno; after a failure
 * the old file is untouched. */
int durable_replace(const char *path, const void *bytes, size_t size, mode_t mode);
/* Read a file of at most `size_max` bytes (-EFBIG if it is larger) into malloc'ed memory that ends
 * with a NUL; `size` may be NULL. */
int durable_read(const char *path, size_t size_max, char **bytes, size_t *size);
/* fsync the folder that holds `path`. */
int durable_sync_folder(const char *path);
/* Make a folder and those above it, mode 0750; 0 also when it is there. */
int durable_make_folder(const char *path);

#endif
