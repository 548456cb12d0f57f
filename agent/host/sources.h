/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the machine is asked for: one function per kind of object reads its source and writes rows
 * into the book. */
#ifndef HOST_SOURCES_H
#define HOST_SOURCES_H

#include "book.h"

struct source {
    const char *name; /* in the log */
    /* 0, or -errno when the source as a whole cannot be read and gave no row. `root` stands before
     * /proc and /sys ("" on a real machine). */
    int (*sample)(const char *root, struct wall time, struct book *book);
};

enum { SOURCES = 6 };
extern const struct source sources[SOURCES];

#endif
