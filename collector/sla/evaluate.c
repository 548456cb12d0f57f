/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "evaluate.h"

#include "common/xalloc.h"

#include <stdlib.h>
#include <string.h>

const char *state_name(enum sla_state state)
{
    static const char *const names[] = {[SLA_UNKNOWN] = "unknown",
                                        [SLA_UP] = "up",
                                        [SLA_DEGRADED] = "degraded",
                                        [SLA_DOWN] = "down"};
    return names[state];
}

static const struct input_check *input_of(const struct evaluation *evaluation, size_t leaf)
{
    const struct check_name *name = &evaluation->service->checks[leaf];
    return input_find(evaluation->input, name->device, name->check);
}

/* From the first result on: an outage is measured whole, and so is what the quota has paid for. */
static struct sla_interval cover_of(const struct evaluation *evaluation, struct sla_interval period,
                                    struct wall now)
{
    const struct plan *plan = &evaluation->plan;
    struct sla_interval cover = period;
    if (plan->n_quota_starts > 0 && plan->quota_starts[0].ms < cover.from.ms) {
        cover.from = plan->quota_starts[0];
    }
    for (size_t i = 0; i < evaluation->service->n_checks; i++) {
        const struct input_check *entry = input_of(evaluation, i);
        for (size_t k = 0; entry != NULL && k < entry->n_runs; k++) {
            const struct sla_run *run = &entry->runs[k];
            int64_t sample_valid_ms = evaluation->service->policy.sample_valid_ms;
            int64_t held =
                run->last.ms + (sample_valid_ms > 0 ? sample_valid_ms : run->interval_ms);
            cover.from = run->first.ms < cover.from.ms ? run->first : cover.from;
            cover.to.ms = held > cover.to.ms ? held : cover.to.ms;
        }
    }
    cover.to = cover.to.ms < now.ms ? cover.to : now;
    return cover;
}

void evaluate(const struct sla_contract *contract, const struct service *service,
              const struct sla_input *input, struct sla_interval period, enum sla_initial initial,
              struct wall now, struct evaluation *evaluation)
{
    size_t n_checks = service->n_checks;
    struct sla_leaf *leaves = xcalloc(n_checks, sizeof *leaves);
    *evaluation = (struct evaluation){
        .service = service,
        .input = input,
        .timelines = xcalloc(n_checks, sizeof *evaluation->timelines),
    };
    plan_make(contract, service, period, now, &evaluation->plan);
    struct sla_timeline_rules rules = {
        .cover = cover_of(evaluation, period, now),
        .period_from = period.from,
        .initial = initial,
        .sample_valid_ms = service->policy.sample_valid_ms,
        .running = period.to.ms > now.ms,
    };
    for (size_t i = 0; i < n_checks; i++) {
        const struct input_check *entry = input_of(evaluation, i);
        sla_timeline_build(entry != NULL ? entry->runs : NULL, entry != NULL ? entry->n_runs : 0,
                           input->gaps, input->n_gaps, &rules, &evaluation->timelines[i]);
        leaves[i] = (struct sla_leaf){&evaluation->timelines[i], &evaluation->plan.leaf_planned[i]};
    }
    sla_tree_steps(&service->tree, leaves, n_checks, &evaluation->steps);
    free(leaves);
}

void evaluation_clear(struct evaluation *evaluation)
{
    for (size_t i = 0; i < evaluation->service->n_checks; i++) {
        sla_timeline_clear(&evaluation->timelines[i]);
    }
    free(evaluation->timelines);
    sla_steps_clear(&evaluation->steps);
    plan_clear(&evaluation->plan);
}

/* The reason of the latest run that says this state at or before `time`, or of nobody's. */
static const char *reason_of(const struct input_check *entry, const struct sla_segment *segment,
                             struct wall time)
{
    static const char *const causes[] = {[SLA_KNOWN] = "",
                                         [SLA_NO_DATA] = "no-data",
                                         [SLA_AGENT_GAP] = "agent-gap",
                                         [SLA_NOT_RUN] = "not-run"};
    bool known = segment->cause == SLA_KNOWN;
    const struct sla_run *latest = NULL;
    if (segment->cause == SLA_NO_DATA || segment->cause == SLA_AGENT_GAP || entry == NULL) {
        return causes[segment->cause];
    }
    for (size_t i = 0; i < entry->n_runs; i++) {
        const struct sla_run *run = &entry->runs[i];
        bool says = known ? run->outcome == (int)segment->state
                          : run->outcome < SLA_UP || run->outcome > SLA_DOWN;
        if (says && run->first.ms <= time.ms &&
            (latest == NULL || sla_run_compare(latest, run) < 0)) {
            latest = run;
        }
    }
    return latest != NULL && latest->reason[0] != '\0' ? latest->reason : causes[segment->cause];
}

json_t *evaluation_cause(const struct evaluation *evaluation, struct wall time)
{
    const struct service *service = evaluation->service;
    struct sla_band *bands = xcalloc(service->n_checks, sizeof *bands);
    bool *blamed = xcalloc(service->n_checks, sizeof *blamed);
    bool down = false;
    json_t *cause = json_array();
    for (size_t i = 0; i < service->n_checks; i++) {
        bands[i] = sla_band_of(sla_timeline_at(&evaluation->timelines[i], time)->state);
    }
    sla_tree_blame(&service->tree, bands, blamed);
    for (size_t i = 0; i < service->n_checks; i++) {
        down = down || (blamed[i] && sla_band_state(bands[i]) == SLA_DOWN);
    }
    for (size_t i = 0; i < service->n_checks; i++) {
        const struct sla_segment *segment = sla_timeline_at(&evaluation->timelines[i], time);
        if (!blamed[i] || (down && segment->state != SLA_DOWN)) {
            continue;
        }
        json_array_append_new(
            cause, json_pack("{s:s, s:s, s:s, s:s}", "device", service->checks[i].device, "check",
                             service->checks[i].check, "outcome", state_name(segment->state),
                             "reason", reason_of(input_of(evaluation, i), segment, time)));
    }
    free(bands);
    free(blamed);
    return cause;
}
