/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which graphs an object has: its kind's definitions as far as it has their metrics, and for what
 * no definition shows, one for each unit. */
#include "graphs/graphs.h"

#include "common/xalloc.h"
#include "internal.h"

#include <stdlib.h>
#include <string.h>

enum {
    LINES_MAX = 9,   /* of a graph that nobody designed: as many as there are colours */
    TITLE_NAMES = 3, /* metrics that its title names */
};

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key)); /* it is our own JSON: never NULL */
}

/* Of the definition's metrics, those that the object has. */
static json_t *metrics_shown(const struct graph_definition *definition, const json_t *metrics)
{
    json_t *shown = json_array();
    for (size_t k = 0; k < definition->n_lines; k++) {
        size_t i;
        const json_t *metric;
        json_array_foreach(metrics, i, metric)
        {
            if (strcmp(definition->lines[k].metric, text_of(metric, "name")) == 0) {
                (void)json_array_append(shown, json_object_get(metric, "name"));
            }
        }
    }
    return shown;
}

static void add_definitions(json_t *graphs, const char *kind, const json_t *metrics)
{
    const struct graph_definition *definition;
    for (size_t n = 0; (definition = graph_definition_of(kind, n)) != NULL; n++) {
        json_t *shown = metrics_shown(definition, metrics);
        if (json_array_size(shown) > 0) {
            (void)json_array_append_new(
                graphs, json_pack("{s:s, s:s, s:s, s:O}", "id", definition->id, "title",
                                  definition->title, "axis", definition->axis, "metrics", shown));
        }
        json_decref(shown);
    }
}

/* The graph of that unit that has room for another line; a new one if there is none. */
static json_t *graph_of_unit(json_t *graphs, const char *axis)
{
    size_t n_before = 0;
    size_t i;
    json_t *graph;
    json_array_foreach(graphs, i, graph)
    {
        if (strncmp(text_of(graph, "id"), "unit:", 5) == 0 &&
            strcmp(text_of(graph, "axis"), axis) == 0) {
            n_before++;
            if (json_array_size(json_object_get(graph, "metrics")) < LINES_MAX) {
                return graph;
            }
        }
    }
    char *id =
        n_before == 0 ? xasprintf("unit:%s", axis) : xasprintf("unit:%s:%zu", axis, n_before + 1);
    graph = json_pack("{s:s, s:s, s:s, s:[]}", "id", id, "title", "", "axis", axis, "metrics");
    free(id);
    (void)json_array_append_new(graphs, graph);
    return graph;
}

static void name_graph(json_t *graph, const char *metric)
{
    size_t n = json_array_size(json_object_get(graph, "metrics"));
    const char *before = text_of(graph, "title");
    char *title = n <= TITLE_NAMES ? xasprintf("%s%s%s", before, n > 1 ? ", " : "", metric)
                                   : xasprintf("%s, …", before);
    if (n <= TITLE_NAMES + 1) {
        (void)json_object_set_new(graph, "title", json_string(title));
    }
    free(title);
}

json_t *query_graphs_of(const json_t *object)
{
    json_t *graphs = json_array();
    const json_t *metrics = json_object_get(object, "metrics");
    const char *kind = text_of(object, "kind");
    size_t i;
    const json_t *metric;
    add_definitions(graphs, kind, metrics);
    json_array_foreach(metrics, i, metric)
    {
        const char *name = text_of(metric, "name");
        if (!graph_shows(kind, name)) {
            bool is_rate = strcmp(text_of(metric, "type"), "counter") == 0;
            char *axis = xasprintf("%s%s", text_of(metric, "unit"), is_rate ? "/s" : "");
            json_t *graph = graph_of_unit(graphs, axis);
            (void)json_array_append(json_object_get(graph, "metrics"),
                                    json_object_get(metric, "name"));
            name_graph(graph, name);
            free(axis);
        }
    }
    return graphs;
}
