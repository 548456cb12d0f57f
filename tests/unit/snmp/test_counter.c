/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The decision table of counters, and what sysUpTime tells. */
#include "counter.h"
#include "probe.h"
#include "uptime.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { SECOND_MS = 1000, MEGABIT = 1000000 };
static const uint64_t wrap = UINT64_C(1) << 32;

static struct mono at_ms(int64_t ms)
{
    return mono_add_ms((struct mono){1000000000}, ms);
}

struct step {
    const char *what;
    unsigned bits;
    uint64_t before;
    uint64_t raw;
    int64_t elapsed_ms;
    uint64_t speed;
    bool is_real;
    bool other_epoch;
    enum counter_verdict verdict;
    uint64_t total;
};

static void table_decides(void **state)
{
    static const struct step steps[] = {
        {"64 advances", 64, 1000, 5000, 30000, 0, false, false, COUNTER_ADVANCED, 5000},
        {"64 stands still", 64, 1000, 1000, 30000, 0, false, false, COUNTER_ADVANCED, 1000},
        {"64 falls", 64, 5000, 4999, 30000, 0, false, false, COUNTER_RESET, 4999},
        {"64 falls by a wrap's width", 64, UINT32_MAX, 5, 30000, 1000 * MEGABIT, true, false,
         COUNTER_RESET, 5},
        {"restart, higher than before", 64, 1000, 5000, 30000, 0, false, true, COUNTER_RESET, 5000},
        {"64, more than the port carries", 64, 0, UINT64_C(1000000000), 30000, 100 * MEGABIT, true,
         false, COUNTER_IMPLAUSIBLE, UINT64_C(1000000000)},
        {"64, a tunnel's speed binds nothing", 64, 0, UINT64_C(1000000000), 30000, 9600, false,
         false, COUNTER_ADVANCED, UINT64_C(1000000000)},
        {"64, line rate at the tolerance", 64, 0, UINT64_C(375000000), 30000, 100 * MEGABIT, true,
         false, COUNTER_ADVANCED, UINT64_C(375000000)},
        {"32 advances", 32, 1000, 5000, 30000, 100 * MEGABIT, true, false, COUNTER_ADVANCED, 5000},
        {"32 wraps at 100 Mbit/s", 32, 4294967000, 300000000, 30000, 100 * MEGABIT, true, false,
         COUNTER_WRAPPED, UINT64_C(4294967296) + 300000000},
        {"32 falls too far for a wrap", 32, 2000000000, 1000, 30000, 100 * MEGABIT, true, false,
         COUNTER_RESET, 1000},
        {"32 falls, speed unknown", 32, 4294967000, 1000, 30000, 0, false, false, COUNTER_RESET,
         1000},
        {"32 falls after a restart", 32, 4294967000, 1000, 30000, 100 * MEGABIT, true, true,
         COUNTER_RESET, 1000},
        {"32 may have wrapped meanwhile", 32, 1000, 2000, 600000, 100 * MEGABIT, true, false,
         COUNTER_RESET, 2000},
        {"32 fell, and may have wrapped twice", 32, 4294967000, 2000, 800000, 100 * MEGABIT, true,
         false, COUNTER_RESET, 2000},
        {"32 jumps", 32, 1000, 4000000000, 30000, 100 * MEGABIT, true, false, COUNTER_IMPLAUSIBLE,
         4000000000},
    };
    (void)state;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        const struct step *step = &steps[i];
        struct counter counter = {0};
        struct counter_reading reading = {.bits = step->bits,
                                          .raw = step->before,
                                          .at = at_ms(0),
                                          .unit = COUNTER_OCTETS,
                                          .speed = step->speed,
                                          .speed_is_real = step->is_real};
        print_message("%s\n", step->what);
        assert_int_equal(counter_take(&counter, &reading), COUNTER_FIRST);
        assert_int_equal(counter.total, step->before);
        reading.raw = step->raw;
        reading.at = at_ms(step->elapsed_ms);
        reading.epoch = step->other_epoch ? 1 : 0;
        assert_int_equal(counter_take(&counter, &reading), step->verdict);
        assert_int_equal(counter.total, step->total);
        /* Every reading is the next one's base: what follows is judged against it. */
        reading.raw = step->raw + 10;
        reading.at = at_ms(step->elapsed_ms + 30000);
        assert_int_equal(counter_take(&counter, &reading), COUNTER_ADVANCED);
        assert_int_equal(counter.total, step->total + 10);
    }
}

static void breaks_are_marked(void **state)
{
    (void)state;
    assert_false(counter_is_break(COUNTER_FIRST, 64));
    assert_true(counter_is_break(COUNTER_FIRST, 32));
    assert_false(counter_is_break(COUNTER_ADVANCED, 32));
    assert_false(counter_is_break(COUNTER_WRAPPED, 32));
    assert_true(counter_is_break(COUNTER_RESET, 64));
    assert_true(counter_is_break(COUNTER_IMPLAUSIBLE, 64));
}

static void width_may_change(void **state)
{
    struct counter counter = {0};
    struct counter_reading reading = {.bits = 32, .raw = 500, .at = at_ms(0)};
    (void)state;
    counter_take(&counter, &reading);
    reading.bits = 64;
    reading.raw = 900;
    reading.at = at_ms(SECOND_MS);
    assert_int_equal(counter_take(&counter, &reading), COUNTER_RESET);
    assert_int_equal(counter.total, 900);
}

/* A day at 100 Mbit/s, read every 30 s, by a 32-bit counter: not an octet is lost. */
static void widening_follows_many_wraps(void **state)
{
    struct counter counter = {0};
    uint64_t truth = 4000000000;
    (void)state;
    for (int64_t t = 0; t <= 86400; t += 30) {
        const struct counter_reading reading = {.bits = 32,
                                                .raw = truth % wrap,
                                                .at = at_ms(t * SECOND_MS),
                                                .speed = 100 * MEGABIT,
                                                .speed_is_real = true};
        enum counter_verdict verdict = counter_take(&counter, &reading);
        assert_true(t == 0 || verdict == COUNTER_ADVANCED || verdict == COUNTER_WRAPPED);
        assert_int_equal(counter.total, truth);
        truth += UINT64_C(12500000) * 30;
    }
}

static void narrow_counters_of_fast_ports_are_refused(void **state)
{
    (void)state;
    assert_false(counter_is_too_narrow(COUNTER_OCTETS, 0, 30000));
    assert_false(counter_is_too_narrow(COUNTER_OCTETS, 100 * MEGABIT, 30000));
    assert_false(counter_is_too_narrow(COUNTER_OCTETS, UINT64_C(570) * MEGABIT, 30000));
    assert_true(counter_is_too_narrow(COUNTER_OCTETS, UINT64_C(580) * MEGABIT, 30000));
    assert_true(counter_is_too_narrow(COUNTER_OCTETS, UINT64_C(1000) * MEGABIT, 30000));
    assert_false(counter_is_too_narrow(COUNTER_PACKETS, UINT64_C(1000) * MEGABIT, 30000));
    assert_false(counter_is_too_narrow(COUNTER_OTHER, UINT64_C(1000000) * MEGABIT, 30000));
}

static void uptime_tells_restarts(void **state)
{
    static const struct {
        const char *what;
        uint32_t before;
        uint32_t ticks;
        int64_t elapsed_ms;
        bool restarted;
    } cases[] = {
        {"goes on", 100000, 103000, 30000, false},
        {"late answer", 100000, 102700, 30000, false},
        {"slow quartz over an hour", 100000, 457000, 3600000, false},
        {"restarted", 100000, 1200, 30000, true},
        {"restarted, by now higher than it was", 3000, 50000, 600000, true},
        {"497 days", 4294967000, 2704, 30000, false},
        {"restarted near 497 days", 4294967000, 100, 3600000, true},
        {"restarted after 300 days", 2592000000, 1000, 30000, true},
        {"jumped ahead", 100000, 203000, 30000, true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct uptime uptime = {0};
        print_message("%s\n", cases[i].what);
        assert_false(uptime_take(&uptime, cases[i].before, at_ms(0)));
        assert_int_equal(uptime_take(&uptime, cases[i].ticks, at_ms(cases[i].elapsed_ms)),
                         cases[i].restarted);
        assert_false(
            uptime_take(&uptime, cases[i].ticks + 3000, at_ms(cases[i].elapsed_ms + 30000)));
    }
}

static void uptime_goes_on_after_497_days(void **state)
{
    struct uptime uptime = {0};
    (void)state;
    uptime_take(&uptime, 4294967000, at_ms(0));
    assert_float_equal(uptime_seconds(&uptime), 42949670.0, 0.001);
    uptime_take(&uptime, 2704, at_ms(30000));
    assert_float_equal(uptime_seconds(&uptime), 42949700.0, 0.001);
    uptime_take(&uptime, 2690, at_ms(30001)); /* an answer from the agent's cache */
    assert_float_equal(uptime_seconds(&uptime), 42949699.86, 0.001);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_decides),
        cmocka_unit_test(breaks_are_marked),
        cmocka_unit_test(width_may_change),
        cmocka_unit_test(widening_follows_many_wraps),
        cmocka_unit_test(narrow_counters_of_fast_ports_are_refused),
        cmocka_unit_test(uptime_tells_restarts),
        cmocka_unit_test(uptime_goes_on_after_497_days),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
