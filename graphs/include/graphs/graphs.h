/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Graph definitions: which metrics of which kind of object are drawn together, in what unit, colour
 * and order, and what people call them. Data, no drawing.
 *
 * Threads: constant data. */
#ifndef GRAPHS_GRAPHS_H
#define GRAPHS_GRAPHS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct graph_line {
    const char *metric;
    const char *legend;
    uint32_t colour; /* 0xRRGGBB */
    double factor;
    bool area;
    bool stack;
    bool negative;
};

struct graph_definition {
    const char *kind;  /* the objects it is for */
    const char *id;    /* unique within the kind: "traffic", "errors" */
    const char *title; /* "Traffic" */
    const char *axis;  /* "bit/s" */
    int base;
    double lower; /* NAN: free */
    double upper;
    const struct graph_line *lines;
    size_t n_lines;
};

/* The n-th definition of a kind, NULL after the last. What no definition of the kind shows, the
 * caller draws by unit. */
const struct graph_definition *graph_definition_of(const char *kind, size_t n);
/* Does any definition of the kind have a line of that metric? */
bool graph_shows(const char *kind, const char *metric);
/* The word for a value of a metric whose numbers stand for states ("up" for an interface's
 * oper_status of 1); "changing" for a mean of two; NULL: the metric has none, or not for that. */
const char *graph_value_word(const char *kind, const char *metric, double value);
/* Colours for lines that no definition names, in a fixed order, readable for the colour-blind. */
uint32_t graph_colour(size_t n);

#endif
