/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The most requests in a second: who may go now, and when the next one may.
 *
 * Pure. */
#ifndef SNMP_PACE_H
#define SNMP_PACE_H

#include "common/clock.h"

#include <stdbool.h>

struct pace {
    int64_t interval_ns;
    struct mono next;
};

/* `per_second`: at least 1. Keeps what was taken. */
void pace_set_rate(struct pace *pace, int64_t per_second);
/* One goes now, if it may. After a silence as many may go at once as belong to 10 ms, so that
 * timers of a millisecond can keep up with any rate. */
bool pace_take(struct pace *pace, struct mono now);
/* One has gone that could not wait: the others wait for it. */
void pace_charge(struct pace *pace, struct mono now);
/* Until pace_take says yes: 0 or more. */
int64_t pace_wait_ms(const struct pace *pace, struct mono now);

#endif
