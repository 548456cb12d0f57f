/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support.h"

#include "common/stats.h"
#include "common/xalloc.h"
#include "sla/report.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* --- reading answers --- */

static json_t *must(json_t *answer, const struct query_failure *failure)
{
    if (answer == NULL) {
        fail_msg("%s", failure->reason);
    }
    return answer;
}

static json_t *status_of(struct bed *bed)
{
    struct query_failure failure = {0};
    return must(query_status(&bed->sources, clock_wall(), &failure), &failure);
}

/* The item of an array whose text under `key` is `value`. */
static const json_t *find(const json_t *array, const char *key, const char *value)
{
    size_t i;
    const json_t *item;
    json_array_foreach(array, i, item)
    {
        const char *text = json_string_value(json_object_get(item, key));
        if (text != NULL && strcmp(text, value) == 0) {
            return item;
        }
    }
    fail_msg("no item with %s = %s", key, value);
    return NULL;
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "(null)";
}

static const json_t *check_of(const json_t *status, const char *device, const char *check)
{
    const json_t *found = find(json_object_get(status, "devices"), "device", device);
    return find(json_object_get(found, "checks"), "check", check);
}

static const char *service_state(const json_t *status, const char *service)
{
    return text_of(find(json_object_get(status, "services"), "service", service), "state");
}

static const char *utc(int64_t ms)
{
    static char text[WALL_TEXT_SIZE];
    return wall_format_utc((struct wall){ms}, text);
}

/* --- before there is anything --- */

static void check_is_empty(struct bed *bed)
{
    struct query_failure failure = {0};
    static const char *const agents[] = {"agent-a", NULL};
    bed->sources.agents = agents;
    put_contract(bed, city_contract);
    json_t *status = status_of(bed);
    assert_int_equal(json_array_size(json_object_get(status, "devices")), 0);
    assert_int_equal(json_array_size(json_object_get(status, "problems")), 0);
    assert_string_equal(
        text_of(find(json_object_get(status, "agents"), "agent", "agent-a"), "state"), "never");
    assert_string_equal(service_state(status, "network"), "unknown");
    json_decref(status);
    json_t *objects =
        must(query_objects(&bed->sources, NULL, NULL, true, clock_wall(), &failure), &failure);
    assert_int_equal(json_array_size(json_object_get(objects, "objects")), 0);
    json_decref(objects);
    json_t *runs = must(query_runs(&bed->sources, NULL, NULL, (struct wall){1},
                                   (struct wall){NOW_MS}, clock_wall(), &failure),
                        &failure);
    assert_int_equal(json_array_size(json_object_get(runs, "runs")), 0);
    json_decref(runs);
    json_t *report =
        must(query_sla(&bed->sources, "today", NULL, clock_wall(), &failure), &failure);
    json_decref(report);
    assert_null(query_object(&bed->sources, "d", "k", "n", clock_wall(), &failure));
    assert_int_equal(failure.error, QUERY_NOT_FOUND);
}

static void no_ledger_is_an_empty_one(void **state)
{
    check_is_empty(*state);
}

static void empty_file_is_an_empty_ledger(void **state)
{
    struct bed *bed = *state;
    FILE *file = fopen(bed->ledger_path, "w");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
    check_is_empty(bed);
}

static void damaged_ledger_is_unavailable(void **state)
{
    struct bed *bed = *state;
    struct query_failure failure = {0};
    FILE *file = fopen(bed->ledger_path, "w");
    assert_non_null(file);
    for (int i = 0; i < 2000; i++) {
        assert_true(fputs("not a ledger ", file) >= 0);
    }
    assert_int_equal(fclose(file), 0);
    assert_null(query_status(&bed->sources, clock_wall(), &failure));
    assert_int_equal(failure.error, QUERY_UNAVAILABLE);
    assert_non_null(strstr(failure.reason, "ledger"));
}

static void silent_parts_are_alarms(void **state)
{
    struct bed *bed = *state;
    json_t *status = status_of(bed);
    const json_t *alarms = json_object_get(json_object_get(status, "collector"), "alarms");
    assert_int_equal(json_array_size(alarms), 3);
    assert_non_null(strstr(json_string_value(json_array_get(alarms, 0)), "intake"));
    assert_true(
        json_is_null(json_object_get(json_object_get(status, "collector"), "journal_lag_s")));
    json_decref(status);
}

/* --- checks --- */

static void a_check_without_results_is_unknown(void **state)
{
    struct bed *bed = *state;
    int64_t last = NOW_MS - (90 + 20) * SECOND_MS - 1;
    open_ledger(bed);
    put_run(bed, "agent-a", "web-1", "http", OUTCOME_UP, "", NOW_MS - HOUR_MS, last);
    put_run(bed, "agent-a", "web-1", "ping", OUTCOME_UP, "", NOW_MS - HOUR_MS, last + 1);
    json_t *status = status_of(bed);
    const json_t *http = check_of(status, "web-1", "http");
    assert_string_equal(text_of(http, "outcome"), "unknown");
    assert_string_equal(text_of(http, "reason"), "no-data");
    assert_string_equal(text_of(http, "since"), utc(last));
    assert_string_equal(text_of(check_of(status, "web-1", "ping"), "outcome"), "up");
    assert_int_equal(json_array_size(json_object_get(status, "problems")), 1);
    const json_t *device = find(json_object_get(status, "devices"), "device", "web-1");
    assert_string_equal(text_of(device, "state"), "unknown");
    json_decref(status);
}

/* Statements may be an hour apart; a row of the check says that results still come. */
static void rows_keep_a_check_alive(void **state)
{
    struct bed *bed = *state;
    const struct object row = {
        .device = "web-1", .kind = "check", .name = "http", .interval_ms = 10000};
    open_ledger(bed);
    put_contract(bed, city_contract);
    put_agent(bed, "agent-a", NOW_MS - SECOND_MS);
    put_run(bed, "agent-a", "web-1", "http", OUTCOME_DOWN, "timeout", NOW_MS - 2 * HOUR_MS,
            NOW_MS - HOUR_MS);
    put_object(bed, "agent-a", &row, NOW_MS - 3 * SECOND_MS);
    json_t *status = status_of(bed);
    const json_t *check = check_of(status, "web-1", "http");
    assert_string_equal(text_of(check, "outcome"), "down");
    assert_string_equal(text_of(check, "since"), utc(NOW_MS - 2 * HOUR_MS));
    assert_string_equal(text_of(check, "last"), utc(NOW_MS - 3 * SECOND_MS));
    assert_string_equal(service_state(status, "citizen web"), "down");
    json_decref(status);
}

static void problems_come_worst_and_oldest_first(void **state)
{
    struct bed *bed = *state;
    static const char *const order[] = {"old-down", "new-down", "degraded", "unknown"};
    open_ledger(bed);
    put_run(bed, "agent-a", "d", "unknown", OUTCOME_UNKNOWN, "no-route", NOW_MS - 9 * HOUR_MS,
            NOW_MS);
    put_run(bed, "agent-a", "d", "degraded", OUTCOME_DEGRADED, "slow", NOW_MS - 8 * HOUR_MS,
            NOW_MS);
    put_run(bed, "agent-a", "d", "new-down", OUTCOME_DOWN, "timeout", NOW_MS - 1 * HOUR_MS, NOW_MS);
    put_run(bed, "agent-a", "d", "old-down", OUTCOME_DOWN, "timeout", NOW_MS - 2 * HOUR_MS, NOW_MS);
    put_run(bed, "agent-a", "d", "fine", OUTCOME_UP, "", NOW_MS - 20 * HOUR_MS, NOW_MS);
    json_t *status = status_of(bed);
    const json_t *problems = json_object_get(status, "problems");
    assert_int_equal(json_array_size(problems), 4);
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(text_of(json_array_get(problems, i), "check"), order[i]);
    }
    assert_int_equal(json_integer_value(json_object_get(json_array_get(problems, 0), "duration_s")),
                     7200);
    const json_t *device = find(json_object_get(status, "devices"), "device", "d");
    assert_string_equal(text_of(device, "state"), "down");
    assert_string_equal(text_of(device, "since"), utc(NOW_MS - 2 * HOUR_MS));
    json_decref(status);
}

static void another_reason_is_the_same_problem(void **state)
{
    struct bed *bed = *state;
    int64_t began = NOW_MS - 30 * MINUTE_MS;
    open_ledger(bed);
    put_contract(bed, city_contract);
    put_agent(bed, "agent-a", NOW_MS - SECOND_MS);
    put_run(bed, "agent-a", "sw-1", "snmp", OUTCOME_UP, "", NOW_MS - HOUR_MS, began - 10000);
    put_run(bed, "agent-a", "sw-1", "snmp", OUTCOME_DOWN, "timeout", began, began + MINUTE_MS);
    put_run(bed, "agent-a", "sw-1", "snmp", OUTCOME_DOWN, "refused", began + MINUTE_MS + 10000,
            NOW_MS - 5 * SECOND_MS);
    json_t *status = status_of(bed);
    const json_t *check = check_of(status, "sw-1", "snmp");
    assert_string_equal(text_of(check, "reason"), "refused");
    assert_string_equal(text_of(check, "since"), utc(began));
    const json_t *service = find(json_object_get(status, "services"), "service", "network");
    assert_string_equal(text_of(service, "since"), utc(began));
    const json_t *cause = json_array_get(json_object_get(service, "cause"), 0);
    assert_string_equal(text_of(cause, "reason"), "refused");
    json_decref(status);
}

static void agents_are_ok_silent_or_never_heard(void **state)
{
    struct bed *bed = *state;
    static const char *const agents[] = {"agent-a", "agent-b", "agent-c", NULL};
    open_ledger(bed);
    bed->sources.agents = agents;
    put_agent(bed, "agent-a", NOW_MS - 2 * MINUTE_MS);
    put_agent(bed, "agent-b", NOW_MS - 2 * MINUTE_MS - 1);
    json_t *status = status_of(bed);
    const json_t *list = json_object_get(status, "agents");
    assert_int_equal(json_array_size(list), 3);
    assert_string_equal(text_of(find(list, "agent", "agent-a"), "state"), "ok");
    assert_string_equal(text_of(find(list, "agent", "agent-b"), "state"), "silent");
    assert_string_equal(text_of(find(list, "agent", "agent-c"), "state"), "never");
    assert_true(json_is_null(json_object_get(find(list, "agent", "agent-c"), "received")));
    assert_true(json_real_value(json_object_get(find(list, "agent", "agent-a"), "age_s")) == 120);
    json_decref(status);
}

/* A statement is up to a minute old; what it says holds while its agent would have told. */
static void services_hold_while_the_agent_is_heard(void **state)
{
    struct bed *bed = *state;
    open_ledger(bed);
    put_contract(bed, city_contract);
    put_agent(bed, "agent-a", NOW_MS - 2 * SECOND_MS);
    put_agent(bed, "agent-b", NOW_MS - 50 * SECOND_MS);
    put_run(bed, "agent-a", "web-1", "http", OUTCOME_UP, "", NOW_MS - HOUR_MS,
            NOW_MS - 50 * SECOND_MS);
    put_run(bed, "agent-b", "sw-1", "snmp", OUTCOME_UP, "", NOW_MS - HOUR_MS,
            NOW_MS - 50 * SECOND_MS);
    json_t *status = status_of(bed);
    assert_string_equal(service_state(status, "citizen web"), "up");
    assert_string_equal(service_state(status, "network"), "unknown");
    const json_t *web = find(json_object_get(status, "services"), "service", "citizen web");
    assert_string_equal(text_of(web, "availability_pct"), "100.0000");
    assert_string_equal(text_of(web, "target_pct"), "99.9");
    assert_true(json_is_true(json_object_get(web, "meets")));
    json_decref(status);
}

/* --- objects --- */

static void objects_have_their_latest_values(void **state)
{
    struct bed *bed = *state;
    struct query_failure failure = {0};
    put_city(bed);
    json_t *answer =
        must(query_objects(&bed->sources, "sw-1", NULL, true, clock_wall(), &failure), &failure);
    const json_t *objects = json_object_get(answer, "objects");
    assert_int_equal(json_array_size(objects), 1);
    const json_t *object = json_array_get(objects, 0);
    assert_string_equal(text_of(object, "name"), "eth0");
    assert_string_equal(text_of(object, "status"), "ok");
    assert_string_equal(text_of(object, "last"), utc(NOW_MS - 5 * SECOND_MS));
    assert_string_equal(text_of(json_object_get(object, "labels"), "alias"), "up & <down>");
    assert_string_equal(
        text_of(find(json_object_get(object, "metrics"), "name", "speed_bps"), "type"), "gauge");
    const json_t *latest = json_object_get(object, "latest");
    assert_true(fabs(json_real_value(json_object_get(latest, "in_octets")) - 1000) < 0.01);
    assert_true(fabs(json_real_value(json_object_get(latest, "out_octets")) - 50) < 0.01);
    assert_true(json_is_null(json_object_get(latest, "speed_bps")));
    /* Longer than a data source's name. */
    assert_true(fabs(json_real_value(json_object_get(latest, "in_multicast_packets")) - 100) <
                0.01);
    assert_true(fabs(json_real_value(json_object_get(latest, "queue_drops_of_the_vendor")) - 10) <
                0.01);
    json_decref(answer);
    answer =
        must(query_objects(&bed->sources, NULL, "radio", false, clock_wall(), &failure), &failure);
    object = json_array_get(json_object_get(answer, "objects"), 0);
    assert_true(json_is_null(json_object_get(object, "last")));
    assert_true(json_is_null(json_object_get(object, "status")));
    assert_null(json_object_get(object, "latest"));
    json_decref(answer);
}

/* Of each: id, title, axis, and its first metric. */
static void expect_graphs(const json_t *graphs, const char *const expected[][4], size_t n)
{
    assert_int_equal(json_array_size(graphs), n);
    for (size_t i = 0; i < n; i++) {
        const json_t *graph = json_array_get(graphs, i);
        assert_string_equal(text_of(graph, "id"), expected[i][0]);
        assert_string_equal(text_of(graph, "title"), expected[i][1]);
        assert_string_equal(text_of(graph, "axis"), expected[i][2]);
        assert_string_equal(json_string_value(json_array_get(json_object_get(graph, "metrics"), 0)),
                            expected[i][3]);
    }
}

/* What no definition shows: a graph for each unit, in pieces that can be read. */
static void metrics_without_a_definition_have_graphs(void **state)
{
    struct bed *bed = *state;
    struct query_failure failure = {0};
    struct metric metrics[14] = {{"volts", "V", METRIC_GAUGE},
                                 {"drops", "1", METRIC_COUNTER},
                                 {"amps", "A", METRIC_GAUGE},
                                 {"level", "1", METRIC_GAUGE}};
    char names[10][8];
    struct object object = {.device = "ups",
                            .kind = "rectifier",
                            .name = "r1",
                            .interval_ms = 60000,
                            .metrics = metrics,
                            .n_metrics = 14};
    static const char *const expected[][4] = {
        {"unit:V", "volts, v0, v1, …", "V", "volts"},
        {"unit:1/s", "drops", "1/s", "drops"},
        {"unit:A", "amps", "A", "amps"},
        {"unit:1", "level", "1", "level"},
        {"unit:V:2", "v8, v9", "V", "v8"},
    };
    for (size_t i = 0; i < 10; i++) {
        (void)snprintf(names[i], sizeof names[i], "v%zu", i);
        metrics[4 + i] = (struct metric){names[i], "V", METRIC_GAUGE};
    }
    put_city(bed);
    put_object(bed, "agent-a", &object, 0);
    json_t *graphs =
        must(query_graphs(&bed->sources, "ups", "rectifier", "r1", &failure), &failure);
    expect_graphs(graphs, expected, 5);
    assert_int_equal(json_array_size(json_object_get(json_array_get(graphs, 0), "metrics")), 9);
    json_decref(graphs);
}

/* An object that only is: labels, and nothing that could be measured. */
static void an_object_without_metrics_is_known(void **state)
{
    struct bed *bed = *state;
    struct query_failure failure = {0};
    static const struct label labels[] = {{"protocol", "lldp"}, {"sys_name", "sw-2"}};
    const struct object neighbour = {.device = "sw-1",
                                     .kind = "neighbour",
                                     .name = "lldp eth0",
                                     .interval_ms = 600000,
                                     .labels = labels,
                                     .n_labels = 2};
    put_city(bed);
    put_object(bed, "agent-a", &neighbour, 0);
    json_t *object =
        must(query_object(&bed->sources, "sw-1", "neighbour", "lldp eth0", clock_wall(), &failure),
             &failure);
    assert_int_equal(json_array_size(json_object_get(object, "metrics")), 0);
    assert_int_equal(json_array_size(json_object_get(object, "graphs")), 0);
    assert_int_equal(json_object_size(json_object_get(object, "latest")), 0);
    assert_string_equal(text_of(json_object_get(object, "labels"), "sys_name"), "sw-2");
    json_decref(object);
}

static void object_has_graphs(void **state)
{
    struct bed *bed = *state;
    struct query_failure failure = {0};
    put_city(bed);
    json_t *object = must(
        query_object(&bed->sources, "sw-1", "interface", "eth0", clock_wall(), &failure), &failure);
    static const char *const expected[][4] = {
        {"traffic", "Traffic", "bit/s", "in_octets"}, /* no errors are measured */
        {"state", "State", "1 = up, 2 = down", "oper_status"},
        {"speed", "Speed", "bit/s", "speed_bps"},
        {"packets", "Packets", "packets/s", "in_multicast_packets"},
        {"unit:packets/s", "queue_drops_of_the_vendor", "packets/s", "queue_drops_of_the_vendor"},
    };
    expect_graphs(json_object_get(object, "graphs"), expected, 5);
    json_decref(object);
    json_t *graphs =
        must(query_graphs(&bed->sources, "sw-1", "interface", "eth0", &failure), &failure);
    expect_graphs(graphs, expected, 5);
    json_decref(graphs);
    assert_null(query_graphs(&bed->sources, "sw-1", "interface", "eth1", &failure));
    assert_int_equal(failure.error, QUERY_NOT_FOUND);
    object = must(query_object(&bed->sources, "<b>\"&'", "radio",
                               "x/y?z=1&\"><script>alert(1)</script>", clock_wall(), &failure),
                  &failure);
    assert_string_equal(text_of(json_array_get(json_object_get(object, "graphs"), 0), "id"),
                        "unit:dBm");
    assert_true(
        json_is_null(json_object_get(json_object_get(object, "latest"), "signal"))); /* no file */
    json_decref(object);
    assert_null(query_object(&bed->sources, "sw-1", "interface", "eth1", clock_wall(), &failure));
    assert_int_equal(failure.error, QUERY_NOT_FOUND);
}

static void series_are_consolidated_rows(void **state)
{
    struct bed *bed = *state;
    struct query_failure failure = {0};
    struct wall from = {NOW_MS - 10 * MINUTE_MS};
    struct wall to = {NOW_MS};
    put_city(bed);
    json_t *series =
        must(query_series(&bed->sources, "sw-1", "interface", "eth0", from, to, 600, &failure),
             &failure);
    assert_int_equal(json_integer_value(json_object_get(series, "step_s")), 10);
    const json_t *rows = json_object_get(series, "rows");
    assert_in_range(json_array_size(rows), 60, 62);
    const json_t *row = json_array_get(rows, 30);
    assert_int_equal(json_integer_value(json_array_get(row, 0)) % 10, 0);
    assert_true(fabs(json_real_value(json_array_get(row, 1)) - 1000) < 0.01);
    assert_true(json_is_null(json_array_get(row, 4)));
    assert_true(fabs(json_real_value(json_array_get(row, 6)) - 10) < 0.01);
    static const char *const names[] = {
        "in_octets", "out_octets",           "oper_status",
        "speed_bps", "in_multicast_packets", "queue_drops_of_the_vendor"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_string_equal(
            json_string_value(json_array_get(json_object_get(series, "metrics"), i)), names[i]);
    }
    json_decref(series);
    series = must(query_series(&bed->sources, "sw-1", "interface", "eth0", from, to, 5, &failure),
                  &failure);
    assert_in_range(json_array_size(json_object_get(series, "rows")), 1, 5);
    json_decref(series);
    assert_null(query_series(&bed->sources, "sw-1", "interface", "eth9", from, to, 5, &failure));
    assert_int_equal(failure.error, QUERY_NOT_FOUND);
    assert_null(query_series(&bed->sources, "sw-1", "interface", "eth0", to, from, 5, &failure));
    assert_int_equal(failure.error, QUERY_BAD_PARAMETER);
}

static void cut_reasons_stay_utf8(void **state)
{
    struct bed *bed = *state;
    struct query_failure failure = {0};
    open_ledger(bed);
    for (size_t ahead = 0; ahead < 4; ahead++) { /* so that the cut falls on each byte */
        char name[256];
        for (size_t i = 0; i < sizeof name; i++) {
            name[i] = i < ahead ? 'x' : "\xF0\x9F\x94\x94"[(i - ahead) % 4];
        }
        name[ahead + 248] = '\0';
        assert_null(query_object(&bed->sources, "d", "k", name, clock_wall(), &failure));
        json_t *text = json_string(failure.reason);
        assert_non_null(text);
        assert_true(json_string_length(text) > 250);
        json_decref(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(no_ledger_is_an_empty_one, open_bed, close_bed),
        cmocka_unit_test_setup_teardown(empty_file_is_an_empty_ledger, open_bed, close_bed),
        cmocka_unit_test_setup_teardown(damaged_ledger_is_unavailable, open_bed, close_bed),
        cmocka_unit_test_setup_teardown(silent_parts_are_alarms, open_bed, close_bed),
        cmocka_unit_test_setup_teardown(a_check_without_results_is_unknown, open_bed, close_bed),
        cmocka_unit_test_setup_teardown(rows_keep_a_check_alive, open_bed, close_bed),
        cmocka_unit_test_setup_teardown(problems_come_worst_and_oldest_first, open_bed, close_bed),
        cmocka_unit_test_setup_teardown(another_reason_is_the_same_problem, open_bed, close_bed),
        cmocka_unit_test_setup_teardown(agents_are_ok_silent_or_never_heard, open_bed, close_bed),
        cmocka_unit_test_setup_teardown(services_hold_while_the_agent_is_heard, open_bed,
                                        close_bed),
        cmocka_unit_test_setup_teardown(objects_have_their_latest_values, open_bed, close_bed),
        cmocka_unit_test_setup_teardown(object_has_graphs, open_bed, close_bed),
        cmocka_unit_test_setup_teardown(metrics_without_a_definition_have_graphs, open_bed,
                                        close_bed),
        cmocka_unit_test_setup_teardown(an_object_without_metrics_is_known, open_bed, close_bed),
        cmocka_unit_test_setup_teardown(series_are_consolidated_rows, open_bed, close_bed),
        cmocka_unit_test_setup_teardown(cut_reasons_stay_utf8, open_bed, close_bed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
