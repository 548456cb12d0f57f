/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How far this machine's wall clock is from the collector's, from the times that every answer of
 * the collector brings along. Of the last eight the one with the shortest way counts (the clock
 * filter of NTP, RFC 5905 section 10): its error is half its delay at most. What is kept is where
 * the collector's clock stands against our steady clock, so that a step of our own shows at once.
 *
 * Threads: one. */
#ifndef AGENT_CLOCK_OFFSET_H
#define AGENT_CLOCK_OFFSET_H

#include "proto/message.h"

enum { CLOCK_OFFSET_SAMPLES = 8 };

struct clock_offset_sample {
    int64_t collector_ns; /* the collector's wall clock minus our steady clock */
    int64_t delay_ns;     /* there and back */
    struct mono at;
};

/* All zero: nothing is known. */
struct clock_offset {
    struct clock_offset_sample samples[CLOCK_OFFSET_SAMPLES];
    size_t n; /* that ever came */
    bool is_far;
};

/* An answer came at `now`. False: what it says is not possible, or it says nothing. */
bool clock_offset_add(struct clock_offset *offset, const struct exchange *exchange,
                      struct mono now);
/* Our clock minus the collector's, and the delay. False: nothing is known for ten minutes. */
bool clock_offset_get(const struct clock_offset *offset, const struct clock_reading *now,
                      double *offset_s, double *delay_s);
/* Logs, once, that our clock is over two seconds off for sure; and, once, that it is right again.
 */
void clock_offset_judge(struct clock_offset *offset, const struct clock_reading *now);

#endif
