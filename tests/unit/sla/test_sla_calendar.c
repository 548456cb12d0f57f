/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sla/calendar.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static const int64_t HOUR_MS = 3600000;

/* Month and day of Easter Sunday, 1900 to 2100, by the church's own tables: golden number, epact
 * with its solar and lunar equations, the Sunday after the full moon. */
static const int EASTER[] = {
    415, 407, 330, 412, 403, 423, 415, 331, 419, 411, /* 1900 */
    327, 416, 407, 323, 412, 404, 423, 408, 331, 420, /* 1910 */
    404, 327, 416, 401, 420, 412, 404, 417, 408, 331, /* 1920 */
    420, 405, 327, 416, 401, 421, 412, 328, 417, 409, /* 1930 */
    324, 413, 405, 425, 409, 401, 421, 406, 328, 417, /* 1940 */
    409, 325, 413, 405, 418, 410, 401, 421, 406, 329, /* 1950 */
    417, 402, 422, 414, 329, 418, 410, 326, 414, 406, /* 1960 */
    329, 411, 402, 422, 414, 330, 418, 410, 326, 415, /* 1970 */
    406, 419, 411, 403, 422, 407, 330, 419, 403, 326, /* 1980 */
    415, 331, 419, 411, 403, 416, 407, 330, 412, 404, /* 1990 */
    423, 415, 331, 420, 411, 327, 416, 408, 323, 412, /* 2000 */
    404, 424, 408, 331, 420, 405, 327, 416, 401, 421, /* 2010 */
    412, 404, 417, 409, 331, 420, 405, 328, 416, 401, /* 2020 */
    421, 413, 328, 417, 409, 325, 413, 405, 425, 410, /* 2030 */
    401, 421, 406, 329, 417, 409, 325, 414, 405, 418, /* 2040 */
    410, 402, 421, 406, 329, 418, 402, 422, 414, 330, /* 2050 */
    418, 410, 326, 415, 406, 329, 411, 403, 422, 414, /* 2060 */
    330, 419, 410, 326, 415, 407, 419, 411, 403, 423, /* 2070 */
    407, 330, 419, 404, 326, 415, 331, 420, 411, 403, /* 2080 */
    416, 408, 330, 412, 404, 424, 415, 331, 420, 412, /* 2090 */
    328,                                              /* 2100 */
};

static void assert_utc(struct wall time, const char *expected)
{
    char text[WALL_TEXT_SIZE];
    assert_string_equal(wall_format_utc(time, text), expected);
}

static const struct sla_zone *paris(void)
{
    const struct sla_zone *zone = sla_zone_get("Europe/Paris");
    assert_non_null(zone);
    return zone;
}

static void days_go_there_and_back(void **state)
{
    (void)state;
    int64_t n = sla_day_of(1600, 1, 1).n;
    assert_int_equal(sla_day_of(1970, 1, 1).n, 0);
    assert_int_equal(sla_day_of(2000, 3, 1).n, 11017);
    assert_int_equal(sla_day_weekday(sla_day_of(2026, 11, 24)), 1);
    assert_int_equal(sla_day_weekday(sla_day_of(1900, 1, 1)), 0);
    for (; n < sla_day_of(2400, 1, 1).n; n++) {
        int64_t year;
        int month;
        int day;
        sla_day_split((struct sla_day){n}, &year, &month, &day);
        assert_true(month >= 1 && month <= 12 && day >= 1 && day <= 31);
        assert_int_equal(sla_day_of(year, month, day).n, n);
        assert_int_equal(sla_day_weekday((struct sla_day){n}), ((n + 3) % 7 + 7) % 7);
    }
}

static void dates_that_do_not_exist_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"2026-02-29", "2026-13-01", "2026-00-10", "2026-04-31",
                                      "2026-4-01",  "2026-04-1",  "",           "2026-04-01 ",
                                      "26-04-01",   "2026/04/01", "2100-02-29"};
    struct sla_day day;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_not_equal(sla_day_parse(bad[i], &day), 0);
    }
    assert_int_equal(sla_day_parse("2028-02-29", &day), 0);
    assert_int_equal(day.n, sla_day_of(2028, 2, 29).n);
}

static void easter_is_that_of_the_tables(void **state)
{
    (void)state;
    assert_int_equal(sizeof EASTER / sizeof *EASTER, 201);
    for (int i = 0; i < 201; i++) {
        struct sla_day expected = sla_day_of(1900 + i, EASTER[i] / 100, EASTER[i] % 100);
        assert_int_equal(sla_easter(1900 + i).n, expected.n);
        assert_int_equal(sla_day_weekday(expected), 6);
    }
}

static void assert_holidays(enum sla_holidays preset, int64_t year, const char *const *expected)
{
    for (int64_t n = sla_day_of(year, 1, 1).n; n < sla_day_of(year + 1, 1, 1).n; n++) {
        struct sla_day next;
        bool listed = *expected != NULL && sla_day_parse(*expected, &next) == 0 && next.n == n;
        assert_int_equal(sla_holiday_of(preset, (struct sla_day){n}) >= 0, listed);
        expected += listed ? 1 : 0;
    }
    assert_null(*expected);
}

static void holidays_are_those_of_the_law(void **state)
{
    (void)state;
    static const char *const france_2026[] = {
        "2026-01-01", "2026-04-06", "2026-05-01", "2026-05-08", "2026-05-14", "2026-05-25",
        "2026-07-14", "2026-08-15", "2026-11-01", "2026-11-11", "2026-12-25", NULL};
    static const char *const france_2027[] = {
        "2027-01-01", "2027-03-29", "2027-05-01", "2027-05-06", "2027-05-08", "2027-05-17",
        "2027-07-14", "2027-08-15", "2027-11-01", "2027-11-11", "2027-12-25", NULL};
    static const char *const alsace_2026[] = {
        "2026-01-01", "2026-04-03", "2026-04-06", "2026-05-01", "2026-05-08",
        "2026-05-14", "2026-05-25", "2026-07-14", "2026-08-15", "2026-11-01",
        "2026-11-11", "2026-12-25", "2026-12-26", NULL};
    static const char *const none[] = {NULL};
    assert_holidays(SLA_HOLIDAYS_FRANCE, 2026, france_2026);
    assert_holidays(SLA_HOLIDAYS_FRANCE, 2027, france_2027);
    assert_holidays(SLA_HOLIDAYS_FRANCE_ALSACE_MOSELLE, 2026, alsace_2026);
    assert_holidays(SLA_HOLIDAYS_NONE, 2026, none);
    int whit = sla_holiday_of(SLA_HOLIDAYS_FRANCE, sla_day_of(2026, 5, 25));
    assert_true(whit >= 0);
    assert_string_equal(sla_holiday_name((size_t)whit), "whit-monday");
    assert_null(sla_holiday_name(SLA_HOLIDAY_NAMES));
}

static void zones_are_known_by_name(void **state)
{
    (void)state;
    static const char *const unknown[] = {"", "Europe/Lutetia", "../../etc/passwd", "/etc/passwd",
                                          "europe"};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        assert_null(sla_zone_get(unknown[i]));
    }
    assert_non_null(sla_zone_get("UTC"));
    assert_int_equal(sla_zone_offset_ms(sla_zone_get("UTC"), (struct wall){0}), 0);
    assert_int_equal(sla_zone_offset_ms(sla_zone_get("Asia/Kolkata"), (struct wall){0}),
                     11 * HOUR_MS / 2);
}

/* 23 h and 25 h; what does not exist is the change, what exists twice is the first. */
static void local_times_of_the_change(void **state)
{
    (void)state;
    struct sla_day spring = sla_day_of(2026, 3, 29);
    struct sla_day autumn = sla_day_of(2026, 10, 25);
    struct sla_day after = {autumn.n + 1};
    assert_utc(sla_zone_instant(paris(), spring, 0), "2026-03-28T23:00:00Z");
    assert_utc(sla_zone_instant(paris(), spring, 24 * HOUR_MS), "2026-03-29T22:00:00Z");
    assert_utc(sla_zone_instant(paris(), spring, 2 * HOUR_MS - 1), "2026-03-29T00:59:59.999Z");
    assert_utc(sla_zone_instant(paris(), spring, 2 * HOUR_MS), "2026-03-29T01:00:00Z");
    assert_utc(sla_zone_instant(paris(), spring, 5 * HOUR_MS / 2), "2026-03-29T01:00:00Z");
    assert_utc(sla_zone_instant(paris(), spring, 3 * HOUR_MS), "2026-03-29T01:00:00Z");
    assert_utc(sla_zone_instant(paris(), spring, 3 * HOUR_MS + 1), "2026-03-29T01:00:00.001Z");
    assert_utc(sla_zone_instant(paris(), autumn, 0), "2026-10-24T22:00:00Z");
    assert_utc(sla_zone_instant(paris(), after, 0), "2026-10-25T23:00:00Z");
    assert_utc(sla_zone_instant(paris(), autumn, 2 * HOUR_MS), "2026-10-25T00:00:00Z");
    assert_utc(sla_zone_instant(paris(), autumn, 5 * HOUR_MS / 2), "2026-10-25T00:30:00Z");
    assert_utc(sla_zone_instant(paris(), autumn, 3 * HOUR_MS), "2026-10-25T02:00:00Z");
    assert_int_equal(sla_zone_day(paris(), (struct wall){1792965599999}).n, autumn.n + 0);
    /* Half an hour, and the other half of the globe. */
    const struct sla_zone *island = sla_zone_get("Australia/Lord_Howe");
    assert_utc(sla_zone_instant(island, sla_day_of(2026, 10, 4), 9 * HOUR_MS / 4),
               "2026-10-03T15:30:00Z");
    const struct sla_zone *york = sla_zone_get("America/New_York");
    assert_utc(sla_zone_instant(york, sla_day_of(2026, 3, 8), 5 * HOUR_MS / 2),
               "2026-03-08T07:00:00Z");
    assert_utc(sla_zone_instant(york, sla_day_of(2026, 11, 1), 3 * HOUR_MS / 2),
               "2026-11-01T05:30:00Z");
}

static void the_process_zone_does_not_matter(void **state)
{
    (void)state;
    assert_int_equal(setenv("TZ", "Asia/Tokyo", 1), 0);
    tzset();
    local_times_of_the_change(NULL);
    assert_int_equal(unsetenv("TZ"), 0);
    tzset();
    local_times_of_the_change(NULL);
}

static void times_are_read_and_written(void **state)
{
    (void)state;
    struct wall time;
    char text[WALL_TEXT_SIZE];
    static const char *const bad[] = {"",
                                      "2026-11-24T",
                                      "2026-11-24T25:00",
                                      "2026-11-24T24:01",
                                      "2026-11-24T12:60",
                                      "2026-11-24T12:00:60",
                                      "2026-11-24T12:00:00.1",
                                      "2026-11-24T12:00x",
                                      "1969-12-31T00:00",
                                      "2039-01-01",
                                      "2400-01-01T00:00:00Z"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_not_equal(sla_zone_parse(paris(), bad[i], &time), 0);
    }
    assert_int_equal(sla_zone_parse(paris(), "2026-11-24T08:30", &time), 0);
    assert_utc(time, "2026-11-24T07:30:00Z");
    assert_int_equal(sla_zone_parse(paris(), "2026-06-24 08:30:15.250", &time), 0);
    assert_utc(time, "2026-06-24T06:30:15.250Z");
    assert_string_equal(sla_zone_format(paris(), time, text), "2026-06-24T08:30:15.250+02:00");
    assert_int_equal(sla_zone_parse(paris(), "2026-06-24T24:00", &time), 0);
    assert_utc(time, "2026-06-24T22:00:00Z");
    assert_int_equal(sla_zone_parse(paris(), "2026-11-24", &time), 0);
    assert_utc(time, "2026-11-23T23:00:00Z");
    assert_int_equal(sla_zone_parse(paris(), "2026-11-24T08:30:00-03:00", &time), 0);
    assert_utc(time, "2026-11-24T11:30:00Z");
    assert_string_equal(sla_zone_format(sla_zone_get("America/Cayenne"), time, text),
                        "2026-11-24T08:30:00-03:00");
}

static int64_t sum_of(const struct sla_spans *spans, struct sla_interval range)
{
    int64_t sum = 0;
    for (size_t i = 0; i < spans->count; i++) {
        int64_t from = spans->items[i].from.ms;
        int64_t to = spans->items[i].to.ms;
        assert_true(from < to);
        assert_true(i == 0 || spans->items[i - 1].to.ms < from);
        from = from < range.from.ms ? range.from.ms : from;
        to = to > range.to.ms ? range.to.ms : to;
        sum += to > from ? to - from : 0;
    }
    return sum;
}

static int64_t hours_between(const struct sla_calendar *calendar, const char *from, const char *to)
{
    struct sla_interval range;
    struct sla_spans spans = {0};
    assert_int_equal(sla_zone_parse(paris(), from, &range.from), 0);
    assert_int_equal(sla_zone_parse(paris(), to, &range.to), 0);
    sla_calendar_spans(calendar, paris(), range, &spans);
    int64_t sum = sum_of(&spans, range);
    sla_spans_clear(&spans);
    return sum;
}

static const struct sla_hours NIGHTLY = {.weekdays = 0x7f,
                                         .from_minute = 120,
                                         .to_minute = 240,
                                         .valid_from = {INT64_MIN},
                                         .valid_to = {INT64_MAX}};
static const struct sla_hours OFFICE = {.weekdays = 0x1f,
                                        .from_minute = 480,
                                        .to_minute = 1080,
                                        .valid_from = {INT64_MIN},
                                        .valid_to = {INT64_MAX}};
static const struct sla_hours SHIFT = {.weekdays = 0x7f,
                                       .from_minute = 1320,
                                       .to_minute = 360,
                                       .valid_from = {INT64_MIN},
                                       .valid_to = {INT64_MAX}};

static void hours_of_the_long_and_the_short_night(void **state)
{
    (void)state;
    struct sla_hours hours = NIGHTLY;
    struct sla_calendar nightly = {.n_hours = 1, .hours = &hours};
    assert_int_equal(hours_between(&nightly, "2026-06-10", "2026-06-11"), 2 * HOUR_MS);
    assert_int_equal(hours_between(&nightly, "2026-03-29", "2026-03-30"), HOUR_MS);
    assert_int_equal(hours_between(&nightly, "2026-10-25", "2026-10-26"), 3 * HOUR_MS);
    hours = SHIFT;
    assert_int_equal(hours_between(&nightly, "2026-03-28T12:00", "2026-03-29T12:00"), 7 * HOUR_MS);
    assert_int_equal(hours_between(&nightly, "2026-10-24T12:00", "2026-10-25T12:00"), 9 * HOUR_MS);
    struct sla_calendar always = {0};
    assert_int_equal(hours_between(&always, "2026-03-29", "2026-03-30"), 23 * HOUR_MS);
    assert_int_equal(hours_between(&always, "2026-10-25", "2026-10-26"), 25 * HOUR_MS);
    assert_int_equal(hours_between(&always, "2026-01-01", "2027-01-01"), 365 * 24 * HOUR_MS);
}

static void holidays_close_and_work_opens(void **state)
{
    (void)state;
    struct sla_hours hours = OFFICE;
    struct sla_day worked = sla_day_of(2026, 5, 8);
    struct sla_day closed = sla_day_of(2026, 5, 15);
    struct sla_calendar office = {.n_hours = 1, .hours = &hours};
    assert_int_equal(hours_between(&office, "2026-05-01", "2026-06-01"), 21 * 10 * HOUR_MS);
    office.holidays = SLA_HOLIDAYS_FRANCE; /* 1, 8, 14 and 25 May */
    assert_int_equal(hours_between(&office, "2026-05-01", "2026-06-01"), 17 * 10 * HOUR_MS);
    office.worked_names = 1U << 6; /* Whit Monday */
    assert_string_equal(sla_holiday_name(6), "whit-monday");
    assert_int_equal(hours_between(&office, "2026-05-01", "2026-06-01"), 18 * 10 * HOUR_MS);
    office.n_worked = 1;
    office.worked = &worked;
    assert_int_equal(hours_between(&office, "2026-05-01", "2026-06-01"), 19 * 10 * HOUR_MS);
    office.n_closed = 1;
    office.closed = &closed;
    assert_int_equal(hours_between(&office, "2026-05-01", "2026-06-01"), 18 * 10 * HOUR_MS);
}

/* A shift belongs to the day on which it begins: the eve's runs into the holiday. */
static void a_shift_belongs_to_its_first_day(void **state)
{
    (void)state;
    struct sla_hours hours = SHIFT;
    struct sla_calendar shift = {.n_hours = 1, .hours = &hours, .holidays = SLA_HOLIDAYS_FRANCE};
    assert_int_equal(hours_between(&shift, "2026-12-25", "2026-12-26"), 6 * HOUR_MS);
    assert_int_equal(hours_between(&shift, "2026-12-26", "2026-12-27"), 2 * HOUR_MS);
    hours.weekdays = 1U << 4; /* Fridays; Christmas 2026 is one */
    assert_int_equal(hours_between(&shift, "2026-12-18", "2026-12-20"), 8 * HOUR_MS);
    assert_int_equal(hours_between(&shift, "2026-12-25", "2026-12-27"), 0);
}

static void hours_have_their_validity(void **state)
{
    (void)state;
    struct sla_hours hours[2] = {OFFICE, NIGHTLY};
    struct sla_calendar both = {.n_hours = 2, .hours = hours};
    hours[0].valid_to = sla_day_of(2026, 6, 16);
    both.n_hours = 1;
    assert_int_equal(hours_between(&both, "2026-06-15", "2026-06-17"), 10 * HOUR_MS);
    hours[0].valid_from = sla_day_of(2026, 6, 15);
    assert_int_equal(hours_between(&both, "2026-06-12", "2026-06-17"), 10 * HOUR_MS);
    hours[0].valid_from.n = INT64_MIN;
    both.n_hours = 2;
    hours[1] = (struct sla_hours){.weekdays = 0x7f,
                                  .to_minute = 1440,
                                  .valid_from = sla_day_of(2026, 6, 16),
                                  .valid_to = {INT64_MAX}};
    assert_int_equal(hours_between(&both, "2026-06-01", "2026-07-01"),
                     (11 * 10 + 15 * 24) * HOUR_MS);
}

struct found {
    size_t count;
    struct sla_day days[40];
};

static void note(void *context, struct sla_day day)
{
    struct found *found = context;
    assert_true(found->count < 40);
    found->days[found->count++] = day;
}

static void rules_recur_by_days(void **state)
{
    (void)state;
    struct found found = {0};
    struct sla_day from = sla_day_of(2026, 3, 1);
    struct sla_day to = sla_day_of(2026, 6, 9);
    sla_rule_days("FREQ=MONTHLY;BYDAY=2TU", sla_day_of(2026, 1, 13), from, to, note, &found);
    assert_int_equal(found.count, 4);
    assert_int_equal(found.days[0].n, sla_day_of(2026, 3, 10).n);
    assert_int_equal(found.days[1].n, sla_day_of(2026, 4, 14).n);
    assert_int_equal(found.days[2].n, sla_day_of(2026, 5, 12).n);
    assert_int_equal(found.days[3].n, sla_day_of(2026, 6, 9).n);
    found.count = 0;
    sla_rule_days("FREQ=DAILY;COUNT=3", from, from, to, note, &found);
    assert_int_equal(found.count, 3);
    found.count = 0;
    sla_rule_days("FREQ=WEEKLY;BYDAY=SU;UNTIL=20260315", from, from, to, note, &found);
    assert_int_equal(found.count, 3);
}

static void rules_of_another_kind_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "x",
                                      "FREQ=HOURLY",
                                      "FREQ=SECONDLY",
                                      "FREQ=DAILY;BYHOUR=3",
                                      "FREQ=DAILY;BYMINUTE=3",
                                      "FREQ=DAILY;BYSECOND=3",
                                      "RSCALE=HEBREW;FREQ=YEARLY",
                                      "FREQ=WEEKLY;BYDAY=XX",
                                      "BYDAY=SU",
                                      "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"};
    char reason[200];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        reason[0] = '\0';
        if (sla_rule_check(bad[i], reason, sizeof reason) == 0) {
            fail_msg("\"%s\" is let through", bad[i]);
        }
        assert_string_not_equal(reason, "");
    }
    assert_int_equal(sla_rule_check("FREQ=WEEKLY;BYDAY=SU", reason, sizeof reason), 0);
    assert_int_equal(sla_rule_check("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", reason, sizeof reason),
                     0);
}

static void spans_merge(void **state)
{
    (void)state;
    struct sla_spans spans = {0};
    static const int64_t edges[][2] = {{30, 40}, {10, 20}, {20, 25}, {12, 15}, {50, 50}, {39, 45}};
    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) {
        sla_spans_add(&spans, (struct wall){edges[i][0]}, (struct wall){edges[i][1]});
    }
    sla_spans_normalise(&spans);
    assert_int_equal(spans.count, 2);
    assert_int_equal(spans.items[0].from.ms, 10);
    assert_int_equal(spans.items[0].to.ms, 25);
    assert_int_equal(spans.items[1].from.ms, 30);
    assert_int_equal(spans.items[1].to.ms, 45);
    sla_spans_clear(&spans);
    sla_spans_normalise(&spans);
    assert_int_equal(spans.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_go_there_and_back),
        cmocka_unit_test(dates_that_do_not_exist_are_refused),
        cmocka_unit_test(easter_is_that_of_the_tables),
        cmocka_unit_test(holidays_are_those_of_the_law),
        cmocka_unit_test(zones_are_known_by_name),
        cmocka_unit_test(local_times_of_the_change),
        cmocka_unit_test(the_process_zone_does_not_matter),
        cmocka_unit_test(times_are_read_and_written),
        cmocka_unit_test(hours_of_the_long_and_the_short_night),
        cmocka_unit_test(holidays_close_and_work_opens),
        cmocka_unit_test(a_shift_belongs_to_its_first_day),
        cmocka_unit_test(hours_have_their_validity),
        cmocka_unit_test(rules_recur_by_days),
        cmocka_unit_test(rules_of_another_kind_are_refused),
        cmocka_unit_test(spans_merge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
