/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One object: its graphs over a range, its newest values, its labels. */
#include "page_talkers.h"
#include "pages.h"

#include "common/xalloc.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GRAPH_WIDTH_PX = 720, GRAPH_HEIGHT_PX = 220 };

/* The ranges that a person picks from; the first is the default. */
static const struct range {
    const char *name;
    int64_t seconds;
} ranges[] = {{"1h", 3600},   {"6h", 21600},    {"24h", 86400},
              {"7d", 604800}, {"31d", 2678400}, {"366d", 31622400}};
enum { RANGES = sizeof ranges / sizeof *ranges };

/* `moment` makes the address change when a column of the picture has become new, so that a page
 * that is brought up to date loads it again, and not before. */
static void put_graph(const struct web_request *request, struct html *page, const json_t *object,
                      const char *graph, const char *title, const struct range *range)
{
    char width[16];
    char height[16];
    char moment[24];
    title = graph_word(request->language, title);
    int64_t column_s = range->seconds / GRAPH_WIDTH_PX;
    column_s = column_s > 2 * PAGE_LIVE_SECONDS ? column_s : 2 * PAGE_LIVE_SECONDS;
    (void)snprintf(width, sizeof width, "%d", GRAPH_WIDTH_PX);
    (void)snprintf(height, sizeof height, "%d", GRAPH_HEIGHT_PX);
    (void)snprintf(moment, sizeof moment, "%" PRId64, request->now.ms / 1000 / column_s);
    html_put(page,
             "<figure><figcaption>$</figcaption><img alt=\"$, $ $, $\" src=\"/graph.png?device=^"
             "&amp;kind=^&amp;name=^&amp;graph=^&amp;from=-^&amp;width=$&amp;height=$"
             "&amp;moment=$\"></figure>\n",
             title, title, frame_text(object, "device"), frame_text(object, "name"), range->name,
             frame_text(object, "device"), frame_text(object, "kind"), frame_text(object, "name"),
             graph, range->name, width, height, moment);
}

static void put_ranges(const struct web_request *request, struct html *page, const json_t *object,
                       const struct range *range)
{
    html_put(page, "<p class=\"ranges\"><span>$</span>", word(request->language, WORD_RANGE));
    for (size_t i = 0; i < RANGES; i++) {
        html_put(page, "<a href=\"/object?device=^&amp;kind=^&amp;name=^&amp;range=^&amp;lang=$\"",
                 frame_text(object, "device"), frame_text(object, "kind"),
                 frame_text(object, "name"), ranges[i].name, language_code(request->language));
        html_put(page, range == &ranges[i] ? " aria-current=\"true\">$</a>" : ">$</a>",
                 ranges[i].name);
    }
    html_put(page, "</p>\n");
}

static void put_graphs(const struct web_request *request, struct html *page, const json_t *object,
                       const struct range *range)
{
    size_t i;
    const json_t *graph;
    html_put(page, "<h2>$</h2>\n", word(request->language, WORD_GRAPHS));
    put_ranges(request, page, object, range);
    json_array_foreach(json_object_get(object, "graphs"), i, graph)
    {
        put_graph(request, page, object, frame_text(graph, "id"), frame_text(graph, "title"),
                  range);
    }
}

static void put_newest(const struct web_request *request, struct html *page, const json_t *object)
{
    static const int titles[] = {WORD_METRIC, WORD_RIGHT, WORD_VALUE, WORDS};
    size_t i;
    const json_t *metric;
    html_put(page, "<h2>$</h2>\n", word(request->language, WORD_NEWEST_VALUES));
    frame_table(request, page, titles);
    json_array_foreach(json_object_get(object, "metrics"), i, metric)
    {
        html_put(page, "<tr><th scope=\"row\">$</th><td class=\"n\">", frame_text(metric, "name"));
        frame_metric(request, page, object, frame_text(metric, "name"));
        html_put(page, "</td></tr>\n");
    }
    frame_table_end(page);
}

static void put_labels(const struct web_request *request, struct html *page, json_t *object)
{
    const char *key;
    json_t *value;
    html_put(page, "<h2>$</h2>\n<dl class=\"labels\">", word(request->language, WORD_LABELS));
    html_put(page, "<dt>$</dt><dd>$</dd>", word(request->language, WORD_AGENT),
             frame_text(object, "agent"));
    json_object_foreach(json_object_get(object, "labels"), key, value)
    {
        html_put(page, "<dt>$</dt><dd>$</dd>", key, json_string_value(value));
    }
    html_put(page, "</dl>\n");
}

static const struct range *range_of(struct web_request *request)
{
    const char *wanted = request_text(request, "range");
    for (size_t i = 0; wanted != NULL && i < RANGES; i++) {
        if (strcmp(wanted, ranges[i].name) == 0) {
            return &ranges[i];
        }
    }
    return &ranges[0];
}

int page_object(struct web_request *request)
{
    const char *device = request_need(request, "device");
    const char *kind = device != NULL ? request_need(request, "kind") : NULL;
    const char *name = kind != NULL ? request_need(request, "name") : NULL;
    json_t *object = name != NULL ? query_object(request->sources, device, kind, name, request->now,
                                                 &request->failure)
                                  : NULL;
    if (object == NULL) {
        return frame_failure(request);
    }
    char *title = xasprintf("%s · %s", device, name);
    struct html *page = frame_begin(request, title, NULL, PAGE_LIVE_SECONDS);
    free(title);
    html_put(page, "<p><a href=\"/device?device=^&amp;lang=$\">$</a> · $ · $ ", device,
             language_code(request->language), device, kind_word(request->language, kind),
             word(request->language, WORD_LAST_ROW));
    frame_state(request, page, frame_text(object, "status"));
    html_put(page, " ");
    frame_time(request, page, json_object_get(object, "last"));
    html_put(page, "</p>\n");
    if (json_array_size(json_object_get(object, "metrics")) > 0) {
        put_graphs(request, page, object, range_of(request));
        if (strcmp(kind, "traffic") == 0) {
            page_put_talkers(request, page, device, name, range_of(request)->seconds);
        }
        html_put(page, "<div class=\"beside\"><section>");
        put_newest(request, page, object);
        html_put(page, "</section><section>");
    } else {
        html_put(page, "<div class=\"beside\"><section>"); /* there is nothing to measure of it */
    }
    put_labels(request, page, object);
    html_put(page, "</section></div>\n");
    json_decref(object);
    return frame_end(request, page, 200);
}
