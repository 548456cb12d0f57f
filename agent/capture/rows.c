/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rows.h"

#include "common/log.h"
#include "common/xalloc.h"
#include "rows_metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    DOUBTFUL_RATIO = 100, /* above one in a hundred lost, an interval's figures are doubtful */
    LABELS = 4,
};

/* One object, its counters as they stand. */
struct item {
    uint32_t number;
    const struct rows_shape *shape;
    bool sent;
    union value values[PROTO_METRICS_MAX];
};

struct rows {
    const struct sample_sink *sink;
    char *device;
    char *interface;
    char *offload;
    char *link_type;
    int64_t interval_ms;
    uint64_t dropped_before; /* at the interval before */
    uint64_t interface_dropped_before;
    struct item *main; /* "traffic" */
    struct item *tcp;
    struct item *dns;
    struct item *flows;
    struct item *ipfix; /* NULL: no export */
    struct item *vlans[VLAN_IDS];
    size_t n_vlans;
    struct wall before; /* the time of the rows before; has_before: there were some */
    bool has_before;
    bool vlans_full;
    struct item *services[SERVICES_OWN_MAX]; /* of each range; several may be one */
    size_t n_services;
};

/* Takes over the name. */
static struct item *define(struct rows *rows, const struct rows_shape *shape, char *name)
{
    struct item *item = xcalloc(1, sizeof *item);
    struct label labels[LABELS] = {{"interface", rows->interface},
                                   {"source", "capture"},
                                   {"offload", rows->offload},
                                   {"link", rows->link_type}};
    struct object object = {
        .device = rows->device,
        .kind = shape->kind,
        .name = name,
        .interval_ms = rows->interval_ms,
        .metrics = shape->metrics,
        .n_metrics = shape->n_metrics,
        .labels = labels,
        .n_labels = shape == &rows_traffic ? LABELS : 2,
    };
    item->shape = shape;
    item->number = rows->sink->define(rows->sink->context, &object);
    free(name);
    return item;
}

static void define_services(struct rows *rows, const struct rows_options *options)
{
    rows->n_services = options->n_services;
    for (size_t i = 0; i < options->n_services; i++) {
        const char *name = options->services[i].name;
        for (size_t before = 0; before < i && rows->services[i] == NULL; before++) {
            if (strcmp(options->services[before].name, name) == 0) {
                rows->services[i] = rows->services[before];
            }
        }
        if (rows->services[i] == NULL) {
            rows->services[i] =
                define(rows, &rows_service, xasprintf("%s/%s", rows->interface, name));
        }
    }
}

struct rows *rows_new(const struct rows_options *options)
{
    struct rows *rows = xcalloc(1, sizeof *rows);
    rows->sink = options->sink;
    rows->device = xstrdup(options->device);
    rows->interface = xstrdup(options->interface);
    rows->offload = xstrdup(options->offload);
    rows->link_type = xstrdup(options->link_type);
    rows->interval_ms = options->interval_ms;
    rows->main = define(rows, &rows_traffic, xstrdup(rows->interface));
    rows->tcp = define(rows, &rows_tcp, xstrdup(rows->interface));
    rows->dns = define(rows, &rows_dns, xstrdup(rows->interface));
    rows->flows = define(rows, &rows_flows, xstrdup(rows->interface));
    if (options->has_ipfix) {
        rows->ipfix = define(rows, &rows_ipfix, xstrdup(rows->interface));
    }
    define_services(rows, options);
    return rows;
}

uint32_t rows_object(const struct rows *rows)
{
    return rows->main->number;
}

static uint64_t counters_of(const struct rows_shape *shape)
{
    uint64_t mask = 0;
    for (size_t i = 0; i < shape->n_metrics; i++) {
        if (shape->metrics[i].type == METRIC_COUNTER) {
            mask |= UINT64_C(1) << i;
        }
    }
    return mask;
}

static void send(const struct rows *rows, struct item *item, struct wall time,
                 enum row_status status, uint64_t unknown)
{
    struct row row = {
        .object = item->number,
        .time = time,
        .status = status,
        .unknown_mask = unknown,
        /* Counters begin anew with each process. */
        .discontinuity_mask = item->sent ? 0 : counters_of(item->shape) & ~unknown,
        .values = item->values,
    };
    if (item->number != 0) {
        rows->sink->row(rows->sink->context, &row);
        item->sent = true;
    }
}

/* --- VLANs --- */

/* Until now there was none of it: its counters begin with a row of zeros, so that what is counted
 * since then is a difference to something. */
static void define_vlan(struct rows *rows, unsigned id)
{
    if (rows->n_vlans < ROWS_VLANS_MAX) {
        rows->vlans[id] = define(rows, &rows_vlan, xasprintf("%s/%u", rows->interface, id));
        rows->n_vlans++;
        if (rows->has_before) {
            send(rows, rows->vlans[id], rows->before, ROW_OK, 0);
        }
    } else if (!rows->vlans_full) {
        rows->vlans_full = true;
        log_warn("capture",
                 "more VLANs than are told apart, the others are in the totals only: "
                 "interface=%s most=%d",
                 rows->interface, ROWS_VLANS_MAX);
    }
}

static void send_vlans(struct rows *rows, const struct rows_interval *interval,
                       enum row_status status)
{
    for (unsigned id = 0; id < VLAN_IDS; id++) {
        const struct traffic_count *count = &interval->summary->totals.vlans[id];
        if (rows->vlans[id] == NULL && count->packets > 0) {
            define_vlan(rows, id);
        }
        if (rows->vlans[id] != NULL) {
            rows_add_count(rows->vlans[id]->values, count);
            send(rows, rows->vlans[id], interval->time, status, 0);
        }
    }
}

static bool is_first_of_its_name(const struct rows *rows, size_t i)
{
    for (size_t before = 0; before < i; before++) {
        if (rows->services[before] == rows->services[i]) {
            return false;
        }
    }
    return true;
}

static void send_services(struct rows *rows, const struct rows_interval *interval,
                          enum row_status status)
{
    for (size_t i = 0; i < rows->n_services; i++) {
        rows_add_service(rows->services[i]->values, &interval->summary->own_services[i]);
    }
    for (size_t i = 0; i < rows->n_services; i++) {
        if (is_first_of_its_name(rows, i)) {
            send(rows, rows->services[i], interval->time, status, 0);
        }
    }
}

/* --- the whole --- */

void rows_send(struct rows *rows, const struct rows_interval *interval)
{
    struct rows_loss loss = {
        .dropped = interval->dropped - rows->dropped_before,
        .interface_dropped = interval->interface_dropped - rows->interface_dropped_before,
    };
    uint64_t lost = loss.dropped + loss.interface_dropped;
    uint64_t all = interval->summary->totals.all.packets + lost;
    enum row_status status = lost > all / DOUBTFUL_RATIO ? ROW_DEGRADED : ROW_OK;
    rows->dropped_before = interval->dropped;
    rows->interface_dropped_before = interval->interface_dropped;
    uint64_t unknown = rows_add_traffic(rows->main->values, interval->summary, &loss);
    send(rows, rows->main, interval->time, status, unknown);
    unknown = rows_add_tcp(rows->tcp->values, &interval->summary->tcp);
    send(rows, rows->tcp, interval->time, status, unknown);
    unknown = rows_add_dns(rows->dns->values, &interval->summary->dns);
    send(rows, rows->dns, interval->time, status, unknown);
    rows_add_flows(rows->flows->values, &interval->summary->flows);
    send(rows, rows->flows, interval->time, status, 0);
    if (rows->ipfix != NULL) {
        rows_set_ipfix(rows->ipfix->values, &interval->ipfix);
        send(rows, rows->ipfix, interval->time, ROW_OK, 0);
    }
    send_vlans(rows, interval, status);
    send_services(rows, interval, status);
    rows->has_before = true;
    rows->before = interval->time;
}

void rows_free(struct rows *rows)
{
    if (rows == NULL) {
        return;
    }
    for (size_t i = 0; i < rows->n_services; i++) {
        if (is_first_of_its_name(rows, i)) {
            free(rows->services[i]);
        }
    }
    for (size_t id = 0; id < VLAN_IDS; id++) {
        free(rows->vlans[id]);
    }
    free(rows->main);
    free(rows->tcp);
    free(rows->dns);
    free(rows->flows);
    free(rows->ipfix);
    free(rows->device);
    free(rows->interface);
    free(rows->offload);
    free(rows->link_type);
    free(rows);
}
