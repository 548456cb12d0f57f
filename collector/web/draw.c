/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The process that draws one graph and ends. */
#include "web/web.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/xalloc.h"
#include "graphs/graphs.h"
#include "rrd/draw.h"
#include "rrd/file.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static bool has_line(const struct graph_definition *definition,
                     char names[PROTO_METRICS_MAX][RRD_NAME_SIZE], size_t n_names)
{
    for (size_t i = 0; i < definition->n_lines; i++) {
        if (rrd_names_find(names, n_names, definition->lines[i].metric) < n_names) {
            return true;
        }
    }
    return false;
}

/* Only what someone must look into is logged: anybody can ask for what is not there. */
static enum web_draw_exit failed(int rc, const char *path, const char *reason)
{
    if (rc == -ENOENT || rc == -ENODATA) {
        return WEB_DRAW_NOTHING;
    }
    if (rc == -EINVAL) {
        return WEB_DRAW_RANGE;
    }
    log_warn("draw", "no graph path=%s: %s", path, reason);
    return WEB_DRAW_FAILED;
}

/* A graph without a definition: a line for each of the metrics that were asked for. */
static void make_definition(const json_t *chosen, struct graph_definition *made,
                            struct graph_line lines[PROTO_METRICS_MAX])
{
    size_t i;
    const json_t *metric;
    const char *axis = json_string_value(json_object_get(chosen, "axis"));
    const char *title = json_string_value(json_object_get(chosen, "title"));
    *made = (struct graph_definition){.id = "",
                                      .kind = "",
                                      .title = title != NULL ? title : "",
                                      .axis = axis != NULL ? axis : "",
                                      .base = 1000,
                                      .lower = NAN,
                                      .upper = NAN,
                                      .lines = lines};
    json_array_foreach(json_object_get(chosen, "metrics"), i, metric)
    {
        if (json_is_string(metric) && made->n_lines < PROTO_METRICS_MAX) {
            lines[made->n_lines++] = (struct graph_line){.metric = json_string_value(metric),
                                                         .legend = json_string_value(metric),
                                                         .colour = graph_colour(i),
                                                         .factor = 1};
        }
    }
}

/* What is drawn where the object's metrics are not known: the definition of that id, or else the
 * metric of that name; without a name the first definition that the file has a metric of, or else
 * its first metric. */
static enum web_draw_exit choose(struct rrd_draw *draw, const char *kind, const char *graph,
                                 char names[PROTO_METRICS_MAX][RRD_NAME_SIZE])
{
    const struct graph_definition *definition;
    size_t n_names = 0;
    int rc = rrd_file_metrics(draw->path, names, &n_names);
    if (rc != 0) {
        return failed(rc, draw->path, strerror(-rc));
    }
    for (size_t n = 0; (definition = graph_definition_of(kind, n)) != NULL; n++) {
        if (graph == NULL ? has_line(definition, names, n_names)
                          : strcmp(definition->id, graph) == 0) {
            draw->definition = definition;
            return WEB_DRAW_OK;
        }
    }
    draw->metric = graph != NULL ? graph : names[0]; /* a file has one at least */
    return WEB_DRAW_OK;
}

static int write_all(const unsigned char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t n = write(STDOUT_FILENO, bytes, size);
        if (n <= 0) {
            return -1;
        }
        bytes += n;
        size -= (size_t)n;
    }
    return 0;
}

static enum web_draw_exit draw_order(const json_t *order)
{
    char names[PROTO_METRICS_MAX][RRD_NAME_SIZE];
    struct graph_line lines[PROTO_METRICS_MAX];
    struct graph_definition made;
    const char *path = NULL;
    const char *kind = NULL;
    const char *graph = NULL;
    const char *title = NULL;
    const char *zone = NULL;
    const json_t *chosen = NULL;
    json_int_t from_ms = 0;
    json_int_t to_ms = 0;
    struct rrd_draw draw = {0};
    char reason[256] = "";
    unsigned char *png = NULL;
    size_t size = 0;
    /* Jansson's unpack writes through the pointers and keeps the JSON as it is. */
    if (json_unpack((json_t *)(uintptr_t)order,
                    "{s:s, s:s, s?s, s:s, s:I, s:I, s:i, s:i, s:s, s?o}", "path", &path, "kind",
                    &kind, "graph", &graph, "title", &title, "from_ms", &from_ms, "to_ms", &to_ms,
                    "width_px", &draw.width_px, "height_px", &draw.height_px, "timezone", &zone,
                    "chosen", &chosen) != 0) {
        log_error("draw", "the order cannot be read");
        return WEB_DRAW_FAILED;
    }
    (void)setenv("TZ", zone, 1); /* librrd's axis is in the process's zone */
    tzset();
    draw.path = path;
    draw.from = (struct wall){from_ms};
    draw.to = (struct wall){to_ms};
    const char *id = json_string_value(json_object_get(chosen, "id"));
    enum web_draw_exit found = choose(&draw, kind, id != NULL ? id : graph, names);
    if (found != WEB_DRAW_OK) {
        return found;
    }
    if (chosen != NULL && draw.definition == NULL) {
        make_definition(chosen, &made, lines);
        draw.definition = &made;
    }
    char *whole =
        xasprintf("%s · %s", title, draw.definition != NULL ? draw.definition->title : draw.metric);
    draw.title = whole;
    int rc = rrd_draw_object(&draw, &png, &size, reason, sizeof reason);
    free(whole);
    if (rc != 0) {
        return failed(rc, path, reason);
    }
    rc = write_all(png, size);
    free(png);
    return rc == 0 ? WEB_DRAW_OK : WEB_DRAW_FAILED;
}

_Noreturn void web_draw_main(void)
{
    log_open("collector/draw", LOG_LEVEL_WARN);
    (void)alarm(15); /* whoever asked has given up by then */
    json_t *order = json_loadf(stdin, JSON_REJECT_DUPLICATES, NULL);
    enum web_draw_exit rc = draw_order(order);
    json_decref(order);
    (void)fflush(stderr);
    /* Not exit(3): librrd and fontconfig keep their caches to the end, which is now. */
    _exit((int)rc);
}
