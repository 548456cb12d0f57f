/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How much less often a slow device is read than it was configured: doubled when two cycles in a
 * row took more than half of the interval, at most to eight times, and halved again when ten in a
 * row were so quick that half the interval is plenty.
 *
 * Pure. */
#ifndef SNMP_STRETCH_H
#define SNMP_STRETCH_H

#include <stdbool.h>
#include <stdint.h>

enum { STRETCH_MAX = 8 };

struct stretch {
    unsigned factor; /* 1, 2, 4, 8 */
    unsigned slow;   /* cycles in a row */
    unsigned quick;
    unsigned turns; /* since the last that was its own */
};

void stretch_begin(struct stretch *stretch);
/* A cycle took so long. True: the factor changed. */
bool stretch_take(struct stretch *stretch, int64_t interval_ms, int64_t took_ms);
/* One interval is over. */
void stretch_next_turn(struct stretch *stretch);
/* Are the tables read in this turn? To be asked once in a turn: yes begins the count anew. */
bool stretch_is_turn(struct stretch *stretch);
/* What objects are said to be sampled at. Twice the interval is within what a series bears (its
 * heartbeat is 2.5 steps), and keeps its step; more is another series. */
int64_t stretch_interval_ms(const struct stretch *stretch, int64_t interval_ms);

#endif
