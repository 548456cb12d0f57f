/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reads a device's interface tables, one request after the other, and learns on the way how much it
 * can answer at a time. When an answer does not come, a GET tells whether the device is gone (the
 * cycle ends) or only that request was too much for it (a smaller one follows). Where
 * a column cannot be read on even alone by GETNEXT, it is read up to there for a day.
 *
 * Threads: the loop's thread. */
#ifndef SNMP_COLLECT_H
#define SNMP_COLLECT_H

#include "iftable.h"
#include "session.h"

struct collect;

enum collect_end {
    COLLECT_COMPLETE,
    COLLECT_INTERRUPTED, /* the device stopped answering, or it took too long */
};

struct collect_options {
    const char *device; /* for the log */
    int64_t timeout_ms;
    int64_t retries;
    int64_t limit_ms; /* of one cycle */
    struct snmp_counts *counts;
    /* From inside the loop, never from inside collect_start. */
    void (*done)(void *context, enum collect_end end);
    void *context;
};

struct collect *collect_new(const struct collect_options *options);
/* Fills `table`, which is cleared first. Not while one is under way. */
void collect_start(struct collect *collect, struct session *session, struct if_table *table);
/* Not while one is under way, unless its session is closed. */
void collect_free(struct collect *collect);

#endif
