/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Local time: days, holidays and service hours of a contract's zone, turned into UTC intervals.
 * Here a day of 23 or 25 hours gets its right length; everything after this header counts
 * milliseconds.
 *
 * A local time that does not exist (the clocks went forward) is the instant of the change; one that
 * exists twice is its first occurrence. The system's tzdata is read through libical; it is right
 * for the years 1970 to 2037, and no other year is accepted.
 *
 * Threads: safe, except that a zone's name should be looked up once before threads start. */
#ifndef SLA_CALENDAR_H
#define SLA_CALENDAR_H

#include "sla/timeline.h"
#include <stdbool.h>

enum { SLA_YEAR_MIN = 1970, SLA_YEAR_MAX = 2037 };

/* A day of the proleptic Gregorian calendar: days since 1970-01-01. */
struct sla_day {
    int64_t n;
};

struct sla_day sla_day_of(int64_t year, int month, int day);
void sla_day_split(struct sla_day day, int64_t *year, int *month, int *day_of_month);
/* 0 Monday … 6 Sunday. */
int sla_day_weekday(struct sla_day day);
/* The number that the first `digits` characters of the text are, or -1. */
int sla_read_digits(const char *text, int digits);
/* "2026-11-24", to the end of the text, a day that exists, any year 0 to 9999. 0 or -EINVAL. */
int sla_day_parse(const char *text, struct sla_day *day);
/* Easter Sunday of the Gregorian calendar, years 1583 to 9999 (the computus of Meeus, Jones and
 * Butcher). */
struct sla_day sla_easter(int64_t year);

/* Public holidays: Code du travail L3133-1; in Alsace-Moselle also Good Friday and 26 December. */
enum sla_holidays { SLA_HOLIDAYS_NONE, SLA_HOLIDAYS_FRANCE, SLA_HOLIDAYS_FRANCE_ALSACE_MOSELLE };

enum { SLA_HOLIDAY_NAMES = 13 };
/* "new-year", "good-friday", "easter-monday", … in the order of the year; NULL after the last. */
const char *sla_holiday_name(size_t n);
/* Number of the holiday that `day` is under the preset, or -1. */
int sla_holiday_of(enum sla_holidays preset, struct sla_day day);

/* Hours of some weekdays. They belong to the day on which they begin: hours that end at or before
 * their start end on the next day. */
struct sla_hours {
    unsigned weekdays; /* bit 0 Monday … bit 6 Sunday */
    int from_minute;   /* of the local day, 0 … 1439 */
    int to_minute;     /* 0 … 1440 */
    struct sla_day valid_from;
    struct sla_day valid_to; /* exclusive */
};

struct sla_calendar {
    size_t n_hours; /* 0: around the clock */
    struct sla_hours *hours;
    enum sla_holidays holidays; /* no hours begin on these days … */
    unsigned worked_names;      /* … except on those: bit n is sla_holiday_name(n) */
    size_t n_worked;
    struct sla_day *worked;
    size_t n_closed; /* further days on which no hours begin */
    struct sla_day *closed;
};

struct sla_zone;
/* An IANA name ("Europe/Paris", "UTC"); NULL: no such zone. Lives as long as the process. */
const struct sla_zone *sla_zone_get(const char *name);
/* What is added to UTC at that instant to get local time. */
int64_t sla_zone_offset_ms(const struct sla_zone *zone, struct wall time);
/* The instant of a local time: `day` and milliseconds into it by the clock on the wall (it may be
 * 24 h or more: the clock of a day after). */
struct wall sla_zone_instant(const struct sla_zone *zone, struct sla_day day, int64_t local_ms);
/* The local day of an instant. */
struct sla_day sla_zone_day(const struct sla_zone *zone, struct wall time);
/* "2026-11-24T09:07:29.123+01:00", as wall_format_utc but local. */
const char *sla_zone_format(const struct sla_zone *zone, struct wall time,
                            char text[WALL_TEXT_SIZE]);
/* ISO 8601 with offset as wall_parse reads it, or local "YYYY-MM-DD[Thh:mm[:ss[.fff]]]" of the zone
 * (a T or a space between). 0 or -EINVAL. */
int sla_zone_parse(const struct sla_zone *zone, const char *text, struct wall *time);

/* A set of instants: sorted, disjoint, not touching once normalised. */
struct sla_spans {
    size_t count;
    size_t room;
    struct sla_interval *items;
};

/* Adds one (an empty one is left out); spans_normalise sorts and merges. */
void sla_spans_add(struct sla_spans *spans, struct wall from, struct wall to);
void sla_spans_normalise(struct sla_spans *spans);
/* Frees the items and empties the set. */
void sla_spans_clear(struct sla_spans *spans);

/* Adds the calendar's hours that meet `range`, whole, and normalises. */
void sla_calendar_spans(const struct sla_calendar *calendar, const struct sla_zone *zone,
                        struct sla_interval range, struct sla_spans *spans);

/* A recurrence of days, RFC 5545: FREQ DAILY to YEARLY without times of day and without RSCALE. 0,
 * or -EINVAL with a reason. */
int sla_rule_check(const char *rule, char *reason, size_t reason_size);
/* Calls `each` for every day of a good rule that begins on `first`, within [from, to]. */
void sla_rule_days(const char *rule, struct sla_day first, struct sla_day from, struct sla_day to,
                   void (*each)(void *context, struct sla_day day), void *context);

#endif
