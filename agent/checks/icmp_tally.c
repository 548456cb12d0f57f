/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "icmp_tally.h"

#include "icmp.h"

#include <stdlib.h>

void icmp_tally_sent(struct icmp_tally *tally, struct wall time)
{
    if (tally->n_sent++ == 0) {
        tally->first = time;
    }
}

void icmp_tally_answered(struct icmp_tally *tally, struct wall time, int64_t rtt_ns)
{
    if (tally->n_answered > 0) {
        tally->differences_ns += llabs(rtt_ns - tally->previous_ns);
    }
    if (tally->n_answered == 0 || rtt_ns < tally->min_ns) {
        tally->min_ns = rtt_ns;
    }
    if (rtt_ns > tally->max_ns) {
        tally->max_ns = rtt_ns;
    }
    tally->sum_ns += rtt_ns;
    tally->previous_ns = rtt_ns;
    tally->last_answered = time;
    tally->n_answered++;
}

void icmp_tally_values(const struct icmp_tally *tally, struct verdict *verdict)
{
    const unsigned n = tally->n_answered;
    if (tally->n_sent > 0) {
        verdict->values[ICMP_LOSS] = (double)(tally->n_sent - n) / tally->n_sent;
        verdict->known |= 1U << ICMP_LOSS;
    }
    if (n > 0) {
        verdict->values[ICMP_RTT] = (double)tally->sum_ns / n / 1e9;
        verdict->values[ICMP_RTT_MIN] = (double)tally->min_ns / 1e9;
        verdict->values[ICMP_RTT_MAX] = (double)tally->max_ns / 1e9;
        verdict->known |= 1U << ICMP_RTT | 1U << ICMP_RTT_MIN | 1U << ICMP_RTT_MAX;
    }
    if (n > 1) {
        verdict->values[ICMP_JITTER] = (double)tally->differences_ns / (n - 1) / 1e9;
        verdict->known |= 1U << ICMP_JITTER;
    }
}
