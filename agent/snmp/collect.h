/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reads the tables of a device's plan, one request after the other, hands each to its objects, and
 * learns on the way how much the device can answer at a time. When an answer does not come, a GET
 * tells whether the device is gone (the cycle ends) or only that request was too much for it (a
 * smaller one follows). Where a column cannot be read on even alone by GETNEXT, it is read up to
 * there for a day. A table that the device does not have is asked for again after an hour and after
 * a restart.
 *
 * Fixed columns (names, labels, units) are read with a table's first cycle, after a restart, when
 * the device says that rows changed (last_change), when the names of rows are not those of before,
 * and every reread_ms. Where no last_change vouches for the rows, the columns that make the names
 * are read in each cycle, before any counter is believed.
 *
 * Between cycles it holds no more than what was learnt: walk and table are made for each.
 *
 * Threads: the loop's thread. */
#ifndef SNMP_COLLECT_H
#define SNMP_COLLECT_H

#include "objects.h"
#include "session.h"

struct collect;

enum collect_end {
    COLLECT_COMPLETE,
    COLLECT_PARTIAL,     /* something of it was cut or could not be read */
    COLLECT_INTERRUPTED, /* the device stopped answering, or it took too long */
};

struct collect_options {
    const char *device; /* also for the log */
    int64_t interval_ms;
    int64_t timeout_ms;
    int64_t retries;
    unsigned repetitions; /* of the first GETBULK */
    bool once;            /* as struct objects_options' */
    const struct sample_sink *sink;
    struct snmp_counts *counts;
    /* From inside the loop, never from inside collect_start. */
    void (*done)(void *context, enum collect_end end);
    void *context;
};

struct collect *collect_new(const struct collect_options *options);
/* What is read; the plan must outlive it. Another plan than before: all objects begin anew. Not
 * while a cycle is under way. */
void collect_set_plan(struct collect *collect, const struct plan *plan);
/* Objects are delivered with another interval from now on. */
void collect_set_interval(struct collect *collect, int64_t interval_ms);

struct collect_turn {
    int64_t limit_ms; /* of the cycle */
    bool restarted;   /* the device did, since the last cycle */
    /* The plan's watched scalars as the probe read them; bit: known. */
    uint32_t watched_known;
    uint64_t watched[PLAN_WATCHED_MAX];
};

/* Not while one is under way. A plan must be set. */
void collect_start(struct collect *collect, struct session *session,
                   const struct collect_turn *turn);

/* The newest answer in any cycle: proof that the device was there. */
struct collect_answer {
    bool any;
    struct wall sent; /* its request */
    struct mono arrived;
    double rtt_s;
};
const struct collect_answer *collect_last_answer(const struct collect *collect);
/* Not while one is under way, unless its session is closed. NULL is allowed. */
void collect_free(struct collect *collect);

#endif
