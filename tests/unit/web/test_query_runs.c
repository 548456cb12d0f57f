/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which runs a figure is made from, and when store is asked to write. */
#include "fake_store.h"
#include "support.h"

#include "common/xalloc.h"
#include "sla/report.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const int64_t MIDNIGHT_MS = NOW_MS - 12 * HOUR_MS;

static json_t *runs_of(struct bed *bed, const char *device, const char *check, int64_t from_ms,
                       int64_t to_ms)
{
    struct query_failure failure = {0};
    json_t *answer = query_runs(&bed->sources, device, check, (struct wall){from_ms},
                                (struct wall){to_ms}, clock_wall(), &failure);
    if (answer == NULL) {
        fail_msg("%s", failure.reason);
    }
    return answer;
}

static size_t count(const json_t *answer, const char *what)
{
    return json_array_size(json_object_get(answer, what));
}

/* Is there exactly one run that begins then? */
static bool has_run(const json_t *answer, int64_t first_ms)
{
    char text[WALL_TEXT_SIZE];
    size_t n = 0;
    size_t i;
    const json_t *run;
    (void)wall_format_utc((struct wall){first_ms}, text);
    json_array_foreach(json_object_get(answer, "runs"), i, run)
    {
        n += strcmp(json_string_value(json_object_get(run, "first")), text) == 0;
    }
    return n == 1;
}

/* down from six days before midnight to three after, a new reason every two days. */
static void put_long_outage(struct bed *bed, int64_t midnight_ms)
{
    static const char *const reasons[] = {"timeout", "refused"};
    open_ledger(bed);
    put_run(bed, "agent-a", "web-1", "http", OUTCOME_UP, "", midnight_ms - 8 * DAY_MS,
            midnight_ms - 6 * DAY_MS - 10000);
    for (int i = -3; i < 2; i++) {
        int64_t first = midnight_ms + i * (int64_t)2 * DAY_MS;
        put_run(bed, "agent-a", "web-1", "http", OUTCOME_DOWN, reasons[i & 1], first,
                first + 2 * DAY_MS - 10000);
    }
    put_run(bed, "agent-a", "web-1", "http", OUTCOME_UP, "", midnight_ms + 4 * (int64_t)DAY_MS,
            midnight_ms + 5 * (int64_t)DAY_MS);
}

static void outages_are_listed_whole(void **state)
{
    struct bed *bed = *state;
    int64_t midnight = MIDNIGHT_MS - 20 * (int64_t)DAY_MS;
    put_long_outage(bed, midnight);
    put_run(bed, "agent-a", "sw-1", "snmp", OUTCOME_UP, "", midnight - 9 * (int64_t)DAY_MS,
            midnight + DAY_MS);
    put_gap(bed, "agent-a", midnight - 5 * (int64_t)DAY_MS, midnight - 5 * (int64_t)DAY_MS + 1000);
    put_gap(bed, "agent-a", midnight - 12 * (int64_t)DAY_MS,
            midnight - 12 * (int64_t)DAY_MS + 1000);
    json_t *answer = runs_of(bed, NULL, NULL, midnight, midnight + HOUR_MS);
    assert_true(has_run(answer, midnight - 8 * (int64_t)DAY_MS));
    for (int i = -3; i < 2; i++) {
        assert_true(has_run(answer, midnight + i * (int64_t)2 * DAY_MS));
    }
    assert_true(has_run(answer, midnight + 4 * (int64_t)DAY_MS));
    assert_true(has_run(answer, midnight - 9 * (int64_t)DAY_MS));
    assert_int_equal(count(answer, "runs"), 8);
    assert_int_equal(count(answer, "gaps"), 1);
    json_decref(answer);
    answer = runs_of(bed, "sw-1", "snmp", midnight, midnight + HOUR_MS);
    assert_int_equal(count(answer, "runs"), 1);
    json_decref(answer);
    answer = runs_of(bed, "sw-1", "http", midnight, midnight + HOUR_MS);
    assert_int_equal(count(answer, "runs"), 0);
    json_decref(answer);
}

/* What ends the last state of a period stands behind its end. */
static void the_result_after_the_period_is_listed(void **state)
{
    struct bed *bed = *state;
    open_ledger(bed);
    put_run(bed, "agent-a", "web-1", "http", OUTCOME_UP, "", MIDNIGHT_MS - DAY_MS,
            MIDNIGHT_MS - 15000);
    put_run(bed, "agent-a", "web-1", "http", OUTCOME_DEGRADED, "slow", MIDNIGHT_MS + 5000,
            MIDNIGHT_MS + 15000);
    json_t *answer = runs_of(bed, NULL, NULL, MIDNIGHT_MS - HOUR_MS, MIDNIGHT_MS);
    assert_true(has_run(answer, MIDNIGHT_MS + 5000));
    json_decref(answer);
    struct query_failure failure = {0};
    put_contract(bed, "contract: {name: c, title: C, timezone: UTC}\n"
                      "services: [{name: s, target: 99, requires: {check: web-1/http}}]\n");
    json_t *report = query_sla(&bed->sources, "yesterday", NULL, clock_wall(), &failure);
    const json_t *service = json_array_get(json_object_get(report, "services"), 0);
    /* Up to the period's end: 15 s after a result, at an interval of 10 s, is known only because
     * the next result came. */
    assert_string_equal(json_string_value(json_object_get(service, "coverage_pct")), "100.0000");
    json_decref(report);
}

static int64_t down_ms(struct bed *bed, const char *ignore)
{
    struct query_failure failure = {0};
    char text[256];
    (void)snprintf(text, sizeof text,
                   "contract: {name: c, title: C, timezone: UTC}\n"
                   "policy: {ignore_outages_shorter: %s}\n"
                   "services: [{name: s, target: 99, requires: {check: web-1/http}}]\n",
                   ignore);
    put_contract(bed, text);
    json_t *report = query_sla(&bed->sources, "2026-01-07", "s", clock_wall(), &failure);
    assert_non_null(report);
    const json_t *service = json_array_get(json_object_get(report, "services"), 0);
    int64_t ms =
        json_integer_value(json_object_get(json_object_get(service, "classes_ms"), "down"));
    json_decref(report);
    return ms;
}

/* Of a day in the middle of an outage of ten: whether it is too short to count is decided by the
 * whole of it. */
static void figures_know_the_whole_outage(void **state)
{
    struct bed *bed = *state;
    put_long_outage(bed, MIDNIGHT_MS - 8 * (int64_t)DAY_MS); /* 2026-01-07 */
    assert_int_equal(down_ms(bed, "0s"), DAY_MS);
    assert_int_equal(down_ms(bed, "10d"), DAY_MS);
    assert_int_equal(down_ms(bed, "11d"), 0);
}

static void sla_failures_say_what_is_wrong(void **state)
{
    struct bed *bed = *state;
    struct query_failure failure = {0};
    assert_null(query_sla(&bed->sources, "today", NULL, clock_wall(), &failure));
    assert_int_equal(failure.error, QUERY_NOT_FOUND);
    put_contract(bed, city_contract);
    assert_null(query_sla(&bed->sources, "someday", NULL, clock_wall(), &failure));
    assert_int_equal(failure.error, QUERY_BAD_PARAMETER);
    assert_null(query_sla(&bed->sources, "today", "mail", clock_wall(), &failure));
    assert_int_equal(failure.error, QUERY_NOT_FOUND);
}

/* A quota of planned work begins before the period: so must its runs. */
static void a_quota_needs_runs_from_its_start(void **state)
{
    struct bed *bed = *state;
    struct sla_interval day = {{MIDNIGHT_MS}, {MIDNIGHT_MS + DAY_MS}};
    put_contract(bed, "contract: {name: c, title: C, timezone: UTC}\n"
                      "services: [{name: s, target: 99, requires: {check: web-1/http}}]\n");
    assert_int_equal(sla_report_from(bed->contract, day).ms, MIDNIGHT_MS);
    put_contract(bed, "contract: {name: c, title: C, timezone: UTC}\n"
                      "policy: {planned_quota: 4h, planned_quota_per: month}\n"
                      "services: [{name: s, target: 99, requires: {check: web-1/http}}]\n");
    assert_int_equal(sla_report_from(bed->contract, day).ms, MIDNIGHT_MS - 14 * (int64_t)DAY_MS);
}

/* --- flushing --- */

static void get_objects(struct bed *bed, const char *device)
{
    struct query_failure failure = {0};
    json_t *answer =
        query_objects(&bed->sources, device, NULL, true, (struct wall){NOW_MS}, &failure);
    assert_non_null(answer);
    json_decref(answer);
}

static void get_object(struct bed *bed)
{
    struct query_failure failure = {0};
    json_t *answer =
        query_object(&bed->sources, "sw-1", "interface", "eth0", (struct wall){NOW_MS}, &failure);
    assert_non_null(answer);
    json_decref(answer);
}

static void store_is_asked_seldom(void **state)
{
    struct bed *bed = *state;
    struct object eth1 = make_interface("sw-1", "eth1");
    put_city(bed);
    put_object(bed, "agent-a", &eth1, NOW_MS);
    struct fake_store *store = fake_store_open(bed->store_path);
    get_objects(bed, "sw-1"); /* its two, not the city's */
    assert_int_equal(fake_store_one(store), 2);
    assert_int_equal(fake_store_all(store), 0);
    assert_string_equal(fake_store_last(store), "sw-1 interface eth1");
    get_object(bed); /* fresh */
    set_clock(NOW_MS + 1999);
    get_objects(bed, "sw-1");
    assert_int_equal(fake_store_one(store), 2);
    set_clock(NOW_MS + 2000);
    get_object(bed);
    assert_int_equal(fake_store_one(store), 3);
    get_objects(bed, NULL);
    get_objects(bed, NULL);
    get_objects(bed, "sw-1"); /* all are fresh now */
    assert_int_equal(fake_store_all(store), 1);
    assert_int_equal(fake_store_one(store), 3);
    set_clock(NOW_MS + 4000);
    get_objects(bed, NULL);
    assert_int_equal(fake_store_all(store), 2);
    fake_store_close(store);
}

struct asker {
    const struct query_sources *sources;
    pthread_barrier_t start;
};

static void *ask_all(void *context)
{
    struct asker *asker = context;
    (void)pthread_barrier_wait(&asker->start); /* says only who came last */
    for (int i = 0; i < 20; i++) {
        query_flush(asker->sources, NULL, NULL, NULL);
    }
    return NULL;
}

static void many_threads_ask_once(void **state)
{
    struct bed *bed = *state;
    pthread_t threads[8];
    struct fake_store *store = fake_store_open(bed->store_path);
    struct asker asker = {.sources = &bed->sources};
    assert_int_equal(pthread_barrier_init(&asker.start, NULL, 8), 0);
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, ask_all, &asker), 0);
    }
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(fake_store_all(store), 1);
    assert_int_equal(pthread_barrier_destroy(&asker.start), 0);
    fake_store_close(store);
}

static void *read_series(void *context)
{
    struct bed *bed = context;
    struct query_failure failure = {0};
    for (int i = 0; i < 20; i++) {
        json_t *series = query_series(&bed->sources, "sw-1", "interface", "eth0",
                                      (struct wall){NOW_MS - 10 * MINUTE_MS}, (struct wall){NOW_MS},
                                      600, &failure);
        assert_non_null(series);
        json_decref(series);
        get_object(bed);
    }
    return NULL;
}

static void many_threads_read_files(void **state)
{
    struct bed *bed = *state;
    pthread_t threads[4];
    put_city(bed);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, read_series, bed), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(outages_are_listed_whole, open_bed, close_bed),
        cmocka_unit_test_setup_teardown(the_result_after_the_period_is_listed, open_bed, close_bed),
        cmocka_unit_test_setup_teardown(figures_know_the_whole_outage, open_bed, close_bed),
        cmocka_unit_test_setup_teardown(sla_failures_say_what_is_wrong, open_bed, close_bed),
        cmocka_unit_test_setup_teardown(a_quota_needs_runs_from_its_start, open_bed, close_bed),
        cmocka_unit_test_setup_teardown(store_is_asked_seldom, open_bed, close_bed),
        cmocka_unit_test_setup_teardown(many_threads_ask_once, open_bed, close_bed),
        cmocka_unit_test_setup_teardown(many_threads_read_files, open_bed, close_bed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
