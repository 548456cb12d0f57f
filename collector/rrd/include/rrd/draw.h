/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A graph of one object's file as its definition says, for the command line and the pages alike:
 * lines whose metric the file lacks are left out.
 *
 * Threads: as graph.h. */
#ifndef RRD_DRAW_H
#define RRD_DRAW_H

#include "common/clock.h"
#include "graphs/graphs.h"
#include <stddef.h>

struct rrd_draw {
    const char *path;
    /* What to draw; NULL: the file's metric named `metric` alone, in its own unit. */
    const struct graph_definition *definition;
    const char *metric;
    const char *title; /* any UTF-8; NULL: the definition's, or the metric's name */
    struct wall from;
    struct wall to;
    int width_px; /* as struct rrd_graph */
    int height_px;
};

/* Malloc'ed PNG. 0; -ENODATA: the file has none of the metrics; as rrd_graph_png; with a reason. */
int rrd_draw_object(const struct rrd_draw *draw, unsigned char **png, size_t *size, char *reason,
                    size_t reason_size);

#endif
