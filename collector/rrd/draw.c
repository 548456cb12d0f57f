/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rrd/draw.h"

#include "rrd/file.h"
#include "rrd/graph.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static size_t take_lines(const struct graph_definition *definition,
                         char names[PROTO_METRICS_MAX][RRD_NAME_SIZE], size_t n_names,
                         struct rrd_graph_line *lines)
{
    size_t n = 0;
    for (size_t i = 0; i < definition->n_lines && n < PROTO_METRICS_MAX; i++) {
        const struct graph_line *line = &definition->lines[i];
        size_t at = rrd_names_find(names, n_names, line->metric);
        if (at < n_names) {
            lines[n] = (struct rrd_graph_line){.source = names[at],
                                               .legend = line->legend,
                                               .colour = line->colour,
                                               .factor = line->factor,
                                               .area = line->area,
                                               .stack = line->stack && n > 0,
                                               .negative = line->negative};
            n++;
        }
    }
    return n;
}

int rrd_draw_object(const struct rrd_draw *draw, unsigned char **png, size_t *size, char *reason,
                    size_t reason_size)
{
    static const struct graph_definition none = {
        .axis = "", .base = 1000, .lower = NAN, .upper = NAN};
    const struct graph_definition *definition = draw->definition ? draw->definition : &none;
    char names[PROTO_METRICS_MAX][RRD_NAME_SIZE];
    struct rrd_graph_line lines[PROTO_METRICS_MAX];
    size_t n_names = 0;
    size_t n_lines = 0;
    int error = rrd_file_metrics(draw->path, names, &n_names);
    if (error != 0) {
        (void)snprintf(reason, reason_size, "cannot be read: %s", strerror(-error));
        return error;
    }
    if (draw->definition != NULL) {
        n_lines = take_lines(definition, names, n_names, lines);
    } else if (draw->metric != NULL) {
        size_t at = rrd_names_find(names, n_names, draw->metric);
        lines[0] = (struct rrd_graph_line){.source = names[at < n_names ? at : 0],
                                           .legend = draw->metric,
                                           .colour = graph_colour(0),
                                           .factor = 1};
        n_lines = at < n_names ? 1 : 0;
    }
    if (n_lines == 0) {
        (void)snprintf(reason, reason_size, "none of its metrics is there"); /* it fits or is cut */
        return -ENODATA;
    }
    const char *title = draw->definition != NULL ? definition->title : draw->metric;
    const struct rrd_graph graph = {.path = draw->path,
                                    .title = draw->title != NULL ? draw->title : title,
                                    .axis = definition->axis,
                                    .from = draw->from,
                                    .to = draw->to,
                                    .width_px = draw->width_px,
                                    .height_px = draw->height_px,
                                    .lower = definition->lower,
                                    .upper = definition->upper,
                                    .base = definition->base,
                                    .lines = lines,
                                    .n_lines = n_lines};
    return rrd_graph_png(&graph, png, size, reason, reason_size);
}
