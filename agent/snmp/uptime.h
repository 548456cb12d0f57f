/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Tells from sysUpTime whether a device restarted since it was asked last. sysUpTime counts
 * hundredths of a second in 32 bits, so that it begins anew every 497 days without a restart: what
 * decides is whether it is where it must be after the time that has passed, modulo 2^32.
 *
 * Pure. */
#ifndef SNMP_UPTIME_H
#define SNMP_UPTIME_H

#include "common/clock.h"
#include <stdbool.h>
#include <stdint.h>

struct uptime {
    bool known;
    uint32_t ticks;
    struct mono at;
    uint64_t wraps; /* since the device was first seen or restarted */
};

/* True: the device restarted (or its clock jumped, which is as good). The first reading is none. */
bool uptime_take(struct uptime *uptime, uint32_t ticks, struct mono at);
/* Goes on over a wrap. */
double uptime_seconds(const struct uptime *uptime);

#endif
