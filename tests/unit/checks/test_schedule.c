/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Turns: on the grid, evenly spread, and what happens when the clock or the machine jumps. */
#include "sample/schedule.h"
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { INTERVAL_MS = 100 };

/* The real clocks, moved. */
struct moved_clocks {
    int64_t wall_ms;
    int64_t mono_ms;
};

static int64_t read_clock(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static struct mono moved_mono(void *context)
{
    const struct moved_clocks *moved = context;
    return (struct mono){read_clock(CLOCK_BOOTTIME) + moved->mono_ms * 1000000};
}

static struct wall moved_wall(void *context)
{
    const struct moved_clocks *moved = context;
    return (struct wall){read_clock(CLOCK_REALTIME) / 1000000 + moved->wall_ms};
}

struct turns {
    size_t n;
    size_t wanted;
    int64_t due[64];
    struct schedule_task *task;
    bool stop_inside;
};

static void on_fire(void *context, struct wall due)
{
    struct turns *turns = context;
    assert_true(turns->n < 64);
    turns->due[turns->n++] = due.ms;
    assert_true(clock_wall().ms >= due.ms);
    if (turns->stop_inside) {
        schedule_stop(turns->task);
    }
}

static bool enough(void *context)
{
    const struct turns *turns = context;
    return turns->n >= turns->wanted;
}

static void fires_on_its_grid(void **state)
{
    uv_loop_t loop;
    struct turns turns = {.wanted = 4};
    int64_t phase = schedule_phase_ms("check/a/b", INTERVAL_MS);
    (void)state;
    uv_loop_init(&loop);
    turns.task = schedule_start(&loop, "check/a/b", INTERVAL_MS, on_fire, &turns);
    assert_true(run_until(&loop, enough, &turns, 5000));
    for (size_t i = 0; i < turns.n; i++) {
        assert_int_equal(turns.due[i] % INTERVAL_MS, phase);
        assert_true(i == 0 || turns.due[i] > turns.due[i - 1]);
    }
    schedule_stop(turns.task);
    schedule_stop(NULL);
    finish_loop(&loop);
}

static void slots_gather_phases(void **state)
{
    enum { SLOT_MS = INTERVAL_MS / 4 };
    static const char *const names[] = {"a", "b", "c", "d", "e", "f"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        uv_loop_t loop;
        struct turns turns = {.wanted = 2};
        uv_loop_init(&loop);
        turns.task = schedule_start_in_slot(&loop, names[i], INTERVAL_MS, SLOT_MS, on_fire, &turns);
        assert_true(run_until(&loop, enough, &turns, 5000));
        for (size_t j = 0; j < turns.n; j++) {
            assert_int_equal(turns.due[j] % INTERVAL_MS,
                             schedule_phase_ms(names[i], INTERVAL_MS) / SLOT_MS * SLOT_MS);
        }
        schedule_stop(turns.task);
        finish_loop(&loop);
    }
}

static void phases_are_spread_and_kept(void **state)
{
    unsigned tenth[10] = {0};
    (void)state;
    for (int i = 0; i < 10000; i++) {
        char name[32];
        snprintf(name, sizeof name, "switch-%d", i);
        int64_t phase = schedule_phase_ms(name, 60000);
        assert_in_range(phase, 0, 59999);
        tenth[phase / 6000]++;
    }
    for (int i = 0; i < 10; i++) {
        assert_in_range(tenth[i], 850, 1150); /* 1,000 each, five sigma */
    }
    /* SHA-256 of "a" begins ca978112ca1bbdca: the phase must never change between versions. */
    assert_int_equal(schedule_phase_ms("a", 60000),
                     (int64_t)(UINT64_C(0xca978112ca1bbdca) % 60000));
}

static void sleep_is_counted_a_clock_step_is_not(void **state)
{
    struct moved_clocks moved = {0};
    const struct clock_source source = {moved_mono, moved_wall, &moved};
    uv_loop_t loop;
    struct turns turns = {.wanted = 1};
    (void)state;
    clock_replace(&source);
    uv_loop_init(&loop);
    turns.task = schedule_start(&loop, "x", INTERVAL_MS, on_fire, &turns);
    assert_true(run_until(&loop, enough, &turns, 5000));
    uint64_t before = schedule_missed(turns.task);

    moved.wall_ms += 3600000; /* the clock is set an hour ahead */
    turns.wanted = turns.n + 1;
    assert_true(run_until(&loop, enough, &turns, 5000));
    assert_in_range(schedule_missed(turns.task) - before, 0, 5);
    assert_true(turns.due[turns.n - 1] - turns.due[0] >= 3600000 - 2 * INTERVAL_MS);

    before = schedule_missed(turns.task);
    moved.wall_ms += 60000; /* the machine sleeps a minute */
    moved.mono_ms += 60000;
    turns.wanted = turns.n + 1;
    size_t n = turns.n;
    assert_true(run_until(&loop, enough, &turns, 5000));
    assert_in_range(schedule_missed(turns.task) - before, 598, 610);
    assert_true(turns.n - n <= 2); /* no burst to make up for it */
    schedule_stop(turns.task);
    finish_loop(&loop);
    clock_replace(NULL);
}

static void goes_on_after_a_step_back(void **state)
{
    struct moved_clocks moved = {0};
    const struct clock_source source = {moved_mono, moved_wall, &moved};
    uv_loop_t loop;
    struct turns turns = {.wanted = 1};
    (void)state;
    clock_replace(&source);
    uv_loop_init(&loop);
    turns.task = schedule_start(&loop, "x", INTERVAL_MS, on_fire, &turns);
    assert_true(run_until(&loop, enough, &turns, 5000));
    moved.wall_ms -= 3600000;
    turns.wanted = turns.n + 3;
    assert_true(run_until(&loop, enough, &turns, 5000));
    assert_true(turns.due[turns.n - 1] < turns.due[0] - 3500000);
    assert_int_equal(turns.due[turns.n - 1] % INTERVAL_MS, schedule_phase_ms("x", INTERVAL_MS));
    schedule_stop(turns.task);
    finish_loop(&loop);
    clock_replace(NULL);
}

struct spaced {
    struct turns turns;
    int64_t aligned_ms;    /* the steps that the grid has followed */
    int64_t steady_ms[64]; /* when the turns were due, without them */
};

static void on_spaced(void *context, struct wall due)
{
    struct spaced *spaced = context;
    spaced->steady_ms[spaced->turns.n] = due.ms - spaced->aligned_ms;
    on_fire(&spaced->turns, due);
}

static bool enough_spaced(void *context)
{
    return enough(&((struct spaced *)context)->turns);
}

/* The steady clock counts the turns: whatever the wall clock does between them, the next comes
 * after one interval, give or take the half that it takes to be on the grid again. */
static void a_step_neither_skips_nor_doubles_a_turn(void **state)
{
    static const int64_t steps_ms[] = {190, -110, 150, -150, 3600049, -86400051, 99, -99, 60, 60};
    struct moved_clocks moved = {0};
    const struct clock_source source = {moved_mono, moved_wall, &moved};
    uv_loop_t loop;
    struct spaced spaced = {.turns = {.wanted = 1}};
    int64_t phase = schedule_phase_ms("z", INTERVAL_MS);
    (void)state;
    clock_replace(&source);
    uv_loop_init(&loop);
    spaced.turns.task = schedule_start(&loop, "z", INTERVAL_MS, on_spaced, &spaced);
    assert_true(run_until(&loop, enough_spaced, &spaced, 5000));
    for (size_t i = 0; i < sizeof steps_ms / sizeof steps_ms[0]; i++) {
        moved.wall_ms += steps_ms[i];
        if (llabs(moved.wall_ms - spaced.aligned_ms) >= CLOCK_STEP_MIN_MS) {
            spaced.aligned_ms = moved.wall_ms;
        }
        spaced.turns.wanted++;
        assert_true(run_until(&loop, enough_spaced, &spaced, 5000));
    }
    for (size_t i = 1; i < spaced.turns.n; i++) {
        /* Turns that the machine was late for are skipped, by whole intervals. */
        int64_t apart_ms = spaced.steady_ms[i] - spaced.steady_ms[i - 1];
        assert_true(apart_ms >= INTERVAL_MS / 2);
        assert_true(apart_ms <= INTERVAL_MS * 3 / 2 || schedule_missed(spaced.turns.task) > 0);
        assert_int_equal((spaced.turns.due[i] % INTERVAL_MS + INTERVAL_MS) % INTERVAL_MS, phase);
    }
    schedule_stop(spaced.turns.task);
    finish_loop(&loop);
    clock_replace(NULL);
}

/* Turns follow UTC: where the zone's offset changes, nothing does. */
static void daylight_saving_is_nothing(void **state)
{
    /* 2026-03-29T01:00:00Z and 2026-10-25T01:00:00Z: Europe/Paris goes to +2 h, and back. */
    static const int64_t changes_ms[] = {INT64_C(1774746000000), INT64_C(1792890000000)};
    (void)state;
    assert_int_equal(setenv("TZ", "Europe/Paris", 1), 0);
    tzset();
    for (size_t i = 0; i < 2; i++) {
        struct moved_clocks moved = {.wall_ms = changes_ms[i] - 2 * INTERVAL_MS -
                                                read_clock(CLOCK_REALTIME) / 1000000};
        const struct clock_source source = {moved_mono, moved_wall, &moved};
        uv_loop_t loop;
        struct turns turns = {.wanted = 5};
        clock_replace(&source);
        uv_loop_init(&loop);
        turns.task = schedule_start(&loop, "dst", INTERVAL_MS, on_fire, &turns);
        assert_true(run_until(&loop, enough, &turns, 5000));
        for (size_t k = 1; k < turns.n; k++) {
            assert_int_equal((turns.due[k] - turns.due[k - 1]) % INTERVAL_MS, 0);
            assert_true(turns.due[k] > turns.due[k - 1]);
        }
        assert_true(turns.due[0] < changes_ms[i] && turns.due[turns.n - 1] > changes_ms[i]);
        schedule_stop(turns.task);
        finish_loop(&loop);
    }
    clock_replace(NULL);
    assert_int_equal(unsetenv("TZ"), 0);
    tzset();
}

static void may_stop_itself(void **state)
{
    uv_loop_t loop;
    struct turns turns = {.wanted = 1, .stop_inside = true};
    (void)state;
    uv_loop_init(&loop);
    turns.task = schedule_start(&loop, "y", INTERVAL_MS, on_fire, &turns);
    assert_true(run_until(&loop, enough, &turns, 5000));
    finish_loop(&loop);
    assert_int_equal(turns.n, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fires_on_its_grid),
        cmocka_unit_test(slots_gather_phases),
        cmocka_unit_test(phases_are_spread_and_kept),
        cmocka_unit_test(sleep_is_counted_a_clock_step_is_not),
        cmocka_unit_test(goes_on_after_a_step_back),
        cmocka_unit_test(a_step_neither_skips_nor_doubles_a_turn),
        cmocka_unit_test(daylight_saving_is_nothing),
        cmocka_unit_test(may_stop_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
