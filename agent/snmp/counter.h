/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Decides what a new reading of a device's counter means: that it advanced, wrapped, or began anew.
 * Counters travel raw and 64 bits wide; a 32-bit one is widened here by adding up its advances.
 * Whoever computes a rate leaves out the step into a reading that is a discontinuity.
 *
 * Pure. */
#ifndef SNMP_COUNTER_H
#define SNMP_COUNTER_H

#include "common/clock.h"
#include <stdbool.h>
#include <stdint.h>

enum counter_unit {
    COUNTER_OCTETS,
    COUNTER_PACKETS,
    COUNTER_OTHER, /* no speed of a port says anything about it */
};

struct counter {
    unsigned bits; /* of the last reading: 32 or 64; 0: none yet */
    uint64_t epoch;
    uint64_t raw;
    struct mono at;
    uint64_t total; /* what travels */
};

struct counter_reading {
    unsigned bits;
    uint64_t raw;
    struct mono at;
    /* Another epoch: the device restarted, or the name is another interface's now. */
    uint64_t epoch;
    enum counter_unit unit;
    uint64_t speed; /* bit/s as the device says; 0: unknown */
    /* The speed is the port's own (Ethernet), not a figure that somebody configured (tunnels). */
    bool speed_is_real;
};

enum counter_verdict {
    COUNTER_FIRST, /* nothing to compare with */
    COUNTER_ADVANCED,
    COUNTER_WRAPPED,     /* 32 bits: once, and the port can carry that much */
    COUNTER_RESET,       /* or 32 bits may have wrapped unseen since the last reading */
    COUNTER_IMPLAUSIBLE, /* more than the port can carry */
};

/* Every reading becomes the base of the next one. */
enum counter_verdict counter_take(struct counter *counter, const struct counter_reading *reading);
/* Does the verdict break the count? The first reading of a widened counter does: a process before
 * this one may have been at another total. A 64-bit one goes on where it was. */
bool counter_is_break(enum counter_verdict verdict, unsigned bits);

/* The most that a port of that speed can count in that time; UINT64_MAX: any number. */
uint64_t counter_most(enum counter_unit unit, uint64_t speed, int64_t elapsed_ms);
/* Could 32 bits wrap twice between two readings? Then they say nothing. */
bool counter_is_too_narrow(enum counter_unit unit, uint64_t speed, int64_t interval_ms);

#endif
