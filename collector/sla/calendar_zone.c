/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The only file that knows libical: offsets of zones and recurrences of days. */
#include "sla/calendar.h"

#include <errno.h>
#include <libical/ical.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

enum {
    SECONDS_A_DAY = 86400,
    /* Further than any zone's offset, and near enough that no zone changes twice within. */
    SEARCH_S = 86400,
};

const struct sla_zone *sla_zone_get(const char *name)
{
    /* libical looks for UTC and a few others outside its table of zones. */
    if (strcmp(name, "UTC") == 0) {
        return (const struct sla_zone *)icaltimezone_get_utc_timezone();
    }
    icaltimezone *zone = icaltimezone_get_builtin_timezone(name);
    /* A zone without its data file has no component. */
    if (zone == NULL || icaltimezone_get_component(zone) == NULL) {
        return NULL;
    }
    return (const struct sla_zone *)zone;
}

static struct icaltimetype time_of(int64_t utc_s)
{
    return icaltime_from_timet_with_zone((time_t)utc_s, 0, icaltimezone_get_utc_timezone());
}

static int64_t offset_s(const struct sla_zone *zone, int64_t utc_s)
{
    struct icaltimetype time = time_of(utc_s);
    /* libical completes a zone's table of changes on demand, hence no const. */
    return icaltimezone_get_utc_offset_of_utc_time((icaltimezone *)zone, &time, NULL);
}

static int64_t floor_div(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

int64_t sla_zone_offset_ms(const struct sla_zone *zone, struct wall time)
{
    return offset_s(zone, floor_div(time.ms, 1000)) * 1000;
}

/* The first second in (before, after] that has the offset of `after`. */
static int64_t find_change(const struct sla_zone *zone, int64_t before, int64_t after)
{
    int64_t old = offset_s(zone, before);
    while (after - before > 1) {
        int64_t middle = before + (after - before) / 2;
        if (offset_s(zone, middle) == old) {
            before = middle;
        } else {
            after = middle;
        }
    }
    return after;
}

struct wall sla_zone_instant(const struct sla_zone *zone, struct sla_day day, int64_t local_ms)
{
    int64_t local = day.n * SECONDS_A_DAY * 1000 + local_ms;
    int64_t local_s = floor_div(local, 1000);
    int64_t old_ms = offset_s(zone, local_s - SEARCH_S) * 1000;
    int64_t new_ms = offset_s(zone, local_s + SEARCH_S) * 1000;
    if (old_ms == new_ms) {
        return (struct wall){local - old_ms};
    }
    int64_t change_ms = find_change(zone, local_s - SEARCH_S, local_s + SEARCH_S) * 1000;
    if (local - old_ms < change_ms) {
        return (struct wall){local - old_ms};
    }
    if (local - new_ms >= change_ms) {
        return (struct wall){local - new_ms};
    }
    return (struct wall){change_ms};
}

struct sla_day sla_zone_day(const struct sla_zone *zone, struct wall time)
{
    int64_t local = time.ms + sla_zone_offset_ms(zone, time);
    return (struct sla_day){floor_div(local, SECONDS_A_DAY * INT64_C(1000))};
}

static int refuse(char *reason, size_t reason_size, const char *text)
{
    (void)snprintf(reason, reason_size, "%s", text); /* cut if it must be */
    return -EINVAL;
}

/* Looking for the next day of a rule like "30 February" takes libical seconds: better once, here.
 */
static bool ever_comes(struct icalrecurrencetype parsed)
{
    icalrecur_iterator *days =
        icalrecur_iterator_new(parsed, icaltime_from_day_of_year(1, SLA_YEAR_MIN));
    struct icaltimetype next = days != NULL ? icalrecur_iterator_next(days) : icaltime_null_time();
    if (days != NULL) {
        icalrecur_iterator_free(days);
    }
    return !icaltime_is_null_time(next) && next.year <= SLA_YEAR_MAX;
}

int sla_rule_check(const char *rule, char *reason, size_t reason_size)
{
    if (strstr(rule, "RSCALE") != NULL || strstr(rule, "rscale") != NULL) {
        return refuse(reason, reason_size, "only the Gregorian calendar is known");
    }
    struct icalrecurrencetype parsed = icalrecurrencetype_from_string(rule);
    int error = 0;
    if (parsed.freq < ICAL_DAILY_RECURRENCE || parsed.freq > ICAL_YEARLY_RECURRENCE) {
        error = refuse(reason, reason_size,
                       "not a recurrence of days as RFC 5545 writes it, \"FREQ=WEEKLY;BYDAY=SU\"");
    } else if (parsed.by_hour[0] != ICAL_RECURRENCE_ARRAY_MAX ||
               parsed.by_minute[0] != ICAL_RECURRENCE_ARRAY_MAX ||
               parsed.by_second[0] != ICAL_RECURRENCE_ARRAY_MAX) {
        error = refuse(reason, reason_size, "the time of day stands in start and end");
    } else if (!ever_comes(parsed)) {
        error = refuse(reason, reason_size, "no day of the years 1970 to 2037 is meant");
    }
    icalrecurrencetype_clear(&parsed);
    return error;
}

void sla_rule_days(const char *rule, struct sla_day first, struct sla_day from, struct sla_day to,
                   void (*each)(void *context, struct sla_day day), void *context)
{
    struct icalrecurrencetype parsed = icalrecurrencetype_from_string(rule);
    struct icaltimetype start = time_of(first.n * SECONDS_A_DAY);
    start.is_date = 1;
    icalrecur_iterator *days = icalrecur_iterator_new(parsed, start);
    if (days != NULL) {
        struct icaltimetype next = icalrecur_iterator_next(days);
        while (!icaltime_is_null_time(next)) {
            struct sla_day day = sla_day_of(next.year, next.month, next.day);
            if (day.n > to.n) {
                break;
            }
            if (day.n >= from.n && day.n >= first.n) {
                each(context, day);
            }
            next = icalrecur_iterator_next(days);
        }
        icalrecur_iterator_free(days);
    }
    icalrecurrencetype_clear(&parsed);
}
