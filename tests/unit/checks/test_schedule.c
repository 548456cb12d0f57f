/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Turns: on the grid, evenly spread, and what happens when the clock or the machine jumps. */
#include "sample/schedule.h"
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
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
        cmocka_unit_test(may_stop_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
