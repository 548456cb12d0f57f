/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "shape.h"

#include <stdint.h>

enum { CLEAN_CYCLES = 3, HOUR_MS = 3600000, SLOWNESS = 8 };

void shape_begin(struct shape *shape, unsigned repetitions)
{
    bool no_bulk = shape->no_bulk;
    *shape = (struct shape){.first = repetitions,
                            .repetitions = repetitions,
                            .columns = SHAPE_COLUMNS_MAX,
                            .no_bulk = no_bulk};
}

bool shape_has_bulk(const struct shape *shape)
{
    return !shape->getnext && !shape->no_bulk;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t rounded_up(size_t a, size_t b)
{
    return (a + b - 1) / b;
}

/* The fit for a table of known length when at most `most` repetitions may be asked for, and how
 * many requests it takes. */
static struct shape_fit find_fit(size_t room, size_t most, size_t columns_max, size_t n_open,
                                 size_t n_left, size_t *fewest)
{
    size_t cheapest = SIZE_MAX;
    struct shape_fit best = {columns_max, 1, false};
    *fewest = SIZE_MAX;
    for (size_t columns = columns_max; columns > 0; columns--) {
        size_t repetitions = least(most, room / columns);
        repetitions = repetitions > 0 ? repetitions : 1;
        size_t turns = rounded_up(n_left, repetitions);
        repetitions = rounded_up(n_left, turns);
        size_t requests = rounded_up(n_open, columns) * turns;
        size_t varbinds = n_open * turns * repetitions;
        if (requests < *fewest || (requests == *fewest && varbinds < cheapest)) {
            *fewest = requests;
            cheapest = varbinds;
            best = (struct shape_fit){columns, (unsigned)repetitions, false};
        }
    }
    return best;
}

struct shape_fit shape_fit(const struct shape *shape, unsigned varbind_bytes, size_t n_open,
                           size_t n_left)
{
    size_t room = least((SHAPE_REPLY_BYTES - SHAPE_HEAD_BYTES) / varbind_bytes, SHAPE_VARBINDS_MAX);
    size_t most = shape_has_bulk(shape) ? shape->repetitions : 1;
    size_t columns = least(n_open, shape->columns);
    if (n_left == 0) { /* as many columns as there are: a row's cells come together */
        size_t repetitions = least(most, room / columns);
        return (struct shape_fit){columns, repetitions > 0 ? (unsigned)repetitions : 1,
                                  most < room / columns};
    }
    size_t fewest;
    size_t fewest_unbounded;
    struct shape_fit fit = find_fit(room, most, columns, n_open, n_left, &fewest);
    (void)find_fit(room, SHAPE_REPETITIONS_MAX, columns, n_open, n_left, &fewest_unbounded);
    fit.is_bounded = fewest_unbounded < fewest;
    return fit;
}

void shape_answered(struct shape *shape, bool was_bounded)
{
    shape->filled = shape->filled || was_bounded;
}

bool shape_shrink(struct shape *shape, unsigned repetitions, size_t n_columns, struct mono now)
{
    shape->clean_cycles = 0;
    if (shape_has_bulk(shape) && repetitions > 1) {
        shape->repetitions = repetitions / 2;
        return true;
    }
    if (n_columns > 1) {
        shape->repetitions = 1;
        shape->columns = n_columns / 2;
        return true;
    }
    if (shape_has_bulk(shape)) {
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
    if (shape->filled) {
        unsigned grown = shape->repetitions + (shape->repetitions < 4 ? 1 : shape->repetitions / 4);
        shape->repetitions = grown < SHAPE_REPETITIONS_MAX ? grown : SHAPE_REPETITIONS_MAX;
        shape->filled = false;
    }
    if (shape->columns < SHAPE_COLUMNS_MAX) {
        shape->columns++;
    }
}

void shape_refresh(struct shape *shape, struct mono now)
{
    if (shape->getnext && now.ns >= shape->getnext_until.ns) {
        shape_begin(shape, shape->first);
    }
}

unsigned shape_learn_bytes(unsigned known, size_t reply_bytes, size_t n_varbinds)
{
    if (n_varbinds == 0 || reply_bytes <= SHAPE_HEAD_BYTES) {
        return known;
    }
    size_t bytes = rounded_up(reply_bytes - SHAPE_HEAD_BYTES, n_varbinds);
    bytes = least(bytes, SHAPE_REPLY_BYTES);
    unsigned seen = bytes < SHAPE_VARBIND_LEAST ? SHAPE_VARBIND_LEAST : (unsigned)bytes;
    return seen >= known ? seen : known - (unsigned)rounded_up(known - seen, SLOWNESS);
}
