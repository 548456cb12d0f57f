/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "shape.h"

enum { CLEAN_CYCLES = 3, HOUR_MS = 3600000 };

void shape_begin(struct shape *shape)
{
    *shape = (struct shape){.repetitions = SHAPE_REPETITIONS_FIRST, .columns = SHAPE_COLUMNS_MAX};
}

size_t shape_columns(const struct shape *shape, size_t n_open)
{
    return n_open < shape->columns ? n_open : shape->columns;
}

unsigned shape_repetitions(const struct shape *shape, size_t n_columns)
{
    unsigned fit = (unsigned)(SHAPE_REPETITIONS_MAX / n_columns);
    return fit < shape->repetitions ? fit : shape->repetitions;
}

bool shape_shrink(struct shape *shape, unsigned repetitions, size_t n_columns, struct mono now)
{
    shape->clean_cycles = 0;
    if (!shape->getnext && repetitions > 1) {
        shape->repetitions = repetitions / 2;
        return true;
    }
    if (n_columns > 1) {
        shape->repetitions = 1;
        shape->columns = n_columns / 2;
        return true;
    }
    if (!shape->getnext) {
        shape->getnext = true;
        shape->getnext_until = mono_add_ms(now, (int64_t)SHAPE_GETNEXT_HOURS * HOUR_MS);
        return true;
    }
    return false;
}

void shape_clean_cycle(struct shape *shape)
{
    if (++shape->clean_cycles < CLEAN_CYCLES) {
        return;
    }
    shape->clean_cycles = 0;
    unsigned grown = shape->repetitions + (shape->repetitions < 4 ? 1 : shape->repetitions / 4);
    shape->repetitions = grown < SHAPE_REPETITIONS_MAX ? grown : SHAPE_REPETITIONS_MAX;
    if (shape->columns < SHAPE_COLUMNS_MAX) {
        shape->columns++;
    }
}

void shape_refresh(struct shape *shape, struct mono now)
{
    if (shape->getnext && now.ns >= shape->getnext_until.ns) {
        shape_begin(shape);
    }
}
