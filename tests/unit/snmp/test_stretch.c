/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How a slow device is read less often, and again more often. */
#include "stretch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { INTERVAL_MS = 1000 };

/* Lives `turns` turns with cycles of `took_ms`; returns how many had one. */
static unsigned live(struct stretch *stretch, unsigned turns, int64_t took_ms)
{
    unsigned cycles = 0;
    for (unsigned i = 0; i < turns; i++) {
        stretch_next_turn(stretch);
        if (stretch_is_turn(stretch)) {
            cycles++;
            (void)stretch_take(stretch, INTERVAL_MS, took_ms);
        }
    }
    return cycles;
}

static void quick_device_is_read_each_turn(void **state)
{
    struct stretch stretch;
    (void)state;
    stretch_begin(&stretch);
    assert_int_equal(live(&stretch, 100, INTERVAL_MS / 2), 100);
    assert_int_equal(stretch.factor, 1);
}

static void one_slow_cycle_changes_nothing(void **state)
{
    struct stretch stretch;
    (void)state;
    stretch_begin(&stretch);
    for (int i = 0; i < 20; i++) {
        assert_false(stretch_take(&stretch, INTERVAL_MS, 501));
        assert_false(stretch_take(&stretch, INTERVAL_MS, 500));
    }
    assert_int_equal(stretch.factor, 1);
}

static void two_slow_cycles_double_the_interval(void **state)
{
    struct stretch stretch;
    (void)state;
    stretch_begin(&stretch);
    assert_false(stretch_take(&stretch, INTERVAL_MS, 501));
    assert_true(stretch_take(&stretch, INTERVAL_MS, 501));
    assert_int_equal(stretch.factor, 2);
    /* 501 of 2,000 ms is no longer slow, nor is it quick. */
    assert_int_equal(live(&stretch, 100, 501), 50);
    assert_int_equal(stretch.factor, 2);
}

static void slowest_device_is_read_every_eighth_turn(void **state)
{
    struct stretch stretch;
    (void)state;
    stretch_begin(&stretch);
    (void)live(&stretch, 100, 60000);
    assert_int_equal(stretch.factor, STRETCH_MAX);
    assert_int_equal(live(&stretch, 80, 60000), 10);
}

static void device_that_recovers_is_read_as_before(void **state)
{
    struct stretch stretch;
    (void)state;
    stretch_begin(&stretch);
    (void)live(&stretch, 100, 60000);
    /* Ten cycles each at eight, four and two times the interval. */
    (void)live(&stretch, 10 * (8 + 4 + 2) + 8, 100);
    assert_int_equal(stretch.factor, 1);
    assert_int_equal(live(&stretch, 10, 100), 10);
}

static void quick_cycles_must_be_in_a_row(void **state)
{
    struct stretch stretch;
    (void)state;
    stretch_begin(&stretch);
    (void)stretch_take(&stretch, INTERVAL_MS, 501);
    (void)stretch_take(&stretch, INTERVAL_MS, 501);
    for (int i = 0; i < 30; i++) {
        assert_false(stretch_take(&stretch, INTERVAL_MS, i % 10 == 9 ? 250 : 249));
    }
    assert_int_equal(stretch.factor, 2);
}

/* A series bears two intervals between its samples, not more. */
static void step_changes_only_when_it_must(void **state)
{
    struct stretch stretch = {.factor = 1};
    (void)state;
    assert_int_equal(stretch_interval_ms(&stretch, INTERVAL_MS), INTERVAL_MS);
    stretch.factor = 2;
    assert_int_equal(stretch_interval_ms(&stretch, INTERVAL_MS), INTERVAL_MS);
    stretch.factor = 4;
    assert_int_equal(stretch_interval_ms(&stretch, INTERVAL_MS), 4 * INTERVAL_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quick_device_is_read_each_turn),
        cmocka_unit_test(one_slow_cycle_changes_nothing),
        cmocka_unit_test(two_slow_cycles_double_the_interval),
        cmocka_unit_test(slowest_device_is_read_every_eighth_turn),
        cmocka_unit_test(device_that_recovers_is_read_as_before),
        cmocka_unit_test(quick_cycles_must_be_in_a_row),
        cmocka_unit_test(step_changes_only_when_it_must),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
