/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The first page: what is broken, then every service, device, agent and part. */
#include "pages.h"

#include <stdio.h>
#include <string.h>

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

/* An agent that is not heard is a problem of its own: what it watches is not watched. */
static void put_silent_agents(const struct web_request *request, struct html *page,
                              const json_t *status)
{
    size_t i;
    const json_t *agent;
    json_array_foreach(json_object_get(status, "agents"), i, agent)
    {
        const char *state = frame_text(agent, "state");
        if (strcmp(state, "ok") == 0) {
            continue;
        }
        html_put(page,
                 "<p class=\"warning\">$ <strong>$</strong>: ", word(request->language, WORD_AGENT),
                 frame_text(agent, "agent"));
        frame_state(request, page, state);
        if (json_is_string(json_object_get(agent, "received"))) {
            html_put(page, ", $ ", word(request->language, WORD_LAST_HEARD));
            frame_time(request, page, json_object_get(agent, "received"));
        }
        html_put(page, "</p>\n");
    }
}

static bool has_checks(const json_t *status)
{
    size_t i;
    const json_t *device;
    json_array_foreach(json_object_get(status, "devices"), i, device)
    {
        if (json_array_size(json_object_get(device, "checks")) > 0) {
            return true;
        }
    }
    return false;
}

/* The page's heading says how things are. */
static struct html *begin(const struct web_request *request, const json_t *status)
{
    const json_t *problems = json_object_get(status, "problems");
    char title[64];
    size_t n = json_array_size(problems);
    if (n > 0) {
        (void)snprintf(title, sizeof title, "%zu %s", n,
                       word(request->language, n == 1 ? WORD_PROBLEM_ONE : WORD_PROBLEM_MANY));
        return frame_begin(request, title, frame_text(json_array_get(problems, 0), "outcome"),
                           PAGE_LIVE_SECONDS);
    }
    bool known = has_checks(status);
    return frame_begin(request,
                       word(request->language, known ? WORD_NO_PROBLEM : WORD_NO_CHECKS_YET),
                       known ? "up" : NULL, PAGE_LIVE_SECONDS);
}

static void put_problems(const struct web_request *request, struct html *page, const json_t *status)
{
    static const int titles[] = {WORD_STATE, WORD_DEVICE, WORD_CHECK,  WORD_REASON, WORD_SINCE,
                                 WORD_RIGHT, WORD_FOR,    WORD_DETAIL, WORDS};
    const json_t *problems = json_object_get(status, "problems");
    size_t i;
    const json_t *problem;
    if (json_array_size(problems) == 0) {
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
        html_put(page, "</td><td class=\"n\">");
        frame_duration(request, page, json_integer_value(json_object_get(problem, "duration_s")));
        html_put(page, "</td><td class=\"detail\">$</td></tr>\n", frame_text(problem, "detail"));
    }
    frame_table_end(page);
}

static void put_cause(struct html *page, const json_t *service)
{
    size_t i;
    const json_t *cause;
    json_array_foreach(json_object_get(service, "cause"), i, cause)
    {
        html_put(page, "$$/$: $", i > 0 ? ", " : "", frame_text(cause, "device"),
                 frame_text(cause, "check"), frame_text(cause, "reason"));
    }
}

static void put_services(const struct web_request *request, struct html *page, const json_t *status)
{
    static const int titles[] = {WORD_SERVICE,      WORD_STATE, WORD_SINCE,  WORD_RIGHT,
                                 WORD_MONTH_SO_FAR, WORD_RIGHT, WORD_TARGET, WORD_MEETS,
                                 WORD_CAUSE,        WORDS};
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
        html_put(page, "</td><td class=\"n\">");
        frame_percent(request, page, json_object_get(service, "availability_pct"));
        html_put(page, "</td><td class=\"n\">");
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
    static const int titles[] = {WORD_DEVICE, WORD_STATE,   WORD_SINCE, WORD_CHECKS,
                                 WORD_RIGHT,  WORD_OBJECTS, WORDS};
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
        if (json_array_size(json_object_get(device, "checks")) > 0) {
            frame_state(request, page, frame_text(device, "state"));
        } else {
            html_put(page, "<span class=\"soft\">$</span>", word(request->language, WORD_NO_CHECK));
        }
        html_put(page, "</td><td>");
        frame_time(request, page, json_object_get(device, "since"));
        html_put(page, "</td><td>");
        put_device_checks(request, page, device);
        html_put(page, "</td><td class=\"n\">$</td></tr>\n", objects);
    }
    frame_table_end(page);
}

static void put_agents(const struct web_request *request, struct html *page, const json_t *status)
{
    static const int titles[] = {WORD_AGENT, WORD_STATE, WORD_LAST_HEARD, WORDS};
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
    static const int titles[] = {WORD_PART, WORD_STATE, WORD_RIGHT, WORD_RESTARTS, WORDS};
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
        html_put(page, "</td><td class=\"n\">$</td></tr>\n", restarts);
    }
    frame_table_end(page);
}

int page_overview(struct web_request *request)
{
    json_t *status = query_status(request->sources, request->now, &request->failure);
    if (status == NULL) {
        return frame_failure(request);
    }
    struct html *page = begin(request, status);
    put_alarms(page, status);
    put_silent_agents(request, page, status);
    put_problems(request, page, status);
    put_services(request, page, status);
    put_devices(request, page, status);
    html_put(page, "<div class=\"beside\"><section>");
    put_agents(request, page, status);
    html_put(page, "</section><section>");
    put_parts(request, page, status);
    html_put(page, "</section></div>\n");
    json_decref(status);
    return frame_end(request, page, 200);
}
