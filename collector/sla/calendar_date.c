/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sla/calendar.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Years are counted from 1 March, so that the leap day is the last; an era has 400 of them. */
enum { DAYS_AN_ERA = 146097, DAYS_TO_1970 = 719468, YEARS_AN_ERA = 400 };

struct sla_day sla_day_of(int64_t year, int month, int day)
{
    int64_t march_year = month > 2 ? year : year - 1;
    int64_t era = march_year / YEARS_AN_ERA - (march_year % YEARS_AN_ERA < 0);
    int64_t year_of_era = march_year - era * YEARS_AN_ERA;
    int64_t month_from_march = (month + 9) % 12;
    int64_t day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return (struct sla_day){era * DAYS_AN_ERA + day_of_era - DAYS_TO_1970};
}

void sla_day_split(struct sla_day day, int64_t *year, int *month, int *day_of_month)
{
    int64_t shifted = day.n + DAYS_TO_1970;
    int64_t era = shifted / DAYS_AN_ERA - (shifted % DAYS_AN_ERA < 0);
    int64_t day_of_era = shifted - era * DAYS_AN_ERA;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_from_march = (5 * day_of_year + 2) / 153;
    *day_of_month = (int)(day_of_year - (153 * month_from_march + 2) / 5) + 1;
    *month = (int)(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
    *year = year_of_era + era * YEARS_AN_ERA + (*month <= 2);
}

int sla_day_weekday(struct sla_day day)
{
    int64_t since_monday = (day.n + 3) % 7; /* 1970-01-01 was a Thursday */
    return (int)(since_monday < 0 ? since_monday + 7 : since_monday);
}

int sla_read_digits(const char *text, int digits)
{
    int value = 0;
    for (int i = 0; i < digits; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return -1;
        }
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

/* The date at the start of the text: ten bytes. */
static int read_date(const char *text, struct sla_day *day)
{
    if (strnlen(text, 10) < 10 || text[4] != '-' || text[7] != '-') {
        return -EINVAL;
    }
    int year = sla_read_digits(text, 4);
    int month = sla_read_digits(text + 5, 2);
    int of_month = sla_read_digits(text + 8, 2);
    if (year < 0 || month < 1 || of_month < 1) {
        return -EINVAL;
    }
    *day = sla_day_of(year, month, of_month);
    int64_t year_back;
    int month_back;
    int of_month_back;
    sla_day_split(*day, &year_back, &month_back, &of_month_back);
    return year_back == year && month_back == month && of_month_back == of_month ? 0 : -EINVAL;
}

int sla_day_parse(const char *text, struct sla_day *day)
{
    return strlen(text) == 10 ? read_date(text, day) : -EINVAL;
}

struct sla_day sla_easter(int64_t year)
{
    int64_t golden = year % 19;
    int64_t century = year / 100;
    int64_t of_century = year % 100;
    int64_t correction = (century + 8) / 25;
    int64_t epact =
        (19 * golden + century - century / 4 - (century - correction + 1) / 3 + 15) % 30;
    int64_t to_sunday =
        (32 + 2 * (century % 4) + 2 * (of_century / 4) - epact - of_century % 4) % 7;
    int64_t late = (golden + 11 * epact + 22 * to_sunday) / 451;
    int64_t sum = epact + to_sunday - 7 * late + 114;
    return sla_day_of(year, (int)(sum / 31), (int)(sum % 31) + 1);
}

/* A holiday has a date, or stands so many days after Easter Sunday (month 0). */
struct holiday {
    const char *name;
    int month;
    int day;
    enum sla_holidays from; /* the first preset that has it */
};

static const struct holiday HOLIDAYS[SLA_HOLIDAY_NAMES] = {
    {"new-year", 1, 1, SLA_HOLIDAYS_FRANCE},
    {"good-friday", 0, -2, SLA_HOLIDAYS_FRANCE_ALSACE_MOSELLE},
    {"easter-monday", 0, 1, SLA_HOLIDAYS_FRANCE},
    {"labour-day", 5, 1, SLA_HOLIDAYS_FRANCE},
    {"victory-day", 5, 8, SLA_HOLIDAYS_FRANCE},
    {"ascension", 0, 39, SLA_HOLIDAYS_FRANCE},
    {"whit-monday", 0, 50, SLA_HOLIDAYS_FRANCE},
    {"national-day", 7, 14, SLA_HOLIDAYS_FRANCE},
    {"assumption", 8, 15, SLA_HOLIDAYS_FRANCE},
    {"all-saints", 11, 1, SLA_HOLIDAYS_FRANCE},
    {"armistice", 11, 11, SLA_HOLIDAYS_FRANCE},
    {"christmas", 12, 25, SLA_HOLIDAYS_FRANCE},
    {"saint-stephen", 12, 26, SLA_HOLIDAYS_FRANCE_ALSACE_MOSELLE},
};

const char *sla_holiday_name(size_t n)
{
    return n < SLA_HOLIDAY_NAMES ? HOLIDAYS[n].name : NULL;
}

int sla_holiday_of(enum sla_holidays preset, struct sla_day day)
{
    int64_t year;
    int month;
    int of_month;
    if (preset == SLA_HOLIDAYS_NONE) {
        return -1;
    }
    sla_day_split(day, &year, &month, &of_month);
    int64_t after_easter = day.n - sla_easter(year).n;
    for (int i = 0; i < SLA_HOLIDAY_NAMES; i++) {
        const struct holiday *holiday = &HOLIDAYS[i];
        bool is = holiday->month == 0 ? after_easter == holiday->day
                                      : month == holiday->month && of_month == holiday->day;
        if (is && preset >= holiday->from) {
            return i;
        }
    }
    return -1;
}

/* "[T ]hh:mm[:ss[.f…]]" to the end; up to milliseconds, 24:00 is the end of the day. */
static int read_clock(const char *text, int64_t *ms)
{
    if (strnlen(text, 6) < 6 || (text[0] != 'T' && text[0] != ' ') || text[3] != ':') {
        return -EINVAL;
    }
    int hour = sla_read_digits(text + 1, 2);
    int minute = sla_read_digits(text + 4, 2);
    int second = 0;
    int thousandth = 0;
    text += 6;
    if (text[0] == ':' && strnlen(text, 3) == 3) {
        second = sla_read_digits(text + 1, 2);
        text += 3;
        if (text[0] == '.' && strnlen(text, 5) >= 4) {
            thousandth = sla_read_digits(text + 1, 3);
            text += 4;
        }
    }
    if (text[0] != '\0' || hour < 0 || hour > 24 || minute < 0 || minute > 59 || second < 0 ||
        second > 59 || thousandth < 0) {
        return -EINVAL;
    }
    *ms = ((hour * INT64_C(60) + minute) * 60 + second) * 1000 + thousandth;
    return *ms <= INT64_C(86400000) ? 0 : -EINVAL;
}

static bool is_known_year(struct sla_day day)
{
    return day.n >= sla_day_of(SLA_YEAR_MIN, 1, 1).n &&
           day.n <= sla_day_of(SLA_YEAR_MAX + 1, 1, 1).n;
}

int sla_zone_parse(const struct sla_zone *zone, const char *text, struct wall *time)
{
    struct sla_day day;
    int64_t ms = 0;
    if (wall_parse(text, time) == 0) {
        return is_known_year(sla_zone_day(zone, *time)) ? 0 : -EINVAL;
    }
    if (read_date(text, &day) != 0 || !is_known_year(day)) {
        return -EINVAL;
    }
    if (text[10] != '\0' && read_clock(text + 10, &ms) != 0) {
        return -EINVAL;
    }
    *time = sla_zone_instant(zone, day, ms);
    return 0;
}

const char *sla_zone_format(const struct sla_zone *zone, struct wall time,
                            char text[WALL_TEXT_SIZE])
{
    int64_t offset = sla_zone_offset_ms(zone, time);
    int64_t minutes = (offset < 0 ? -offset : offset) / 60000;
    (void)wall_format_utc((struct wall){time.ms + offset}, text);
    size_t length = strlen(text);
    if (length > 0 && text[length - 1] == 'Z') {
        (void)snprintf(text + length - 1, WALL_TEXT_SIZE - length + 1, "%c%02d:%02d",
                       offset < 0 ? '-' : '+', (int)(minutes / 60 % 100), (int)(minutes % 60));
    }
    return text;
}
