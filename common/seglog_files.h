/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The names in a seglog's directory, shared by its writer (seglog.c) and reader (seglog_reader.c).
 *
 * Threads: no state. */
#ifndef COMMON_SEGLOG_FILES_H
#define COMMON_SEGLOG_FILES_H

#include <stddef.h>
#include <stdint.h>

/* A segment; one that is being made, which no reader sees yet; and the two kinds of quarantine: the
 * damaged tail of a segment, and a file that was none. */
enum seglog_file { SEGLOG_LOG, SEGLOG_NEW, SEGLOG_TAIL, SEGLOG_WHOLE };

/* The caller frees it. */
char *seglog_path(const char *directory, enum seglog_file file, uint64_t number);

/* Numbers of the files of this kind (LOG or NEW), ascending; the caller frees them. 0 or -errno. */
int seglog_list(const char *directory, enum seglog_file file, uint64_t **numbers, size_t *count);

#endif
