/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The objects that one table of one device becomes: gives each row the name that it keeps, whatever
 * its index is after the next restart, and delivers its values.
 *
 * Names are made in the first of the plan's ways in which every row has one and no two are the same
 * (ifName; else ifDescr; else …; else the index). The way is chosen once, with the first cycle that
 * tells it surely, and kept while the process runs.
 *
 * What it remembers between cycles is small (some 100 bytes and 8 for each counter of an object): a
 * worker has thousands of devices.
 *
 * Threads: the loop's thread. */
#ifndef SNMP_OBJECTS_H
#define SNMP_OBJECTS_H

#include "counts.h"
#include "sample/sink.h"
#include "table.h"

struct objects;

struct objects_options {
    const char *device;
    const struct plan_table *plan;
    int64_t interval_ms; /* of the device; the objects' is this or the plan's every_ms */
    /* One reading, never another: 32-bit counters are taken as they are, whatever the speed. */
    bool once;
    const struct sample_sink *sink;
    struct snmp_counts *counts;
};

/* The texts, plan, sink and counts must outlive it. */
struct objects *objects_new(const struct objects_options *options);
void objects_free(struct objects *objects);

/* The device restarted: an index may mean another row now, and counters begin anew. */
void objects_restarted(struct objects *objects);
/* The device is polled at another interval from now on: objects are defined anew when it differs
 * from what they were defined with. */
void objects_set_interval(struct objects *objects, int64_t interval_ms);

/* Columns whose texts make the names in the way that was chosen, to be read each cycle where
 * nothing vouches for the rows; empty while no way is chosen. Bit: column. */
uint64_t objects_key_columns(const struct objects *objects);
/* Do the rows of the table (whose key columns were read) carry other names than before, or is one
 * new? Then all fixed columns are wanted before values are delivered. */
bool objects_need_fixed(const struct objects *objects, const struct table *table, bool keys_read);

struct objects_cycle {
    bool fixed_read;  /* the fixed columns were read in this cycle */
    bool interrupted; /* the cycle did not read all it wanted: the device stopped answering, or it
                         took too long. Then, and when a column was cut, every row is partial */
};
/* Delivers a row per object. */
void objects_deliver(struct objects *objects, const struct table *table,
                     const struct objects_cycle *cycle);
/* Of the last cycle that was delivered: was something of it cut? */
bool objects_are_partial(const struct objects *objects);

#endif
