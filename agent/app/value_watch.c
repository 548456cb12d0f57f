/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "value_watch.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
    /* A row is dated by the wall clock and comes within seconds: where the two clocks say so
     * different times between two rows, one was stepped. */
    STEP_MIN_MS = 5000,
    STEP_SHARE = 4, /* or so much of the time between them */
};

static void set_unit(struct value_watch *watch, const struct metric *metric)
{
    static const struct {
        const char *unit;
        double factor;
    } times[] = {{"s", 1}, {"ms", 1e-3}, {"us", 1e-6}};
    watch->factor = 1;
    if (metric->type == METRIC_GAUGE) {
        (void)snprintf(watch->unit, sizeof watch->unit, "%s", metric->unit);
        return;
    }
    (void)snprintf(watch->unit, sizeof watch->unit, "%s/s", metric->unit);
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        if (strcmp(times[i].unit, metric->unit) == 0) {
            watch->factor = times[i].factor;
            (void)snprintf(watch->unit, sizeof watch->unit, "ratio");
        }
    }
}

int value_watch_set(struct value_watch *watch, const struct object *object, const char *metric)
{
    for (size_t i = 0; i < object->n_metrics; i++) {
        if (strcmp(object->metrics[i].name, metric) == 0) {
            char before[VALUE_UNIT_SIZE];
            memcpy(before, watch->unit, sizeof before);
            set_unit(watch, &object->metrics[i]);
            watch->has_last = watch->has_last && watch->type == object->metrics[i].type &&
                              strcmp(before, watch->unit) == 0;
            watch->type = object->metrics[i].type;
            watch->metric = i;
            return 0;
        }
    }
    return -ENOENT;
}

static bool is_step(int64_t wall_ms, int64_t mono_ms)
{
    int64_t apart_ms = wall_ms > mono_ms ? wall_ms - mono_ms : mono_ms - wall_ms;
    int64_t limit_ms = mono_ms / STEP_SHARE;
    return apart_ms > (limit_ms > STEP_MIN_MS ? limit_ms : STEP_MIN_MS);
}

static enum value_state take_counter(struct value_watch *watch, const struct row *row,
                                     struct mono arrival, double *value)
{
    uint64_t now = row->values[watch->metric].counter;
    uint64_t last = watch->last;
    int64_t wall_ms = row->time.ms - watch->last_time.ms;
    int64_t mono_ms = mono_elapsed_ms(watch->last_arrival, arrival);
    bool is_first = !watch->has_last;
    bool is_broken = (row->discontinuity_mask >> watch->metric & 1) != 0 || now < last;
    watch->has_last = true;
    watch->last = now;
    watch->last_time = row->time;
    watch->last_arrival = arrival;
    if (is_first) {
        return VALUE_FIRST;
    }
    if (is_broken || wall_ms <= 0 || is_step(wall_ms, mono_ms)) {
        return VALUE_DISCONTINUOUS;
    }
    *value = (double)(now - last) * watch->factor * 1000 / (double)wall_ms;
    return VALUE_KNOWN;
}

enum value_state value_watch_take(struct value_watch *watch, const struct row *row,
                                  struct mono arrival, double *value)
{
    if ((row->unknown_mask >> watch->metric & 1) != 0) {
        return VALUE_MISSING;
    }
    if (watch->type == METRIC_COUNTER) {
        return take_counter(watch, row, arrival, value);
    }
    *value = row->values[watch->metric].gauge;
    return VALUE_KNOWN;
}
