/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The metrics of each kind of object, and how a summary adds to them. Pure.
 *
 * Each function adds an interval to the counters in `values`, sets the gauges, and returns (where
 * there are gauges that may have no value) the mask of those that are unknown. */
#ifndef CAPTURE_ROWS_METRICS_H
#define CAPTURE_ROWS_METRICS_H

#include "ipfix.h"
#include "meter/summary.h"
#include "proto/model.h"

struct rows_shape {
    const char *kind;
    const struct metric *metrics;
    size_t n_metrics;
};
extern const struct rows_shape rows_traffic;
extern const struct rows_shape rows_tcp;
extern const struct rows_shape rows_dns;
extern const struct rows_shape rows_flows;
extern const struct rows_shape rows_ipfix;
extern const struct rows_shape rows_vlan;
extern const struct rows_shape rows_service;

/* Frames of the interval that were lost before they could be metered. */
struct rows_loss {
    uint64_t dropped;           /* by the kernel */
    uint64_t interface_dropped; /* by the driver */
};

uint64_t rows_add_traffic(union value *values, const struct summary *summary,
                          const struct rows_loss *loss);
uint64_t rows_add_tcp(union value *values, const struct tcp_counts *counts);
uint64_t rows_add_dns(union value *values, const struct dns_counts *counts);
void rows_add_flows(union value *values, const struct flow_counts *counts);
/* These are sums already. */
void rows_set_ipfix(union value *values, const struct ipfix_stats *stats);
/* Of a VLAN. */
void rows_add_count(union value *values, const struct traffic_count *count);
void rows_add_service(union value *values, const struct traffic_count *count);

#endif
