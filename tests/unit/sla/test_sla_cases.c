/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The availability cases of a shared file of right answers, each made a contract and its input. The
 * file is BEFFROI_SLA_CASES, or shared/sla/cases.json beside the sources; without it the test is
 * skipped. */
#include "cases.h"

#include "common/xalloc.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct tally {
    size_t passed;
    size_t failed;
    size_t values;
};

/* Which number of the service answers which number of the case, in seconds. */
static const struct {
    const char *expected;
    const char *key;
    const char *inner;
} SECONDS[] = {
    {"period_s", "period_ms", NULL},
    {"outside_hours_s", "classes_ms", "outside_hours"},
    {"excluded_s", "classes_ms", "excluded"},
    {"planned_s", "classes_ms", "planned"},
    {"unknown_s", "classes_ms", "unknown"},
    {"down_s", "classes_ms", "down"},
    {"degraded_s", "classes_ms", "degraded"},
    {"up_s", "classes_ms", "up"},
    {"planned_down_s", "planned_down_ms", NULL},
};

static bool differs(const char *id, const char *key, const char *expected, const char *got)
{
    print_error("%s: %s is %s, must be %s\n", id, key, got, expected);
    return true;
}

static bool differs_number(const char *id, const char *key, int64_t expected, int64_t got)
{
    char texts[2][32];
    (void)snprintf(texts[0], sizeof texts[0], "%" PRId64, expected);
    (void)snprintf(texts[1], sizeof texts[1], "%" PRId64, got);
    return expected != got && differs(id, key, texts[0], texts[1]);
}

static const json_t *inner_of(const json_t *service, const char *key, const char *inner)
{
    const json_t *value = json_object_get(service, key);
    return inner != NULL ? json_object_get(value, inner) : value;
}

static bool check_text(const char *id, const char *key, const json_t *expected, const json_t *got)
{
    const char *wanted = json_is_string(expected) ? json_string_value(expected) : "null";
    const char *have = json_is_string(got) ? json_string_value(got) : "null";
    return strcmp(wanted, have) != 0 && differs(id, key, wanted, have);
}

/* "41/42" is reduced; ours may not be. */
static bool check_fraction(const char *id, const json_t *expected, const json_t *service)
{
    const json_t *availability = json_object_get(service, "availability");
    int64_t numerator = json_integer_value(json_object_get(availability, "numerator_ms"));
    int64_t denominator = json_integer_value(json_object_get(availability, "denominator_ms"));
    int64_t top = 0;
    int64_t bottom = 0;
    if (!json_is_string(expected)) {
        return denominator != 0 && differs(id, "availability_fraction", "null", "a number");
    }
    assert_int_equal(sscanf(json_string_value(expected), "%" SCNd64 "/%" SCNd64, &top, &bottom), 2);
    return (denominator == 0 || (__int128)top * denominator != (__int128)bottom * numerator) &&
           differs(id, "availability_fraction", json_string_value(expected), "another");
}

static bool check_elapsed(const char *id, int64_t expected_ms, const json_t *service)
{
    const json_t *outage = json_array_get(json_object_get(service, "outages"), 0);
    return differs_number(id, "elapsed_s", expected_ms,
                          json_integer_value(json_object_get(outage, "duration_ms")));
}

/* True when the value is wrong. Values of other parts (revisions, budgets) are not ours. */
static bool check_value(const char *id, const char *key, const json_t *expected,
                        const json_t *service, struct tally *tally)
{
    int64_t ms = json_integer_value(expected) * 1000;
    tally->values++;
    for (size_t i = 0; i < sizeof SECONDS / sizeof *SECONDS; i++) {
        if (strcmp(SECONDS[i].expected, key) == 0) {
            return differs_number(
                id, key, ms,
                json_integer_value(inner_of(service, SECONDS[i].key, SECONDS[i].inner)));
        }
    }
    if (strcmp(key, "denominator_s") == 0) {
        const json_t *availability = json_object_get(service, "availability");
        int64_t scale = json_integer_value(json_object_get(availability, "scale"));
        return differs_number(id, key, ms * scale,
                              json_integer_value(json_object_get(availability, "denominator_ms")));
    }
    if (strcmp(key, "outages") == 0) {
        return differs_number(id, key, ms / 1000,
                              json_integer_value(json_object_get(service, "outage_count")));
    }
    if (strcmp(key, "availability_pct") == 0) {
        return check_text(id, key, expected, inner_of(service, "availability", "pct"));
    }
    if (strcmp(key, "coverage_pct") == 0) {
        return check_text(id, key, expected, json_object_get(service, "coverage_pct"));
    }
    if (strcmp(key, "availability_fraction") == 0) {
        return check_fraction(id, expected, service);
    }
    if (strcmp(key, "target_pct") == 0) {
        return check_text(id, key, expected, json_object_get(service, "target_pct"));
    }
    if (strcmp(key, "meets") == 0) {
        return json_is_true(expected) != json_is_true(json_object_get(service, "meets")) &&
               differs(id, key, "the other", "one");
    }
    if (strcmp(key, "elapsed_s") == 0) {
        return check_elapsed(id, ms, service);
    }
    tally->values--;
    return false;
}

static json_t *report_over(const struct case_bed *bed, int64_t shift_ms)
{
    char reason[256] = "";
    struct sla_interval period = {{bed->period.from.ms + shift_ms}, {bed->period.to.ms + shift_ms}};
    json_t *report =
        sla_report(bed->contract, bed->input, period, bed->now, NULL, reason, sizeof reason);
    if (report == NULL) {
        fail_msg("%s", reason);
    }
    return report;
}

static json_t *service_of(json_t *report)
{
    return json_array_get(json_object_get(report, "services"), 0);
}

/* "period2_down_s" and "day2_down_s" are of a second period of the same length. */
static bool check_parts(const char *id, const json_t *expected, const struct case_bed *bed,
                        struct tally *tally)
{
    static const struct {
        const char *key;
        int periods_later;
    } parts[] = {
        {"period1_down_s", 0}, {"period2_down_s", 1}, {"day1_down_s", 0}, {"day2_down_s", 1}};
    bool wrong = false;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        const json_t *value = json_object_get(expected, parts[i].key);
        int64_t length = bed->period.to.ms - bed->period.from.ms;
        if (value != NULL) {
            json_t *report = report_over(bed, parts[i].periods_later * length);
            tally->values++;
            wrong |= differs_number(
                id, parts[i].key, json_integer_value(value) * 1000,
                json_integer_value(inner_of(service_of(report), "classes_ms", "down")));
            json_decref(report);
        }
    }
    return wrong;
}

static void run_case(const json_t *json, struct tally *tally)
{
    const char *id = json_string_value(json_object_get(json, "id"));
    const json_t *expected = json_object_get(json, "expected");
    struct case_bed bed;
    char reason[4000] = "";
    const char *key;
    const json_t *value;
    size_t before = tally->values;
    bool wrong = false;
    if (!case_open(json, &bed, reason, sizeof reason)) {
        print_error("%s: cannot be said: %s\n", id, reason);
        case_close(&bed);
        tally->failed++;
        return;
    }
    json_t *report = report_over(&bed, 0);
    json_object_foreach((json_t *)expected, key, value)
    {
        wrong |= check_value(id, key, value, service_of(report), tally);
    }
    wrong |= check_parts(id, expected, &bed, tally);
    if (tally->values == before) {
        wrong = differs(id, "the case", "one with a known answer", "without");
    }
    tally->failed += wrong ? 1 : 0;
    tally->passed += wrong ? 0 : 1;
    json_decref(report);
    case_close(&bed);
}

static void cases_have_their_answers(void **state)
{
    (void)state;
    const char *given = getenv("BEFFROI_SLA_CASES");
    const char *path = given != NULL ? given : TEST_SOURCE_ROOT "/../shared/sla/cases.json";
    struct tally tally = {0};
    size_t i;
    json_t *json;
    json_error_t error;
    if (access(path, R_OK) != 0) {
        print_message("no cases at %s\n", path);
        skip();
    }
    json_t *cases = json_load_file(path, 0, &error);
    if (cases == NULL) {
        fail_msg("%s:%d: %s", path, error.line, error.text);
    }
    json_array_foreach(cases, i, json)
    {
        const char *kind = json_string_value(json_object_get(json, "kind"));
        if (kind != NULL && strcmp(kind, "availability") == 0) {
            run_case(json, &tally);
        }
    }
    json_decref(cases);
    print_message("%zu cases pass with %zu values, %zu fail\n", tally.passed, tally.values,
                  tally.failed);
    assert_true(tally.passed > 0);
    assert_int_equal(tally.failed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(cases_have_their_answers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
