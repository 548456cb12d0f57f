/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "gauge.h"

#include <math.h>

static const struct table_cell *known_cell(const struct table_row *row, uint8_t column)
{
    return table_row_knows(row, column) ? &row->cells[column] : NULL;
}

static bool is_negative(const struct table_cell *cell)
{
    return cell->type == VALUE_INTEGER && (int64_t)cell->number < 0;
}

/* Agents that count in 32 bits without a sign, and answer with one. */
static uint64_t without_sign(const struct table_cell *cell)
{
    uint64_t number = (uint64_t)cell_number(cell);
    return is_negative(cell) ? number & UINT32_MAX : number;
}

bool gauge_source_tells(const struct plan_metric *metric, const struct plan_source *source,
                        const struct table_row *row)
{
    const struct table_cell *cell = known_cell(row, source->column);
    return cell != NULL && !values_have(&source->unknown, cell_number(cell)) &&
           (metric->is_signed || !values_have(&source->unknown, (int64_t)without_sign(cell)));
}

bool metric_is_void(const struct plan_metric *metric, const struct table_row *row)
{
    const struct table_cell *cell = known_cell(row, metric->valid_column);
    return cell != NULL && !values_have(&metric->valid_values, cell_number(cell));
}

size_t gauge_unit(const struct plan_metric *metric, int64_t number)
{
    size_t unit = 0;
    while (unit < metric->n_units && metric->units[unit].value != number) {
        unit++;
    }
    return unit;
}

static double read_source(const struct plan_metric *metric, const struct plan_source *source,
                          const struct table_row *row)
{
    const struct table_cell *cell = known_cell(row, source->column);
    double value = metric->is_signed && is_negative(cell) ? (double)cell_number(cell)
                                                          : (double)without_sign(cell);
    return value * source->scale;
}

/* The first source that tells; where it is rounded, a later one that agrees is exact. */
static bool read_sources(const struct plan_metric *metric, const struct table_row *row,
                         double *value)
{
    size_t at = 0;
    while (at < metric->n_sources && !gauge_source_tells(metric, &metric->sources[at], row)) {
        at++;
    }
    if (at == metric->n_sources) {
        return false;
    }
    *value = read_source(metric, &metric->sources[at], row);
    for (size_t i = at + 1; metric->sources[at].rounded && i < metric->n_sources; i++) {
        const struct plan_source *later = &metric->sources[i];
        if (gauge_source_tells(metric, later, row)) {
            double exact = read_source(metric, later, row);
            if (fabs(exact - *value) < metric->sources[at].scale) {
                *value = exact;
                break;
            }
        }
    }
    return true;
}

/* 10^(3 × (n - 9)): EntitySensorDataScale, yocto(1) to yotta(17). 0: none of them. */
static double prefix_factor(int64_t scale)
{
    enum { YOCTO = 1, UNITS = 9, YOTTA = 17 };
    return scale >= YOCTO && scale <= YOTTA ? pow(10, (double)(3 * (scale - UNITS))) : 0;
}

/* EntitySensorPrecision: 1 to 9 decimal places. Below 0 it says how many digits are accurate, and
 * moves no point (RFC 3433). 0: none of them. */
static double decimals_factor(int64_t decimals)
{
    enum { DECIMALS_MAX = 9 };
    return decimals > DECIMALS_MAX ? 0 : decimals > 0 ? 1 / pow(10, (double)decimals) : 1;
}

/* False: the row does not tell what the value is to be multiplied with. */
static bool read_factor(const struct plan_metric *metric, const struct table_row *row,
                        double *factor)
{
    const struct table_cell *multiply = known_cell(row, metric->multiply);
    const struct table_cell *decimals = known_cell(row, metric->decimals);
    const struct table_cell *prefix = known_cell(row, metric->prefix);
    if ((metric->multiply != PLAN_NO_COLUMN && multiply == NULL) ||
        (metric->decimals != PLAN_NO_COLUMN && decimals == NULL) ||
        (metric->prefix != PLAN_NO_COLUMN && prefix == NULL)) {
        return false;
    }
    double of_decimals = decimals != NULL ? decimals_factor(cell_number(decimals)) : 1;
    double of_prefix = prefix != NULL ? prefix_factor(cell_number(prefix)) : 1;
    *factor = multiply != NULL ? (double)cell_number(multiply) : 1;
    *factor *= of_decimals * of_prefix;
    return of_decimals != 0 && of_prefix != 0;
}

bool gauge_value(const struct plan_metric *metric, const struct table_row *row, size_t unit,
                 double *value)
{
    double factor;
    if (metric_is_void(metric, row) || !read_sources(metric, row, value) ||
        !read_factor(metric, row, &factor)) {
        return false;
    }
    *value *= factor;
    *value *= unit < metric->n_units ? metric->units[unit].scale : 1;
    return isfinite(*value);
}
