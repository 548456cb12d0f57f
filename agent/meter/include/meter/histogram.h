/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A log-linear histogram of durations: 32 buckets to an octave, so that a quantile read from it is
 * within 1.6 % of the true one. Fixed size, no allocation. Pure. */
#ifndef METER_HISTOGRAM_H
#define METER_HISTOGRAM_H

#include <stdint.h>

enum {
    HISTOGRAM_SUB_BITS = 5,
    HISTOGRAM_OCTAVES = 36, /* values up to 2^40 ns: 18 minutes; longer ones count as that */
    HISTOGRAM_BUCKETS = (HISTOGRAM_OCTAVES + 1) << HISTOGRAM_SUB_BITS,
};

struct histogram {
    uint64_t n;
    uint32_t counts[HISTOGRAM_BUCKETS];
};

/* Below 0 counts as 0. */
void histogram_add(struct histogram *histogram, int64_t value_ns);
void histogram_merge(struct histogram *into, const struct histogram *from);
/* The value at the nearest rank, ceil(n * percent / 100), as the middle of its bucket. -1: empty.
 * 0 < percent <= 100. */
int64_t histogram_percentile(const struct histogram *histogram, unsigned percent);

#endif
