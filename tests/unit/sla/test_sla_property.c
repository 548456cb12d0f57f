/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What must hold whatever comes in: random runs, gaps, windows and policies. A simple count, second
 * by second, is the witness. */
#include "support.h"

#include "common/xalloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROUNDS = 30, RUNS_MAX = 40, CHECKS = 3, DAY_S = 86400, WINDOWS = 3 };

static const char *const CLASSES[] = {"outside_hours", "excluded", "planned", "unknown",
                                      "down",          "degraded", "up"};

struct world {
    struct random random;
    struct wall day; /* begin of the period, of one day */
    size_t n_runs;
    struct sla_run runs[RUNS_MAX];
    char check[RUNS_MAX][2];
    size_t n_gaps;
    struct sla_interval gaps[4];
    int64_t planned_s[WINDOWS][2]; /* of the day */
    int64_t excluded_s[WINDOWS][2];
};

/* Runs that may overlap, be long before, reach over the period's ends, or be of no known outcome.
 */
static void make_runs(struct world *world)
{
    world->n_runs = (size_t)random_below(&world->random, RUNS_MAX);
    for (size_t i = 0; i < world->n_runs; i++) {
        int64_t first_s = random_below(&world->random, 2 * DAY_S) - DAY_S / 2;
        int64_t last_s = first_s + random_below(&world->random, DAY_S / 8);
        world->runs[i] = (struct sla_run){
            .first = {world->day.ms + first_s * 1000},
            .last = {world->day.ms + last_s * 1000},
            .interval_ms = (1 + random_below(&world->random, 300)) * 1000,
            .outcome = (int)random_below(&world->random, 6),
        };
        (void)snprintf(world->check[i], sizeof world->check[i], "%c",
                       (int)('a' + random_below(&world->random, CHECKS)));
    }
    world->n_gaps = (size_t)random_below(&world->random, 4);
    for (size_t i = 0; i < world->n_gaps; i++) {
        int64_t from = world->day.ms + random_below(&world->random, DAY_S) * 1000;
        world->gaps[i] =
            (struct sla_interval){{from}, {from + random_below(&world->random, 7200) * 1000}};
    }
}

static void make_windows(struct world *world)
{
    for (size_t i = 0; i < WINDOWS; i++) {
        int64_t *windows[] = {world->planned_s[i], world->excluded_s[i]};
        for (size_t k = 0; k < 2; k++) {
            windows[k][0] = random_below(&world->random, DAY_S);
            windows[k][1] = windows[k][0] + 1 + random_below(&world->random, DAY_S / 6);
        }
    }
}

static struct sla_input *input_of(const struct world *world, bool backwards)
{
    struct sla_input *input = sla_input_new();
    for (size_t i = 0; i < world->n_runs; i++) {
        size_t k = backwards ? world->n_runs - 1 - i : i;
        assert_int_equal(sla_input_add_run(input, "d", world->check[k], &world->runs[k]), 0);
    }
    for (size_t i = 0; i < world->n_gaps; i++) {
        size_t k = backwards ? world->n_gaps - 1 - i : i;
        assert_int_equal(sla_input_add_gap(input, world->gaps[k]), 0);
    }
    return input;
}

static void print_windows(FILE *out, const struct world *world, const int64_t (*windows_s)[2],
                          const char *more)
{
    for (size_t i = 0; i < WINDOWS; i++) {
        char texts[2][WALL_TEXT_SIZE];
        for (size_t k = 0; k < 2; k++) {
            struct wall time = {world->day.ms + windows_s[i][k] * 1000};
            (void)wall_format_utc(time, texts[k]);
        }
        fprintf(out, "  - {from: \"%s\", to: \"%s\"%s}\n", texts[0], texts[1], more);
    }
}

static struct sla_contract *contract_for(const struct world *world, const char *planned,
                                         const char *unknown, const char *tree)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    fprintf(out,
            "contract: {name: c, timezone: UTC}\npolicy: {planned: %s, unknown: %s, "
            "degraded_weight: 0.5}\ncalendars: [{name: h, hours: [{days: [mon, tue, wed, thu, fri, "
            "sat, sun], from: 06:00, to: 22:00}]}]\nmaintenance:\n",
            planned, unknown);
    print_windows(out, world, world->planned_s, "");
    fputs("exclusions:\n", out);
    print_windows(out, world, world->excluded_s, ", reason: r");
    fprintf(out, "services: [{name: s, target: 99, hours: h, requires: %s}]\n", tree);
    assert_int_equal(fclose(out), 0);
    struct sla_contract *contract = contract_of(text);
    free(text);
    return contract;
}

static json_t *report_for(const struct world *world, const struct sla_contract *contract,
                          bool backwards, json_t **service)
{
    char reason[200] = "";
    struct sla_input *input = input_of(world, backwards);
    struct sla_interval period = {world->day, {world->day.ms + DAY_S * 1000}};
    json_t *report = sla_report(contract, input, period, (struct wall){period.to.ms + DAY_S * 5000},
                                NULL, reason, sizeof reason);
    sla_input_free(input);
    if (report == NULL) {
        fail_msg("no report: %s", reason);
    }
    *service = json_array_get(json_object_get(report, "services"), 0);
    return report;
}

static int64_t sum_of(const json_t *service)
{
    int64_t sum = 0;
    for (size_t i = 0; i < 7; i++) {
        assert_true(int_at(service, "classes_ms", CLASSES[i]) >= 0);
        sum += int_at(service, "classes_ms", CLASSES[i]);
    }
    return sum;
}

static void check_outages(const json_t *service)
{
    size_t i;
    const json_t *outage;
    int64_t counted_ms = 0;
    json_array_foreach(json_object_get(service, "outages"), i, outage)
    {
        int64_t duration_ms = int_at(outage, "duration_ms", NULL);
        assert_true(int_at(outage, "counted_ms", NULL) > 0);
        assert_true(int_at(outage, "counted_ms", NULL) <= duration_ms);
        assert_true(int_at(outage, "min_ms", NULL) <= duration_ms);
        assert_true(int_at(outage, "max_ms", NULL) >= duration_ms);
        assert_true(json_array_size(json_object_get(outage, "cause")) > 0);
        counted_ms += int_at(outage, "counted_ms", NULL);
    }
    assert_int_equal(counted_ms, int_at(service, "classes_ms", "down"));
}

static double percent(const json_t *service, const char *which)
{
    return strtod(text_at(service, "availability", which), NULL); /* to compare, not to decide */
}

static const char TREE[] = "{quorum: {at_least: 2, of: [{check: d/a}, {check: d/b}, {any: "
                           "[{check: d/c}, {check: d/a}]}]}}";

static struct world world_of(struct random *random)
{
    struct world world = {.random = *random, .day = at("2026-06-10T00:00:00Z")};
    make_runs(&world);
    make_windows(&world);
    *random = world.random;
    return world;
}

static void classes_sum_to_the_period_in_any_order(void **state)
{
    (void)state;
    static const char *const planned[] = {"remove", "credit", "count"};
    static const char *const unknown[] = {"exclude", "down", "up"};
    struct random random = random_begin();
    for (int round = 0; round < ROUNDS; round++) {
        struct world world = world_of(&random);
        json_t *service;
        struct sla_contract *contract =
            contract_for(&world, planned[round % 3], unknown[round / 3 % 3], TREE);
        json_t *forwards = report_for(&world, contract, false, &service);
        json_t *backwards = report_for(&world, contract, true, &service);
        assert_true(json_equal(forwards, backwards));
        assert_int_equal(sum_of(service), DAY_S * INT64_C(1000));
        check_outages(service);
        if (json_is_string(json_object_get(json_object_get(service, "availability"), "pct"))) {
            assert_true(percent(service, "min_pct") <= percent(service, "pct"));
            assert_true(percent(service, "pct") <= percent(service, "max_pct"));
        }
        json_decref(forwards);
        json_decref(backwards);
        sla_contract_free(contract);
    }
}

/* Removing and crediting agree on all but where planned time goes; excluding and counting unknown
 * as down agree on the sum of the two. */
static void policies_move_time_and_lose_none(void **state)
{
    (void)state;
    struct random random = random_begin();
    for (int round = 0; round < ROUNDS; round++) {
        struct world world = world_of(&random);
        static const char *const policies[][2] = {
            {"remove", "exclude"}, {"credit", "exclude"}, {"count", "exclude"}, {"remove", "down"}};
        json_t *services[4];
        json_t *reports[4];
        int64_t top[4];
        int64_t bottom[4];
        for (size_t i = 0; i < 4; i++) {
            struct sla_contract *contract =
                contract_for(&world, policies[i][0], policies[i][1], TREE);
            reports[i] = report_for(&world, contract, false, &services[i]);
            int64_t scale = int_at(services[i], "availability", "scale");
            top[i] = int_at(services[i], "availability", "numerator_ms") * (1000000 / scale);
            bottom[i] = int_at(services[i], "availability", "denominator_ms") * (1000000 / scale);
            sla_contract_free(contract);
        }
        int64_t planned = int_at(services[0], "classes_ms", "planned");
        assert_true(json_equal(json_object_get(services[0], "classes_ms"),
                               json_object_get(services[1], "classes_ms")));
        assert_int_equal(top[1], top[0] + planned * 1000000);
        assert_int_equal(bottom[1], bottom[0] + planned * 1000000);
        assert_int_equal(int_at(services[2], "classes_ms", "planned"), 0);
        assert_true(int_at(services[2], "classes_ms", "down") >=
                    int_at(services[0], "classes_ms", "down") +
                        int_at(services[0], "planned_down_ms", NULL));
        assert_int_equal(int_at(services[3], "classes_ms", "down"),
                         int_at(services[0], "classes_ms", "down") +
                             int_at(services[0], "classes_ms", "unknown"));
        for (size_t i = 0; i < 4; i++) {
            json_decref(reports[i]);
        }
    }
}

/* The witness: one check, one observer, runs and windows on whole seconds. */
static enum sla_state witness_state(const struct world *world, int64_t at_ms)
{
    const struct sla_run *before = NULL;
    const struct sla_run *after = NULL;
    for (size_t i = 0; i < world->n_runs; i++) {
        const struct sla_run *run = &world->runs[i];
        if (run->first.ms <= at_ms && (before == NULL || run->first.ms > before->first.ms)) {
            before = run;
        }
        if (run->first.ms > at_ms && (after == NULL || run->first.ms < after->first.ms)) {
            after = run;
        }
    }
    if (before == NULL) {
        return SLA_UNKNOWN;
    }
    int64_t silent_ms = at_ms - before->last.ms;
    bool in_time =
        after != NULL && after->first.ms - before->last.ms <= 2 * before->interval_ms + 1000;
    bool covered = at_ms < before->last.ms;
    bool lost = false;
    for (size_t i = 0; i < world->n_gaps; i++) {
        lost = lost || (world->gaps[i].from.ms <= at_ms && at_ms < world->gaps[i].to.ms);
    }
    if (!covered && (lost || (!in_time && silent_ms >= before->interval_ms))) {
        return SLA_UNKNOWN;
    }
    return before->outcome >= 1 && before->outcome <= 3 ? (enum sla_state)before->outcome
                                                        : SLA_UNKNOWN;
}

static bool in_windows(const int64_t (*windows_s)[2], int64_t at_s)
{
    for (size_t i = 0; i < WINDOWS; i++) {
        if (windows_s[i][0] <= at_s && at_s < windows_s[i][1]) {
            return true;
        }
    }
    return false;
}

static void count_witness(const struct world *world, int64_t sums[7])
{
    static const size_t class_of[] = {
        [SLA_UNKNOWN] = 3, [SLA_DOWN] = 4, [SLA_DEGRADED] = 5, [SLA_UP] = 6};
    for (int64_t second = 0; second < DAY_S; second++) {
        size_t class = class_of[witness_state(world, world->day.ms + second * 1000)];
        class = in_windows(world->planned_s, second) ? 2 : class;
        class = in_windows(world->excluded_s, second) ? 1 : class;
        class = second < 6 * 3600 || second >= 22 * 3600 ? 0 : class;
        sums[class] += 1000;
    }
}

static void a_plain_count_agrees(void **state)
{
    (void)state;
    struct random random = random_begin();
    for (int round = 0; round < 6; round++) {
        struct world world = world_of(&random);
        int64_t sums[7] = {0};
        json_t *service;
        int64_t next_ms = world.day.ms - 7200000;
        for (size_t i = 0; i < world.n_runs; i++) { /* one after the other */
            struct sla_run *run = &world.runs[i];
            int64_t length_ms = run->last.ms - run->first.ms;
            run->first.ms = next_ms + (1 + random_below(&random, 900)) * 1000;
            run->last.ms = run->first.ms + length_ms;
            next_ms = run->last.ms;
            world.check[i][0] = 'a';
        }
        struct sla_contract *contract = contract_for(&world, "remove", "exclude", "{check: d/a}");
        json_t *report = report_for(&world, contract, round % 2 == 1, &service);
        count_witness(&world, sums);
        for (size_t i = 0; i < 7; i++) {
            assert_int_equal(int_at(service, "classes_ms", CLASSES[i]), sums[i]);
        }
        json_decref(report);
        sla_contract_free(contract);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes_sum_to_the_period_in_any_order),
        cmocka_unit_test(policies_move_time_and_lose_none),
        cmocka_unit_test(a_plain_count_agrees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
