/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From runs and a contract to JSON: what a reader of the report sees. */
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { UP = 1, DEGRADED = 2, DOWN = 3, NOT_RUN = 4, MINUTE = 60000, HOUR = 3600000 };

#define SIMPLE                                                                                     \
    "contract: {name: c, title: T, timezone: Europe/Paris}\n"                                      \
    "services: [{name: s, target: 99.9, requires: {check: d/c}}]\n"

static void a_day_with_an_outage(void **state)
{
    (void)state;
    struct sla_contract *contract = contract_of(SIMPLE);
    struct sla_input *input = sla_input_new();
    json_t *service;
    add_run(input, "c", "2026-06-09T00:00:00Z", "2026-06-10T10:00:00Z", MINUTE, UP);
    add_run(input, "c", "2026-06-10T10:01:00Z", "2026-06-10T10:05:00Z", MINUTE, DOWN);
    add_run(input, "c", "2026-06-10T10:06:00Z", "2026-06-11T12:00:00Z", MINUTE, UP);
    json_t *report = report_of(contract, input, "2026-06-09T22:00:00Z", "2026-06-10T22:00:00Z",
                               "2026-06-20T00:00:00Z", &service);
    assert_string_equal(text_at(report, "contract", NULL), "c");
    assert_string_equal(text_at(report, "title", NULL), "T");
    assert_string_equal(text_at(report, "timezone", NULL), "Europe/Paris");
    assert_string_equal(text_at(report, "period", "from"), "2026-06-09T22:00:00Z");
    assert_string_equal(text_at(report, "period", "to_local"), "2026-06-11T00:00:00+02:00");
    assert_string_equal(text_at(report, "as_of", NULL), "2026-06-20T00:00:00Z");
    assert_true(json_is_false(json_object_get(report, "provisional")));
    assert_string_equal(text_at(service, "service", NULL), "s");
    assert_string_equal(text_at(service, "target_pct", NULL), "99.9");
    assert_string_equal(text_at(service, "state", NULL), "up");
    assert_int_equal(int_at(service, "availability", "numerator_ms"), 86400000 - 5 * MINUTE);
    assert_int_equal(int_at(service, "availability", "denominator_ms"), 86400000);
    assert_int_equal(int_at(service, "availability", "scale"), 1);
    assert_string_equal(text_at(service, "availability", "pct"), "99.6528");
    assert_string_equal(text_at(service, "availability", "min_pct"), "99.5833"); /* 6 min */
    assert_string_equal(text_at(service, "availability", "max_pct"), "99.7222"); /* 4 min */
    assert_true(json_is_false(json_object_get(service, "meets")));
    assert_true(json_is_true(json_object_get(service, "decidable")));
    assert_string_equal(text_at(service, "coverage_pct", NULL), "100.0000");
    assert_int_equal(int_at(service, "outage_count", NULL), 1);
    const json_t *outage = json_array_get(json_object_get(service, "outages"), 0);
    assert_string_equal(text_at(outage, "from", NULL), "2026-06-10T10:01:00Z");
    assert_string_equal(text_at(outage, "to", NULL), "2026-06-10T10:06:00Z");
    assert_int_equal(int_at(outage, "duration_ms", NULL), 5 * MINUTE);
    assert_int_equal(int_at(outage, "counted_ms", NULL), 5 * MINUTE);
    assert_int_equal(int_at(outage, "min_ms", NULL), 4 * MINUTE);
    assert_int_equal(int_at(outage, "max_ms", NULL), 6 * MINUTE);
    assert_true(json_is_false(json_object_get(outage, "open")));
    const json_t *cause = json_array_get(json_object_get(outage, "cause"), 0);
    assert_string_equal(text_at(cause, "device", NULL), "d");
    assert_string_equal(text_at(cause, "outcome", NULL), "down");
    json_decref(report);
    sla_input_free(input);
    sla_contract_free(contract);
}

/* 86 s of a day may be down at 99.9 %: one failed result each minute cannot tell. */
static void what_the_sampling_cannot_decide_is_said(void **state)
{
    (void)state;
    struct sla_contract *contract = contract_of(SIMPLE);
    struct sla_input *input = sla_input_new();
    json_t *service;
    add_run(input, "c", "2026-06-09T00:00:00Z", "2026-06-10T10:00:00Z", MINUTE, UP);
    add_run(input, "c", "2026-06-10T10:01:00Z", "2026-06-10T10:01:00Z", MINUTE, DOWN);
    add_run(input, "c", "2026-06-10T10:02:00Z", "2026-06-11T12:00:00Z", MINUTE, UP);
    json_t *report = report_of(contract, input, "2026-06-10T00:00:00Z", "2026-06-11T00:00:00Z",
                               "2026-06-20T00:00:00Z", &service);
    assert_true(json_is_true(json_object_get(service, "meets")));
    assert_true(json_is_false(json_object_get(service, "decidable")));
    json_decref(report);
    sla_input_free(input);
    sla_contract_free(contract);
}

static void a_running_period_ends_now_and_is_provisional(void **state)
{
    (void)state;
    struct sla_contract *contract = contract_of(SIMPLE);
    struct sla_input *input = sla_input_new();
    json_t *service;
    add_run(input, "c", "2026-06-10T00:00:00Z", "2026-06-10T10:00:00Z", MINUTE, UP);
    add_run(input, "c", "2026-06-10T10:01:00Z", "2026-06-10T11:00:00Z", MINUTE, DOWN);
    json_t *report = report_of(contract, input, "2026-06-10T00:00:00Z", "2026-06-11T00:00:00Z",
                               "2026-06-10T11:02:00Z", &service);
    assert_true(json_is_true(json_object_get(report, "provisional")));
    assert_int_equal(int_at(service, "period_ms", NULL), 11 * HOUR + 2 * MINUTE);
    assert_int_equal(int_at(service, "classes_ms", "unknown"), 0);
    assert_int_equal(int_at(service, "classes_ms", "down"), 61 * MINUTE);
    const json_t *outage = json_array_get(json_object_get(service, "outages"), 0);
    assert_true(json_is_true(json_object_get(outage, "open")));
    assert_string_equal(text_at(outage, "to", NULL), "2026-06-10T11:02:00Z");
    assert_string_equal(text_at(service, "state", NULL), "down");
    json_decref(report);
    /* Silent for longer than tolerated: the last result speaks for its interval only. */
    report = report_of(contract, input, "2026-06-10T00:00:00Z", "2026-06-11T00:00:00Z",
                       "2026-06-10T11:03:00Z", &service);
    assert_int_equal(int_at(service, "classes_ms", "unknown"), 2 * MINUTE);
    assert_int_equal(int_at(service, "unknown_ms_by_cause", "no_data"), 2 * MINUTE);
    assert_string_equal(text_at(service, "state", NULL), "unknown");
    json_decref(report);
    /* Nothing of it has passed. */
    report = report_of(contract, input, "2026-06-11T00:00:00Z", "2026-06-12T00:00:00Z",
                       "2026-06-10T11:03:00Z", &service);
    assert_int_equal(int_at(service, "period_ms", NULL), 0);
    assert_string_equal(text_at(service, "availability", "pct"), "null");
    assert_true(json_is_null(json_object_get(service, "meets")));
    assert_true(json_is_null(json_object_get(service, "decidable")));
    assert_string_equal(text_at(service, "coverage_pct", NULL), "null");
    json_decref(report);
    sla_input_free(input);
    sla_contract_free(contract);
}

static void unknown_time_has_its_cause(void **state)
{
    (void)state;
    struct sla_contract *contract = contract_of(SIMPLE);
    struct sla_input *input = sla_input_new();
    json_t *service;
    add_run(input, "c", "2026-06-10T01:00:00Z", "2026-06-10T02:00:00Z", MINUTE, UP);
    add_run(input, "c", "2026-06-10T02:01:00Z", "2026-06-10T03:00:00Z", MINUTE, NOT_RUN);
    add_run(input, "c", "2026-06-10T04:00:00Z", "2026-06-10T23:59:00Z", MINUTE, UP);
    assert_int_equal(sla_input_add_gap(input, (struct sla_interval){at("2026-06-10T03:31:00Z"),
                                                                    at("2026-06-10T05:00:00Z")}),
                     0);
    json_t *report = report_of(contract, input, "2026-06-10T00:00:00Z", "2026-06-11T00:00:00Z",
                               "2026-06-20T00:00:00Z", &service);
    assert_int_equal(int_at(service, "unknown_ms_by_cause", "no_data"), 90 * MINUTE);
    assert_int_equal(int_at(service, "unknown_ms_by_cause", "not_run"), 60 * MINUTE);
    assert_int_equal(int_at(service, "unknown_ms_by_cause", "agent_gap"), 29 * MINUTE);
    assert_int_equal(int_at(service, "classes_ms", "unknown"), 179 * MINUTE);
    assert_string_equal(text_at(service, "coverage_pct", NULL), "87.5694");
    json_decref(report);
    sla_input_free(input);
    sla_contract_free(contract);
}

/* Each service by its own rules; recurring work in local time, over the night of the change. */
static void services_have_their_own_policies(void **state)
{
    (void)state;
    struct sla_contract *contract = contract_of(
        "contract: {name: c}\n"
        "policy: {planned: remove, degraded_weight: 0.333333}\n"
        "maintenance:\n"
        "  - repeat: {rule: FREQ=DAILY, first: 2026-01-01, start: 02:00, end: 04:00}\n"
        "services:\n"
        "  - {name: contract view, target: 99.9, requires: {check: d/c}}\n"
        "  - {name: user view, target: 99.9, policy: {planned: count, degraded_weight: 1}, "
        "requires: {check: d/c}}\n");
    struct sla_input *input = sla_input_new();
    char reason[200];
    add_run(input, "c", "2026-10-24T22:00:00Z", "2026-10-25T10:59:59.999Z", 1, DEGRADED);
    add_run(input, "c", "2026-10-25T11:00:00Z", "2026-10-26T10:00:00Z", 1, UP);
    struct sla_interval day = {at("2026-10-24T22:00:00Z"), at("2026-10-25T23:00:00Z")};
    json_t *report =
        sla_report(contract, input, day, at("2026-11-01T00:00:00Z"), NULL, reason, sizeof reason);
    const json_t *services = json_object_get(report, "services");
    const json_t *contract_view = json_array_get(services, 0);
    const json_t *user_view = json_array_get(services, 1);
    assert_int_equal(int_at(contract_view, "classes_ms", "planned"), 3 * HOUR);
    assert_int_equal(int_at(contract_view, "classes_ms", "degraded"), 10 * HOUR);
    assert_int_equal(int_at(contract_view, "availability", "scale"), 1);
    assert_int_equal(int_at(contract_view, "availability", "numerator_ms"),
                     22 * HOUR - 10 * INT64_C(1199998) - 8);
    assert_string_equal(text_at(contract_view, "policy", "degraded_weight"), "0.333333");
    assert_int_equal(int_at(user_view, "classes_ms", "planned"), 0);
    assert_int_equal(int_at(user_view, "classes_ms", "degraded"), 13 * HOUR);
    assert_string_equal(text_at(user_view, "availability", "pct"), "48.0000");
    assert_string_equal(text_at(user_view, "policy", "planned"), "count");
    json_decref(report);
    report = sla_report(contract, input, day, at("2026-11-01T00:00:00Z"), "user view", reason,
                        sizeof reason);
    assert_int_equal(json_array_size(json_object_get(report, "services")), 1);
    json_decref(report);
    reason[0] = '\0';
    assert_null(sla_report(contract, input, day, day.to, "nobody", reason, sizeof reason));
    assert_non_null(strstr(reason, "nobody"));
    reason[0] = '\0';
    day.to = day.from;
    assert_null(sla_report(contract, input, day, day.to, NULL, reason, sizeof reason));
    assert_string_not_equal(reason, "");
    sla_input_free(input);
    sla_contract_free(contract);
}

/* A contract's text with one exclusion; the report knows it from `recorded` to `withdrawn`. */
static void an_exclusion_is_known_from_when_it_was_agreed(void **state)
{
    (void)state;
    struct sla_contract *contract = contract_of(
        "contract: {name: c}\n"
        "exclusions: [{from: 2026-06-10T14:00, to: 2026-06-10T15:00, reason: power, recorded: "
        "2026-06-20T09:00, withdrawn: 2026-06-25T09:00}]\n"
        "services: [{name: s, target: 99.9, requires: {check: d/c}}]\n");
    struct sla_input *input = sla_input_new();
    static const struct {
        const char *now;
        int64_t excluded_ms;
    } times[] = {{"2026-06-20T06:59:59.999Z", 0},
                 {"2026-06-20T07:00:00Z", HOUR},
                 {"2026-06-25T06:59:59.999Z", HOUR},
                 {"2026-06-25T07:00:00Z", 0}};
    for (size_t i = 0; i < 4; i++) {
        json_t *service;
        json_t *report = report_of(contract, input, "2026-06-09T22:00:00Z", "2026-06-10T22:00:00Z",
                                   times[i].now, &service);
        assert_int_equal(int_at(service, "classes_ms", "excluded"), times[i].excluded_ms);
        json_decref(report);
    }
    sla_input_free(input);
    sla_contract_free(contract);
}

/* 5 h a quarter: April uses 3, so that May has 2 of its 3. */
static void a_quota_of_the_quarter_is_used_up_by_earlier_months(void **state)
{
    (void)state;
    struct sla_contract *contract =
        contract_of("contract: {name: c}\n"
                    "policy: {planned_quota: 5h, planned_quota_per: quarter}\n"
                    "maintenance:\n"
                    "  - {from: 2026-03-31T20:00, to: 2026-03-31T23:00}\n"
                    "  - {from: 2026-04-05T20:00, to: 2026-04-05T23:00}\n"
                    "  - {from: 2026-05-12T20:00, to: 2026-05-12T23:00}\n"
                    "services: [{name: s, target: 99.9, requires: {check: d/c}}]\n");
    struct sla_input *input = sla_input_new();
    json_t *service;
    json_t *report = report_of(contract, input, "2026-04-30T22:00:00Z", "2026-05-31T22:00:00Z",
                               "2026-07-01T00:00:00Z", &service);
    assert_int_equal(int_at(service, "classes_ms", "planned"), 2 * HOUR);
    json_decref(report);
    report = report_of(contract, input, "2026-02-28T23:00:00Z", "2026-05-31T22:00:00Z",
                       "2026-07-01T00:00:00Z", &service);
    assert_int_equal(int_at(service, "classes_ms", "planned"), 8 * HOUR);
    json_decref(report);
    sla_input_free(input);
    sla_contract_free(contract);
}

/* What is merely degraded is not what took the service down. */
static void the_cause_is_what_is_down(void **state)
{
    (void)state;
    struct sla_contract *contract = contract_of(
        "contract: {name: c}\n"
        "services: [{name: s, target: 99, requires: {all: [{check: d/a}, {check: d/b}]}}]\n");
    struct sla_input *input = sla_input_new();
    add_run(input, "a", "2026-06-10T10:00:00Z", "2026-06-10T11:00:00Z", MINUTE, DEGRADED);
    add_run(input, "b", "2026-06-10T10:30:00Z", "2026-06-10T11:00:00Z", MINUTE, DOWN);
    json_t *states = sla_states(contract, input, at("2026-06-10T11:00:00Z"));
    const json_t *cause = json_object_get(json_array_get(states, 0), "cause");
    assert_int_equal(json_array_size(cause), 1);
    assert_string_equal(text_at(json_array_get(cause, 0), "check", NULL), "b");
    json_decref(states);
    sla_input_free(input);
    sla_contract_free(contract);
}

static void bad_runs_and_gaps_are_refused(void **state)
{
    (void)state;
    struct sla_input *input = sla_input_new();
    static const struct sla_run bad[] = {
        {.first = {10}, .last = {9}, .interval_ms = 1, .outcome = UP},
        {.first = {10}, .last = {10}, .interval_ms = 0, .outcome = UP},
        {.first = {10}, .last = {10}, .interval_ms = -5, .outcome = UP},
        {.first = {10}, .last = {10}, .interval_ms = INT64_MAX, .outcome = UP},
        {.first = {INT64_MIN}, .last = {10}, .interval_ms = 1, .outcome = UP},
        {.first = {10}, .last = {INT64_MAX}, .interval_ms = 1, .outcome = UP},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_not_equal(sla_input_add_run(input, "d", "c", &bad[i]), 0);
    }
    assert_int_not_equal(sla_input_add_gap(input, (struct sla_interval){{2}, {1}}), 0);
    assert_int_not_equal(sla_input_add_gap(input, (struct sla_interval){{0}, {INT64_MAX}}), 0);
    sla_input_free(input);
    sla_input_free(NULL);
}

static void states_say_since_when_and_why(void **state)
{
    (void)state;
    struct sla_contract *contract =
        contract_of("contract: {name: c}\n"
                    "services:\n"
                    "  - {name: pair, target: 99, requires: {any: [{check: d/a}, {check: d/b}]}}\n"
                    "  - {name: both, target: 99, requires: {all: [{check: d/a}, {check: d/b}]}}\n"
                    "  - {name: silent, target: 99, requires: {check: d/z}}\n");
    struct sla_input *input = sla_input_new();
    struct sla_run run = {.first = at("2026-06-10T10:00:00Z"),
                          .last = at("2026-06-10T10:59:00Z"),
                          .interval_ms = MINUTE,
                          .outcome = DOWN,
                          .reason = "connection-refused"};
    assert_int_equal(sla_input_add_run(input, "d", "a", &run), 0);
    add_run(input, "b", "2026-06-10T09:00:00Z", "2026-06-10T11:00:00Z", MINUTE, UP);
    json_t *states = sla_states(contract, input, at("2026-06-10T11:00:00Z"));
    const json_t *pair = json_array_get(states, 0);
    const json_t *both = json_array_get(states, 1);
    const json_t *silent = json_array_get(states, 2);
    assert_string_equal(text_at(pair, "state", NULL), "up");
    assert_string_equal(text_at(pair, "since", NULL), "2026-06-10T09:00:00Z");
    assert_int_equal(json_array_size(json_object_get(pair, "cause")), 0);
    assert_string_equal(text_at(both, "state", NULL), "down");
    assert_string_equal(text_at(both, "since", NULL), "2026-06-10T10:00:00Z");
    const json_t *cause = json_object_get(both, "cause");
    assert_int_equal(json_array_size(cause), 1);
    assert_string_equal(text_at(json_array_get(cause, 0), "check", NULL), "a");
    assert_string_equal(text_at(json_array_get(cause, 0), "reason", NULL), "connection-refused");
    assert_string_equal(text_at(silent, "state", NULL), "unknown");
    assert_string_equal(text_at(silent, "since", NULL), "null");
    assert_string_equal(
        text_at(json_array_get(json_object_get(silent, "cause"), 0), "reason", NULL), "no-data");
    json_decref(states);
    /* A result of this very instant is heard. */
    states = sla_states(contract, input, at("2026-06-10T10:00:00Z"));
    assert_string_equal(text_at(json_array_get(states, 1), "state", NULL), "down");
    json_decref(states);
    states = sla_states(contract, input, at("2026-06-10T09:59:59.999Z"));
    assert_string_equal(text_at(json_array_get(states, 1), "state", NULL), "unknown");
    json_decref(states);
    sla_input_free(input);
    sla_contract_free(contract);
}

static void periods_are_read_in_the_zone(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *from;
        const char *to;
    } good[] = {
        {"2026-11", "2026-10-31T23:00:00Z", "2026-11-30T23:00:00Z"},
        {"2026-12", "2026-11-30T23:00:00Z", "2026-12-31T23:00:00Z"},
        {"2026-Q1", "2025-12-31T23:00:00Z", "2026-03-31T22:00:00Z"},
        {"2026-Q4", "2026-09-30T22:00:00Z", "2026-12-31T23:00:00Z"},
        {"2026", "2025-12-31T23:00:00Z", "2026-12-31T23:00:00Z"},
        {"2037", "2036-12-31T23:00:00Z", "2037-12-31T23:00:00Z"},
        {"2026-03-29", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"},
        {"2026-10-25", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"},
        {"2026-W48", "2026-11-22T23:00:00Z", "2026-11-29T23:00:00Z"},
        {"2026-W01", "2025-12-28T23:00:00Z", "2026-01-04T23:00:00Z"},
        {"2026-W53", "2026-12-27T23:00:00Z", "2027-01-03T23:00:00Z"},
        {"today", "2026-11-23T23:00:00Z", "2026-11-24T23:00:00Z"},
        {"yesterday", "2026-11-22T23:00:00Z", "2026-11-23T23:00:00Z"},
        {"this-month", "2026-10-31T23:00:00Z", "2026-11-30T23:00:00Z"},
        {"last-month", "2026-09-30T22:00:00Z", "2026-10-31T23:00:00Z"},
        {"last-24h", "2026-11-23T12:00:00Z", "2026-11-24T12:00:00Z"},
        {"last-90m", "2026-11-24T10:30:00Z", "2026-11-24T12:00:00Z"},
        {"last-7d", "2026-11-17T12:00:00Z", "2026-11-24T12:00:00Z"},
        {"2026-11-01/2026-11-03", "2026-10-31T23:00:00Z", "2026-11-02T23:00:00Z"},
        {"2026-11-01T08:00/2026-11-01T07:30:00Z", "2026-11-01T07:00:00Z", "2026-11-01T07:30:00Z"},
    };
    static const char *const bad[] = {"",
                                      "2026-13",
                                      "2026-00",
                                      "2026-Q5",
                                      "2026-Q0",
                                      "2025-W53",
                                      "2026-W00",
                                      "2026-W54",
                                      "last-0h",
                                      "last-h",
                                      "last-24x",
                                      "last-24hh",
                                      "tomorrow",
                                      "20261",
                                      "2026-11-31",
                                      "1969",
                                      "2038",
                                      "/",
                                      "2026-11-01/",
                                      "2026-11-02/2026-11-01",
                                      "202x",
                                      "2026-1",
                                      "2026-11/2026",
                                      "last-9999999h",
                                      "last-999999d",
                                      "2026-Q44",
                                      "2026-11-01/now",
                                      "2026-W4a",
                                      "2026-11-01/2026-11-01"};
    struct sla_interval period;
    char reason[300];
    struct wall now = at("2026-11-24T12:00:00Z");
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        if (sla_period_parse(good[i].text, "Europe/Paris", now, &period, reason, sizeof reason) !=
            0) {
            fail_msg("%s: %s", good[i].text, reason);
        }
        assert_int_equal(period.from.ms, at(good[i].from).ms);
        assert_int_equal(period.to.ms, at(good[i].to).ms);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        reason[0] = '\0';
        if (sla_period_parse(bad[i], "Europe/Paris", now, &period, reason, sizeof reason) == 0) {
            fail_msg("\"%s\" is taken", bad[i]);
        }
        assert_string_not_equal(reason, "");
    }
    assert_int_not_equal(sla_period_parse("2026", "Nowhere", now, &period, reason, sizeof reason),
                         0);
    /* January's last month is of the year before. */
    assert_int_equal(sla_period_parse("last-month", "UTC", at("2026-01-15T00:00:00Z"), &period,
                                      reason, sizeof reason),
                     0);
    assert_int_equal(period.from.ms, at("2025-12-01T00:00:00Z").ms);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_day_with_an_outage),
        cmocka_unit_test(what_the_sampling_cannot_decide_is_said),
        cmocka_unit_test(a_running_period_ends_now_and_is_provisional),
        cmocka_unit_test(unknown_time_has_its_cause),
        cmocka_unit_test(services_have_their_own_policies),
        cmocka_unit_test(an_exclusion_is_known_from_when_it_was_agreed),
        cmocka_unit_test(a_quota_of_the_quarter_is_used_up_by_earlier_months),
        cmocka_unit_test(the_cause_is_what_is_down),
        cmocka_unit_test(bad_runs_and_gaps_are_refused),
        cmocka_unit_test(states_say_since_when_and_why),
        cmocka_unit_test(periods_are_read_in_the_zone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
