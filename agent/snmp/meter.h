/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Turns an interface's row into the values of its metrics: 64-bit counters where the device has
 * them, else 32-bit ones widened; speeds and states as gauges.
 *
 * Pure. */
#ifndef SNMP_METER_H
#define SNMP_METER_H

#include "counter.h"
#include "iftable.h"
#include "proto/model.h"

enum {
    METER_COUNTERS = 8,
    METER_PARTS = 3, /* counters whose sum is one metric */
    METER_OPER_UP = METER_COUNTERS,
    METER_ADMIN_UP,
    METER_SPEED,
    METER_METRICS,
    METER_COUNTERS_MASK = (1 << METER_COUNTERS) - 1,
};
/* The counters come first, with the names and units of a host's own interfaces. */
extern const struct metric meter_metrics[METER_METRICS];

struct meter_counter {
    unsigned bits; /* 64 once it was read with 64 bits: then it stays so within the epoch */
    uint64_t epoch;
    struct counter parts[METER_PARTS];
};

/* One interface's memory. Zero-initialise. */
struct meter {
    uint64_t speed; /* bit/s, the last known one; 0: none */
    bool speed_is_real;
    struct meter_counter counters[METER_COUNTERS];
};

struct meter_values {
    union value values[METER_METRICS];
    uint64_t unknown_mask;
    uint64_t discontinuity_mask;
};

/* `epoch` as struct counter_reading's. */
void meter_take(struct meter *meter, const struct if_row *row, uint64_t epoch, int64_t interval_ms,
                struct meter_values *values, struct snmp_counts *counts);

#endif
