/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The calendar against the C library's, the clocks against the kernel's. */
#include "common/clock.h"
#include "support.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static const int64_t year_0_ms = -62167219200000;
static const int64_t year_10000_ms = 253402300800000;

static void the_clocks_are_the_kernels(void **state)
{
    (void)state;
    struct timespec before;
    struct timespec after;
    clock_gettime(CLOCK_BOOTTIME, &before);
    struct mono mono = clock_mono();
    clock_gettime(CLOCK_BOOTTIME, &after);
    assert_true(mono.ns >= before.tv_sec * INT64_C(1000000000) + before.tv_nsec);
    assert_true(mono.ns <= after.tv_sec * INT64_C(1000000000) + after.tv_nsec);
    clock_gettime(CLOCK_REALTIME, &before);
    struct wall wall = clock_wall();
    clock_gettime(CLOCK_REALTIME, &after);
    assert_true(wall.ms >= before.tv_sec * INT64_C(1000) + before.tv_nsec / 1000000);
    assert_true(wall.ms <= after.tv_sec * INT64_C(1000) + after.tv_nsec / 1000000);
}

static struct mono fake_mono(void *context)
{
    return (struct mono){*(int64_t *)context};
}

static struct wall fake_wall(void *context)
{
    return (struct wall){-*(int64_t *)context};
}

static void a_test_may_bring_its_own_time(void **state)
{
    (void)state;
    int64_t now = 42;
    const struct clock_source source = {.mono = fake_mono, .wall = fake_wall, .context = &now};
    clock_replace(&source);
    assert_int_equal(clock_mono().ns, 42);
    assert_int_equal(clock_wall().ms, -42);
    now = 43;
    assert_int_equal(clock_mono().ns, 43);
    clock_replace(NULL);
    assert_true(clock_wall().ms > INT64_C(1600000000000));
}

static void intervals_round_towards_zero_and_do_not_overflow(void **state)
{
    (void)state;
    const struct mono zero = {0};
    assert_int_equal(mono_elapsed_ms(zero, (struct mono){1999999}), 1);
    assert_int_equal(mono_elapsed_ms((struct mono){1999999}, zero), -1);
    assert_int_equal(mono_elapsed_ms((struct mono){INT64_MIN}, (struct mono){INT64_MAX}),
                     INT64_MAX / 1000000);
    assert_int_equal(mono_elapsed_ms((struct mono){INT64_MAX}, (struct mono){INT64_MIN}),
                     INT64_MIN / 1000000);
    assert_int_equal(mono_add_ms((struct mono){5}, -3).ns, -2999995);
    assert_int_equal(mono_add_ms((struct mono){5}, INT64_MAX).ns, INT64_MAX);
    assert_int_equal(mono_add_ms((struct mono){INT64_MAX - 5}, 1).ns, INT64_MAX);
    assert_int_equal(mono_add_ms((struct mono){-5}, INT64_MIN).ns, INT64_MIN);
}

static void check_text(int64_t ms, const char *expected)
{
    char text[WALL_TEXT_SIZE];
    struct wall parsed;
    assert_string_equal(wall_format_utc((struct wall){ms}, text), expected);
    if (expected[0] != '@') {
        assert_int_equal(wall_parse(text, &parsed), 0);
        assert_int_equal(parsed.ms, ms);
    }
}

static void times_are_written(void **state)
{
    (void)state;
    check_text(0, "1970-01-01T00:00:00Z");
    check_text(1, "1970-01-01T00:00:00.001Z");
    check_text(-1, "1969-12-31T23:59:59.999Z");
    check_text(951782400000, "2000-02-29T00:00:00Z");
    check_text(951868799999, "2000-02-29T23:59:59.999Z");
    check_text(-2203891200000, "1900-03-01T00:00:00Z"); /* 1900 had no 29 February */
    check_text(1795511249123, "2026-11-24T09:07:29.123Z");
    check_text(year_0_ms, "0000-01-01T00:00:00Z");
    check_text(year_10000_ms - 1, "9999-12-31T23:59:59.999Z");
    check_text(year_10000_ms, "@253402300800000");
    check_text(year_0_ms - 1, "@-62167219200001");
    check_text(INT64_MIN, "@-9223372036854775808");
    check_text(INT64_MAX, "@9223372036854775807");
}

static void the_calendar_is_the_c_librarys(void **state)
{
    (void)state;
    struct random random = random_seeded();
    for (int i = 0; i < 20000; i++) {
        int64_t span = (year_10000_ms - year_0_ms) / 1000;
        int64_t seconds = year_0_ms / 1000 + (int64_t)random_below(&random, (uint64_t)span);
        time_t time = (time_t)seconds;
        struct tm tm;
        char expected[64];
        gmtime_r(&time, &tm);
        snprintf(expected, sizeof expected, "%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900,
                 tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
        check_text(seconds * 1000, expected);
    }
}

static void offsets_and_short_forms_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {
        {"1970-01-01T00:00Z", 0},
        {"1970-01-01T01:00+01:00", 0},
        {"1969-12-31T18:30:00.250-05:30", 250},
        {"2024-02-29T23:59:59+23:59", 1709164859000},
        {"0000-01-01T00:00+00:01", -62167219260000},
    };
    setenv("TZ", "America/Caracas", 1); /* must not matter */
    tzset();
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct wall time;
        assert_int_equal(wall_parse(good[i].text, &time), 0);
        assert_int_equal(time.ms, good[i].ms);
    }
    unsetenv("TZ");
}

static void what_is_no_time_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "2026",
        "2026-11-24",
        "2026-11-24T",
        "2026-11-24T09:07",
        "2026-11-24T09:07:29",
        "2026-11-24T09:07:29.123",
        "2026-11-24T09:07:29.12Z",
        "2026-11-24T09:07:29.1234Z",
        "2026-11-24T09:07.5Z",
        "2026-11-24t09:07:29Z",
        "2026-11-24 09:07:29Z",
        "2026-11-24T09:07:29z",
        "2026-11-24T09:07:29Z ",
        " 2026-11-24T09:07:29Z",
        "2026-11-24T09:07:60Z",
        "2026-11-24T09:60:29Z",
        "2026-11-24T24:00:00Z",
        "2026-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2026-04-31T00:00:00Z",
        "2026-00-10T00:00:00Z",
        "2026-13-10T00:00:00Z",
        "2026-11-00T00:00:00Z",
        "2026-11-24T09:07:29+24:00",
        "2026-11-24T09:07:29+01:60",
        "2026-11-24T09:07:29+0100",
        "2026-11-24T09:07:29+01",
        "2026-11-24T09:07:29*01:00",
        "+026-11-24T09:07:29Z",
        "-026-11-24T09:07:29Z",
        "2026-1 -24T09:07:29Z",
        "12026-11-24T09:07:29Z",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct wall time = {-7};
        if (wall_parse(bad[i], &time) != -EINVAL) {
            fail_msg("taken: \"%s\"", bad[i]);
        }
        assert_int_equal(time.ms, -7);
    }
}

static void every_prefix_of_a_time_is_refused(void **state)
{
    (void)state;
    const char whole[] = "2026-11-24T09:07:29.123+01:00";
    struct wall time;
    assert_int_equal(wall_parse(whole, &time), 0);
    for (size_t size = 0; size + 1 < sizeof whole; size++) {
        char *prefix = strndup(whole, size); /* its own block: a read past it is seen */
        assert_int_equal(wall_parse(prefix, &time), -EINVAL);
        free(prefix);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_clocks_are_the_kernels),
        cmocka_unit_test(a_test_may_bring_its_own_time),
        cmocka_unit_test(intervals_round_towards_zero_and_do_not_overflow),
        cmocka_unit_test(times_are_written),
        cmocka_unit_test(the_calendar_is_the_c_librarys),
        cmocka_unit_test(offsets_and_short_forms_are_read),
        cmocka_unit_test(what_is_no_time_is_refused),
        cmocka_unit_test(every_prefix_of_a_time_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
