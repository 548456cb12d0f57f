/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/clock.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
    NS_PER_MS = 1000000,
    MS_PER_SECOND = 1000,
    MS_PER_MINUTE = 60 * MS_PER_SECOND,
    MS_PER_DAY = 24 * 60 * MS_PER_MINUTE,
    DAYS_TO_1970 = 719528, /* from 0000-01-01 */
    DAYS_TO_10000 = 3652425,
    DAYS_PER_400_YEARS = 146097,
    READ_TRIES = 4,
    READ_GOOD_NS = 20000, /* a reading that nobody came between takes a few hundred */
};

static struct clock_source replacement;

static int64_t read_ns(clockid_t id)
{
    struct timespec now;
    int rc = clock_gettime(id, &now);
    assert(rc == 0); /* both clocks are there since Linux 2.6.39 */
    (void)rc;
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

struct mono clock_mono(void)
{
    if (replacement.mono != NULL) {
        return replacement.mono(replacement.context);
    }
    return (struct mono){read_ns(CLOCK_BOOTTIME)};
}

struct wall clock_wall(void)
{
    if (replacement.wall != NULL) {
        return replacement.wall(replacement.context);
    }
    return (struct wall){read_ns(CLOCK_REALTIME) / NS_PER_MS};
}

static struct clock_reading read_once(void)
{
    struct clock_reading reading = {.mono = clock_mono()};
    reading.wall_ns =
        replacement.wall != NULL ? clock_wall().ms * NS_PER_MS : read_ns(CLOCK_REALTIME);
    reading.awake =
        replacement.mono != NULL ? reading.mono : (struct mono){read_ns(CLOCK_MONOTONIC)};
    reading.span_ns = clock_mono().ns - reading.mono.ns;
    return reading;
}

struct clock_reading clock_read(void)
{
    struct clock_reading best = read_once();
    for (int i = 1; i < READ_TRIES && best.span_ns > READ_GOOD_NS; i++) {
        struct clock_reading next = read_once();
        if (next.span_ns < best.span_ns) {
            best = next;
        }
    }
    return best;
}

int64_t mono_elapsed_ms(struct mono earlier, struct mono later)
{
    int64_t ns;
    if (__builtin_sub_overflow(later.ns, earlier.ns, &ns)) {
        ns = later.ns < earlier.ns ? INT64_MIN : INT64_MAX;
    }
    return ns / NS_PER_MS;
}

/* Stays at the end of time where the sum would overflow, so that "never" may be INT64_MAX. */
struct mono mono_add_ms(struct mono from, int64_t ms)
{
    int64_t ns;
    if (__builtin_mul_overflow(ms, (int64_t)NS_PER_MS, &ns) ||
        __builtin_add_overflow(from.ns, ns, &ns)) {
        ns = ms < 0 ? INT64_MIN : INT64_MAX;
    }
    return (struct mono){ns};
}

void clock_replace(const struct clock_source *source)
{
    if (source == NULL) {
        replacement = (struct clock_source){0};
        return;
    }
    assert(source->mono != NULL && source->wall != NULL);
    replacement = *source;
}

/* --- the proleptic Gregorian calendar, days counted from 0000-01-01 --- */

static bool is_leap(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int days_before_year(int year)
{
    /* Year 0 is a leap year: the leap years before `year` are counted rounding up. */
    return 365 * year + (year + 3) / 4 - (year + 99) / 100 + (year + 399) / 400;
}

static int days_of_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap(year) ? 1 : 0);
}

const char *wall_format_utc(struct wall time, char text[WALL_TEXT_SIZE])
{
    int64_t days_since_1970 = time.ms / MS_PER_DAY;
    int ms = (int)(time.ms % MS_PER_DAY);
    if (ms < 0) {
        ms += MS_PER_DAY;
        days_since_1970--;
    }
    if (days_since_1970 < -DAYS_TO_1970 || days_since_1970 >= DAYS_TO_10000 - DAYS_TO_1970) {
        (void)snprintf(text, WALL_TEXT_SIZE, "@%" PRId64, time.ms);
        return text;
    }
    int day = (int)days_since_1970 + DAYS_TO_1970;
    int year = (int)((int64_t)day * 400 / DAYS_PER_400_YEARS); /* at most one off */
    while (days_before_year(year) > day) {
        year--;
    }
    while (days_before_year(year + 1) <= day) {
        year++;
    }
    day -= days_before_year(year);
    int month = 1;
    while (day >= days_of_month(year, month)) {
        day -= days_of_month(year, month);
        month++;
    }
    int minutes = ms / MS_PER_MINUTE;
    int seconds = ms / MS_PER_SECOND % 60;
    ms %= MS_PER_SECOND;
    int n = snprintf(text, WALL_TEXT_SIZE, "%04d-%02d-%02dT%02d:%02d:%02d", year, month, day + 1,
                     minutes / 60, minutes % 60, seconds);
    assert(n == 19);
    (void)snprintf(text + n, (size_t)(WALL_TEXT_SIZE - n), ms != 0 ? ".%03dZ" : "Z", ms);
    return text;
}

/* --- reading a date --- */

/* Exactly `digits` digits at *p, then moves on. */
static bool take_number(const char **p, int digits, int min, int max, int *number)
{
    int value = 0;
    for (int i = 0; i < digits; i++) {
        char c = (*p)[i];
        if (c < '0' || c > '9') {
            return false;
        }
        value = value * 10 + (c - '0');
    }
    *p += digits;
    *number = value;
    return value >= min && value <= max;
}

static bool take(const char **p, char c)
{
    if (**p != c) {
        return false;
    }
    ++*p;
    return true;
}

static bool take_date(const char **p, int *day)
{
    int year;
    int month;
    int day_of_month;
    if (!take_number(p, 4, 0, 9999, &year) || !take(p, '-') || !take_number(p, 2, 1, 12, &month) ||
        !take(p, '-') || !take_number(p, 2, 1, days_of_month(year, month), &day_of_month)) {
        return false;
    }
    *day = days_before_year(year) + day_of_month - 1;
    for (int m = 1; m < month; m++) {
        *day += days_of_month(year, m);
    }
    return true;
}

static bool take_time(const char **p, int *ms)
{
    int hours;
    int minutes;
    int seconds = 0;
    int fraction = 0;
    if (!take_number(p, 2, 0, 23, &hours) || !take(p, ':') || !take_number(p, 2, 0, 59, &minutes)) {
        return false;
    }
    if (take(p, ':')) {
        if (!take_number(p, 2, 0, 59, &seconds)) {
            return false;
        }
        if (take(p, '.') && !take_number(p, 3, 0, 999, &fraction)) {
            return false;
        }
    }
    *ms = ((hours * 60 + minutes) * 60 + seconds) * MS_PER_SECOND + fraction;
    return true;
}

static bool take_offset(const char **p, int *ms)
{
    *ms = 0;
    if (take(p, 'Z')) {
        return true;
    }
    int sign = **p == '-' ? -1 : 1;
    int hours;
    int minutes;
    if ((!take(p, '+') && !take(p, '-')) || !take_number(p, 2, 0, 23, &hours) || !take(p, ':') ||
        !take_number(p, 2, 0, 59, &minutes)) {
        return false;
    }
    *ms = sign * (hours * 60 + minutes) * MS_PER_MINUTE;
    return true;
}

int wall_parse(const char *text, struct wall *time)
{
    const char *p = text;
    int day;
    int ms;
    int offset_ms;
    if (!take_date(&p, &day) || !take(&p, 'T') || !take_time(&p, &ms) ||
        !take_offset(&p, &offset_ms) || *p != '\0') {
        return -EINVAL;
    }
    time->ms = ((int64_t)day - DAYS_TO_1970) * MS_PER_DAY + ms - offset_ms;
    return 0;
}
