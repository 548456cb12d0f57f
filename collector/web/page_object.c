/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One object: its graphs over a range, its newest values, its labels. */
#include "pages.h"

#include <stdio.h>
#include <string.h>

enum { GRAPH_WIDTH_PX = 720, GRAPH_HEIGHT_PX = 220 };

/* The ranges that a person picks from; the first is the default. */
static const char *const ranges[] = {"1h", "6h", "24h", "7d", "31d", "366d"};
enum { RANGES = sizeof ranges / sizeof *ranges };

void page_put_graph(const struct web_request *request, struct html *page, const json_t *object,
                    const char *graph, const char *title, const char *from, int width_px,
                    int height_px)
{
    char width[16];
    char height[16];
    char moment[24];
    (void)snprintf(width, sizeof width, "%d", width_px);
    (void)snprintf(height, sizeof height, "%d", height_px);
    /* Changes every five seconds, so that a page that is brought up to date shows new pictures. */
    (void)snprintf(moment, sizeof moment, "%lld",
                   (long long)(request->now.ms / 1000 / PAGE_LIVE_SECONDS));
    html_put(page,
             "<figure><figcaption>$</figcaption><img loading=\"lazy\" alt=\"$: $ $, $\" "
             "src=\"/graph.png?device=^&amp;kind=^&amp;name=^&amp;graph=^&amp;from=-^"
             "&amp;width=$&amp;height=$&amp;moment=$\"></figure>\n",
             title, word(request->language, WORD_GRAPH_OF), title, frame_text(object, "name"), from,
             frame_text(object, "device"), frame_text(object, "kind"), frame_text(object, "name"),
             graph, from, width, height, moment);
}

static void put_ranges(const struct web_request *request, struct html *page, const json_t *object,
                       const char *range)
{
    html_put(page, "<p class=\"ranges\"><span>$</span>", word(request->language, WORD_RANGE));
    for (size_t i = 0; i < RANGES; i++) {
        html_put(page, "<a href=\"/object?device=^&amp;kind=^&amp;name=^&amp;range=^&amp;lang=$\"",
                 frame_text(object, "device"), frame_text(object, "kind"),
                 frame_text(object, "name"), ranges[i], language_code(request->language));
        html_put(page, strcmp(range, ranges[i]) == 0 ? " aria-current=\"true\">$</a>" : ">$</a>",
                 ranges[i]);
    }
    html_put(page, "</p>\n");
}

static void put_graphs(const struct web_request *request, struct html *page, const json_t *object,
                       const char *range)
{
    size_t i;
    const json_t *graph;
    html_put(page, "<h2>$</h2>\n", word(request->language, WORD_GRAPHS));
    put_ranges(request, page, object, range);
    json_array_foreach(json_object_get(object, "graphs"), i, graph)
    {
        page_put_graph(request, page, object, frame_text(graph, "id"), frame_text(graph, "title"),
                       range, GRAPH_WIDTH_PX, GRAPH_HEIGHT_PX);
    }
}

static void put_newest(const struct web_request *request, struct html *page, const json_t *object)
{
    static const enum word titles[] = {WORD_METRIC, WORD_VALUE, WORDS};
    const json_t *latest = json_object_get(object, "latest");
    size_t i;
    const json_t *metric;
    html_put(page, "<h2>$</h2>\n", word(request->language, WORD_NEWEST_VALUES));
    frame_table(request, page, titles);
    json_array_foreach(json_object_get(object, "metrics"), i, metric)
    {
        const char *name = frame_text(metric, "name");
        html_put(page, "<tr><td>$</td><td>", name);
        frame_value(request, page, json_object_get(latest, name), frame_text(metric, "unit"),
                    strcmp(frame_text(metric, "type"), "counter") == 0);
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

static const char *range_of(struct web_request *request)
{
    const char *wanted = request_text(request, "range");
    for (size_t i = 0; wanted != NULL && i < RANGES; i++) {
        if (strcmp(wanted, ranges[i]) == 0) {
            return ranges[i];
        }
    }
    return ranges[0];
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
    struct html *page = frame_begin(request, name, PAGE_LIVE_SECONDS);
    html_put(page, "<p><a href=\"/device?device=^&amp;lang=$\">$</a> · $ ", device,
             language_code(request->language), device, kind);
    frame_state(request, page, frame_text(object, "status"));
    html_put(page, " ");
    frame_time(request, page, json_object_get(object, "last"));
    html_put(page, "</p>\n");
    put_graphs(request, page, object, range_of(request));
    put_newest(request, page, object);
    put_labels(request, page, object);
    json_decref(object);
    return frame_end(request, page, 200);
}
