/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sla/report.h"

#include "sla/calendar.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { COUNT_DIGITS_MAX = 6 };

static int refuse(char *reason, size_t reason_size, const char *text)
{
    (void)snprintf(reason, reason_size, "%s", text); /* cut if it must be */
    return -EINVAL;
}

static struct wall midnight(const struct sla_zone *zone, struct sla_day day)
{
    return sla_zone_instant(zone, day, 0);
}

static void set_days(const struct sla_zone *zone, struct sla_day first, struct sla_day end,
                     struct sla_interval *period)
{
    period->from = midnight(zone, first);
    period->to = midnight(zone, end);
}

static void set_months(const struct sla_zone *zone, int64_t year, int month, int months,
                       struct sla_interval *period)
{
    int end = month + months;
    set_days(zone, sla_day_of(year, month, 1),
             sla_day_of(year + (end > 12), end > 12 ? end - 12 : end, 1), period);
}

/* Week 1 is the one that holds 4 January; a year has 52 or 53. */
static bool set_week(const struct sla_zone *zone, int64_t year, int week,
                     struct sla_interval *period)
{
    struct sla_day fourth = sla_day_of(year, 1, 4);
    struct sla_day next_fourth = sla_day_of(year + 1, 1, 4);
    int64_t first = fourth.n - sla_day_weekday(fourth);
    int64_t end = next_fourth.n - sla_day_weekday(next_fourth);
    struct sla_day monday = {first + (week - 1) * INT64_C(7)};
    if (week < 1 || monday.n >= end) {
        return false;
    }
    set_days(zone, monday, (struct sla_day){monday.n + 7}, period);
    return true;
}

static bool set_word(const char *text, const struct sla_zone *zone, struct wall now,
                     struct sla_interval *period)
{
    struct sla_day today = sla_zone_day(zone, now);
    int64_t year;
    int month;
    int day;
    sla_day_split(today, &year, &month, &day);
    if (strcmp(text, "today") == 0) {
        set_days(zone, today, (struct sla_day){today.n + 1}, period);
    } else if (strcmp(text, "yesterday") == 0) {
        set_days(zone, (struct sla_day){today.n - 1}, today, period);
    } else if (strcmp(text, "this-month") == 0) {
        set_months(zone, year, month, 1, period);
    } else if (strcmp(text, "last-month") == 0) {
        set_months(zone, month == 1 ? year - 1 : year, month == 1 ? 12 : month - 1, 1, period);
    } else {
        return false;
    }
    return true;
}

/* "last-24h" */
static bool set_rolling(const char *text, struct wall now, struct sla_interval *period)
{
    static const struct {
        char unit;
        int64_t ms;
    } units[] = {{'m', 60000}, {'h', 3600000}, {'d', 86400000}};
    int64_t count = 0;
    size_t digits = 0;
    if (strncmp(text, "last-", 5) != 0) {
        return false;
    }
    text += 5;
    for (; text[digits] >= '0' && text[digits] <= '9' && digits < COUNT_DIGITS_MAX; digits++) {
        count = count * 10 + (text[digits] - '0');
    }
    for (size_t i = 0; i < sizeof units / sizeof *units && count > 0; i++) {
        if (text[digits] == units[i].unit && text[digits + 1] == '\0') {
            *period = (struct sla_interval){{now.ms - count * units[i].ms}, now};
            return true;
        }
    }
    return false;
}

/* "2026", "2026-11", "2026-Q4", "2026-W48", "2026-11-24" */
static bool set_calendar(const char *text, const struct sla_zone *zone, struct sla_interval *period)
{
    size_t length = strlen(text);
    int year = length >= 4 ? sla_read_digits(text, 4) : -1;
    struct sla_day day;
    if (year < 0) {
        return false;
    }
    if (length == 4) {
        set_months(zone, year, 1, 12, period);
        return true;
    }
    if (length == 7 && text[4] == '-' && text[5] == 'Q' && text[6] >= '1' && text[6] <= '4') {
        set_months(zone, year, (text[6] - '1') * 3 + 1, 3, period);
        return true;
    }
    if (length == 7 && text[4] == '-' && sla_read_digits(text + 5, 2) >= 1 &&
        sla_read_digits(text + 5, 2) <= 12) {
        set_months(zone, year, sla_read_digits(text + 5, 2), 1, period);
        return true;
    }
    if (length == 8 && text[4] == '-' && text[5] == 'W') {
        return set_week(zone, year, sla_read_digits(text + 6, 2), period);
    }
    if (sla_day_parse(text, &day) == 0) {
        set_days(zone, day, (struct sla_day){day.n + 1}, period);
        return true;
    }
    return false;
}

/* "FROM/TO" */
static bool set_bounds(const char *text, const struct sla_zone *zone, struct sla_interval *period)
{
    char from[WALL_TEXT_SIZE];
    const char *slash = strchr(text, '/');
    if (slash == NULL || (size_t)(slash - text) >= sizeof from) {
        return false;
    }
    memcpy(from, text, (size_t)(slash - text));
    from[slash - text] = '\0';
    return sla_zone_parse(zone, from, &period->from) == 0 &&
           sla_zone_parse(zone, slash + 1, &period->to) == 0;
}

int sla_period_parse(const char *text, const char *timezone, struct wall now,
                     struct sla_interval *period, char *reason, size_t reason_size)
{
    const struct sla_zone *zone = sla_zone_get(timezone);
    if (zone == NULL) {
        return refuse(reason, reason_size, "The contract's time zone is not known here.");
    }
    if (!set_word(text, zone, now, period) && !set_rolling(text, now, period) &&
        !set_calendar(text, zone, period) && !set_bounds(text, zone, period)) {
        return refuse(reason, reason_size,
                      "A period is 2026-11, 2026-Q4, 2026-W48, 2026, 2026-11-24, today, yesterday, "
                      "this-month, last-month, last-24h, last-90m, last-7d or FROM/TO.");
    }
    if (period->from.ms >= period->to.ms) {
        return refuse(reason, reason_size, "The period's end must be after its start.");
    }
    if (period->from.ms < midnight(zone, sla_day_of(SLA_YEAR_MIN, 1, 1)).ms ||
        period->to.ms > midnight(zone, sla_day_of(SLA_YEAR_MAX + 1, 1, 1)).ms) {
        return refuse(reason, reason_size, "A period lies within the years 1970 to 2037.");
    }
    return 0;
}
