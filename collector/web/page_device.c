/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One device: its checks, and its objects by kind with their newest values. */
#include "pages.h"

#include <stdio.h>
#include <string.h>

void page_put_values(const struct web_request *request, struct html *page, const json_t *object)
{
    const json_t *latest = json_object_get(object, "latest");
    size_t i;
    const json_t *metric;
    html_put(page, "<div class=\"values\">");
    json_array_foreach(json_object_get(object, "metrics"), i, metric)
    {
        const char *name = frame_text(metric, "name");
        html_put(page, "<span>$ ", name);
        frame_value(request, page, json_object_get(latest, name), frame_text(metric, "unit"),
                    strcmp(frame_text(metric, "type"), "counter") == 0);
        html_put(page, "</span>");
    }
    html_put(page, "</div>");
}

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
    static const enum word titles[] = {WORD_CHECK, WORD_STATE,  WORD_REASON,
                                       WORD_SINCE, WORD_DETAIL, WORDS};
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
        html_put(page, "</td><td>$</td></tr>\n", frame_text(check, "detail"));
    }
    frame_table_end(page);
}

static void put_object_row(const struct web_request *request, struct html *page,
                           const json_t *object)
{
    html_put(page,
             "<tr><td><a href=\"/object?device=^&amp;kind=^&amp;name=^&amp;lang=$\">$</a></td><td>",
             frame_text(object, "device"), frame_text(object, "kind"), frame_text(object, "name"),
             language_code(request->language), frame_text(object, "name"));
    frame_state(request, page, frame_text(object, "status"));
    html_put(page, "</td><td>");
    frame_time(request, page, json_object_get(object, "last"));
    html_put(page, "</td><td>");
    page_put_values(request, page, object);
    html_put(page, "</td></tr>\n");
}

/* Objects come in order of kind: a table for each. */
static void put_objects(const struct web_request *request, struct html *page, const json_t *objects)
{
    static const enum word titles[] = {WORD_OBJECT, WORD_STATE, WORD_LAST_ROW, WORD_NEWEST_VALUES,
                                       WORDS};
    const char *kind = NULL;
    size_t i;
    const json_t *object;
    json_array_foreach(objects, i, object)
    {
        const char *its = frame_text(object, "kind");
        if (kind == NULL || strcmp(kind, its) != 0) {
            if (kind != NULL) {
                frame_table_end(page);
            }
            kind = its;
            html_put(page, "<h2>$</h2>\n", kind);
            frame_table(request, page, titles);
        }
        put_object_row(request, page, object);
    }
    if (kind != NULL) {
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
                           "there is no device %s", name);
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
    struct html *page = frame_begin(request, name, PAGE_LIVE_SECONDS);
    html_put(page, "<p>");
    frame_state(request, page, frame_text(device, "state"));
    html_put(page, " ");
    frame_time(request, page, json_object_get(device, "since"));
    html_put(page, "</p>\n");
    put_checks(request, page, device);
    put_objects(request, page, json_object_get(objects, "objects"));
    json_decref(objects);
    json_decref(status);
    return frame_end(request, page, 200);
}
