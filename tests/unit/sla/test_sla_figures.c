/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sla/figures.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { STEPS_MAX = 16, SPANS_MAX = 4 };

struct bed {
    struct sla_step steps[STEPS_MAX];
    size_t n_steps;
    struct sla_interval hours[SPANS_MAX];
    size_t n_hours;
    struct sla_interval excluded[SPANS_MAX];
    size_t n_excluded;
    struct sla_interval planned[SPANS_MAX];
    size_t n_planned;
    struct wall quota_starts[SPANS_MAX];
    size_t n_quota_starts;
    struct sla_policy policy;
    struct sla_interval period;
    struct sla_figures figures;
};

static struct bed bed_of(int64_t from, int64_t to)
{
    return (struct bed){.period = {{from}, {to}}, .hours = {{{from}, {to}}}, .n_hours = 1};
}

static void step_sampled(struct bed *bed, int64_t from, enum sla_state state, enum sla_state worst,
                         enum sla_state best, enum sla_state at_start)
{
    bed->steps[bed->n_steps++] =
        (struct sla_step){.from = {from},
                          .state = {[SLA_COUNTED] = state, [SLA_WORST] = worst, [SLA_BEST] = best},
                          .at_start = at_start,
                          .cause = state == SLA_UNKNOWN ? SLA_NO_DATA : SLA_KNOWN};
}

static void step(struct bed *bed, int64_t from, enum sla_state state)
{
    step_sampled(bed, from, state, state, state, state);
}

static void span(struct sla_interval *spans, size_t *count, int64_t from, int64_t to)
{
    spans[(*count)++] = (struct sla_interval){{from}, {to}};
}

static const struct sla_figures *compute_until(struct bed *bed, int64_t steps_to)
{
    struct sla_steps steps = {.to = {steps_to}, .count = bed->n_steps, .items = bed->steps};
    struct sla_spans hours = {.count = bed->n_hours, .items = bed->hours};
    struct sla_spans excluded = {.count = bed->n_excluded, .items = bed->excluded};
    struct sla_spans planned = {.count = bed->n_planned, .items = bed->planned};
    struct sla_masks masks = {&hours, &excluded, &planned, bed->n_quota_starts, bed->quota_starts};
    sla_figures_clear(&bed->figures);
    assert_int_equal(sla_figures_compute(&steps, &masks, &bed->policy, bed->period, &bed->figures),
                     0);
    return &bed->figures;
}

static const struct sla_figures *compute(struct bed *bed)
{
    return compute_until(bed, bed->period.to.ms);
}

static void assert_classes(const struct sla_figures *figures, int64_t outside, int64_t excluded,
                           int64_t planned, int64_t unknown, int64_t down, int64_t degraded,
                           int64_t up)
{
    const int64_t expected[SLA_CLASSES] = {outside, excluded, planned, unknown, down, degraded, up};
    for (int i = 0; i < SLA_CLASSES; i++) {
        assert_int_equal(figures->class_ms[SLA_COUNTED][i], expected[i]);
    }
}

static void the_first_class_that_fits_counts(void **state)
{
    (void)state;
    struct bed bed = bed_of(0, 1000);
    step(&bed, 0, SLA_DOWN);
    bed.hours[0] = (struct sla_interval){{100}, {900}};
    span(bed.excluded, &bed.n_excluded, 50, 300);
    span(bed.planned, &bed.n_planned, 200, 400);
    span(bed.planned, &bed.n_planned, 850, 950);
    assert_classes(compute(&bed), 200, 200, 150, 0, 450, 0, 0);
    assert_int_equal(bed.figures.planned_down_ms, 150);
    assert_int_equal(bed.figures.n_outages, 1);
    assert_int_equal(bed.figures.outages[0].counted_ms, 450);
    assert_int_equal(bed.figures.outages[0].to.ms - bed.figures.outages[0].from.ms, 1000);
    sla_figures_clear(&bed.figures);
}

static void planned_is_removed_credited_or_counted(void **state)
{
    (void)state;
    struct bed bed = bed_of(0, 1000);
    step(&bed, 0, SLA_UP);
    step(&bed, 400, SLA_DOWN);
    step(&bed, 600, SLA_UP);
    span(bed.planned, &bed.n_planned, 300, 500);
    assert_classes(compute(&bed), 0, 0, 200, 0, 100, 0, 700);
    struct sla_fraction fraction = sla_availability(bed.figures.class_ms[0], &bed.policy);
    assert_int_equal(fraction.numerator, 700 * INT64_C(1000000));
    assert_int_equal(fraction.denominator, 800 * INT64_C(1000000));
    bed.policy.planned = SLA_PLANNED_CREDIT;
    assert_classes(compute(&bed), 0, 0, 200, 0, 100, 0, 700);
    fraction = sla_availability(bed.figures.class_ms[0], &bed.policy);
    assert_int_equal(fraction.numerator, 900 * INT64_C(1000000));
    assert_int_equal(fraction.denominator, 1000 * INT64_C(1000000));
    bed.policy.planned = SLA_PLANNED_COUNT;
    assert_classes(compute(&bed), 0, 0, 0, 0, 200, 0, 800);
    assert_int_equal(bed.figures.planned_down_ms, 0);
    sla_figures_clear(&bed.figures);
}

static void unknown_is_excluded_down_or_up(void **state)
{
    (void)state;
    struct bed bed = bed_of(0, 1000);
    step(&bed, 0, SLA_UP);
    step(&bed, 400, SLA_UNKNOWN);
    step(&bed, 600, SLA_DOWN);
    assert_classes(compute(&bed), 0, 0, 0, 200, 400, 0, 400);
    assert_int_equal(bed.figures.n_outages, 1);
    bed.policy.unknown = SLA_UNKNOWN_DOWN;
    assert_classes(compute(&bed), 0, 0, 0, 0, 600, 0, 400);
    assert_int_equal(bed.figures.n_outages, 1); /* one run with what follows */
    assert_int_equal(bed.figures.outages[0].from.ms, 400);
    bed.policy.unknown = SLA_UNKNOWN_UP;
    assert_classes(compute(&bed), 0, 0, 0, 0, 400, 0, 600);
    assert_int_equal(bed.figures.unknown_ms[SLA_NO_DATA], 200); /* whatever is made of it */
    assert_int_equal(bed.figures.known_ms, 800);
    sla_figures_clear(&bed.figures);
}

static void short_outages_are_measured_whole(void **state)
{
    (void)state;
    struct bed bed = bed_of(0, 1000);
    bed.policy.ignore_outages_shorter_ms = 150;
    step(&bed, 0, SLA_UP);
    step(&bed, 100, SLA_DOWN);
    step(&bed, 249, SLA_UP);
    step(&bed, 300, SLA_DOWN);
    step(&bed, 450, SLA_UP);
    step(&bed, 950, SLA_DOWN); /* goes on after the period */
    step(&bed, 1100, SLA_UP);
    assert_classes(compute_until(&bed, 1200), 0, 0, 0, 0, 200, 0, 800);
    assert_int_equal(bed.figures.n_outages, 2);
    assert_int_equal(bed.figures.n_ignored, 1);
    assert_int_equal(bed.figures.ignored_ms, 149);
    assert_true(bed.figures.outages[1].open);
    assert_int_equal(bed.figures.outages[1].to.ms, 1000);
    sla_figures_clear(&bed.figures);
}

static void the_quota_is_used_up_in_order(void **state)
{
    (void)state;
    struct bed bed = bed_of(500, 1000);
    bed.hours[0] = (struct sla_interval){{0}, {1000}};
    bed.policy.planned_quota_ms = 150;
    step(&bed, 0, SLA_DOWN);
    span(bed.planned, &bed.n_planned, 100, 180); /* 80 of 150, before the period */
    span(bed.planned, &bed.n_planned, 550, 650); /* 70 of 100 */
    span(bed.planned, &bed.n_planned, 700, 720); /* nothing */
    span(bed.planned, &bed.n_planned, 850, 900); /* of the next quota */
    bed.quota_starts[0].ms = 0;
    bed.quota_starts[1].ms = 800;
    bed.n_quota_starts = 2;
    assert_classes(compute(&bed), 0, 0, 120, 0, 380, 0, 0);
    bed.quota_starts[0].ms = 200; /* what was before is of another */
    assert_classes(compute(&bed), 0, 0, 170, 0, 330, 0, 0);
    sla_figures_clear(&bed.figures);
}

static void sampling_bounds_an_outage(void **state)
{
    (void)state;
    struct bed bed = bed_of(0, 1000);
    step(&bed, 0, SLA_UP);
    step_sampled(&bed, 100, SLA_UP, SLA_DOWN, SLA_UP, SLA_UP); /* last good result at 100 */
    step(&bed, 160, SLA_DOWN);
    step_sampled(&bed, 400, SLA_DOWN, SLA_DOWN, SLA_UP, SLA_DOWN); /* last failed one */
    step_sampled(&bed, 460, SLA_UP, SLA_DOWN, SLA_UP, SLA_UP);     /* one good result */
    step(&bed, 520, SLA_DOWN);
    step_sampled(&bed, 700, SLA_DOWN, SLA_DOWN, SLA_UP, SLA_DOWN);
    step(&bed, 760, SLA_UP);
    const struct sla_figures *figures = compute(&bed);
    assert_int_equal(figures->n_outages, 2);
    assert_int_equal(figures->outages[0].from.ms, 160);
    assert_int_equal(figures->outages[0].to.ms, 460);
    assert_int_equal(figures->outages[0].min_ms, 400 - 160);
    assert_int_equal(figures->outages[0].max_ms, 460 - 100);
    assert_int_equal(figures->outages[1].min_ms, 700 - 520);
    assert_int_equal(figures->outages[1].max_ms, 760 - 460);
    assert_int_equal(figures->class_ms[SLA_WORST][SLA_CLASS_DOWN], 760 - 100);
    assert_int_equal(figures->class_ms[SLA_BEST][SLA_CLASS_DOWN], 240 + 180);
    sla_figures_clear(&bed.figures);
}

/* The stretch before an outage that may be of it ends at the last good result. */
static void a_good_result_ends_the_doubt_before_an_outage(void **state)
{
    (void)state;
    struct bed bed = bed_of(0, 1000);
    step(&bed, 0, SLA_UP);
    step_sampled(&bed, 100, SLA_UP, SLA_DOWN, SLA_UP, SLA_UP);
    step_sampled(&bed, 130, SLA_UP, SLA_DOWN, SLA_UP, SLA_UP); /* a good result */
    step(&bed, 160, SLA_DOWN);
    step(&bed, 200, SLA_UP);
    assert_int_equal(compute(&bed)->outages[0].max_ms, 200 - 130);
    bed.steps[2].at_start = SLA_DOWN; /* none */
    assert_int_equal(compute(&bed)->outages[0].max_ms, 200 - 100);
    sla_figures_clear(&bed.figures);
}

static void an_empty_period_has_no_figures(void **state)
{
    (void)state;
    struct bed bed = bed_of(100, 100);
    step(&bed, 0, SLA_UP);
    assert_int_equal(compute_until(&bed, 200)->period_ms, 0);
    assert_int_equal(sla_availability(bed.figures.class_ms[0], &bed.policy).denominator, 0);
}

static void assert_percent(int64_t numerator, int64_t denominator, const char *expected)
{
    char text[SLA_PERCENT_SIZE];
    assert_string_equal(sla_fraction_percent((struct sla_fraction){numerator, denominator}, text),
                        expected);
}

static void percentages_are_rounded_half_up_but_never_to_a_hundred(void **state)
{
    (void)state;
    assert_percent(1, 1, "100.0000");
    assert_percent(0, 1, "0.0000");
    assert_percent(2, 3, "66.6667");
    assert_percent(1, 3, "33.3333");
    assert_percent(999, 1000, "99.9000");
    assert_percent(99995, 100000, "99.9950");
    assert_percent(1999999, 2000000, "99.9999"); /* 99.99995 */
    assert_percent(1000000000 - 1, 1000000000, "99.9999");
    assert_percent(1, 2000000, "0.0001"); /* 0.00005 */
    assert_percent(9, 20000000, "0.0000");
    assert_percent(INT64_C(2145916799999999999), INT64_C(2145916800000000000), "99.9999");
}

static struct sla_fraction month_with_down(int64_t down_s)
{
    return (struct sla_fraction){2592000 - down_s, 2592000};
}

static void targets_are_met_by_the_fraction(void **state)
{
    (void)state;
    const int64_t target = 99950000; /* 99.95 % */
    assert_true(sla_fraction_meets(month_with_down(1296), target));
    assert_false(sla_fraction_meets(month_with_down(1297), target));
    assert_percent(2592000 - 1297, 2592000, "99.9500");
    assert_true(sla_fraction_meets(month_with_down(0), 100000000));
    assert_false(sla_fraction_meets(month_with_down(1), 100000000));
    assert_true(sla_fraction_meets(month_with_down(2592000), 0));
    assert_int_equal(sla_fraction_compare(month_with_down(5), month_with_down(4)), -1);
    assert_int_equal(sla_fraction_compare(month_with_down(4), month_with_down(5)), 1);
    assert_int_equal(sla_fraction_compare((struct sla_fraction){1, 2}, (struct sla_fraction){2, 4}),
                     0);
}

static void degraded_time_weighs_as_the_contract_says(void **state)
{
    (void)state;
    struct sla_policy policy = {.degraded_weight = 300000};
    int64_t classes[SLA_CLASSES] = {[SLA_CLASS_DEGRADED] = 7200, [SLA_CLASS_UP] = 79200};
    struct sla_fraction fraction = sla_availability(classes, &policy);
    assert_int_equal(sla_fraction_compare(fraction, (struct sla_fraction){39, 40}), 0);
    policy.degraded_weight = 0;
    fraction = sla_availability(classes, &policy);
    assert_int_equal(fraction.numerator, fraction.denominator);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_class_that_fits_counts),
        cmocka_unit_test(planned_is_removed_credited_or_counted),
        cmocka_unit_test(unknown_is_excluded_down_or_up),
        cmocka_unit_test(short_outages_are_measured_whole),
        cmocka_unit_test(the_quota_is_used_up_in_order),
        cmocka_unit_test(sampling_bounds_an_outage),
        cmocka_unit_test(a_good_result_ends_the_doubt_before_an_outage),
        cmocka_unit_test(an_empty_period_has_no_figures),
        cmocka_unit_test(percentages_are_rounded_half_up_but_never_to_a_hundred),
        cmocka_unit_test(targets_are_met_by_the_fraction),
        cmocka_unit_test(degraded_time_weighs_as_the_contract_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
