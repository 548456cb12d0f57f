/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One service over one stretch of time: its plan, its checks' timelines, its merged steps, and who
 * is to blame for a state. */
#ifndef SLA_EVALUATE_H
#define SLA_EVALUATE_H

#include "contract_internal.h"
#include "input.h"

struct evaluation {
    const struct service *service;
    const struct sla_input *input;
    struct plan plan;
    struct sla_timeline *timelines; /* by check */
    struct sla_steps steps;
};

/* Steps from the first run, quota start or begin of the period, whichever is earliest, to the end
 * of the last run's hold or of the period, whichever is later, but never past `now`. The period
 * begins before `now`. To be cleared by the caller. */
void evaluate(const struct sla_contract *contract, const struct service *service,
              const struct sla_input *input, struct sla_interval period, enum sla_initial initial,
              struct wall now, struct evaluation *evaluation);
void evaluation_clear(struct evaluation *evaluation);

/* [{"device", "check", "outcome", "reason"}] of the checks that keep the service from being up at
 * `time`, which the steps cover: those that are down, if any is; else all that are not up. */
json_t *evaluation_cause(const struct evaluation *evaluation, struct wall time);

/* "up", "degraded", "down", "unknown". */
const char *state_name(enum sla_state state);

#endif
