/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How large a request a device can answer: learnt from its refusals, remembered between cycles.
 * Starts at GETBULK with 10 repetitions, shrinks when an answer is too big or does not come though
 * the device is there, ends at GETNEXT of one column, and grows back slowly.
 *
 * Pure. */
#ifndef SNMP_SHAPE_H
#define SNMP_SHAPE_H

#include "common/clock.h"
#include <stdbool.h>
#include <stddef.h>

enum {
    SHAPE_REPETITIONS_FIRST = 10,
    /* 40 bytes a varbind, 1,300 bytes a reply: no fragments of an IP datagram. */
    SHAPE_REPLY_BYTES = 1300,
    SHAPE_VARBIND_BYTES = 40,
    SHAPE_REPETITIONS_MAX = SHAPE_REPLY_BYTES / SHAPE_VARBIND_BYTES,
    SHAPE_COLUMNS_MAX = 6,
    SHAPE_GETNEXT_HOURS = 24, /* then GETBULK is tried again */
};

struct shape {
    unsigned repetitions;
    size_t columns; /* side by side in one request */
    bool getnext;
    struct mono getnext_until;
    unsigned clean_cycles; /* since it changed */
};

void shape_begin(struct shape *shape);
/* Columns and repetitions of a request when `n_open` (at least 1) columns are left. */
size_t shape_columns(const struct shape *shape, size_t n_open);
unsigned shape_repetitions(const struct shape *shape, size_t n_columns);
/* A request of that size failed: the next smaller shape. False: it was the smallest already. */
bool shape_shrink(struct shape *shape, unsigned repetitions, size_t n_columns, struct mono now);
/* A cycle went through without trouble: every third one lets it grow by a quarter. */
void shape_clean_cycle(struct shape *shape);
/* Time to try GETBULK again? Then it is as new. */
void shape_refresh(struct shape *shape, struct mono now);

#endif
