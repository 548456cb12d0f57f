/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Gathers the heaviest hosts, prefixes and services over several intervals and reports them.
 *
 * Threads: the sink's. */
#ifndef CAPTURE_GATHER_H
#define CAPTURE_GATHER_H

#include "meter/summary.h"
#include "sample/sink.h"

/* Entries of each table of talkers, here and in the meters. */
enum { GATHER_HOSTS = 16384, GATHER_PREFIXES = 4096, GATHER_SERVICES = 1024 };

struct gather;

struct gather_options {
    const struct sample_sink *sink; /* one whose talkers is NULL is told nothing */
    uint32_t object;                /* of kind "traffic" */
    int64_t interval_ms;            /* a report at the first gather_add that makes up so much */
    size_t top;                     /* 1 to PROTO_TALKERS_MAX */
    const struct services *service_names;
};

/* Gathers from `from` on. `options` is copied, what it points to outlives the handle. */
struct gather *gather_new(const struct gather_options *options, struct wall from);
/* Adds the interval that ended at `to`; may report [from, to), one report for each of the three,
 * and begins anew then. */
void gather_add(struct gather *gather, const struct summary *summary, struct wall to);
/* NULL is allowed. */
void gather_free(struct gather *gather);

#endif
