/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the echoes of one probe amount to: their round trips in the order of sending. Pure. */
#ifndef CHECKS_ICMP_TALLY_H
#define CHECKS_ICMP_TALLY_H

#include "verdict.h"

/* Zero-initialised. */
struct icmp_tally {
    unsigned n_sent;
    unsigned n_answered;
    struct wall first;         /* when the first one was sent */
    struct wall last_answered; /* when the last one that was answered was sent: it was well then */
    int64_t min_ns;
    int64_t max_ns;
    int64_t sum_ns;
    int64_t previous_ns;
    int64_t differences_ns;
};

void icmp_tally_sent(struct icmp_tally *tally, struct wall time);
/* Of the one that was told last. */
void icmp_tally_answered(struct icmp_tally *tally, struct wall time, int64_t rtt_ns);
/* Values and which of them are known, as icmp.h says. */
void icmp_tally_values(const struct icmp_tally *tally, struct verdict *verdict);

#endif
