/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Draws a graph of one file as PNG through librrd, from typed fields only: no argument of librrd
 * ever comes from a user as text.
 *
 * Threads: one graph at a time in a process; librrd 1.7.2 shares its font map. */
#ifndef RRD_GRAPH_H
#define RRD_GRAPH_H

#include "common/clock.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rrd_graph_line {
    const char *source; /* the data source's name */
    const char *legend;
    uint32_t colour; /* 0xRRGGBB */
    double factor;   /* 8 for octets/s shown as bit/s; 1 */
    bool area;       /* filled instead of a line */
    bool stack;      /* on top of the one before */
    bool negative;   /* drawn below zero */
};

struct rrd_graph {
    const char *path;
    const char *title;
    const char *axis; /* vertical label: "bit/s" */
    struct wall from;
    struct wall to;
    int width_px;  /* of the canvas, 100 to 4000 */
    int height_px; /* 50 to 2000 */
    double lower;  /* NAN: as the data wants */
    double upper;
    int base; /* 1000 or 1024 */
    const struct rrd_graph_line *lines;
    size_t n_lines;
};

/* Malloc'ed PNG. 0; -EINVAL: a size, the range (over ten years, before September 2001 or after
 * 2100), the number of lines (1 to 64), a base or a data source's name is out of bounds; as
 * rrd_file_check; -EIO: librrd could not; with a reason. Times on the axis are in the process's
 * time zone. Texts may be any bytes: what is not UTF-8 shows as "?", too long is cut. */
int rrd_graph_png(const struct rrd_graph *graph, unsigned char **png, size_t *size, char *reason,
                  size_t reason_size);

#endif
