/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Availability of each service over a period, by the collector's contract, with what it is made of.
 */
#include "pages.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* --- the choice of a period --- */

static void put_option(struct html *page, const char *period, const char *chosen, const char *name,
                       const char *rest)
{
    html_put(page,
             strcmp(period, chosen) == 0 ? "<option value=\"$\" selected>$$</option>"
                                         : "<option value=\"$\">$$</option>",
             period, name, rest);
}

/* The quarters and years that a contract is settled by: this one and the one before. */
static bool put_settlements(const struct web_request *request, struct html *page,
                            const char *chosen)
{
    bool known = false;
    int64_t year;
    int month;
    int day;
    char text[32];
    char name[48];
    sla_day_split(sla_zone_day(request->zone, request->now), &year, &month, &day);
    for (int back = 0; back < 2; back++) {
        int64_t quarter = year * 4 + (month - 1) / 3 - back;
        (void)snprintf(text, sizeof text, "%" PRId64 "-Q%" PRId64, quarter / 4, quarter % 4 + 1);
        (void)snprintf(name, sizeof name, "%s ", word(request->language, WORD_QUARTER));
        put_option(page, text, chosen, name, text);
        known = known || strcmp(text, chosen) == 0;
    }
    for (int back = 0; back < 2; back++) {
        (void)snprintf(text, sizeof text, "%" PRId64, year - back);
        (void)snprintf(name, sizeof name, "%s ", word(request->language, WORD_YEAR));
        put_option(page, text, chosen, name, text);
        known = known || strcmp(text, chosen) == 0;
    }
    return known;
}

static void put_form(const struct web_request *request, struct html *page, const char *period)
{
    static const struct {
        const char *period;
        enum word name;
    } choices[] = {
        {"this-month", WORD_THIS_MONTH}, {"last-month", WORD_LAST_MONTH}, {"today", WORD_TODAY},
        {"yesterday", WORD_YESTERDAY},   {"last-24h", WORD_LAST_24H},     {"last-7d", WORD_LAST_7D},
    };
    html_put(
        page,
        "<form method=\"get\" action=\"/sla\"><input type=\"hidden\" name=\"lang\" value=\"$\">"
        "<label for=\"period\">$</label><select id=\"period\" name=\"period\">",
        language_code(request->language), word(request->language, WORD_PERIOD));
    bool known = false;
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++) {
        known = known || strcmp(choices[i].period, period) == 0;
        put_option(page, choices[i].period, period, word(request->language, choices[i].name), "");
    }
    known = put_settlements(request, page, period) || known;
    if (!known) {
        put_option(page, period, period, period, "");
    }
    html_put(page, "</select><button>$</button></form>\n", word(request->language, WORD_SHOW));
}

/* --- the figures --- */

static void put_bounds(const struct web_request *request, struct html *page, const json_t *figure)
{
    if (!json_is_string(json_object_get(figure, "min_pct"))) {
        html_put(page, "–");
        return;
    }
    frame_percent(request, page, json_object_get(figure, "min_pct"));
    html_put(page, " $ ", word(request->language, WORD_TO));
    frame_percent(request, page, json_object_get(figure, "max_pct"));
}

static void put_meets(const struct web_request *request, struct html *page, const json_t *service)
{
    frame_meets(request, page, json_object_get(service, "meets"));
    if (json_is_false(json_object_get(service, "decidable"))) {
        html_put(page, " <span class=\"soft\">($)</span>",
                 word(request->language, WORD_NOT_DECIDABLE));
    }
}

static void put_summary(const struct web_request *request, struct html *page, const json_t *report)
{
    static const int titles[] = {WORD_SERVICE, WORD_MEETS,    WORD_RIGHT, WORD_AVAILABILITY,
                                 WORD_RIGHT,   WORD_TARGET,   WORD_RIGHT, WORD_BETWEEN,
                                 WORD_RIGHT,   WORD_COVERAGE, WORD_RIGHT, WORD_OUTAGES,
                                 WORDS};
    size_t i;
    const json_t *service;
    frame_table(request, page, titles);
    json_array_foreach(json_object_get(report, "services"), i, service)
    {
        const json_t *figure = json_object_get(service, "availability");
        char outages[24];
        (void)snprintf(outages, sizeof outages, "%lld",
                       (long long)json_integer_value(json_object_get(service, "outage_count")));
        html_put(page, "<tr><th scope=\"row\">$</th><td>", frame_text(service, "service"));
        put_meets(request, page, service);
        html_put(page, "</td><td class=\"n\">");
        if (json_is_string(json_object_get(figure, "pct"))) {
            html_put(page, "<strong>");
            frame_percent(request, page, json_object_get(figure, "pct"));
            html_put(page, "</strong>");
        } else {
            html_put(page, "<span class=\"soft\">$</span>",
                     word(request->language, WORD_NO_FIGURE));
        }
        html_put(page, "</td><td class=\"n\">");
        frame_percent(request, page, json_object_get(service, "target_pct"));
        html_put(page, "</td><td class=\"n\">");
        put_bounds(request, page, figure);
        html_put(page, "</td><td class=\"n\">");
        frame_percent(request, page, json_object_get(service, "coverage_pct"));
        html_put(page, "</td><td class=\"n\">$</td></tr>\n", outages);
    }
    frame_table_end(page);
}

/* --- a service --- */

static void put_cause(struct html *page, const json_t *outage)
{
    size_t i;
    const json_t *cause;
    json_array_foreach(json_object_get(outage, "cause"), i, cause)
    {
        html_put(page, "$$/$: $", i > 0 ? ", " : "", frame_text(cause, "device"),
                 frame_text(cause, "check"), frame_text(cause, "reason"));
    }
}

static int64_t whole(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static void put_outage(const struct web_request *request, struct html *page, const json_t *outage)
{
    html_put(page, "<tr><td>");
    frame_time(request, page, json_object_get(outage, "from"));
    html_put(page, "</td><td>");
    if (json_is_true(json_object_get(outage, "open"))) {
        html_put(page, "<strong>$</strong>", word(request->language, WORD_STILL_OPEN));
    } else {
        frame_time(request, page, json_object_get(outage, "to"));
    }
    html_put(page, "</td><td class=\"n\">");
    frame_exact(request, page, whole(outage, "duration_ms"));
    html_put(page, "</td><td class=\"n\">");
    frame_exact(request, page, whole(outage, "min_ms"));
    html_put(page, " $ ", word(request->language, WORD_TO));
    frame_exact(request, page, whole(outage, "max_ms"));
    html_put(page, "</td><td>");
    put_cause(page, outage);
    html_put(page, "</td></tr>\n");
}

static void put_outages(const struct web_request *request, struct html *page, const json_t *service)
{
    static const int titles[] = {WORD_OUTAGE_FROM, WORD_OUTAGE_TO, WORD_RIGHT, WORD_DURATION,
                                 WORD_RIGHT,       WORD_BETWEEN,   WORD_CAUSE, WORDS};
    size_t i;
    const json_t *outage;
    if (json_array_size(json_object_get(service, "outages")) == 0) {
        bool measured = json_is_boolean(json_object_get(service, "meets"));
        html_put(page, "<p>$</p>\n",
                 word(request->language, measured ? WORD_NO_OUTAGE : WORD_NO_OUTAGE_SEEN));
        return;
    }
    frame_table(request, page, titles);
    json_array_foreach(json_object_get(service, "outages"), i, outage)
    {
        put_outage(request, page, outage);
    }
    frame_table_end(page);
}

/* The classes sum to the period: those that have a part of it. */
static void put_classes(const struct web_request *request, struct html *page, const json_t *service)
{
    json_t *classes = json_object_get(service, "classes_ms");
    const char *name;
    json_t *ms;
    html_put(page, "<section><h3>$</h3><dl class=\"labels\">",
             word(request->language, WORD_CLASSES));
    json_object_foreach(classes, name, ms)
    {
        if (json_integer_value(ms) != 0) {
            html_put(page, "<dt>$</dt><dd>", state_word(request->language, name));
            frame_exact(request, page, json_integer_value(ms));
            html_put(page, "</dd>");
        }
    }
    html_put(page, "</dl></section>\n");
}

static void put_rule(const struct web_request *request, struct html *page, enum word name,
                     const char *text)
{
    html_put(page, "<dt>$</dt><dd>$</dd>", word(request->language, name),
             state_word(request->language, text));
}

static void put_rule_ms(const struct web_request *request, struct html *page, enum word name,
                        int64_t ms, const char *per)
{
    if (ms != 0) {
        html_put(page, "<dt>$</dt><dd>", word(request->language, name));
        frame_exact(request, page, ms);
        html_put(page, per != NULL ? " / $</dd>" : "$</dd>",
                 per != NULL ? state_word(request->language, per) : NULL);
    }
}

static void put_policy(const struct web_request *request, struct html *page, const json_t *service)
{
    const json_t *policy = json_object_get(service, "policy");
    const char *hours = json_string_value(json_object_get(policy, "hours"));
    html_put(page, "<section><h3>$</h3><dl class=\"labels\">",
             word(request->language, WORD_POLICY));
    put_rule(request, page, WORD_POLICY_HOURS,
             hours != NULL ? hours : word(request->language, WORD_ROUND_THE_CLOCK));
    put_rule(request, page, WORD_POLICY_PLANNED, frame_text(policy, "planned"));
    put_rule(request, page, WORD_POLICY_UNKNOWN, frame_text(policy, "unknown"));
    put_rule(request, page, WORD_POLICY_INITIAL, frame_text(policy, "initial_state"));
    put_rule(request, page, WORD_POLICY_WEIGHT, frame_text(policy, "degraded_weight"));
    if (whole(policy, "sample_valid_ms") == 0) {
        put_rule(request, page, WORD_POLICY_SAMPLE, word(request->language, WORD_OWN_INTERVAL));
    }
    put_rule_ms(request, page, WORD_POLICY_SAMPLE, whole(policy, "sample_valid_ms"), NULL);
    put_rule_ms(request, page, WORD_POLICY_IGNORE, whole(policy, "ignore_outages_shorter_ms"),
                NULL);
    put_rule_ms(request, page, WORD_POLICY_NOTICE, whole(policy, "minimum_notice_ms"), NULL);
    put_rule_ms(request, page, WORD_POLICY_QUOTA, whole(policy, "planned_quota_ms"),
                frame_text(policy, "planned_quota_per"));
    html_put(page, "</dl></section>\n");
}

static void put_service(const struct web_request *request, struct html *page, const json_t *service)
{
    html_put(page, "<section><h2>$</h2>\n", frame_text(service, "service"));
    put_outages(request, page, service);
    html_put(page, "<div class=\"beside\">");
    put_classes(request, page, service);
    put_policy(request, page, service);
    html_put(page, "</div></section>\n");
}

static int answer_no_contract(const struct web_request *request)
{
    struct html *page = frame_begin(request, word(request->language, WORD_LEVELS), NULL, 0);
    html_put(page, "<p>$</p>\n", word(request->language, WORD_NO_CONTRACT));
    return frame_end(request, page, 200);
}

int page_sla(struct web_request *request)
{
    const char *period = request_text(request, "period");
    period = period != NULL ? period : "this-month";
    if (request->sources->contract == NULL) {
        return answer_no_contract(request);
    }
    json_t *report = query_sla(request->sources, period, NULL, request->now, &request->failure);
    if (report == NULL) {
        return frame_failure(request);
    }
    const json_t *range = json_object_get(report, "period");
    struct html *page = frame_begin(request, word(request->language, WORD_LEVELS), NULL, 0);
    put_form(request, page, period);
    html_put(page, "<p>");
    frame_time(request, page, json_object_get(range, "from"));
    html_put(page, " $ ", word(request->language, WORD_TO));
    frame_time(request, page, json_object_get(range, "to"));
    html_put(page, " ($)", frame_text(report, "timezone"));
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
