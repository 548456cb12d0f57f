/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Availability of each service over a period, by the collector's contract, with what it is made of.
 */
#include "pages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put_form(const struct web_request *request, struct html *page, const char *period)
{
    static const struct {
        const char *period;
        enum word name;
    } choices[] = {
        {"this-month", WORD_THIS_MONTH}, {"last-month", WORD_LAST_MONTH}, {"today", WORD_TODAY},
        {"yesterday", WORD_YESTERDAY},   {"last-24h", WORD_LAST_24H},
    };
    html_put(
        page,
        "<form method=\"get\" action=\"/sla\"><input type=\"hidden\" name=\"lang\" value=\"$\">"
        "<label for=\"period\">$</label><select id=\"period\" name=\"period\">",
        language_code(request->language), word(request->language, WORD_PERIOD));
    bool known = false;
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++) {
        bool is_it = strcmp(choices[i].period, period) == 0;
        known = known || is_it;
        html_put(page,
                 is_it ? "<option value=\"$\" selected>$</option>"
                       : "<option value=\"$\">$</option>",
                 choices[i].period, word(request->language, choices[i].name));
    }
    if (!known) {
        html_put(page, "<option value=\"$\" selected>$</option>", period, period);
    }
    html_put(page, "</select><button>$</button></form>\n", word(request->language, WORD_SHOW));
}

static void put_milliseconds(struct html *page, const json_t *ms)
{
    char text[48];
    (void)snprintf(text, sizeof text, "%.3f s", json_number_value(ms) / 1000);
    html_put(page, "<span class=\"when\">$</span>", text);
}

static void put_summary(const struct web_request *request, struct html *page, const json_t *report)
{
    static const enum word titles[] = {WORD_SERVICE, WORD_AVAILABILITY, WORD_BETWEEN, WORD_TARGET,
                                       WORD_MEETS,   WORD_COVERAGE,     WORD_OUTAGES, WORDS};
    size_t i;
    const json_t *service;
    frame_table(request, page, titles);
    json_array_foreach(json_object_get(report, "services"), i, service)
    {
        const json_t *figure = json_object_get(service, "availability");
        char outages[24];
        (void)snprintf(outages, sizeof outages, "%lld",
                       (long long)json_integer_value(json_object_get(service, "outage_count")));
        html_put(page, "<tr><td>$</td><td>", frame_text(service, "service"));
        frame_percent(request, page, json_object_get(figure, "pct"));
        html_put(page, "</td><td>");
        frame_percent(request, page, json_object_get(figure, "min_pct"));
        html_put(page, " – ");
        frame_percent(request, page, json_object_get(figure, "max_pct"));
        html_put(page, "</td><td>");
        frame_percent(request, page, json_object_get(service, "target_pct"));
        html_put(page, "</td><td>");
        frame_meets(request, page, json_object_get(service, "meets"));
        html_put(page, "</td><td>");
        frame_percent(request, page, json_object_get(service, "coverage_pct"));
        html_put(page, "</td><td>$</td></tr>\n", outages);
    }
    frame_table_end(page);
}

static void put_outages(const struct web_request *request, struct html *page, const json_t *service)
{
    static const enum word titles[] = {WORD_OUTAGE_FROM, WORD_OUTAGE_TO, WORD_DURATION,
                                       WORD_BETWEEN, WORDS};
    size_t i;
    const json_t *outage;
    if (json_array_size(json_object_get(service, "outages")) == 0) {
        return;
    }
    html_put(page, "<h3>$</h3>\n", word(request->language, WORD_OUTAGES));
    frame_table(request, page, titles);
    json_array_foreach(json_object_get(service, "outages"), i, outage)
    {
        html_put(page, "<tr><td>");
        frame_time(request, page, json_object_get(outage, "from"));
        html_put(page, "</td><td>");
        if (json_is_true(json_object_get(outage, "open"))) {
            html_put(page, "<strong>$</strong>", word(request->language, WORD_STILL_OPEN));
        } else {
            frame_time(request, page, json_object_get(outage, "to"));
        }
        html_put(page, "</td><td>");
        put_milliseconds(page, json_object_get(outage, "duration_ms"));
        html_put(page, "</td><td>");
        put_milliseconds(page, json_object_get(outage, "min_ms"));
        html_put(page, " – ");
        put_milliseconds(page, json_object_get(outage, "max_ms"));
        html_put(page, "</td></tr>\n");
    }
    frame_table_end(page);
}

static void put_service(const struct web_request *request, struct html *page, const json_t *service)
{
    const char *class_name;
    const json_t *ms;
    html_put(page, "<section><h2>$</h2><h3>$</h3><dl class=\"labels\">",
             frame_text(service, "service"), word(request->language, WORD_CLASSES));
    json_object_foreach(json_object_get(service, "classes_ms"), class_name, ms)
    {
        html_put(page, "<dt>$</dt><dd>", state_word(request->language, class_name));
        put_milliseconds(page, ms);
        html_put(page, "</dd>");
    }
    char *policy = json_dumps(json_object_get(service, "policy"), JSON_SORT_KEYS);
    html_put(page, "<dt>$</dt><dd>$</dd></dl>\n", word(request->language, WORD_POLICY), policy);
    free(policy);
    put_outages(request, page, service);
    html_put(page, "</section>\n");
}

int page_sla(struct web_request *request)
{
    const char *period = request_text(request, "period");
    period = period != NULL ? period : "this-month";
    json_t *report = query_sla(request->sources, period, NULL, request->now, &request->failure);
    if (report == NULL) {
        return frame_failure(request);
    }
    const json_t *range = json_object_get(report, "period");
    struct html *page = frame_begin(request, word(request->language, WORD_LEVELS), 0);
    put_form(request, page, period);
    html_put(page, "<p>$ – $ ($)", frame_text(range, "from_local"), frame_text(range, "to_local"),
             frame_text(report, "timezone"));
    if (json_is_true(json_object_get(report, "provisional"))) {
        html_put(page, ", <em>$</em>", word(request->language, WORD_PROVISIONAL));
    }
    html_put(page, "</p>\n");
    put_summary(request, page, report);
    size_t i;
    const json_t *service;
    json_array_foreach(json_object_get(report, "services"), i, service)
    {
        put_service(request, page, service);
    }
    json_decref(report);
    return frame_end(request, page, 200);
}
