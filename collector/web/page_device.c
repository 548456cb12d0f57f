/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One device: its checks, and its objects by kind, a column for each of the kind's values. */
#include "pages.h"

#include "graphs/graphs.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const json_t *find_device(const json_t *status, const char *name)
{
    size_t i;
    const json_t *device;
    json_array_foreach(json_object_get(status, "devices"), i, device)
    {
        if (strcmp(frame_text(device, "device"), name) == 0) {
            return device;
        }
    }
    return NULL;
}

static void put_checks(const struct web_request *request, struct html *page, const json_t *device)
{
    static const int titles[] = {WORD_CHECK, WORD_STATE,  WORD_REASON, WORD_SINCE,
                                 WORD_AGENT, WORD_DETAIL, WORDS};
    size_t i;
    const json_t *check;
    if (json_array_size(json_object_get(device, "checks")) == 0) {
        return;
    }
    html_put(page, "<h2>$</h2>\n", word(request->language, WORD_CHECKS));
    frame_table(request, page, titles);
    json_array_foreach(json_object_get(device, "checks"), i, check)
    {
        html_put(page, "<tr><td>$</td><td>", frame_text(check, "check"));
        frame_state(request, page, frame_text(check, "outcome"));
        html_put(page, "</td><td>$</td><td>", frame_text(check, "reason"));
        frame_time(request, page, json_object_get(check, "since"));
        html_put(page, "</td><td>$</td><td class=\"detail\">$</td></tr>\n",
                 frame_text(check, "agent"), frame_text(check, "detail"));
    }
    frame_table_end(page);
}

/* --- columns --- */

enum { COLUMNS_MAX = 10 }; /* what is readable on one line; the object's own page has the rest */

/* What the table of one kind shows: as many definitions as there is room for, of those that any of
 * its objects has a metric of. */
struct columns {
    size_t n_groups;
    const struct graph_definition *groups[COLUMNS_MAX];
    const json_t *first; /* of the kind; its metrics are the columns if there are no groups */
};

static bool has_metric(const json_t *object, const struct graph_definition *definition)
{
    const json_t *latest = json_object_get(object, "latest");
    for (size_t i = 0; i < definition->n_lines; i++) {
        if (json_object_get(latest, definition->lines[i].metric) != NULL) {
            return true;
        }
    }
    return false;
}

/* Of the kind of the object at `at`, which is its first. */
static struct columns choose_columns(const json_t *objects, size_t at)
{
    struct columns columns = {.first = json_array_get(objects, at)};
    const char *kind = frame_text(columns.first, "kind");
    const struct graph_definition *definition;
    size_t used = 0;
    for (size_t n = 0; (definition = graph_definition_of(kind, n)) != NULL; n++) {
        bool has = false;
        const json_t *object;
        for (size_t i = at; !has && (object = json_array_get(objects, i)) != NULL &&
                            strcmp(frame_text(object, "kind"), kind) == 0;
             i++) {
            has = has_metric(object, definition);
        }
        if (has && used + definition->n_lines <= COLUMNS_MAX) {
            columns.groups[columns.n_groups++] = definition;
            used += definition->n_lines;
        }
    }
    return columns;
}

static void put_group_titles(const struct web_request *request, struct html *page,
                             const struct columns *columns)
{
    html_put(page,
             "<tr><th rowspan=\"2\" scope=\"col\">$</th><th rowspan=\"2\" scope=\"col\">$</th>",
             word(request->language, WORD_OBJECT), word(request->language, WORD_STATUS));
    for (size_t n = 0; n < columns->n_groups; n++) {
        const struct graph_definition *definition = columns->groups[n];
        char span[16];
        (void)snprintf(span, sizeof span, "%zu", definition->n_lines);
        html_put(page, "<th class=\"n group\" colspan=\"$\" scope=\"colgroup\">$</th>", span,
                 graph_word(request->language, definition->title));
    }
    html_put(page, "</tr>\n<tr>");
    for (size_t n = 0; n < columns->n_groups; n++) {
        const struct graph_definition *definition = columns->groups[n];
        for (size_t i = 0; i < definition->n_lines; i++) {
            html_put(page, "<th class=\"n\" scope=\"col\">$</th>",
                     graph_word(request->language, definition->lines[i].legend));
        }
    }
    html_put(page, "</tr>");
}

/* A kind without definitions has its first object's metrics. */
static void put_metric_titles(const struct web_request *request, struct html *page,
                              const json_t *first)
{
    size_t i;
    const json_t *metric;
    html_put(page, "<tr><th scope=\"col\">$</th><th scope=\"col\">$</th>",
             word(request->language, WORD_OBJECT), word(request->language, WORD_STATUS));
    json_array_foreach(json_object_get(first, "metrics"), i, metric)
    {
        if (i < COLUMNS_MAX) {
            html_put(page, "<th class=\"n\" scope=\"col\">$</th>", frame_text(metric, "name"));
        }
    }
    html_put(page, "</tr>");
}

static void put_line(const struct web_request *request, struct html *page, const json_t *latest,
                     const struct graph_definition *definition, const struct graph_line *line)
{
    const json_t *value = json_object_get(latest, line->metric);
    html_put(page, "<td class=\"n\">");
    frame_value(request, page,
                json_is_number(value) ? json_number_value(value) * line->factor : (double)NAN,
                definition->axis);
    html_put(page, "</td>");
}

static void put_metrics(const struct web_request *request, struct html *page, const json_t *object,
                        const json_t *first)
{
    const json_t *latest = json_object_get(object, "latest");
    size_t i;
    const json_t *metric;
    json_array_foreach(json_object_get(first, "metrics"), i, metric)
    {
        if (i < COLUMNS_MAX) {
            html_put(page, "<td class=\"n\">");
            frame_metric(request, page, metric, latest);
            html_put(page, "</td>");
        }
    }
}

static void put_object(const struct web_request *request, struct html *page, const json_t *object,
                       const struct columns *columns)
{
    const char *kind = frame_text(object, "kind");
    const json_t *latest = json_object_get(object, "latest");
    html_put(page,
             "<tr><th scope=\"row\"><a href=\"/object?device=^&amp;kind=^&amp;name=^&amp;lang=$\">$"
             "</a></th><td>",
             frame_text(object, "device"), kind, frame_text(object, "name"),
             language_code(request->language), frame_text(object, "name"));
    frame_state(request, page, frame_text(object, "status"));
    html_put(page, "</td>");
    for (size_t n = 0; n < columns->n_groups; n++) {
        const struct graph_definition *definition = columns->groups[n];
        for (size_t i = 0; i < definition->n_lines; i++) {
            put_line(request, page, latest, definition, &definition->lines[i]);
        }
    }
    if (columns->n_groups == 0) {
        put_metrics(request, page, object, columns->first);
    }
    html_put(page, "</tr>\n");
}

static void begin_kind(const struct web_request *request, struct html *page,
                       const struct columns *columns)
{
    html_put(page, "<h2>$</h2>\n<div class=\"scroll\"><table class=\"objects\"><thead>",
             kind_word(request->language, frame_text(columns->first, "kind")));
    if (columns->n_groups > 0) {
        put_group_titles(request, page, columns);
    } else {
        put_metric_titles(request, page, columns->first);
    }
    html_put(page, "</thead><tbody>\n");
}

/* Objects come in order of kind: a table for each. */
static void put_objects(const struct web_request *request, struct html *page, const json_t *objects)
{
    struct columns columns = {0};
    size_t i;
    const json_t *object;
    json_array_foreach(objects, i, object)
    {
        if (columns.first == NULL ||
            strcmp(frame_text(columns.first, "kind"), frame_text(object, "kind")) != 0) {
            if (columns.first != NULL) {
                frame_table_end(page);
            }
            columns = choose_columns(objects, i);
            begin_kind(request, page, &columns);
        }
        put_object(request, page, object, &columns);
    }
    if (columns.first != NULL) {
        frame_table_end(page);
    }
}

int page_device(struct web_request *request)
{
    json_t *objects = NULL;
    json_t *status = NULL;
    const json_t *device = NULL;
    const char *name = request_need(request, "device");
    if (name != NULL) {
        status = query_status(request->sources, request->now, &request->failure);
    }
    if (status != NULL) {
        device = find_device(status, name);
        if (device == NULL) {
            request->failure.error = QUERY_NOT_FOUND;
            (void)snprintf(request->failure.reason, sizeof request->failure.reason,
                           "there is no device %.200s", name);
        }
    }
    if (device != NULL) {
        objects =
            query_objects(request->sources, name, NULL, true, request->now, &request->failure);
    }
    if (objects == NULL) {
        json_decref(status);
        return frame_failure(request);
    }
    bool has_checks = json_array_size(json_object_get(device, "checks")) > 0;
    struct html *page = frame_begin(request, name, NULL, PAGE_LIVE_SECONDS);
    if (has_checks) {
        html_put(page, "<p>");
        frame_state(request, page, frame_text(device, "state"));
        html_put(page, ", <span class=\"lower\">$</span> ", word(request->language, WORD_SINCE));
        frame_time(request, page, json_object_get(device, "since"));
        html_put(page, "</p>\n");
    } else {
        html_put(page, "<p class=\"soft\">$</p>\n", word(request->language, WORD_NO_CHECK));
    }
    put_checks(request, page, device);
    put_objects(request, page, json_object_get(objects, "objects"));
    json_decref(objects);
    json_decref(status);
    return frame_end(request, page, 200);
}
