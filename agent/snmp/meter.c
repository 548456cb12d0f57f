/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "meter.h"

#include "gauge.h"

#include <string.h>

static const double SPEED_MAX = 1e18; /* bit/s; no port has it, and 64 bits hold it */
enum {
    NS_PER_DS = 100000000,
    LIES_MIN = 3, /* changes in a row */
};

/* --- the layout --- */

static bool is_number_of(const struct plan_table *plan, uint8_t column)
{
    return column < plan->n_columns && plan->columns[column].keep == PLAN_KEEP_NUMBER;
}

static void keep_column(struct layout *layout, uint8_t column)
{
    if (is_number_of(layout->plan, column) &&
        memchr(layout->kept, column, layout->n_kept) == NULL) {
        layout->kept[layout->n_kept++] = column;
    }
}

static void keep_fixed(struct layout *layout, uint8_t column)
{
    if (column < layout->plan->n_columns && layout->plan->columns[column].when == PLAN_FIXED) {
        keep_column(layout, column);
    }
}

static void keep_columns(struct layout *layout, const struct plan_metric *metric)
{
    for (size_t i = 0; metric->metric.type == METRIC_GAUGE && i < metric->n_sources; i++) {
        keep_fixed(layout, metric->sources[i].column);
    }
    keep_fixed(layout, metric->multiply);
    keep_fixed(layout, metric->decimals);
    keep_fixed(layout, metric->prefix);
    keep_fixed(layout, metric->valid_column);
    if (metric->n_units > 0) {
        keep_column(layout, metric->unit_column); /* the unit is that of the definition */
    }
}

static enum counter_unit unit_of(const struct plan_metric *metric)
{
    return strcmp(metric->metric.unit, "octets") == 0    ? COUNTER_OCTETS
           : strcmp(metric->metric.unit, "packets") == 0 ? COUNTER_PACKETS
                                                         : COUNTER_OTHER;
}

void layout_make(struct layout *layout, const struct plan_table *plan, uint64_t active)
{
    *layout = (struct layout){.plan = plan};
    for (size_t i = 0; i < plan->n_metrics; i++) {
        const struct plan_metric *metric = &plan->metrics[i];
        keep_columns(layout, metric);
        if ((active >> i & 1) == 0) {
            continue;
        }
        layout->metrics[layout->n_metrics++] = (uint8_t)i;
        if (metric->metric.type == METRIC_COUNTER) {
            layout->counters[i] = (uint8_t)layout->n_counters++;
            layout->units[i] = (uint8_t)unit_of(metric);
        }
    }
}

uint64_t meter_counters_mask(const struct layout *layout)
{
    uint64_t mask = 0;
    for (size_t i = 0; i < layout->n_metrics; i++) {
        const struct plan_metric *metric = &layout->plan->metrics[layout->metrics[i]];
        mask |= metric->metric.type == METRIC_COUNTER ? UINT64_C(1) << i : 0;
    }
    return mask;
}

/* --- numbers of fixed columns --- */

void meter_keep(const struct meter *meter, struct entry *entry, const struct table *table,
                const struct table_row *row)
{
    uint64_t *numbers = entry_kept(entry);
    uint8_t *types = entry_kept_types(meter->entries, entry);
    for (size_t i = 0; i < meter->layout->n_kept; i++) {
        uint8_t column = meter->layout->kept[i];
        if (table_row_knows(row, column)) {
            numbers[i] = (uint64_t)cell_number(&row->cells[column]);
            types[i] = (uint8_t)row->cells[column].type;
        } else if (table_end(table, column) == COLUMN_COMPLETE) {
            types[i] = VALUE_OTHER;
        }
    }
}

size_t meter_unit(const struct meter *meter, struct entry *entry, size_t metric)
{
    const struct plan_metric *info = &meter->layout->plan->metrics[metric];
    for (size_t i = 0; info->n_units > 0 && i < meter->layout->n_kept; i++) {
        if (meter->layout->kept[i] == info->unit_column &&
            entry_kept_types(meter->entries, entry)[i] != VALUE_OTHER) {
            return gauge_unit(info, (int64_t)entry_kept(entry)[i]);
        }
    }
    return info->n_units;
}

/* The row as if its fixed columns had been read; the cells are copied where it has to be filled. */
struct filled_row {
    struct table_row row;
    struct table_cell cells[PLAN_COLUMNS_MAX];
};

static const struct table_row *fill_row(const struct meter *meter, struct entry *entry,
                                        const struct table_row *row, struct filled_row *filled)
{
    const struct layout *layout = meter->layout;
    if (layout->n_kept == 0) {
        return row;
    }
    filled->row = *row;
    filled->row.cells = filled->cells;
    memcpy(filled->cells, row->cells, layout->plan->n_columns * sizeof(filled->cells[0]));
    for (size_t i = 0; i < layout->n_kept; i++) {
        uint8_t column = layout->kept[i];
        uint8_t type = entry_kept_types(meter->entries, entry)[i];
        if (!table_row_knows(row, column) && type != VALUE_OTHER &&
            layout->plan->columns[column].when == PLAN_FIXED) {
            filled->cells[column] =
                (struct table_cell){.type = (enum value_type)type, .number = entry_kept(entry)[i]};
            filled->row.known |= UINT64_C(1) << column;
        }
    }
    return &filled->row;
}

/* --- what a port can carry --- */

static void take_speed(const struct meter *meter, struct entry *entry, const struct table_row *row)
{
    const struct plan_table *plan = meter->layout->plan;
    double speed;
    if (plan->rate_metric >= plan->n_metrics) {
        return;
    }
    const struct plan_metric *metric = &plan->metrics[plan->rate_metric];
    if (gauge_value(metric, row, metric->n_units, &speed)) {
        entry->speed = speed < 0 ? 0 : speed > SPEED_MAX ? (float)SPEED_MAX : (float)speed;
    } else {
        for (size_t i = 0; i < metric->n_sources; i++) {
            if (table_row_knows(row, metric->sources[i].column)) {
                entry->speed = 0; /* it was told, and says nothing */
            }
        }
    }
    if (plan->rate_column == PLAN_NO_COLUMN) {
        entry->flags |= ENTRY_SPEED_REAL;
    } else if (table_row_knows(row, plan->rate_column)) {
        bool real = values_have(&plan->rate_values, cell_number(&row->cells[plan->rate_column]));
        entry->flags =
            (uint8_t)((entry->flags & ~ENTRY_SPEED_REAL) | (real ? ENTRY_SPEED_REAL : 0));
    }
}

/* --- counters --- */

void meter_break(const struct meter *meter, struct entry *entry)
{
    uint8_t *states = entry_counter_states(meter->entries, entry);
    for (size_t i = 0; i < meter->layout->n_counters; i++) {
        states[i] |= (states[i] & COUNTER_STATE_WIDTH) != 0 ? COUNTER_STATE_BROKEN : 0;
    }
    entry->flags = (uint8_t)(entry->flags & ~ENTRY_HAS_CHANGE);
    entry->changes = 0;
}

static uint32_t now_ds(const struct meter *meter, struct mono at)
{
    int64_t passed = (at.ns - meter->birth.ns) / NS_PER_DS;
    return passed < 0 ? 0 : passed > UINT32_MAX ? UINT32_MAX : (uint32_t)passed;
}

static struct mono time_of(const struct meter *meter, uint32_t ds)
{
    return (struct mono){meter->birth.ns + (int64_t)ds * NS_PER_DS};
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
    const struct meter *meter;
    struct entry *entry;
    const struct table_row *row;
    struct meter_values *values;
    uint32_t ds;
    uint64_t taken; /* bit: place among the entry's counters */
    bool fell;
};

/* The memory of a counter as counter.h has it, and back. */
static struct counter unpack(const struct taking *taking, uint64_t total, uint8_t state)
{
    const struct entry *entry = taking->entry;
    uint8_t width = state & COUNTER_STATE_WIDTH;
    bool is_stale = (state & COUNTER_STATE_STALE) != 0;
    return (struct counter){.bits = width == COUNTER_STATE_64   ? 64
                                    : width == COUNTER_STATE_32 ? 32
                                                                : 0,
                            .raw = width == COUNTER_STATE_32 ? total & UINT32_MAX : total,
                            .at = time_of(taking->meter, is_stale ? entry->stale_ds : entry->at_ds),
                            .total = total};
}

static void take_reading(struct taking *taking, size_t place, unsigned bits, uint64_t raw)
{
    const struct meter *meter = taking->meter;
    size_t metric = meter->layout->metrics[place];
    size_t number = meter->layout->counters[metric];
    uint64_t *total = &entry_totals(meter->entries, taking->entry)[number];
    uint8_t *state = &entry_counter_states(meter->entries, taking->entry)[number];
    struct counter counter = unpack(taking, *total, *state);
    const struct counter_reading reading = {
        .bits = bits,
        .raw = raw,
        .at = time_of(meter, taking->ds),
        .epoch = (*state & COUNTER_STATE_BROKEN) != 0 ? 1 : 0,
        .unit = (enum counter_unit)meter->layout->units[metric],
        .speed = (uint64_t)taking->entry->speed,
        .speed_is_real = (taking->entry->flags & ENTRY_SPEED_REAL) != 0,
    };
    taking->fell = taking->fell || (counter.bits == bits && raw < counter.raw);
    enum counter_verdict verdict = counter_take(&counter, &reading);
    count_verdict(verdict, meter->counts);
    if (counter_is_break(verdict, bits)) {
        taking->values->discontinuity_mask |= UINT64_C(1) << place;
    }
    *total = counter.total;
    *state = bits == 64 ? COUNTER_STATE_64 : COUNTER_STATE_32;
    taking->taken |= UINT64_C(1) << number;
    taking->values->values[place].counter = counter.total;
}

/* The first source that has a number; 32 bits are no stand-in for 64 that were read before. */
static void take_counter(struct taking *taking, size_t place, const struct plan_metric *metric)
{
    const struct meter *meter = taking->meter;
    size_t number = meter->layout->counters[meter->layout->metrics[place]];
    enum counter_unit unit = (enum counter_unit)meter->layout->units[meter->layout->metrics[place]];
    uint8_t state = entry_counter_states(meter->entries, taking->entry)[number];
    bool wide_only = (state & (COUNTER_STATE_WIDTH | COUNTER_STATE_BROKEN)) == COUNTER_STATE_64;
    bool refused = false;
    bool is_void = metric_is_void(metric, taking->row);
    for (size_t i = 0; i < metric->n_sources && !is_void; i++) {
        const struct plan_source *source = &metric->sources[i];
        if (!gauge_source_tells(metric, source, taking->row)) {
            continue;
        }
        const struct table_cell *cell = &taking->row->cells[source->column];
        unsigned bits = cell->type == VALUE_COUNTER64 ? 64 : 32;
        uint64_t raw = (uint64_t)cell_number(cell);
        bool too_narrow =
            bits == 32 && !meter->once &&
            counter_is_too_narrow(unit, (uint64_t)taking->entry->speed, meter->interval_ms);
        if (bits == 64 || (!wide_only && !too_narrow && raw <= UINT32_MAX)) {
            take_reading(taking, place, bits, raw);
            return;
        }
        refused = refused || (!wide_only && too_narrow);
    }
    meter->counts->n[COUNT_NARROW_REFUSED] += refused ? 1 : 0;
    taking->values->unknown_mask |= UINT64_C(1) << place;
}

/* Those that did not come keep the time of their base. */
static void set_times(struct taking *taking)
{
    struct entry *entry = taking->entry;
    uint8_t *states = entry_counter_states(taking->meter->entries, entry);
    bool has_stale = false;
    if (taking->taken == 0) {
        return;
    }
    for (size_t i = 0; i < taking->meter->layout->n_counters; i++) {
        has_stale = has_stale || (states[i] & COUNTER_STATE_STALE) != 0;
    }
    for (size_t i = 0; i < taking->meter->layout->n_counters; i++) {
        bool missed = (taking->taken >> i & 1) == 0 && (states[i] & COUNTER_STATE_WIDTH) != 0;
        if (missed && (states[i] & COUNTER_STATE_STALE) == 0) {
            states[i] |= COUNTER_STATE_STALE;
            entry->stale_ds = has_stale ? entry->stale_ds : entry->at_ds; /* the oldest of them */
        }
    }
    entry->at_ds = taking->ds;
}

/* --- the device's own word that counters began anew --- */

static bool has_begun_anew(const struct meter *meter, struct entry *entry,
                           const struct table_row *row)
{
    uint8_t column = meter->layout->plan->discontinuity;
    if (column == PLAN_NO_COLUMN || !table_row_knows(row, column)) {
        return false;
    }
    uint32_t change = (uint32_t)cell_number(&row->cells[column]);
    bool changed = (entry->flags & ENTRY_HAS_CHANGE) != 0 && entry->change != change;
    entry->change = change;
    if (changed && meter->trusts_changes) {
        uint8_t changes = entry->changes;
        meter->counts->n[COUNT_DISCONTINUITIES]++;
        meter_break(meter, entry);
        entry->changes = changes;
    }
    entry->flags |= ENTRY_HAS_CHANGE;
    return changed;
}

void meter_take(const struct meter *meter, struct entry *entry, const struct table_row *row,
                struct meter_values *values)
{
    struct filled_row filled;
    struct taking taking = {.meter = meter, .entry = entry, .values = values};
    const struct layout *layout = meter->layout;
    taking.row = fill_row(meter, entry, row, &filled);
    taking.ds = now_ds(meter, row->at);
    values->unknown_mask = 0;
    values->discontinuity_mask = 0;
    take_speed(meter, entry, taking.row);
    bool changed = has_begun_anew(meter, entry, taking.row);
    for (size_t i = 0; i < layout->n_metrics; i++) {
        const struct plan_metric *metric = &layout->plan->metrics[layout->metrics[i]];
        values->values[i].counter = 0;
        if (metric->metric.type == METRIC_COUNTER) {
            take_counter(&taking, i, metric);
        } else if (!gauge_value(metric, taking.row, meter_unit(meter, entry, layout->metrics[i]),
                                &values->values[i].gauge)) {
            values->values[i].gauge = 0;
            values->unknown_mask |= UINT64_C(1) << i;
        }
    }
    set_times(&taking);
    entry->changes = changed && !taking.fell ? (uint8_t)(entry->changes + 1) : 0;
    values->lies = entry->changes >= LIES_MIN;
    entry->changes = values->lies ? LIES_MIN : entry->changes;
}
