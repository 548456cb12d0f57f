/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pace.h"

enum { BURST_NS = 10000000, NS_PER_S = 1000000000, NS_PER_MS = 1000000 };

void pace_set_rate(struct pace *pace, int64_t per_second)
{
    pace->interval_ns = NS_PER_S / (per_second < 1 ? 1 : per_second);
}

void pace_charge(struct pace *pace, struct mono now)
{
    int64_t burst_ns = pace->interval_ns < BURST_NS ? BURST_NS : 0;
    int64_t earliest_ns = now.ns - burst_ns;
    pace->next.ns = (pace->next.ns > earliest_ns ? pace->next.ns : earliest_ns) + pace->interval_ns;
}

bool pace_take(struct pace *pace, struct mono now)
{
    if (pace->next.ns > now.ns) {
        return false;
    }
    pace_charge(pace, now);
    return true;
}

int64_t pace_wait_ms(const struct pace *pace, struct mono now)
{
    int64_t wait_ns = pace->next.ns - now.ns;
    return wait_ns <= 0 ? 0 : (wait_ns + NS_PER_MS - 1) / NS_PER_MS;
}
