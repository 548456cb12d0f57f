/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What one device said in one cycle, between the poller (which delivers objects and rows of many
 * devices as they come) and the printers (which want one device after the other, whole).
 *
 * Threads: the loop's thread. */
#ifndef AGENT_POLL_RESULT_H
#define AGENT_POLL_RESULT_H

#include "sample/sink.h"
#include "snmp/snmp.h"

struct poll_row {
    const struct object *object;
    enum row_status status;
    uint64_t unknown_mask;
    const union value *values; /* n_metrics of the object */
};

struct poll_result {
    struct wall time; /* of the report */
    const struct snmp_report *report;
    size_t n_rows; /* in the order of their delivery; checks are left out */
    const struct poll_row *rows;
};

/* The row's index as the device has it, "3" or "1.4.192.0.2.1"; NULL: it has none. */
const char *poll_row_index(const struct poll_row *row);
/* Is the label one to show: not the index, and not where the row came from? */
bool poll_label_shows(const struct poll_row *row, size_t label);
/* "ok", "partial" or "failed". */
const char *poll_row_status(const struct poll_row *row);
bool poll_row_is_neighbour(const struct poll_row *row);

/* --- collecting --- */

struct poll_collector;

/* `once`: what a device said is forgotten when it was taken. */
struct poll_collector *poll_collector_new(const struct config_list *devices, bool once);
/* Takes objects and rows of these devices. */
const struct sample_sink *poll_collector_sink(struct poll_collector *collector);
/* What came of the device since it was last asked for: the result is valid until
 * poll_collector_forget. False: there is no such device. */
bool poll_collector_take(struct poll_collector *collector, const struct snmp_report *report,
                         struct poll_result *result, size_t *device);
void poll_collector_forget(struct poll_collector *collector, size_t device);
void poll_collector_free(struct poll_collector *collector);

#endif
