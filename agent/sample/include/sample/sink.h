/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Where samplers deliver: a sampler (host, checks, snmp, capture) knows only this interface, never
 * who stands behind it (the batch in the agent's main process, the report channel in a worker, the
 * printer of `poll --once`).
 *
 * Threads: the sampler's loop thread. */
#ifndef SAMPLE_SINK_H
#define SAMPLE_SINK_H

#include "proto/model.h"

struct sample_sink {
    void *context;
    /* Announce an object; returns its number (from 1). The same (device, kind, name) again with
     * the same metrics gets the same number; with other metrics or labels it is defined anew under
     * a new number. Everything is copied. 0: refused (it breaks a limit; logged by the sink). */
    uint32_t (*define)(void *context, const struct object *object);
    /* One sample of a defined object. */
    void (*row)(void *context, const struct row *row);
    /* One result of a check (an object of kind "check"). */
    void (*result)(void *context, const struct result *result);
    /* The heaviest talkers of a traffic object, for a collector that keeps them for a while. */
    void (*talkers)(void *context, const struct talker_report *report);
    /* Samples that were lost before they reached the sink. */
    void (*gap)(void *context, const struct gap *gap);
};

#endif
