/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "meter/summary.h"

#include "common/xalloc.h"

#include <stdlib.h>
#include <string.h>

const uint32_t size_class_most[SIZE_CLASSES] = {64, 128, 256, 512, 1024, 1518, 9216, UINT32_MAX};

struct summary *summary_new(size_t hosts, size_t prefixes, size_t services, const uint8_t seed[16])
{
    struct summary *summary = xcalloc(1, sizeof *summary);
    summary->hosts = talkers_new(hosts, seed);
    summary->prefixes = talkers_new(prefixes, seed);
    summary->services = talkers_new(services, seed);
    return summary;
}

void summary_free(struct summary *summary)
{
    if (summary == NULL) {
        return;
    }
    talkers_free(summary->hosts);
    talkers_free(summary->prefixes);
    talkers_free(summary->services);
    free(summary);
}

void summary_clear(struct summary *summary)
{
    struct talkers *hosts = summary->hosts;
    struct talkers *prefixes = summary->prefixes;
    struct talkers *services = summary->services;
    memset(summary, 0, sizeof *summary);
    summary->hosts = hosts;
    summary->prefixes = prefixes;
    summary->services = services;
    talkers_clear(hosts);
    talkers_clear(prefixes);
    talkers_clear(services);
}

/* Both are nothing but 64-bit counters, in any number. */
static void add_counters(void *into, const void *from, size_t size)
{
    uint64_t *sum = into;
    const uint64_t *summand = from;
    for (size_t i = 0; i < size / sizeof *sum; i++) {
        sum[i] += summand[i];
    }
}

_Static_assert(sizeof(struct traffic_totals) % sizeof(uint64_t) == 0 &&
                   _Alignof(struct traffic_totals) == _Alignof(uint64_t),
               "traffic_totals is an array of counters");

void summary_merge(struct summary *into, const struct summary *from)
{
    if (from->totals.all.packets > 0) {
        bool first = into->totals.all.packets == 0;
        into->first_ns = first || from->first_ns < into->first_ns ? from->first_ns : into->first_ns;
        into->last_ns = first || from->last_ns > into->last_ns ? from->last_ns : into->last_ns;
    }
    add_counters(&into->totals, &from->totals, sizeof into->totals);
    add_counters(into->own_services, from->own_services, sizeof into->own_services);
    into->flows.added += from->flows.added;
    into->flows.evicted += from->flows.evicted;
    into->flows.active += from->flows.active;
    into->flows.used += from->flows.used;
    tcp_counts_merge(&into->tcp, &from->tcp);
    dns_counts_merge(&into->dns, &from->dns);
    talkers_merge(into->hosts, from->hosts);
    talkers_merge(into->prefixes, from->prefixes);
    talkers_merge(into->services, from->services);
}
