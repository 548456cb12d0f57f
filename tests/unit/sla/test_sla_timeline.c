/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Runs into states. Times are plain milliseconds; checks run each 60,000. */
#include "sla/timeline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { MINUTE = 60000, UP = 1, DEGRADED = 2, DOWN = 3, NOT_RUN = 4, RUNS_MAX = 12 };

struct bed {
    struct sla_run runs[RUNS_MAX];
    size_t n_runs;
    struct sla_interval gaps[RUNS_MAX];
    size_t n_gaps;
    struct sla_timeline_rules rules;
};

static struct bed bed_of(int64_t from, int64_t to)
{
    return (struct bed){.rules = {.cover = {{from}, {to}}, .period_from = {from}}};
}

static void run(struct bed *bed, int64_t first, int64_t last, int outcome)
{
    bed->runs[bed->n_runs++] = (struct sla_run){
        .first = {first}, .last = {last}, .interval_ms = MINUTE, .outcome = outcome};
}

static void gap(struct bed *bed, int64_t from, int64_t to)
{
    bed->gaps[bed->n_gaps++] = (struct sla_interval){{from}, {to}};
}

/* "0 up 60000 no-data 90000", in the words below. */
static void print(const struct sla_timeline *timeline, char *text, size_t size)
{
    static const char *const states[] = {"?", "up", "degraded", "down"};
    static const char *const causes[] = {"?", "no-data", "gap", "not-run"};
    size_t used = 0;
    for (size_t i = 0; i < timeline->count; i++) {
        const struct sla_segment *segment = &timeline->segments[i];
        bool sure = segment->best == segment->worst;
        assert_true(segment->from.ms < segment->to.ms);
        assert_true(i == 0 || timeline->segments[i - 1].to.ms == segment->from.ms);
        assert_int_equal(segment->state == SLA_UNKNOWN, segment->cause != SLA_KNOWN);
        assert_true(segment->best <= segment->state && segment->state <= segment->worst);
        assert_true(segment->at_start >= segment->best && segment->at_start <= segment->worst);
        used += (size_t)snprintf(
            text + used, size - used, "%lld %s%s ", (long long)segment->from.ms,
            segment->state == SLA_UNKNOWN ? causes[segment->cause] : states[segment->state],
            sure                              ? ""
            : segment->worst > segment->state ? "-"
                                              : "+");
    }
    used += (size_t)snprintf(
        text + used, size - used, "%lld",
        timeline->count == 0 ? 0 : (long long)timeline->segments[timeline->count - 1].to.ms);
    assert_true(used < size);
}

/* "-" after a state: may have been worse already; "+": may have been better already. The order of
 * what comes in must not matter, so each is built forwards and backwards. */
static void assert_timeline(struct bed *bed, const char *expected)
{
    for (int round = 0; round < 2; round++) {
        struct sla_timeline timeline;
        char text[1000];
        sla_timeline_build(bed->runs, bed->n_runs, bed->gaps, bed->n_gaps, &bed->rules, &timeline);
        print(&timeline, text, sizeof text);
        assert_string_equal(text, expected);
        sla_timeline_clear(&timeline);
        for (size_t i = 0; i < bed->n_runs / 2; i++) {
            struct sla_run other = bed->runs[i];
            bed->runs[i] = bed->runs[bed->n_runs - 1 - i];
            bed->runs[bed->n_runs - 1 - i] = other;
        }
        for (size_t i = 0; i < bed->n_gaps / 2; i++) {
            struct sla_interval other = bed->gaps[i];
            bed->gaps[i] = bed->gaps[bed->n_gaps - 1 - i];
            bed->gaps[bed->n_gaps - 1 - i] = other;
        }
    }
}

static void without_results_nothing_is_known(void **state)
{
    (void)state;
    struct bed bed = bed_of(0, 1000);
    assert_timeline(&bed, "0 no-data 1000");
    bed = bed_of(0, 0);
    assert_timeline(&bed, "0");
}

static void a_result_speaks_for_one_interval(void **state)
{
    (void)state;
    struct bed bed = bed_of(0, 1000000);
    run(&bed, 60000, 180000, UP);
    assert_timeline(&bed, "0 no-data 60000 up 240000 no-data 1000000");
    bed.rules.sample_valid_ms = 150000;
    assert_timeline(&bed, "0 no-data 60000 up 330000 no-data 1000000");
    bed.rules.sample_valid_ms = 1000;
    assert_timeline(&bed, "0 no-data 60000 up 181000 no-data 1000000");
}

static void a_state_holds_to_the_next_result_if_it_comes_in_time(void **state)
{
    (void)state;
    struct bed bed = bed_of(0, 1000000);
    run(&bed, 0, 60000, UP);
    run(&bed, 60000 + 121000, 60000 + 121000, UP);
    assert_timeline(&bed, "0 up 241000 no-data 1000000");
    bed.runs[1].first.ms++;
    bed.runs[1].last.ms++;
    assert_timeline(&bed, "0 up 120000 no-data 181001 up 241001 no-data 1000000");
}

static void an_early_result_ends_the_state_before(void **state)
{
    (void)state;
    struct bed bed = bed_of(0, 200000);
    run(&bed, 0, 60000, UP);
    run(&bed, 70000, 70000, DOWN);
    assert_timeline(&bed, "0 up 60000 up- 70000 down 130000 no-data 200000");
}

static void between_results_of_different_state_it_may_be_either(void **state)
{
    (void)state;
    struct bed bed = bed_of(0, 360000);
    run(&bed, 0, 60000, UP);
    run(&bed, 120000, 180000, DOWN);
    run(&bed, 240000, 300000, DEGRADED);
    assert_timeline(&bed, "0 up 60000 up- 120000 down 180000 down+ 240000 degraded 360000");
}

/* The last good result is the last before the failed one, even with nothing between. */
static void uncertainty_ends_where_knowledge_does(void **state)
{
    (void)state;
    struct bed bed = bed_of(0, 500000);
    run(&bed, 0, 0, UP);
    run(&bed, 60000, 120000, NOT_RUN);
    run(&bed, 400000, 400000, DOWN);
    assert_timeline(&bed, "0 up- 60000 not-run 180000 no-data 400000 down 460000 no-data 500000");
}

static void the_instant_of_a_result_is_certain(void **state)
{
    (void)state;
    struct bed bed = bed_of(0, 500000);
    struct sla_timeline timeline;
    run(&bed, 0, 60000, DOWN);
    run(&bed, 120000, 120000, UP);
    run(&bed, 180000, 240000, DOWN);
    sla_timeline_build(bed.runs, bed.n_runs, NULL, 0, &bed.rules, &timeline);
    const struct sla_segment *good = sla_timeline_at(&timeline, (struct wall){120000});
    assert_int_equal(good->from.ms, 120000);
    assert_int_equal(good->state, SLA_UP);
    assert_int_equal(good->worst, SLA_DOWN);
    assert_int_equal(good->at_start, SLA_UP);
    assert_ptr_equal(sla_timeline_at(&timeline, (struct wall){179999}), good);
    assert_ptr_equal(sla_timeline_at(&timeline, (struct wall){180000}), good + 1);
    sla_timeline_clear(&timeline);
}

static void what_the_agent_lost_is_unknown_unless_a_run_covers_it(void **state)
{
    (void)state;
    struct bed bed = bed_of(0, 600000);
    run(&bed, 0, 240000, UP);
    run(&bed, 360000, 420000, UP);
    gap(&bed, 60000, 120000);
    assert_timeline(&bed, "0 up 480000 no-data 600000");
    gap(&bed, 200000, 300000);
    gap(&bed, 470000, 500000);
    assert_timeline(&bed, "0 up 240000 gap 300000 up 470000 gap 500000 no-data 600000");
    gap(&bed, 250000, 260000); /* within another */
    gap(&bed, 700000, 800000); /* outside */
    assert_timeline(&bed, "0 up 240000 gap 300000 up 470000 gap 500000 no-data 600000");
}

static void while_the_period_runs_the_last_state_holds_a_little(void **state)
{
    (void)state;
    struct bed bed = bed_of(0, 60000 + 121000);
    run(&bed, 0, 60000, UP);
    assert_timeline(&bed, "0 up 120000 no-data 181000");
    bed.rules.running = true;
    assert_timeline(&bed, "0 up 181000");
    bed.rules.cover.to.ms++; /* too late: the rule of every other result */
    assert_timeline(&bed, "0 up 120000 no-data 181001");
}

static void results_after_the_cover_are_unheard(void **state)
{
    (void)state;
    struct bed bed = bed_of(100000, 300000);
    run(&bed, 0, 240000, UP);
    run(&bed, 300000, 360000, DOWN);
    assert_timeline(&bed, "100000 up 300000");
    bed.rules.cover.to.ms = 300001;
    assert_timeline(&bed, "100000 up 240000 up- 300000 down 300001");
}

static void two_observers_the_worst_that_is_known(void **state)
{
    (void)state;
    struct bed bed = bed_of(0, 1000000);
    run(&bed, 0, 600000, UP);
    run(&bed, 300000, 300000, DOWN);
    assert_timeline(&bed, "0 up 300000 down 360000 up 660000 no-data 1000000");
    run(&bed, 360000, 480000, NOT_RUN); /* knows nothing: the other does */
    assert_timeline(&bed, "0 up 300000 down 360000 up 660000 no-data 1000000");
    run(&bed, 0, 600000, UP); /* heard twice */
    assert_timeline(&bed, "0 up 300000 down 360000 up 660000 no-data 1000000");
    run(&bed, 660000, 720000, DEGRADED);
    assert_timeline(&bed, "0 up 300000 down 360000 up 600000 up- 660000 degraded 780000 no-data "
                          "1000000");
}

/* What one observer may have meant at best, another has seen at worst. */
static void two_observers_narrow_each_other(void **state)
{
    (void)state;
    struct bed bed = bed_of(0, 400000);
    run(&bed, 0, 60000, DOWN);
    run(&bed, 120000, 180000, UP);
    run(&bed, 30000, 150000, UP); /* the other one */
    assert_timeline(&bed, "0 down 60000 down+ 120000 up 240000 no-data 400000");
    bed.runs[2].outcome = DOWN;
    assert_timeline(&bed, "0 down 210000 up 240000 no-data 400000");
}

/* A result at the same instant as another's last is of somebody else. */
static void nobody_has_two_results_at_once(void **state)
{
    (void)state;
    struct bed bed = bed_of(0, 200000);
    run(&bed, 0, 60000, DOWN);
    run(&bed, 60000, 120000, UP);
    assert_timeline(&bed, "0 down 120000 up 180000 no-data 200000");
}

/* Two stretches of the same doubt are kept apart by the result between them. */
static void a_result_divides_doubt(void **state)
{
    (void)state;
    struct bed bed = bed_of(0, 600000);
    run(&bed, 0, 10000, UP); /* one observer … */
    run(&bed, 450000, 510000, DOWN);
    run(&bed, 5000, 20000, NOT_RUN); /* … and another */
    run(&bed, 70000, 70000, UP);
    run(&bed, 400000, 500000, DOWN);
    assert_timeline(&bed, "0 up 10000 up- 70000 up- 130000 no-data 400000 down 570000 no-data "
                          "600000");
}

static void the_time_before_the_first_result(void **state)
{
    (void)state;
    struct bed bed = bed_of(0, 300000);
    bed.rules.period_from.ms = 50000;
    bed.rules.initial = SLA_INITIAL_DOWN;
    run(&bed, 120000, 180000, UP);
    assert_timeline(&bed, "0 no-data 50000 down 120000 up 240000 no-data 300000");
    bed.rules.initial = SLA_INITIAL_UP;
    assert_timeline(&bed, "0 no-data 50000 up 240000 no-data 300000");
    bed = bed_of(0, 300000);
    bed.rules.period_from.ms = 50000;
    bed.rules.initial = SLA_INITIAL_UP;
    run(&bed, 0, 0, DOWN); /* an earlier one holds into the period */
    run(&bed, 200000, 200000, UP);
    assert_timeline(&bed, "0 down+ 60000 no-data 200000 up 260000 no-data 300000");
    bed.rules.period_from.ms = 60000; /* it ends before */
    assert_timeline(&bed, "0 down+ 60000 up 260000 no-data 300000");
    gap(&bed, 70000, 80000);
    assert_timeline(&bed, "0 down+ 60000 up 70000 gap 80000 up 260000 no-data 300000");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_results_nothing_is_known),
        cmocka_unit_test(a_result_speaks_for_one_interval),
        cmocka_unit_test(a_state_holds_to_the_next_result_if_it_comes_in_time),
        cmocka_unit_test(an_early_result_ends_the_state_before),
        cmocka_unit_test(between_results_of_different_state_it_may_be_either),
        cmocka_unit_test(uncertainty_ends_where_knowledge_does),
        cmocka_unit_test(the_instant_of_a_result_is_certain),
        cmocka_unit_test(what_the_agent_lost_is_unknown_unless_a_run_covers_it),
        cmocka_unit_test(while_the_period_runs_the_last_state_holds_a_little),
        cmocka_unit_test(results_after_the_cover_are_unheard),
        cmocka_unit_test(two_observers_the_worst_that_is_known),
        cmocka_unit_test(two_observers_narrow_each_other),
        cmocka_unit_test(nobody_has_two_results_at_once),
        cmocka_unit_test(a_result_divides_doubt),
        cmocka_unit_test(the_time_before_the_first_result),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
