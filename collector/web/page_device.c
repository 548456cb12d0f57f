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
 * its objects has a metric of, and of these the lines that any has. */
struct columns {
    size_t n_groups;
    struct group {
        const struct graph_definition *definition;
        uint64_t lines; /* bit: line */
        size_t n_lines;
    } groups[COLUMNS_MAX];
    const json_t *first; /* of the kind; its metrics are the columns if there are no groups … */
    const char *labels[COLUMNS_MAX];
    size_t n_labels; /* … and the labels of all if it has no metrics: nothing is measured of them */
};

/* The object at `at`, if it is of that kind still. */
static const json_t *next_of_kind(const json_t *objects, size_t at, const char *kind)
{
    const json_t *object = json_array_get(objects, at);
    return object != NULL && strcmp(frame_text(object, "kind"), kind) == 0 ? object : NULL;
}

static struct group find_lines(const json_t *objects, size_t at, const char *kind,
                               const struct graph_definition *definition)
{
    struct group group = {.definition = definition};
    const json_t *object;
    for (size_t i = at; (object = next_of_kind(objects, i, kind)) != NULL; i++) {
        const json_t *latest = json_object_get(object, "latest");
        for (size_t k = 0; k < definition->n_lines; k++) {
            if (json_object_get(latest, definition->lines[k].metric) != NULL) {
                group.lines |= UINT64_C(1) << k;
            }
        }
    }
    for (size_t k = 0; k < definition->n_lines; k++) {
        group.n_lines += (group.lines >> k & 1) != 0;
    }
    return group;
}

static void add_label(struct columns *columns, const char *key)
{
    for (size_t i = 0; i < columns->n_labels; i++) {
        if (strcmp(columns->labels[i], key) == 0) {
            return;
        }
    }
    if (columns->n_labels < COLUMNS_MAX) {
        columns->labels[columns->n_labels++] = key;
    }
}

/* Of the kind of the object at `at`, which is its first. */
static struct columns choose_columns(const json_t *objects, size_t at)
{
    struct columns columns = {.first = json_array_get(objects, at)};
    const char *kind = frame_text(columns.first, "kind");
    const struct graph_definition *definition;
    size_t used = 0;
    for (size_t n = 0; (definition = graph_definition_of(kind, n)) != NULL; n++) {
        struct group group = find_lines(objects, at, kind, definition);
        if (group.n_lines > 0 && used + group.n_lines <= COLUMNS_MAX) {
            columns.groups[columns.n_groups++] = group;
            used += group.n_lines;
        }
    }
    const json_t *object;
    bool bare = json_array_size(json_object_get(columns.first, "metrics")) == 0;
    for (size_t i = at; bare && (object = next_of_kind(objects, i, kind)) != NULL; i++) {
        const char *key;
        const json_t *value;
        /* Only read; the macro knows no constant objects. */
        json_object_foreach((json_t *)(uintptr_t)json_object_get(object, "labels"), key, value)
        {
            add_label(&columns, key);
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
        char span[16];
        (void)snprintf(span, sizeof span, "%zu", columns->groups[n].n_lines);
        html_put(page, "<th class=\"n group\" colspan=\"$\" scope=\"colgroup\">$</th>", span,
                 graph_word(request->language, columns->groups[n].definition->title));
    }
    html_put(page, "</tr>\n<tr>");
    for (size_t n = 0; n < columns->n_groups; n++) {
        const struct group *group = &columns->groups[n];
        for (size_t i = 0; i < group->definition->n_lines; i++) {
            if ((group->lines >> i & 1) != 0) {
                html_put(page, "<th class=\"n\" scope=\"col\">$</th>",
                         graph_word(request->language, group->definition->lines[i].legend));
            }
        }
    }
    html_put(page, "</tr>");
}

/* A kind without definitions has its first object's metrics; one without metrics has labels. */
static void put_plain_titles(const struct web_request *request, struct html *page,
                             const struct columns *columns)
{
    size_t i;
    const json_t *metric;
    html_put(page, "<tr><th scope=\"col\">$</th><th scope=\"col\">$</th>",
             word(request->language, WORD_OBJECT), word(request->language, WORD_STATUS));
    json_array_foreach(json_object_get(columns->first, "metrics"), i, metric)
    {
        if (i < COLUMNS_MAX) {
            html_put(page, "<th class=\"n\" scope=\"col\">$</th>", frame_text(metric, "name"));
        }
    }
    for (i = 0; i < columns->n_labels; i++) {
        html_put(page, "<th scope=\"col\">$</th>", columns->labels[i]);
    }
    html_put(page, "</tr>");
}

static void put_line(const struct web_request *request, struct html *page, const json_t *object,
                     const struct graph_definition *definition, const struct graph_line *line)
{
    const json_t *latest = json_object_get(json_object_get(object, "latest"), line->metric);
    double value = json_is_number(latest) ? json_number_value(latest) : (double)NAN;
    html_put(page, "<td class=\"n\">");
    if (graph_value_word(frame_text(object, "kind"), line->metric, value) != NULL) {
        frame_metric(request, page, object, line->metric);
    } else {
        frame_value(request, page, value * line->factor, definition->axis);
    }
    html_put(page, "</td>");
}

static void put_plain(const struct web_request *request, struct html *page, const json_t *object,
                      const struct columns *columns)
{
    size_t i;
    const json_t *metric;
    json_array_foreach(json_object_get(columns->first, "metrics"), i, metric)
    {
        if (i < COLUMNS_MAX) {
            html_put(page, "<td class=\"n\">");
            frame_metric(request, page, object, frame_text(metric, "name"));
            html_put(page, "</td>");
        }
    }
    for (i = 0; i < columns->n_labels; i++) {
        html_put(page, "<td>$</td>",
                 frame_text(json_object_get(object, "labels"), columns->labels[i]));
    }
}

static void put_object(const struct web_request *request, struct html *page, const json_t *object,
                       const struct columns *columns)
{
    const char *kind = frame_text(object, "kind");
    html_put(page,
             "<tr><th scope=\"row\"><a href=\"/object?device=^&amp;kind=^&amp;name=^&amp;lang=$\">$"
             "</a></th><td>",
             frame_text(object, "device"), kind, frame_text(object, "name"),
             language_code(request->language), frame_text(object, "name"));
    frame_state(request, page, frame_text(object, "status"));
    html_put(page, "</td>");
    for (size_t n = 0; n < columns->n_groups; n++) {
        const struct group *group = &columns->groups[n];
        for (size_t i = 0; i < group->definition->n_lines; i++) {
            if ((group->lines >> i & 1) != 0) {
                put_line(request, page, object, group->definition, &group->definition->lines[i]);
            }
        }
    }
    if (columns->n_groups == 0) {
        put_plain(request, page, object, columns);
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
        put_plain_titles(request, page, columns);
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
