/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The plan: which flows there are, and what each sends next. What is true of a packet is decided
 * here, before it is written. */
#ifndef SIM_TRAFFIC_PLAN_H
#define SIM_TRAFFIC_PLAN_H

#include "flow.h"
#include "hosts.h"
#include "options.h"

struct plan {
    const struct options *options;
    struct dice dice;
    struct hosts hosts;
    struct flow *flows; /* options->n_flows */
    uint32_t last_fragment_id;
    /* The steps of the batch that is being planned. */
    struct step *batch;
    size_t n_batch;
    size_t batch_room;
};

/* All flows, none of them begun. */
void plan_new(struct plan *plan, const struct options *options);
void plan_free(struct plan *plan);
/* When flow i begins, ns from the capture's begin. */
int64_t plan_begin_ns(struct plan *plan);
/* The flow's next packets, at `now` or later, into its steps. False: it has said all. */
bool plan_next(struct plan *plan, struct flow *flow, int64_t now_ns);
/* A flow that has said all gets more to say. False: it is of a kind that does not. */
bool plan_revive(struct plan *plan, struct flow *flow, uint32_t packets);

#endif
