/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The pages' style sheet and script (graphs/pages/), built into the program.
 *
 * Threads: constant data. */
#ifndef GRAPHS_ASSETS_H
#define GRAPHS_ASSETS_H

#include <stddef.h>

struct graph_asset {
    const char *name; /* "style.css" */
    const unsigned char *bytes;
    size_t size;
};

/* NULL: no such asset. */
const struct graph_asset *graph_asset(const char *name);

#endif
