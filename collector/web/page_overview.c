/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The first page: what is broken, then every service, device, agent and part. */
#include "pages.h"

#include <stdio.h>

static void put_device_link(const struct web_request *request, struct html *page,
                            const char *device)
{
    html_put(page, "<a href=\"/device?device=^&amp;lang=$\">$</a>", device,
             language_code(request->language), device);
}

static void put_alarms(struct html *page, const json_t *status)
{
    size_t i;
    const json_t *alarm;
    json_array_foreach(json_object_get(json_object_get(status, "collector"), "alarms"), i, alarm)
    {
        html_put(page, "<p class=\"alarm\" role=\"alert\">$</p>\n", json_string_value(alarm));
    }
}

static void put_problems(const struct web_request *request, struct html *page, const json_t *status)
{
    static const enum word titles[] = {WORD_STATE, WORD_DEVICE, WORD_CHECK,  WORD_REASON,
                                       WORD_SINCE, WORD_FOR,    WORD_DETAIL, WORDS};
    const json_t *problems = json_object_get(status, "problems");
    size_t i;
    const json_t *problem;
    html_put(page, "<h2 id=\"problems\">$</h2>\n", word(request->language, WORD_PROBLEMS));
    if (json_array_size(problems) == 0) {
        html_put(page, "<p class=\"good\">$</p>\n", word(request->language, WORD_NO_PROBLEM));
        return;
    }
    frame_table(request, page, titles);
    json_array_foreach(problems, i, problem)
    {
        html_put(page, "<tr><td>");
        frame_state(request, page, frame_text(problem, "outcome"));
        html_put(page, "</td><td>");
        put_device_link(request, page, frame_text(problem, "device"));
        html_put(page, "</td><td>$</td><td>$</td><td>", frame_text(problem, "check"),
                 frame_text(problem, "reason"));
        frame_time(request, page, json_object_get(problem, "since"));
        html_put(page, "</td><td>");
        frame_duration(page, json_integer_value(json_object_get(problem, "duration_s")));
        html_put(page, "</td><td>$</td></tr>\n", frame_text(problem, "detail"));
    }
    frame_table_end(page);
}

static void put_cause(struct html *page, const json_t *service)
{
    size_t i;
    const json_t *cause;
    json_array_foreach(json_object_get(service, "cause"), i, cause)
    {
        html_put(page, "$$/$ $", i > 0 ? ", " : "", frame_text(cause, "device"),
                 frame_text(cause, "check"), frame_text(cause, "reason"));
    }
}

static void put_services(const struct web_request *request, struct html *page, const json_t *status)
{
    static const enum word titles[] = {WORD_SERVICE, WORD_STATE, WORD_SINCE, WORD_MONTH_SO_FAR,
                                       WORD_TARGET,  WORD_MEETS, WORD_CAUSE, WORDS};
    size_t i;
    const json_t *service;
    html_put(page, "<h2 id=\"services\">$</h2>\n", word(request->language, WORD_SERVICES));
    if (request->sources->contract == NULL) {
        html_put(page, "<p>$</p>\n", word(request->language, WORD_NO_CONTRACT));
        return;
    }
    frame_table(request, page, titles);
    json_array_foreach(json_object_get(status, "services"), i, service)
    {
        html_put(page, "<tr><td>$</td><td>", frame_text(service, "service"));
        frame_state(request, page, frame_text(service, "state"));
        html_put(page, "</td><td>");
        frame_time(request, page, json_object_get(service, "since"));
        html_put(page, "</td><td>");
        frame_percent(request, page, json_object_get(service, "availability_pct"));
        html_put(page, "</td><td>");
        frame_percent(request, page, json_object_get(service, "target_pct"));
        html_put(page, "</td><td>");
        frame_meets(request, page, json_object_get(service, "meets"));
        html_put(page, "</td><td>");
        put_cause(page, service);
        html_put(page, "</td></tr>\n");
    }
    frame_table_end(page);
}

static void put_device_checks(const struct web_request *request, struct html *page,
                              const json_t *device)
{
    size_t i;
    const json_t *check;
    json_array_foreach(json_object_get(device, "checks"), i, check)
    {
        html_put(page, "$$ ", i > 0 ? ", " : "", frame_text(check, "check"));
        frame_state(request, page, frame_text(check, "outcome"));
    }
}

static void put_devices(const struct web_request *request, struct html *page, const json_t *status)
{
    static const enum word titles[] = {WORD_DEVICE, WORD_STATE,   WORD_SINCE,
                                       WORD_CHECKS, WORD_OBJECTS, WORDS};
    const json_t *devices = json_object_get(status, "devices");
    size_t i;
    const json_t *device;
    html_put(page, "<h2 id=\"devices\">$</h2>\n", word(request->language, WORD_DEVICES));
    if (json_array_size(devices) == 0) {
        html_put(page, "<p>$</p>\n", word(request->language, WORD_NOTHING_YET));
        return;
    }
    frame_table(request, page, titles);
    json_array_foreach(devices, i, device)
    {
        char objects[24];
        (void)snprintf(objects, sizeof objects, "%lld",
                       (long long)json_integer_value(json_object_get(device, "objects")));
        html_put(page, "<tr><td>");
        put_device_link(request, page, frame_text(device, "device"));
        html_put(page, "</td><td>");
        frame_state(request, page, frame_text(device, "state"));
        html_put(page, "</td><td>");
        frame_time(request, page, json_object_get(device, "since"));
        html_put(page, "</td><td>");
        put_device_checks(request, page, device);
        html_put(page, "</td><td>$</td></tr>\n", objects);
    }
    frame_table_end(page);
}

static void put_agents(const struct web_request *request, struct html *page, const json_t *status)
{
    static const enum word titles[] = {WORD_AGENT, WORD_STATE, WORD_LAST_HEARD, WORDS};
    size_t i;
    const json_t *agent;
    html_put(page, "<h2>$</h2>\n", word(request->language, WORD_AGENTS));
    frame_table(request, page, titles);
    json_array_foreach(json_object_get(status, "agents"), i, agent)
    {
        html_put(page, "<tr><td>$</td><td>", frame_text(agent, "agent"));
        frame_state(request, page, frame_text(agent, "state"));
        html_put(page, "</td><td>");
        frame_time(request, page, json_object_get(agent, "received"));
        html_put(page, "</td></tr>\n");
    }
    frame_table_end(page);
}

static void put_parts(const struct web_request *request, struct html *page, const json_t *status)
{
    static const enum word titles[] = {WORD_PART, WORD_STATE, WORD_RESTARTS, WORDS};
    size_t i;
    const json_t *part;
    html_put(page, "<h2>$</h2>\n", word(request->language, WORD_PARTS));
    frame_table(request, page, titles);
    json_array_foreach(json_object_get(json_object_get(status, "collector"), "parts"), i, part)
    {
        char restarts[24];
        (void)snprintf(restarts, sizeof restarts, "%lld",
                       (long long)json_integer_value(json_object_get(part, "restarts")));
        html_put(page, "<tr><td>$</td><td>", frame_text(part, "part"));
        frame_state(request, page, json_is_true(json_object_get(part, "up")) ? "up" : "down");
        html_put(page, "</td><td>$</td></tr>\n", restarts);
    }
    frame_table_end(page);
}

int page_overview(struct web_request *request)
{
    json_t *status = query_status(request->sources, request->now, &request->failure);
    if (status == NULL) {
        return frame_failure(request);
    }
    struct html *page =
        frame_begin(request, word(request->language, WORD_OVERVIEW), PAGE_LIVE_SECONDS);
    put_alarms(page, status);
    put_problems(request, page, status);
    put_services(request, page, status);
    put_devices(request, page, status);
    put_agents(request, page, status);
    put_parts(request, page, status);
    json_decref(status);
    return frame_end(request, page, 200);
}
