/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sla/calendar.h"

#include "common/xalloc.h"

#include <stdlib.h>

void sla_spans_add(struct sla_spans *spans, struct wall from, struct wall to)
{
    if (from.ms >= to.ms) {
        return;
    }
    if (spans->count == spans->room) {
        spans->room = spans->room == 0 ? 16 : spans->room * 2;
        spans->items = xreallocarray(spans->items, spans->room, sizeof *spans->items);
    }
    spans->items[spans->count++] = (struct sla_interval){from, to};
}

static int compare_spans(const void *left, const void *right)
{
    const struct sla_interval *a = left;
    const struct sla_interval *b = right;
    if (a->from.ms != b->from.ms) {
        return a->from.ms < b->from.ms ? -1 : 1;
    }
    return (a->to.ms > b->to.ms) - (a->to.ms < b->to.ms);
}

void sla_spans_normalise(struct sla_spans *spans)
{
    size_t kept = 0;
    if (spans->count == 0) {
        return;
    }
    qsort(spans->items, spans->count, sizeof *spans->items, compare_spans);
    for (size_t i = 1; i < spans->count; i++) {
        struct sla_interval *last = &spans->items[kept];
        if (spans->items[i].from.ms > last->to.ms) {
            spans->items[++kept] = spans->items[i];
        } else if (spans->items[i].to.ms > last->to.ms) {
            last->to = spans->items[i].to;
        }
    }
    spans->count = kept + 1;
}

void sla_spans_clear(struct sla_spans *spans)
{
    free(spans->items);
    *spans = (struct sla_spans){0};
}

static bool is_listed(const struct sla_day *days, size_t count, struct sla_day day)
{
    for (size_t i = 0; i < count; i++) {
        if (days[i].n == day.n) {
            return true;
        }
    }
    return false;
}

static bool is_closed(const struct sla_calendar *calendar, struct sla_day day)
{
    if (is_listed(calendar->closed, calendar->n_closed, day)) {
        return true;
    }
    int holiday = sla_holiday_of(calendar->holidays, day);
    return holiday >= 0 && (calendar->worked_names >> holiday & 1) == 0 &&
           !is_listed(calendar->worked, calendar->n_worked, day);
}

static void add_hours(const struct sla_hours *hours, const struct sla_zone *zone,
                      struct sla_day day, struct sla_spans *spans)
{
    bool today = (hours->weekdays >> sla_day_weekday(day) & 1) != 0;
    if (!today || day.n < hours->valid_from.n || day.n >= hours->valid_to.n) {
        return;
    }
    int64_t from_ms = hours->from_minute * INT64_C(60000);
    int64_t to_ms = hours->to_minute * INT64_C(60000);
    struct sla_day to_day = {hours->to_minute > hours->from_minute ? day.n : day.n + 1};
    sla_spans_add(spans, sla_zone_instant(zone, day, from_ms),
                  sla_zone_instant(zone, to_day, to_ms));
}

void sla_calendar_spans(const struct sla_calendar *calendar, const struct sla_zone *zone,
                        struct sla_interval range, struct sla_spans *spans)
{
    static const struct sla_hours always = {
        .weekdays = 0x7f, .to_minute = 1440, .valid_from = {INT64_MIN}, .valid_to = {INT64_MAX}};
    const struct sla_hours *hours = calendar->n_hours == 0 ? &always : calendar->hours;
    size_t n_hours = calendar->n_hours == 0 ? 1 : calendar->n_hours;
    /* One day before: hours may last into the next day. */
    struct sla_day day = {sla_zone_day(zone, range.from).n - 1};
    struct sla_day last = sla_zone_day(zone, range.to);
    for (; day.n <= last.n; day.n++) {
        if (is_closed(calendar, day)) {
            continue;
        }
        for (size_t i = 0; i < n_hours; i++) {
            add_hours(&hours[i], zone, day, spans);
        }
    }
    sla_spans_normalise(spans);
}
