/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "meter/histogram.h"

enum { SUBS = 1 << HISTOGRAM_SUB_BITS };

static const uint64_t value_most = (UINT64_C(1) << (HISTOGRAM_OCTAVES + HISTOGRAM_SUB_BITS)) - 1;

/* Below SUBS each value has its own bucket; above, an octave has SUBS of them. */
static unsigned bucket_of(uint64_t value)
{
    if (value < SUBS) {
        return (unsigned)value;
    }
    unsigned octave = 63U - (unsigned)__builtin_clzll(value) - HISTOGRAM_SUB_BITS;
    return ((octave + 1) << HISTOGRAM_SUB_BITS) + (unsigned)((value >> octave) & (SUBS - 1));
}

static int64_t middle_of(unsigned bucket)
{
    if (bucket < SUBS) {
        return bucket;
    }
    unsigned octave = (bucket >> HISTOGRAM_SUB_BITS) - 1;
    int64_t low = (int64_t)(SUBS + (bucket & (SUBS - 1))) << octave;
    return low + ((INT64_C(1) << octave) >> 1);
}

void histogram_add(struct histogram *histogram, int64_t value_ns)
{
    uint64_t value = value_ns < 0 ? 0 : (uint64_t)value_ns;
    histogram->counts[bucket_of(value > value_most ? value_most : value)]++;
    histogram->n++;
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
    into->n += from->n;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        into->counts[i] += from->counts[i];
    }
}

int64_t histogram_percentile(const struct histogram *histogram, unsigned percent)
{
    if (histogram->n == 0) {
        return -1;
    }
    uint64_t rank = (histogram->n * percent + 99) / 100;
    uint64_t seen = 0;
    unsigned bucket = 0;
    for (; bucket + 1 < HISTOGRAM_BUCKETS; bucket++) {
        seen += histogram->counts[bucket];
        if (seen >= rank) {
            break;
        }
    }
    return middle_of(bucket);
}
