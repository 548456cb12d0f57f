/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Observation runs: which of them a figure needs, as they are, and as the engine's input. */
#include "internal.h"

#include "common/xalloc.h"
#include "proto/model.h"

#include <stdlib.h>
#include <string.h>

static const int64_t DAY_MS = 86400000;

/* --- outages, whole --- */

enum { STEPS_MAX = 1000 }; /* days, or more, that an outage is followed out of the range */

/* A check that is not up at an edge of what was listed. */
struct edge {
    char *device;
    char *check;
    bool before;       /* at the beginning */
    bool after;        /* at the end */
    struct wall first; /* of its earliest run that was listed */
};

struct walk {
    const struct query_listing *listing;
    struct edge current; /* its texts are owned here until it is kept or dropped */
    size_t n_edges;
    struct edge *edges;
    struct sla_interval reach; /* of all that was listed, for the gaps */
};

static void drop_current(struct walk *walk)
{
    free(walk->current.device);
    free(walk->current.check);
    walk->current = (struct edge){0};
}

static void keep_current(struct walk *walk)
{
    if (!walk->current.before && !walk->current.after) {
        drop_current(walk);
        return;
    }
    walk->edges = xreallocarray(walk->edges, walk->n_edges + 1, sizeof *walk->edges);
    walk->edges[walk->n_edges++] = walk->current;
    walk->current = (struct edge){0};
}

/* Runs come by check, in the order of their beginnings. */
static int on_listed(void *context, const struct ledger_run *run)
{
    struct walk *walk = context;
    struct edge *current = &walk->current;
    if (current->device == NULL || strcmp(current->device, run->device) != 0 ||
        strcmp(current->check, run->check) != 0) {
        keep_current(walk);
        *current = (struct edge){.device = xstrdup(run->device),
                                 .check = xstrdup(run->check),
                                 .before = run->outcome != OUTCOME_UP,
                                 .first = run->first};
    }
    current->after = run->outcome != OUTCOME_UP;
    if (run->first.ms < walk->reach.from.ms) {
        walk->reach.from = run->first;
    }
    return walk->listing->run(walk->listing->context, run);
}

struct step {
    const struct query_listing *listing;
    bool found;         /* a run */
    bool is_up;         /* the outermost one */
    struct wall border; /* back: where the outermost run begins; on: what is before it is listed */
};

static int on_earlier(void *context, const struct ledger_run *run)
{
    struct step *step = context;
    if (!step->found) {
        step->found = true;
        step->is_up = run->outcome == OUTCOME_UP;
        step->border = run->first;
    }
    return step->listing->run(step->listing->context, run);
}

/* Each step gets at least the newest run before, if there is one. */
static int follow_back(struct ledger_view *view, struct walk *walk, const struct edge *edge)
{
    struct wall from = edge->first;
    for (int i = 0; i < STEPS_MAX; i++) {
        struct step step = {.listing = walk->listing};
        int rc = ledger_view_runs(view, edge->device, edge->check, from, from, on_earlier, &step);
        if (rc != 0 || !step.found) {
            return rc;
        }
        from = step.border;
        if (from.ms < walk->reach.from.ms) {
            walk->reach.from = from;
        }
        if (step.is_up) {
            break;
        }
    }
    return 0;
}

static int on_later(void *context, const struct ledger_run *run)
{
    struct step *step = context;
    if (run->first.ms < step->border.ms) {
        return 0;
    }
    step->is_up = run->outcome == OUTCOME_UP;
    return step->listing->run(step->listing->context, run);
}

static int follow_on(struct ledger_view *view, struct walk *walk, const struct edge *edge,
                     struct wall from)
{
    struct step step = {.listing = walk->listing};
    for (int i = 0; i < STEPS_MAX && !step.is_up && from.ms <= walk->listing->now.ms; i++) {
        struct wall to = {from.ms + DAY_MS};
        step.border = from;
        int rc = ledger_view_runs(view, edge->device, edge->check, from, to, on_later, &step);
        if (rc != 0) {
            return rc;
        }
        from = to;
        if (to.ms > walk->reach.to.ms) {
            walk->reach.to = to;
        }
    }
    return 0;
}

int query_list_runs(struct ledger_view *view, const struct query_listing *listing)
{
    if (view == NULL) {
        return 0;
    }
    /* A day, so that the result that ends the last state is there: an interval is at most that. */
    struct wall to = {listing->range.to.ms + DAY_MS};
    struct walk walk = {.listing = listing, .reach = {listing->range.from, to}};
    int rc = ledger_view_runs(view, listing->device, listing->check, listing->range.from, to,
                              on_listed, &walk);
    keep_current(&walk);
    for (size_t i = 0; i < walk.n_edges && rc == 0; i++) {
        if (walk.edges[i].before) {
            rc = follow_back(view, &walk, &walk.edges[i]);
        }
        if (rc == 0 && walk.edges[i].after) {
            rc = follow_on(view, &walk, &walk.edges[i], to);
        }
    }
    for (size_t i = 0; i < walk.n_edges; i++) {
        free(walk.edges[i].device);
        free(walk.edges[i].check);
    }
    free(walk.edges);
    if (rc != 0) {
        return rc;
    }
    return ledger_view_gaps(view, walk.reach.from, walk.reach.to, listing->gap, listing->context);
}

/* --- as JSON --- */

struct lists {
    json_t *runs;
    json_t *gaps;
};

static int list_run(void *context, const struct ledger_run *run)
{
    struct lists *lists = context;
    return json_array_append_new(
        lists->runs,
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:I, s:I, s:o}", "agent", run->agent,
                  "device", run->device, "check", run->check, "outcome", outcome_name(run->outcome),
                  "reason", run->reason, "detail", run->detail, "first", query_time(run->first),
                  "last", query_time(run->last), "results", (json_int_t)run->results, "interval_ms",
                  (json_int_t)run->interval_ms, "received", query_time(run->received)));
}

static int list_gap(void *context, const struct ledger_gap *gap)
{
    struct lists *lists = context;
    return json_array_append_new(
        lists->gaps,
        json_pack("{s:s, s:o, s:o, s:I, s:I, s:s}", "agent", gap->agent, "from",
                  query_time(gap->gap.from), "to", query_time(gap->gap.to), "rows",
                  (json_int_t)gap->gap.rows, "observations", (json_int_t)gap->gap.observations,
                  "reason", gap_reason_name(gap->gap.reason)));
}

json_t *query_runs(const struct query_sources *sources, const char *device, const char *check,
                   struct wall from, struct wall to, struct wall now, struct query_failure *failure)
{
    struct ledger_view *view = NULL;
    if (from.ms >= to.ms) {
        return query_fail(failure, QUERY_BAD_PARAMETER, "from must be before to");
    }
    if (query_view_open(sources, &view, failure) != 0) {
        return NULL;
    }
    struct lists lists = {json_array(), json_array()};
    const struct query_listing listing = {.device = device,
                                          .check = check,
                                          .range = {from, to},
                                          .now = now,
                                          .run = list_run,
                                          .gap = list_gap,
                                          .context = &lists};
    int rc = query_list_runs(view, &listing);
    query_view_close(view);
    json_t *answer = json_pack("{s:o, s:o, s:o}", "time", query_time(now), "runs", lists.runs,
                               "gaps", lists.gaps);
    if (rc != 0) {
        json_decref(answer);
        return query_fail(failure, QUERY_UNAVAILABLE, "the ledger cannot be read now");
    }
    return answer;
}

/* --- for the engine --- */

struct sla_run query_sla_run(const struct ledger_run *run)
{
    struct sla_run copy = {.first = run->first,
                           .last = run->last,
                           .interval_ms = run->interval_ms,
                           .outcome = (int)run->outcome};
    size_t size = strnlen(run->reason, sizeof copy.reason - 1);
    memcpy(copy.reason, run->reason, size);
    return copy;
}

static int input_run(void *context, const struct ledger_run *run)
{
    struct sla_run copy = query_sla_run(run);
    return sla_input_add_run(context, run->device, run->check, &copy);
}

static int input_gap(void *context, const struct ledger_gap *gap)
{
    return sla_input_add_gap(context, (struct sla_interval){gap->gap.from, gap->gap.to});
}

struct sla_input *query_input(struct ledger_view *view, const struct sla_contract *contract,
                              struct sla_interval period, struct wall now,
                              struct query_failure *failure)
{
    struct sla_input *input = sla_input_new();
    const struct query_listing listing = {
        .range = {sla_report_from(contract, period), period.to},
        .now = now,
        .run = input_run,
        .gap = input_gap,
        .context = input,
    };
    if (query_list_runs(view, &listing) != 0) {
        sla_input_free(input);
        return query_fail(failure, QUERY_UNAVAILABLE, "the ledger cannot be read now");
    }
    return input;
}

static bool has_service(const struct sla_contract *contract, const char *service)
{
    for (size_t i = 0; i < sla_contract_services(contract); i++) {
        if (strcmp(sla_contract_service_name(contract, i), service) == 0) {
            return true;
        }
    }
    return false;
}

json_t *query_sla(const struct query_sources *sources, const char *period, const char *service,
                  struct wall now, struct query_failure *failure)
{
    struct sla_interval interval;
    struct ledger_view *view = NULL;
    char reason[200] = "";
    if (sources->contract == NULL) {
        return query_fail(failure, QUERY_NOT_FOUND, "the collector has no contract");
    }
    if (service != NULL && !has_service(sources->contract, service)) {
        return query_fail(failure, QUERY_NOT_FOUND, "the contract has no service %s", service);
    }
    if (sla_period_parse(period, sla_contract_timezone(sources->contract), now, &interval, reason,
                         sizeof reason) != 0) {
        return query_fail(failure, QUERY_BAD_PARAMETER, "period: %s", reason);
    }
    if (query_view_open(sources, &view, failure) != 0) {
        return NULL;
    }
    struct sla_input *input = query_input(view, sources->contract, interval, now, failure);
    query_view_close(view);
    if (input == NULL) {
        return NULL;
    }
    json_t *report =
        sla_report(sources->contract, input, interval, now, service, reason, sizeof reason);
    sla_input_free(input);
    return report != NULL ? report : query_fail(failure, QUERY_UNAVAILABLE, "%s", reason);
}
