/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "uptime.h"

#include <stdlib.h>

enum {
    TICK_MS = 10,
    TICKS_PER_SECOND = 100,
    /* Answers come late, and cheap quartz and busy agents drift: 5 s and 1 %. No device restarts
     * in less. */
    JITTER_TICKS = 500,
    DRIFT_DIVISOR = 100,
};

bool uptime_take(struct uptime *uptime, uint32_t ticks, struct mono at)
{
    bool restarted = false;
    if (uptime->known) {
        int64_t passed = mono_elapsed_ms(uptime->at, at) / TICK_MS;
        uint32_t expected = uptime->ticks + (uint32_t)passed;
        int32_t ahead = (int32_t)(ticks - expected);
        restarted = llabs((long long)ahead) > JITTER_TICKS + passed / DRIFT_DIVISOR;
        bool wrapped = ticks < uptime->ticks && uptime->ticks - ticks > INT32_MAX;
        uptime->wraps = restarted ? 0 : uptime->wraps + (wrapped ? 1 : 0);
    }
    uptime->known = true;
    uptime->ticks = ticks;
    uptime->at = at;
    return restarted;
}

double uptime_seconds(const struct uptime *uptime)
{
    return ((double)uptime->wraps * 4294967296.0 + (double)uptime->ticks) / TICKS_PER_SECOND;
}
