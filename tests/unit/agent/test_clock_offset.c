/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How far two clocks are apart, from exchanges over a way that is slow at times and always unknown.
 */
#include "clock_offset.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const int64_t WALL_US = INT64_C(1795867200000000); /* 2026-11-24 */
static const int64_t US = 1000;
static const int64_t MS = 1000000;

/* An agent whose steady clock began at 0 when the collector's said WALL_US. */
struct world {
    struct clock_offset offset;
    int64_t now_ns;
    int64_t ahead_ns; /* our wall clock before the collector's */
};

static bool exchange(struct world *world, int64_t there_ns, int64_t held_ns, int64_t back_ns)
{
    struct exchange exchange = {.sent_ns = (uint64_t)world->now_ns,
                                .received_us = WALL_US + (world->now_ns + there_ns) / US,
                                .held_us = (uint64_t)(held_ns / US)};
    world->now_ns += there_ns + held_ns + back_ns;
    return clock_offset_add(&world->offset, &exchange, (struct mono){world->now_ns});
}

static struct clock_reading reading(const struct world *world)
{
    return (struct clock_reading){.mono = {world->now_ns},
                                  .awake = {world->now_ns},
                                  .wall_ns = WALL_US * US + world->now_ns + world->ahead_ns};
}

static void assert_offset(const struct world *world, double wanted_s, double wanted_delay_s)
{
    double offset_s = 0;
    double delay_s = 0;
    struct clock_reading now = reading(world);
    assert_true(clock_offset_get(&world->offset, &now, &offset_s, &delay_s));
    assert_true(offset_s - wanted_s < 3e-6 && wanted_s - offset_s < 3e-6);
    assert_true(delay_s - wanted_delay_s < 3e-6 && wanted_delay_s - delay_s < 3e-6);
}

static void what_the_collector_held_is_no_delay(void **state)
{
    struct world world = {.now_ns = 5 * MS, .ahead_ns = 1500 * MS};
    struct clock_reading now = reading(&world);
    double unused;
    (void)state;
    assert_false(clock_offset_get(&world.offset, &now, &unused, &unused));
    assert_true(exchange(&world, 2 * MS, 900 * MS, 2 * MS));
    assert_offset(&world, 1.5, 0.004);
}

static void shortest_way_counts(void **state)
{
    struct world world = {.now_ns = 1, .ahead_ns = -40 * MS};
    (void)state;
    assert_true(exchange(&world, 1 * MS, 5 * MS, 1 * MS));
    for (int i = 0; i < CLOCK_OFFSET_SAMPLES - 1; i++) {
        assert_true(exchange(&world, 300 * MS, 5 * MS, 10 * MS)); /* the way there is full */
    }
    assert_offset(&world, -0.040, 0.002);
    assert_true(exchange(&world, 300 * MS, 5 * MS, 10 * MS)); /* the good one is forgotten */
    assert_offset(&world, -0.040 - 0.145, 0.310);             /* wrong by half its delay at most */
}

static void own_step_shows_without_an_exchange(void **state)
{
    struct world world = {.now_ns = 1};
    (void)state;
    assert_true(exchange(&world, MS, 0, MS));
    assert_offset(&world, 0, 0.002);
    world.ahead_ns = -7200 * 1000 * MS;
    assert_offset(&world, -7200, 0.002);
}

static void old_knowledge_is_none(void **state)
{
    struct world world = {.now_ns = 1};
    double unused;
    (void)state;
    assert_true(exchange(&world, MS, 0, MS));
    world.now_ns += 601 * 1000 * MS;
    struct clock_reading now = reading(&world);
    assert_false(clock_offset_get(&world.offset, &now, &unused, &unused));
}

static void nonsense_is_ignored(void **state)
{
    struct clock_offset offset;
    const struct mono now = {1000 * MS};
    const struct exchange cases[] = {
        {.sent_ns = 0, .received_us = WALL_US},                         /* none */
        {.sent_ns = (uint64_t)1001 * 1000000, .received_us = WALL_US},  /* not sent yet */
        {.sent_ns = UINT64_MAX, .received_us = WALL_US},                /* nor ever */
        {.sent_ns = 1, .received_us = INT64_MAX},                       /* beyond nanoseconds */
        {.sent_ns = 1, .received_us = -1},                              /* before 1970 */
        {.sent_ns = 1, .received_us = WALL_US, .held_us = 1001 * 1000}, /* longer than it took */
        {.sent_ns = 1, .received_us = WALL_US, .held_us = UINT64_MAX},
    };
    (void)state;
    memset(&offset, 0, sizeof offset);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_false(clock_offset_add(&offset, &cases[i], now));
    }
    assert_int_equal(offset.n, 0);
}

static void judges_only_what_is_sure(void **state)
{
    struct world world = {.now_ns = 1, .ahead_ns = 2500 * MS};
    struct clock_reading now;
    (void)state;
    assert_true(exchange(&world, 800 * MS, 0, 800 * MS)); /* 1.7 to 3.3 s */
    now = reading(&world);
    clock_offset_judge(&world.offset, &now);
    assert_false(world.offset.is_far);
    assert_true(exchange(&world, 100 * MS, 0, 100 * MS)); /* 2.4 to 2.6 s */
    now = reading(&world);
    clock_offset_judge(&world.offset, &now);
    assert_true(world.offset.is_far);
    world.ahead_ns = 1500 * MS; /* better, and not good */
    now = reading(&world);
    clock_offset_judge(&world.offset, &now);
    assert_true(world.offset.is_far);
    world.ahead_ns = 20 * MS;
    now = reading(&world);
    clock_offset_judge(&world.offset, &now);
    assert_false(world.offset.is_far);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_collector_held_is_no_delay),
        cmocka_unit_test(shortest_way_counts),
        cmocka_unit_test(own_step_shows_without_an_exchange),
        cmocka_unit_test(old_knowledge_is_none),
        cmocka_unit_test(nonsense_is_ignored),
        cmocka_unit_test(judges_only_what_is_sure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
