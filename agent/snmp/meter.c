/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "meter.h"

#include <string.h>

const struct metric meter_metrics[METER_METRICS] = {
    {"in_octets", "octets", METRIC_COUNTER},
    {"out_octets", "octets", METRIC_COUNTER},
    {"in_packets", "packets", METRIC_COUNTER},
    {"out_packets", "packets", METRIC_COUNTER},
    {"in_errors", "packets", METRIC_COUNTER},
    {"out_errors", "packets", METRIC_COUNTER},
    {"in_discards", "packets", METRIC_COUNTER},
    {"out_discards", "packets", METRIC_COUNTER},
    {"oper_up", "1", METRIC_GAUGE},
    {"admin_up", "1", METRIC_GAUGE},
    {"speed", "bit/s", METRIC_GAUGE},
};

/* What a metric is the sum of: with 64 bits, or with 32. */
struct source {
    enum counter_unit unit;
    size_t n_wide;
    enum if_column wide[METER_PARTS];
    size_t n_narrow;
    enum if_column narrow[METER_PARTS];
};
static const struct source sources[METER_COUNTERS] = {
    {COUNTER_OCTETS, 1, {IF_HC_IN_OCTETS}, 1, {IF_IN_OCTETS}},
    {COUNTER_OCTETS, 1, {IF_HC_OUT_OCTETS}, 1, {IF_OUT_OCTETS}},
    {COUNTER_PACKETS,
     3,
     {IF_HC_IN_UCAST, IF_HC_IN_MCAST, IF_HC_IN_BCAST},
     2,
     {IF_IN_UCAST, IF_IN_NUCAST}},
    {COUNTER_PACKETS,
     3,
     {IF_HC_OUT_UCAST, IF_HC_OUT_MCAST, IF_HC_OUT_BCAST},
     2,
     {IF_OUT_UCAST, IF_OUT_NUCAST}},
    {COUNTER_PACKETS, 0, {0}, 1, {IF_IN_ERRORS}},
    {COUNTER_PACKETS, 0, {0}, 1, {IF_OUT_ERRORS}},
    {COUNTER_PACKETS, 0, {0}, 1, {IF_IN_DISCARDS}},
    {COUNTER_PACKETS, 0, {0}, 1, {IF_OUT_DISCARDS}},
};

/* ifSpeed of these is what the port runs at; of a tunnel or VLAN it is what somebody set, often
 * years ago (IANAifType-MIB). */
static bool has_real_speed(uint64_t type)
{
    enum { ETHERNET = 6, FAST_ETHER = 62, FAST_ETHER_FX = 69, GIGABIT = 117, LAG = 161 };
    return type == ETHERNET || type == FAST_ETHER || type == FAST_ETHER_FX || type == GIGABIT ||
           type == LAG;
}

static void take_speed(struct meter *meter, const struct if_row *row, struct meter_values *values)
{
    uint64_t speed = 0;
    if (if_row_knows(row, IF_HIGH_SPEED)) {
        speed = row->numbers[IF_HIGH_SPEED] * 1000000;
    }
    /* ifHighSpeed rounds slow lines to 0; ifSpeed says UINT32_MAX when it is not enough. */
    if (speed == 0 && if_row_knows(row, IF_SPEED) && row->numbers[IF_SPEED] != UINT32_MAX) {
        speed = row->numbers[IF_SPEED];
    }
    if (if_row_knows(row, IF_TYPE)) {
        meter->speed_is_real = has_real_speed(row->numbers[IF_TYPE]);
    }
    if (speed == 0) {
        values->unknown_mask |= UINT64_C(1) << METER_SPEED;
        if (if_row_knows(row, IF_HIGH_SPEED) || if_row_knows(row, IF_SPEED)) {
            meter->speed = 0; /* it was told, and says nothing */
        }
        return;
    }
    meter->speed = speed;
    values->values[METER_SPEED].gauge = (double)speed;
}

static void take_state(const struct if_row *row, enum if_column column, size_t metric,
                       struct meter_values *values)
{
    enum { UP = 1 };
    if (if_row_knows(row, column)) {
        values->values[metric].gauge = row->numbers[column] == UP ? 1 : 0;
    } else {
        values->unknown_mask |= UINT64_C(1) << metric;
    }
}

static bool knows_all(const struct if_row *row, const enum if_column *columns, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!if_row_knows(row, columns[i])) {
            return false;
        }
    }
    return n > 0;
}

static void count_verdict(enum counter_verdict verdict, struct snmp_counts *counts)
{
    switch (verdict) {
    case COUNTER_FIRST:
    case COUNTER_ADVANCED:
        break;
    case COUNTER_WRAPPED:
        counts->n[COUNT_WRAPS]++;
        break;
    case COUNTER_RESET:
        counts->n[COUNT_RESETS]++;
        break;
    case COUNTER_IMPLAUSIBLE:
        counts->n[COUNT_IMPLAUSIBLE]++;
        break;
    }
}

struct taking {
    struct meter *meter;
    const struct if_row *row;
    uint64_t epoch;
    struct meter_values *values;
    struct snmp_counts *counts;
};

static void take_sum(const struct taking *taking, size_t metric, unsigned bits,
                     const enum if_column *columns, size_t n)
{
    struct meter_counter *counter = &taking->meter->counters[metric];
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        const struct counter_reading reading = {
            .bits = bits,
            .raw = taking->row->numbers[columns[i]],
            .at = taking->row->at,
            .epoch = taking->epoch,
            .unit = sources[metric].unit,
            .speed = taking->meter->speed,
            .speed_is_real = taking->meter->speed_is_real,
        };
        enum counter_verdict verdict = counter_take(&counter->parts[i], &reading);
        count_verdict(verdict, taking->counts);
        if (counter_is_break(verdict, bits)) {
            taking->values->discontinuity_mask |= UINT64_C(1) << metric;
        }
        sum += counter->parts[i].total;
    }
    counter->bits = bits;
    counter->epoch = taking->epoch;
    taking->values->values[metric].counter = sum;
}

static void take_counter(const struct taking *taking, size_t metric, int64_t interval_ms)
{
    const struct source *source = &sources[metric];
    const struct meter_counter *counter = &taking->meter->counters[metric];
    bool wide_only = counter->bits == 64 && counter->epoch == taking->epoch;
    if (knows_all(taking->row, source->wide, source->n_wide)) {
        take_sum(taking, metric, 64, source->wide, source->n_wide);
        return;
    }
    if (!wide_only && knows_all(taking->row, source->narrow, source->n_narrow)) {
        if (!counter_is_too_narrow(source->unit, taking->meter->speed, interval_ms)) {
            take_sum(taking, metric, 32, source->narrow, source->n_narrow);
            return;
        }
        taking->counts->n[COUNT_NARROW_REFUSED]++;
    }
    taking->values->unknown_mask |= UINT64_C(1) << metric;
}

void meter_take(struct meter *meter, const struct if_row *row, uint64_t epoch, int64_t interval_ms,
                struct meter_values *values, struct snmp_counts *counts)
{
    const struct taking taking = {meter, row, epoch, values, counts};
    memset(values, 0, sizeof *values);
    take_speed(meter, row, values);
    take_state(row, IF_OPER_STATUS, METER_OPER_UP, values);
    take_state(row, IF_ADMIN_STATUS, METER_ADMIN_UP, values);
    for (size_t i = 0; i < METER_COUNTERS; i++) {
        take_counter(&taking, i, interval_ms);
    }
}
