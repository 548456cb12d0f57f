/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Turns a row's cells and an object's memory into the values of its metrics: counters of 64 bits
 * where the row has them, else of 32 bits widened; gauges.
 *
 * Pure. */
#ifndef SNMP_METER_H
#define SNMP_METER_H

#include "counter.h"
#include "entries.h"

/* Where the parts of a row and of an entry are, for a table with some of its optional metrics. */
struct layout {
    const struct plan_table *plan;
    size_t n_metrics;
    uint8_t metrics[PLAN_METRICS_MAX]; /* places in the plan's */
    size_t n_counters;
    uint8_t counters[PLAN_METRICS_MAX]; /* [place in the plan's]: place among an entry's counters */
    uint8_t units[PLAN_METRICS_MAX];    /* [place in the plan's]: enum counter_unit */
    /* Fixed columns whose numbers are needed in each cycle, and those of units. */
    size_t n_kept;
    uint8_t kept[PLAN_COLUMNS_MAX];
};

/* `active`: bit: place of a metric in the plan's. */
void layout_make(struct layout *layout, const struct plan_table *plan, uint64_t active);

struct meter {
    const struct layout *layout;
    const struct entries *entries;
    struct snmp_counts *counts;
    struct mono birth; /* what entries' times count from */
    int64_t interval_ms;
    bool once;           /* 32-bit counters are taken as they are, whatever the speed */
    bool trusts_changes; /* of the discontinuity column */
};

struct meter_values {
    union value values[PLAN_METRICS_MAX];
    uint64_t unknown_mask;
    uint64_t discontinuity_mask;
    /* The discontinuity column changes from cycle to cycle though nothing falls. */
    bool lies;
};

/* The fixed columns were read: keeps the numbers that later cycles need. */
void meter_keep(const struct meter *meter, struct entry *entry, const struct table *table,
                const struct table_row *row);
/* The unit of a metric (place in the plan's) for that object: as gauge_unit. */
size_t meter_unit(const struct meter *meter, struct entry *entry, size_t metric);
/* Nothing that was counted before can be compared with what comes. */
void meter_break(const struct meter *meter, struct entry *entry);
void meter_take(const struct meter *meter, struct entry *entry, const struct table_row *row,
                struct meter_values *values);
/* Bit: place among the layout's metrics. */
uint64_t meter_counters_mask(const struct layout *layout);

#endif
