/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The value of a gauge from the cells of its row: the first of its sources that tells one, times
 * and divided by what the row says of its unit.
 *
 * Pure. */
#ifndef SNMP_GAUGE_H
#define SNMP_GAUGE_H

#include "table.h"

/* A row's number as the plan means it: a negative INTEGER is negative. What is no number (of a
 * column that is also a label of any type) is 0. */
static inline int64_t cell_number(const struct table_cell *cell)
{
    bool is_text = cell->type == VALUE_OCTETS || cell->type == VALUE_OID;
    return is_text ? 0 : (int64_t)cell->number;
}
static inline bool values_have(const struct plan_values *values, int64_t value)
{
    for (size_t i = 0; i < values->n; i++) {
        if (values->values[i] == value) {
            return true;
        }
    }
    return false;
}

/* Does the row have a reading of that source, and is it none of those that say nothing? */
bool gauge_source_tells(const struct plan_metric *metric, const struct plan_source *source,
                        const struct table_row *row);

/* The unit that a number of its unit column chooses: place in metric->units, or n_units: the
 * metric's own. */
size_t gauge_unit(const struct plan_metric *metric, int64_t number);

/* False: the row tells none, or none that is finite. `unit` as of gauge_unit (what the object
 * was defined with). */
bool gauge_value(const struct plan_metric *metric, const struct table_row *row, size_t unit,
                 double *value);
/* Does the row say that its readings of that metric do not count (valid_column)? */
bool metric_is_void(const struct plan_metric *metric, const struct table_row *row);

#endif
