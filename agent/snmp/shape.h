/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How large a request a device can answer: learnt from its refusals, remembered between cycles.
 * Starts at GETBULK with a few repetitions, shrinks when an answer is too big or does not come
 * though the device is there, ends at GETNEXT of one column, and grows back slowly. No answer shall
 * be larger than one IP packet.
 *
 * Pure. */
#ifndef SNMP_SHAPE_H
#define SNMP_SHAPE_H

#include "common/clock.h"
#include <stdbool.h>
#include <stddef.h>

enum {
    /* Below Ethernet's 1,500 by the heads of IPv6 and UDP and what tunnels need. */
    SHAPE_REPLY_BYTES = 1400,
    SHAPE_HEAD_BYTES = 60,    /* of a message without varbinds; SNMPv3's 70 more are learnt as the
                                 varbinds' */
    SHAPE_VARBIND_BYTES = 40, /* until it is known better */
    SHAPE_VARBIND_LEAST = 16,
    SHAPE_REPETITIONS_MAX = 128,
    SHAPE_VARBINDS_MAX = 240, /* below REPLY_VARBINDS_MAX */
    SHAPE_COLUMNS_MAX = 6,
    SHAPE_GETNEXT_HOURS = 24, /* then GETBULK is tried again */
};

struct shape {
    unsigned first; /* repetitions to begin with */
    unsigned repetitions;
    size_t columns; /* side by side in one request */
    bool no_bulk;   /* SNMPv1 */
    bool getnext;
    struct mono getnext_until;
    unsigned clean_cycles; /* since it changed */
    bool filled;           /* since it last grew, a request was answered that it made smaller */
};

struct shape_fit {
    size_t columns;
    unsigned repetitions;
    bool is_bounded; /* by the shape's repetitions: more of them would have been of use */
};

/* `repetitions`: at least 1. */
void shape_begin(struct shape *shape, unsigned repetitions);
bool shape_has_bulk(const struct shape *shape);
/* The request that reads `n_open` (at least 1) columns of `n_left` names each (0: not known), of
 * varbinds of so many bytes, with the fewest requests, and of these the one that asks for the least
 * in vain. */
struct shape_fit shape_fit(const struct shape *shape, unsigned varbind_bytes, size_t n_open,
                           size_t n_left);
/* A request that shape_fit made was answered. */
void shape_answered(struct shape *shape, bool was_bounded);
/* A request of that size failed: the next smaller shape. False: it was the smallest already. */
bool shape_shrink(struct shape *shape, unsigned repetitions, size_t n_columns, struct mono now);
/* A cycle went through without trouble: every third one lets it grow by a quarter, if it was
 * used to its full. */
void shape_clean_cycle(struct shape *shape);
/* Time to try GETBULK again? Then it is as new. */
void shape_refresh(struct shape *shape, struct mono now);
/* What is known of the bytes of a varbind after an answer of that size; `known` 0: nothing yet.
 * Follows what grows at once, and what shrinks slowly. */
unsigned shape_learn_bytes(unsigned known, size_t reply_bytes, size_t n_varbinds);

#endif
