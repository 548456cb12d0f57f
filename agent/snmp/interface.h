/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The interfaces of one device as objects: gives each row the name that it keeps, whatever its
 * ifIndex is after the next restart, and delivers its values.
 *
 * A device's names are its ifNames if every row has one and no two are the same; else its ifDescrs
 * likewise; else "if<ifIndex>". This is chosen once, with the first cycle that tells it surely, and
 * kept while the process runs.
 *
 * Threads: the loop's thread. */
#ifndef SNMP_INTERFACE_H
#define SNMP_INTERFACE_H

#include "counts.h"
#include "iftable.h"
#include "sample/sink.h"

struct interfaces;

/* The texts, the sink and the counts must outlive it. */
struct interfaces *interfaces_new(const char *device, int64_t interval_ms,
                                  const struct sample_sink *sink, struct snmp_counts *counts);
void interfaces_free(struct interfaces *interfaces);

/* The device restarted: an ifIndex may mean another interface now, and counters begin anew. */
void interfaces_restarted(struct interfaces *interfaces);

/* Delivers a row per interface of a cycle. `interrupted`: the cycle did not read all it wanted,
 * because the device stopped answering or it took too long. Then, and when a column was cut, every
 * row is partial. */
void interfaces_deliver(struct interfaces *interfaces, const struct if_table *table,
                        bool interrupted);

#endif
