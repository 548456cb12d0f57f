/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Watches this machine's clocks: a wall clock that is stepped, a machine that slept, a leap second
 * that is announced. Logs and counts them, and tells its owner, so that no statement bridges one. A
 * change of the time zone's offset (daylight saving) is none of them: the wall clock is UTC.
 *
 * The kernel wakes the loop at a step; but whoever is about to date something asks for a look first
 * (some hundred nanoseconds), so that a change is known before anything that came after it.
 *
 * Threads: the loop's thread. */
#ifndef AGENT_CLOCK_WATCH_H
#define AGENT_CLOCK_WATCH_H

#include "common/clock.h"
#include <uv.h>

struct clock_watch;

struct clock_change {
    int64_t stepped_ms; /* the wall clock was set ahead, or back (below 0); 0: it was not */
    int64_t slept_ms;   /* so long the machine slept; 0: it did not */
    struct wall before; /* the look before, by the clock as it was */
    struct wall after;  /* this look, by the clock as it is */
};

/* A leap second at the end of the UTC day, as the kernel was told. */
enum clock_leap { CLOCK_LEAP_UNKNOWN, CLOCK_LEAP_NONE, CLOCK_LEAP_INSERT, CLOCK_LEAP_DELETE };

struct clock_watch_stats {
    uint64_t steps;
    int64_t stepped_ms; /* sum of all, with their signs */
    uint64_t sleeps;
    int64_t slept_ms; /* sum of all */
    enum clock_leap leap;
};

struct clock_watch_options {
    void (*on_change)(void *context, const struct clock_change *change);
    void *context;
};

/* Without the kernel's help (no descriptors left) only looks see anything. */
struct clock_watch *clock_watch_open(uv_loop_t *loop, const struct clock_watch_options *options);
/* Reads the clocks; on_change is called from within. */
void clock_watch_look(struct clock_watch *watch);
/* The same with what was read. */
void clock_watch_see(struct clock_watch *watch, const struct clock_reading *now,
                     enum clock_leap leap);
const struct clock_watch_stats *clock_watch_stats(const struct clock_watch *watch);
/* No call-back after it. NULL is allowed; the loop must run once more. */
void clock_watch_close(struct clock_watch *watch);

#endif
