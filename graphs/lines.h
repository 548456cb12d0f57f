/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How the tables of graphs are written, and those of each file. */
#ifndef GRAPHS_LINES_H
#define GRAPHS_LINES_H

#include "graphs/graphs.h"

#include <math.h>

/* Okabe and Ito's colours, which stay apart for the colour-blind, darkened where they would be
 * faint on white. One colour means one thing on all graphs: blue comes in, orange goes out. */
enum colour {
    BLUE = 0x0072B2,
    ORANGE = 0xD55E00,
    GREEN = 0x009E73,
    PURPLE = 0xAA4499,
    AMBER = 0xE69F00,
    SKY = 0x56B4E9,
    BLACK = 0x222222,
    GREY = 0x999999,
    YELLOW = 0xDDCC55,
    PALE = 0xE8E8E8,
};

#define LINE(metric_, legend_, colour_, factor_)                                                   \
    {                                                                                              \
        .metric = metric_, .legend = legend_, .colour = colour_, .factor = factor_                 \
    }
#define LINE_BELOW(metric_, legend_, colour_, factor_)                                             \
    {                                                                                              \
        .metric = metric_, .legend = legend_, .colour = colour_, .factor = factor_,                \
        .negative = true                                                                           \
    }
#define AREA(metric_, legend_, colour_, factor_)                                                   \
    {                                                                                              \
        .metric = metric_, .legend = legend_, .colour = colour_, .factor = factor_, .area = true   \
    }
#define AREA_BELOW(metric_, legend_, colour_, factor_)                                             \
    {                                                                                              \
        .metric = metric_, .legend = legend_, .colour = colour_, .factor = factor_, .area = true,  \
        .negative = true                                                                           \
    }
#define STACKED(metric_, legend_, colour_, factor_)                                                \
    {                                                                                              \
        .metric = metric_, .legend = legend_, .colour = colour_, .factor = factor_, .area = true,  \
        .stack = true                                                                              \
    }
#define LINES(name) .lines = name, .n_lines = sizeof name / sizeof *name
#define FREE_SCALE  .lower = NAN, .upper = NAN
#define FROM_ZERO   .lower = 0, .upper = NAN

struct graph_table {
    const struct graph_definition *items;
    size_t n;
};

/* graphs_host.c: of the machine itself and its parts. */
extern const struct graph_table graph_host_table;

#endif
