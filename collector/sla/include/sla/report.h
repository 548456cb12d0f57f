/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From observation runs and a contract to figures: pure, no clock, no I/O. The JSON that comes out
 * is what `beffroi sla show --format json`, the API and the page show.
 *
 * Threads: a builder belongs to one thread. */
#ifndef SLA_REPORT_H
#define SLA_REPORT_H

#include "sla/contract.h"
#include "sla/timeline.h"
#include <jansson.h>

/* A period in the contract's zone: "2026-11", "2026-Q4", "2026", "2026-11-24", "2026-W48", "today",
 * "yesterday", "this-month", "last-month", "last-24h" / "last-90m" / "last-7d" (rolling, up to
 * `now`), or "FROM/TO" (ISO 8601, with offset, or local time of the zone). 0; -EINVAL with a reason
 * of one sentence. */
int sla_period_parse(const char *text, const char *timezone, struct wall now,
                     struct sla_interval *period, char *reason, size_t reason_size);

struct sla_input;

struct sla_input *sla_input_new(void);
/* One run of (device, check), in any order; copied. 0; -EINVAL: last before first, interval <= 0.
 */
int sla_input_add_run(struct sla_input *input, const char *device, const char *check,
                      const struct sla_run *run);
/* The agent of these (device, check) lost what it observed in [from, to). */
int sla_input_add_gap(struct sla_input *input, struct sla_interval gap);
void sla_input_free(struct sla_input *input);

/* From when on a report over `period` must be given runs and gaps: before the period where planned
 * work has a quota. Besides, an outage is seen whole only if the runs of all of it are given. */
struct wall sla_report_from(const struct sla_contract *contract, struct sla_interval period);

/* Figures of every service (or of one, `service` not NULL) over `period` as known at `now`: time
 * after `now` is not part of it. Per service: target, meets (true, false or null), availability as
 * a rational and as text, the milliseconds of every class (they sum to the period or the report is
 * refused), outages with from, to, duration and the [min, max] that the sampling allows, coverage,
 * the policy that was applied, and the state at the end. A new reference, or NULL with a reason. */
json_t *sla_report(const struct sla_contract *contract, const struct sla_input *input,
                   struct sla_interval period, struct wall now, const char *service, char *reason,
                   size_t reason_size);

/* What each service is now: [{"service", "state": "up|degraded|down|unknown", "since": time or
 * null, "cause": [{"device", "check", "outcome", "reason"}]}]. */
json_t *sla_states(const struct sla_contract *contract, const struct sla_input *input,
                   struct wall now);

#endif
