/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The wheel of timers: against a list that is searched, and by what a timer may do while others are
 * due. */
#include "wheel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TIMERS = 64, STEPS = 60000, BEGIN_MS = 123457, ROUND_MS = WHEEL_SLOTS };

/* --- timers that tell --- */

struct probe {
    struct wheel_timer timer;
    int64_t at_ms; /* as wheel_start says */
    uint64_t started_as;
    bool runs;
    size_t n_fired;
    /* What it does when it fires. */
    struct probe *stops;
    struct probe *starts;
    int64_t due_ms;
};

static struct wheel wheel;
static struct probe probes[TIMERS];
static int64_t now_ms;
static uint64_t n_started;

static void start(struct probe *probe, int64_t due_ms)
{
    probe->at_ms = wheel_start(&wheel, &probe->timer, due_ms);
    probe->started_as = n_started++;
    probe->runs = true;
    assert_true(probe->at_ms >= due_ms);
}

static void stop(struct probe *probe)
{
    wheel_stop(&wheel, &probe->timer);
    probe->runs = false;
}

static void on_fire(struct wheel_timer *timer)
{
    struct probe *probe = (struct probe *)timer; /* its first member */
    assert_true(probe->runs);
    assert_true(probe->at_ms <= now_ms);
    probe->runs = false;
    probe->n_fired++;

    if (probe->stops != NULL) {
        stop(probe->stops);
    }
    if (probe->starts != NULL) {
        start(probe->starts, probe->due_ms);
    }
}

static int set_up(void **state)
{
    (void)state;
    memset(probes, 0, sizeof probes);
    for (size_t i = 0; i < TIMERS; i++) {
        probes[i].timer.fire = on_fire;
    }
    now_ms = BEGIN_MS;
    wheel_init(&wheel, now_ms);
    return 0;
}

static void turn_to(int64_t ms)
{
    now_ms = ms;

    wheel_turn(&wheel, ms);
}

/* --- the list --- */

/* When a timer's slot comes round, be it for this one or for an earlier round. */
static int64_t first_slot_ms(void)
{
    const int64_t from_ms = now_ms + 1;
    int64_t first_ms = INT64_MAX;
    for (size_t i = 0; i < TIMERS; i++) {
        if (probes[i].runs) {
            assert_true(probes[i].at_ms >= from_ms);
            int64_t slot_ms = from_ms + (probes[i].at_ms - from_ms) % ROUND_MS;
            first_ms = slot_ms < first_ms ? slot_ms : first_ms;
        }
    }
    return first_ms;
}

static int64_t random_below(int64_t n)
{
    return rand() % n;
}

static int64_t some_delay_ms(void)
{
    switch (random_below(4)) {
    case 0:
        return random_below(30);
    case 1:
        return random_below(ROUND_MS);
    case 2:
        return ROUND_MS - 10 + random_below(30);
    default:
        return random_below(5 * (int64_t)ROUND_MS);
    }
}

static void all_fire_when_their_time_has_come(void **state)
{
    unsigned seed = 20240611;
    size_t n_fired = 0;
    size_t n_due = 0;
    (void)state;
    print_message("seed %u\n", seed);
    srand(seed);
    for (size_t step = 0; step < STEPS; step++) {
        struct probe *probe = &probes[random_below(TIMERS)];
        switch (random_below(4)) {
        case 0:
        case 1:
            start(probe, now_ms + some_delay_ms());
            break;
        case 2:
            stop(probe);
            break;
        default:
            now_ms += random_below(200) == 0 ? some_delay_ms() : random_below(500);
            for (size_t i = 0; i < TIMERS; i++) {
                n_due += probes[i].runs && probes[i].at_ms <= now_ms;
            }
            turn_to(now_ms);
            assert_int_equal(wheel_next_ms(&wheel), first_slot_ms());
            break;
        }
    }
    for (size_t i = 0; i < TIMERS; i++) {
        n_fired += probes[i].n_fired;
    }
    assert_true(n_fired > STEPS / 16);
    assert_int_equal(n_fired, n_due);
}

static uint64_t order[TIMERS];
static size_t n_ordered;

static void on_fire_in_order(struct wheel_timer *timer)
{
    order[n_ordered++] = (uint64_t)((struct probe *)timer - probes);
}

static void earlier_times_and_earlier_starts_come_first(void **state)
{
    static const int64_t delays_ms[] = {95, 15, 10, 95, 10, 55, 95};
    static const uint64_t expected[] = {2, 4, 1, 5, 0, 3, 6};
    enum { N = sizeof delays_ms / sizeof delays_ms[0] };
    (void)state;
    n_ordered = 0;
    for (size_t i = 0; i < N; i++) {
        probes[i].timer.fire = on_fire_in_order;
        wheel_start(&wheel, &probes[i].timer, BEGIN_MS + delays_ms[i]);
    }
    turn_to(BEGIN_MS + 200);
    assert_int_equal(n_ordered, N);
    assert_memory_equal(order, expected, sizeof expected);
}

static void not_a_millisecond_early(void **state)
{
    (void)state;
    start(&probes[0], BEGIN_MS + 12);
    assert_int_equal(probes[0].at_ms, BEGIN_MS + 12);
    turn_to(BEGIN_MS + 11);
    assert_int_equal(probes[0].n_fired, 0);
    turn_to(BEGIN_MS + 12);
    assert_int_equal(probes[0].n_fired, 1);
    /* One that is due by now waits for the next millisecond. */
    start(&probes[0], BEGIN_MS + 12);
    assert_int_equal(probes[0].at_ms, BEGIN_MS + 13);
}

static void moved_timer_fires_once(void **state)
{
    (void)state;
    start(&probes[0], BEGIN_MS + 30);
    start(&probes[0], BEGIN_MS + 60);
    turn_to(BEGIN_MS + 40);
    assert_int_equal(probes[0].n_fired, 0);
    turn_to(BEGIN_MS + 70);
    turn_to(BEGIN_MS + 70 + 2 * ROUND_MS);
    assert_int_equal(probes[0].n_fired, 1);
    assert_int_equal(wheel_next_ms(&wheel), INT64_MAX);
}

static void due_timer_may_be_stopped_by_another(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        start(&probes[i], BEGIN_MS + 20 + (int64_t)i / 2 * 20);
    }
    probes[0].stops = &probes[1]; /* of its own time */
    probes[2].stops = &probes[2]; /* itself */
    turn_to(BEGIN_MS + 100);
    assert_int_equal(probes[0].n_fired, 1);
    assert_int_equal(probes[1].n_fired, 0);
    assert_int_equal(probes[2].n_fired, 1);
    assert_int_equal(probes[3].n_fired, 1);
    assert_int_equal(wheel_next_ms(&wheel), INT64_MAX);
}

static void what_is_started_in_a_turn_is_of_a_later_one(void **state)
{
    (void)state;
    start(&probes[0], BEGIN_MS + 20);
    start(&probes[1], BEGIN_MS + 20);
    probes[0].starts = &probes[0]; /* itself, due since long */
    probes[0].due_ms = BEGIN_MS;
    probes[1].starts = &probes[0]; /* and again */
    probes[1].due_ms = BEGIN_MS + 60;
    turn_to(BEGIN_MS + 30);
    assert_int_equal(probes[0].n_fired, 1);
    assert_int_equal(probes[1].n_fired, 1);
    probes[0].starts = NULL;
    assert_int_equal(wheel_next_ms(&wheel), BEGIN_MS + 60);
    turn_to(BEGIN_MS + 70);
    assert_int_equal(probes[0].n_fired, 2);
    /* One that is due already is moved out of the turn. */
    start(&probes[0], now_ms + 20);
    start(&probes[1], now_ms + 20);
    probes[0].starts = &probes[1];
    probes[0].due_ms = now_ms + 500;
    probes[1].starts = NULL;
    turn_to(now_ms + 40);
    assert_int_equal(probes[1].n_fired, 1);
    turn_to(now_ms + 500);
    assert_int_equal(probes[1].n_fired, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(all_fire_when_their_time_has_come, set_up),
        cmocka_unit_test_setup(earlier_times_and_earlier_starts_come_first, set_up),
        cmocka_unit_test_setup(not_a_millisecond_early, set_up),
        cmocka_unit_test_setup(moved_timer_fires_once, set_up),
        cmocka_unit_test_setup(due_timer_may_be_stopped_by_another, set_up),
        cmocka_unit_test_setup(what_is_started_in_a_turn_is_of_a_later_one, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
