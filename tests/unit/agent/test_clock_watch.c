/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What happens to a machine's clocks, seen and told once: steps, sleep, leap seconds, and what is
 * none of them. The clocks are the test's. */
#include "clock_watch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { NS_PER_MS = 1000000, CHANGES_MAX = 16 };

struct world {
    uv_loop_t loop;
    struct clock_watch *watch;
    struct clock_reading now;
    size_t n;
    struct clock_change changes[CHANGES_MAX];
};

static void on_change(void *context, const struct clock_change *change)
{
    struct world *world = context;
    assert_true(world->n < CHANGES_MAX);
    world->changes[world->n++] = *change;
}

static void look(struct world *world, enum clock_leap leap)
{
    clock_watch_see(world->watch, &world->now, leap);
}

/* Time goes by for all of them. */
static void pass(struct world *world, int64_t ms)
{
    world->now.mono.ns += ms * NS_PER_MS;
    world->now.awake.ns += ms * NS_PER_MS;
    world->now.wall_ns += ms * NS_PER_MS;
}

static void step(struct world *world, int64_t ms)
{
    world->now.wall_ns += ms * NS_PER_MS;
}

static void sleep_for(struct world *world, int64_t ms)
{
    world->now.mono.ns += ms * NS_PER_MS;
    world->now.wall_ns += ms * NS_PER_MS;
}

static int begin(void **state)
{
    static struct world world;
    const struct clock_watch_options options = {on_change, &world};
    world = (struct world){0};
    assert_int_equal(uv_loop_init(&world.loop), 0);
    world.watch = clock_watch_open(&world.loop, &options);
    world.now = clock_read(); /* of the real ones: they were just read */
    world.now.span_ns = 0;
    *state = &world;
    return 0;
}

static int end(void **state)
{
    struct world *world = *state;
    clock_watch_close(world->watch);
    clock_watch_close(NULL);
    assert_int_equal(uv_run(&world->loop, UV_RUN_DEFAULT), 0);
    return uv_loop_close(&world->loop);
}

static void time_that_passes_is_no_change(void **state)
{
    struct world *world = *state;
    for (int i = 0; i < 1000; i++) {
        pass(world, i % 7 == 0 ? 3600000 : 250);
        look(world, CLOCK_LEAP_NONE);
    }
    clock_watch_look(world->watch); /* the real clocks: way back, and both are */
    assert_int_equal(clock_watch_stats(world->watch)->sleeps, 0);
    assert_int_equal(world->n, 0);
}

static void steps_are_told_with_both_dates(void **state)
{
    struct world *world = *state;
    pass(world, 250);
    look(world, CLOCK_LEAP_NONE);
    int64_t before_ms = world->now.wall_ns / NS_PER_MS;
    pass(world, 100);
    step(world, 3600000);
    look(world, CLOCK_LEAP_NONE);
    assert_int_equal(world->n, 1);
    assert_int_equal(world->changes[0].stepped_ms, 3600000);
    assert_int_equal(world->changes[0].slept_ms, 0);
    assert_int_equal(world->changes[0].before.ms, before_ms);
    assert_int_equal(world->changes[0].after.ms, before_ms + 3600100);
    look(world, CLOCK_LEAP_NONE);
    assert_int_equal(world->n, 1); /* once */
    pass(world, 100);
    step(world, -86400000);
    look(world, CLOCK_LEAP_NONE);
    assert_int_equal(world->n, 2);
    assert_int_equal(world->changes[1].stepped_ms, -86400000);
    const struct clock_watch_stats *stats = clock_watch_stats(world->watch);
    assert_int_equal(stats->steps, 2);
    assert_int_equal(stats->stepped_ms, 3600000 - 86400000);
    assert_int_equal(stats->sleeps, 0);
}

static void small_steps_add_up(void **state)
{
    struct world *world = *state;
    for (int i = 1; i <= 10; i++) {
        pass(world, 1000);
        step(world, -30);
        look(world, CLOCK_LEAP_NONE);
        assert_int_equal(world->n, i < 4 ? 0 : i < 8 ? 1 : 2);
    }
    assert_in_range(-world->changes[0].stepped_ms, 119, 121);
    /* A reading that was interrupted for a second proves nothing. */
    world->now.span_ns = (int64_t)1000 * NS_PER_MS;
    step(world, 900);
    look(world, CLOCK_LEAP_NONE);
    assert_int_equal(world->n, 2);
}

static void sleep_is_none_of_a_step(void **state)
{
    struct world *world = *state;
    pass(world, 250);
    look(world, CLOCK_LEAP_NONE);
    int64_t before_ms = world->now.wall_ns / NS_PER_MS;
    sleep_for(world, 6 * 3600000);
    pass(world, 40);
    look(world, CLOCK_LEAP_NONE);
    assert_int_equal(world->n, 1);
    assert_int_equal(world->changes[0].slept_ms, 6 * 3600000);
    assert_int_equal(world->changes[0].stepped_ms, 0);
    assert_int_equal(world->changes[0].before.ms, before_ms);
    assert_int_equal(world->changes[0].after.ms, before_ms + 6 * 3600000 + 40);
    /* And the clock is set right when it is back. */
    sleep_for(world, 60000);
    step(world, -2000);
    look(world, CLOCK_LEAP_NONE);
    assert_int_equal(world->n, 2);
    assert_int_equal(world->changes[1].slept_ms, 60000);
    assert_int_equal(world->changes[1].stepped_ms, -2000);
    assert_int_equal(clock_watch_stats(world->watch)->slept_ms, 6 * 3600000 + 60000);
}

static void leap_second_is_announced_and_counted(void **state)
{
    struct world *world = *state;
    pass(world, 1000);
    look(world, CLOCK_LEAP_INSERT);
    assert_int_equal(clock_watch_stats(world->watch)->leap, CLOCK_LEAP_INSERT);
    assert_int_equal(world->n, 0); /* nothing happened yet */
    pass(world, 1000);
    step(world, -1000); /* 23:59:59 comes twice */
    look(world, CLOCK_LEAP_INSERT);
    assert_int_equal(world->n, 1);
    assert_int_equal(world->changes[0].stepped_ms, -1000);
    look(world, CLOCK_LEAP_NONE);
    assert_int_equal(clock_watch_stats(world->watch)->leap, CLOCK_LEAP_NONE);
    assert_int_equal(world->n, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(time_that_passes_is_no_change, begin, end),
        cmocka_unit_test_setup_teardown(steps_are_told_with_both_dates, begin, end),
        cmocka_unit_test_setup_teardown(small_steps_add_up, begin, end),
        cmocka_unit_test_setup_teardown(sleep_is_none_of_a_step, begin, end),
        cmocka_unit_test_setup_teardown(leap_second_is_announced_and_counted, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
