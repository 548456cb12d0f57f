/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Turns the summaries of an interface's intervals into objects and rows: "traffic", "traffic-tcp",
 * "traffic-dns", "traffic-flows", "traffic-vlan" of the VLANs that were seen, "traffic-service" of
 * those that are configured, and "traffic-ipfix" where flows are exported. Counters are sums since
 * the handle was made.
 *
 * Threads: the sink's. */
#ifndef CAPTURE_ROWS_H
#define CAPTURE_ROWS_H

#include "ipfix.h"
#include "meter/services.h"
#include "meter/summary.h"
#include "sample/sink.h"

enum { ROWS_VLANS_MAX = 256 }; /* more are in the totals only: a scan of tags makes no 4,096 RRDs */

struct rows;

struct rows_options {
    const struct sample_sink *sink;
    const char *device;
    const char *interface;
    int64_t interval_ms;
    const char *offload;   /* as offload.h has it */
    const char *link_type; /* as libpcap names it */
    const struct service_range *services;
    size_t n_services;
    bool has_ipfix;
};

struct rows_interval {
    struct wall time; /* of the rows */
    const struct summary *summary;
    uint64_t dropped;           /* by the kernel, since the start */
    uint64_t interface_dropped; /* by the driver, since the start */
    struct ipfix_stats ipfix;   /* since the start */
};

/* Copies what it needs of the options, but for the sink, which outlives it. */
struct rows *rows_new(const struct rows_options *options);
/* The number of the "traffic" object. */
uint32_t rows_object(const struct rows *rows);
/* A row of each object. Where more than one frame in a hundred was lost before it could be metered
 * they are ROW_DEGRADED. A percentile or a ratio of nothing is unknown. */
void rows_send(struct rows *rows, const struct rows_interval *interval);
/* NULL is allowed. */
void rows_free(struct rows *rows);

#endif
