/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "counter.h"

enum {
    TOLERANCE_PERCENT = 110, /* clocks differ, and framing is counted differently */
    /* Switches refresh the counters they show every few seconds: so much of the time before the
     * base may show up only now. */
    REFRESH_MS = 5000,
    /* The shortest Ethernet frame with preamble and gap. */
    PACKET_BITS = 84 * 8,
    OCTET_BITS = 8,
};

/* 32 bits may have wrapped once more than they show: so long ago is the base. */
static bool may_have_wrapped(const struct counter_reading *reading, uint64_t advance, uint64_t most)
{
    return reading->bits == 32 && most != UINT64_MAX && most >> 32 > 0 &&
           most - (UINT64_C(1) << 32) >= advance;
}

uint64_t counter_most(enum counter_unit unit, uint64_t speed, int64_t elapsed_ms)
{
    if (unit == COUNTER_OTHER || speed == 0 || elapsed_ms < 0) {
        return UINT64_MAX;
    }
    /* Units in a millisecond at 1 bit/s: no division for each counter of each row. */
    static const double per_ms[] = {[COUNTER_OCTETS] = TOLERANCE_PERCENT / (OCTET_BITS * 1e5),
                                    [COUNTER_PACKETS] = TOLERANCE_PERCENT / (PACKET_BITS * 1e5)};
    double most = (double)speed * per_ms[unit] * (double)(elapsed_ms + REFRESH_MS);
    return most < 1e18 ? (uint64_t)most : UINT64_MAX;
}

bool counter_is_too_narrow(enum counter_unit unit, uint64_t speed, int64_t interval_ms)
{
    static const double per_ms[] = {[COUNTER_OCTETS] = 1 / (OCTET_BITS * 1e3),
                                    [COUNTER_PACKETS] = 1 / (PACKET_BITS * 1e3),
                                    [COUNTER_OTHER] = 0};
    return (double)speed * per_ms[unit] * (double)interval_ms * 2 > (double)UINT32_MAX;
}

static enum counter_verdict judge(const struct counter *counter,
                                  const struct counter_reading *reading, uint64_t *advance)
{
    *advance = reading->raw - counter->raw;
    if (counter->bits == 0) {
        return COUNTER_FIRST;
    }
    if (counter->bits != reading->bits || counter->epoch != reading->epoch) {
        return COUNTER_RESET;
    }
    int64_t elapsed_ms = mono_elapsed_ms(counter->at, reading->at);
    uint64_t most = counter_most(reading->unit, reading->speed, elapsed_ms);
    if (may_have_wrapped(reading, *advance & UINT32_MAX, most)) {
        return COUNTER_RESET;
    }
    if (reading->raw >= counter->raw) {
        return reading->speed_is_real && *advance > most ? COUNTER_IMPLAUSIBLE : COUNTER_ADVANCED;
    }
    *advance &= UINT32_MAX;
    if (reading->bits == 64 || most == UINT64_MAX || *advance > most) {
        return COUNTER_RESET; /* 64 bits do not wrap in the life of a port */
    }
    return COUNTER_WRAPPED;
}

enum counter_verdict counter_take(struct counter *counter, const struct counter_reading *reading)
{
    uint64_t advance;
    enum counter_verdict verdict = judge(counter, reading, &advance);
    bool widened =
        reading->bits == 32 && (verdict == COUNTER_ADVANCED || verdict == COUNTER_WRAPPED);
    *counter = (struct counter){.bits = reading->bits,
                                .epoch = reading->epoch,
                                .raw = reading->raw,
                                .at = reading->at,
                                .total = widened ? counter->total + advance : reading->raw};
    return verdict;
}

bool counter_is_break(enum counter_verdict verdict, unsigned bits)
{
    switch (verdict) {
    case COUNTER_FIRST:
        return bits == 32;
    case COUNTER_ADVANCED:
    case COUNTER_WRAPPED:
        return false;
    case COUNTER_RESET:
    case COUNTER_IMPLAUSIBLE:
        return true;
    }
    return true;
}
