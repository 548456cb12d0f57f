/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "snmp/snmp.h"

#include "common/xalloc.h"
#include "device.h"
#include "session.h"

#include <stdlib.h>

struct snmp {
    size_t n_devices;
    struct device **devices;
};

struct snmp *snmp_open(uv_loop_t *loop, const struct config_list *devices,
                       const struct sample_sink *sink)
{
    const struct snmp_device_config *items = devices->items;
    struct snmp *snmp = xcalloc(1, sizeof *snmp);
    session_library_init();
    snmp->devices = xcalloc(devices->count + 1, sizeof(snmp->devices[0]));
    for (size_t i = 0; i < devices->count; i++) {
        if (items[i].snmp.present) {
            snmp->devices[snmp->n_devices++] = device_start(loop, &items[i], sink);
        }
    }
    return snmp;
}

void snmp_stats(const struct snmp *snmp, struct stats *stats)
{
    struct snmp_counts sum = {0};
    uint64_t missed = 0;
    for (size_t i = 0; i < snmp->n_devices; i++) {
        const struct snmp_counts *counts = device_counts(snmp->devices[i]);
        for (size_t j = 0; j < COUNT_N; j++) {
            sum.n[j] += counts->n[j];
        }
        missed += device_missed(snmp->devices[i]);
    }
    stats_add(stats, STAT_GAUGE, "beffroi_snmp_devices", "Devices that are polled by SNMP.",
              (double)snmp->n_devices);
    for (enum snmp_count i = 0; i < COUNT_N; i++) {
        stats_add_labelled(stats, STAT_COUNTER, "beffroi_snmp_events_total",
                           "What happened while polling by SNMP, by kind of event.", "event",
                           snmp_count_name(i), (double)sum.n[i]);
    }
    stats_add(stats, STAT_COUNTER, "beffroi_snmp_missed_total",
              "Turns that were skipped: the agent or the machine was not running.", (double)missed);
}

void snmp_close(struct snmp *snmp)
{
    if (snmp == NULL) {
        return;
    }
    for (size_t i = 0; i < snmp->n_devices; i++) {
        device_stop(snmp->devices[i]);
    }
    free(snmp->devices);
    free(snmp);
}
