/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sla/figures.h"

#include "common/xalloc.h"

#include <errno.h>
#include <stdlib.h>

struct sweep {
    const struct sla_steps *steps;
    const struct sla_masks *masks;
    const struct sla_policy *policy;
    struct sla_interval period;
    struct sla_figures *figures;
    enum sla_view view;
    enum sla_state *effective; /* by step: what the policy makes of the state */
    size_t n_edges;
    int64_t *edges; /* sorted; nothing changes between two */
    size_t step;
    size_t hours;
    size_t excluded;
    size_t planned;
    size_t quota;
    int64_t quota_left_ms;
    size_t outage_run_end; /* step after the down run of the last outage; 0: none yet */
};

static int64_t step_end(const struct sla_steps *steps, size_t i)
{
    return i + 1 < steps->count ? steps->items[i + 1].from.ms : steps->to.ms;
}

static enum sla_state apply_unknown(const struct sla_policy *policy, enum sla_state state)
{
    if (state == SLA_UNKNOWN && policy->unknown == SLA_UNKNOWN_DOWN) {
        return SLA_DOWN;
    }
    if (state == SLA_UNKNOWN && policy->unknown == SLA_UNKNOWN_UP) {
        return SLA_UP;
    }
    return state;
}

static enum sla_state judged(const struct sweep *sweep, size_t step, enum sla_view view)
{
    return apply_unknown(sweep->policy, sweep->steps->items[step].state[view]);
}

static bool meets_period(const struct sweep *sweep, int64_t from, int64_t to)
{
    return from < sweep->period.to.ms && to > sweep->period.from.ms;
}

/* Down runs shorter than the contract counts become up: whole runs, before any cutting. */
static void make_effective(struct sweep *sweep)
{
    size_t count = sweep->steps->count;
    for (size_t i = 0; i < count; i++) {
        sweep->effective[i] = judged(sweep, i, sweep->view);
    }
    for (size_t i = 0; i < count;) {
        size_t end = i + 1;
        if (sweep->effective[i] != SLA_DOWN) {
            i = end;
            continue;
        }
        while (end < count && sweep->effective[end] == SLA_DOWN) {
            end++;
        }
        int64_t from = sweep->steps->items[i].from.ms;
        int64_t to = step_end(sweep->steps, end - 1);
        if (to - from < sweep->policy->ignore_outages_shorter_ms) {
            if (sweep->view == SLA_COUNTED && meets_period(sweep, from, to)) {
                sweep->figures->n_ignored++;
            }
            for (size_t k = i; k < end; k++) {
                sweep->effective[k] = SLA_UP;
            }
        }
        i = end;
    }
}

static int compare_edges(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left;
    int64_t b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

static void add_edge(struct sweep *sweep, int64_t from, int64_t edge)
{
    if (edge >= from && edge <= sweep->period.to.ms) {
        sweep->edges[sweep->n_edges++] = edge;
    }
}

static void add_span_edges(struct sweep *sweep, int64_t from, const struct sla_spans *spans)
{
    for (size_t i = 0; i < spans->count; i++) {
        add_edge(sweep, from, spans->items[i].from.ms);
        add_edge(sweep, from, spans->items[i].to.ms);
    }
}

/* The sweep begins where the quota does, so that what was used up before the period is. */
static void find_edges(struct sweep *sweep)
{
    const struct sla_masks *masks = sweep->masks;
    int64_t from = sweep->period.from.ms;
    size_t most = 2 + sweep->steps->count + masks->n_quota_starts +
                  2 * (masks->hours->count + masks->excluded->count + masks->planned->count);
    sweep->edges = xcalloc(most, sizeof *sweep->edges);
    if (sweep->policy->planned_quota_ms > 0 && masks->n_quota_starts > 0 &&
        masks->quota_starts[0].ms < from) {
        from = masks->quota_starts[0].ms;
    }
    add_edge(sweep, from, sweep->period.from.ms);
    add_edge(sweep, from, sweep->period.to.ms);
    for (size_t i = 0; i < sweep->steps->count; i++) {
        add_edge(sweep, from, sweep->steps->items[i].from.ms);
    }
    for (size_t i = 0; i < masks->n_quota_starts; i++) {
        add_edge(sweep, from, masks->quota_starts[i].ms);
    }
    add_span_edges(sweep, from, masks->hours);
    add_span_edges(sweep, from, masks->excluded);
    add_span_edges(sweep, from, masks->planned);
    qsort(sweep->edges, sweep->n_edges, sizeof *sweep->edges, compare_edges);
}

static bool is_within(const struct sla_spans *spans, size_t *at, int64_t time)
{
    while (*at < spans->count && spans->items[*at].to.ms <= time) {
        (*at)++;
    }
    return *at < spans->count && spans->items[*at].from.ms <= time;
}

static enum sla_class class_of_state(enum sla_state state)
{
    switch (state) {
    case SLA_UP:
        return SLA_CLASS_UP;
    case SLA_DEGRADED:
        return SLA_CLASS_DEGRADED;
    case SLA_DOWN:
        return SLA_CLASS_DOWN;
    case SLA_UNKNOWN:
        break;
    }
    return SLA_CLASS_UNKNOWN;
}

static int64_t cut(int64_t value, int64_t low, int64_t high)
{
    return value < low ? low : value > high ? high : value;
}

/* How long two bounds are within the period. */
static int64_t within_period(const struct sweep *sweep, int64_t from, int64_t to)
{
    int64_t low = sweep->period.from.ms;
    int64_t high = sweep->period.to.ms;
    return cut(to, low, high) - cut(from, low, high);
}

/* The most that the sampling allows: over the steps beside the run that may be down too, up to a
 * result that was not. */
static int64_t longest(const struct sweep *sweep, size_t first, size_t end)
{
    const struct sla_steps *steps = sweep->steps;
    while (first > 0 && judged(sweep, first - 1, SLA_COUNTED) != SLA_DOWN &&
           judged(sweep, first - 1, SLA_WORST) == SLA_DOWN) {
        first--;
        if (apply_unknown(sweep->policy, steps->items[first].at_start) != SLA_DOWN) {
            break;
        }
    }
    while (end < steps->count && judged(sweep, end, SLA_COUNTED) != SLA_DOWN &&
           judged(sweep, end, SLA_WORST) == SLA_DOWN &&
           apply_unknown(sweep->policy, steps->items[end].at_start) == SLA_DOWN) {
        end++;
    }
    return within_period(sweep, steps->items[first].from.ms, step_end(steps, end - 1));
}

static int64_t shortest(const struct sweep *sweep, size_t first, size_t end)
{
    int64_t sum = 0;
    for (size_t i = first; i < end; i++) {
        if (judged(sweep, i, SLA_BEST) == SLA_DOWN) {
            sum += within_period(sweep, sweep->steps->items[i].from.ms, step_end(sweep->steps, i));
        }
    }
    return sum;
}

static void begin_outage(struct sweep *sweep)
{
    struct sla_figures *figures = sweep->figures;
    const struct sla_steps *steps = sweep->steps;
    size_t first = sweep->step;
    size_t end = sweep->step + 1;
    while (first > 0 && sweep->effective[first - 1] == SLA_DOWN) {
        first--;
    }
    while (end < steps->count && sweep->effective[end] == SLA_DOWN) {
        end++;
    }
    int64_t from = steps->items[first].from.ms;
    int64_t to = step_end(steps, end - 1);
    if ((figures->n_outages & (figures->n_outages + 1)) == 0) { /* 0, 1, 3, 7 … are full */
        figures->outages =
            xreallocarray(figures->outages, 2 * figures->n_outages + 1, sizeof *figures->outages);
    }
    figures->outages[figures->n_outages++] = (struct sla_outage){
        .from = {cut(from, sweep->period.from.ms, sweep->period.to.ms)},
        .to = {cut(to, sweep->period.from.ms, sweep->period.to.ms)},
        .began_before = from < sweep->period.from.ms,
        .open = to >= sweep->period.to.ms,
        .min_ms = shortest(sweep, first, end),
        .max_ms = longest(sweep, first, end),
    };
    sweep->outage_run_end = end;
}

static void count(struct sweep *sweep, enum sla_class class, int64_t ms)
{
    struct sla_figures *figures = sweep->figures;
    const struct sla_step *step = &sweep->steps->items[sweep->step];
    enum sla_state state = step->state[SLA_COUNTED];
    figures->class_ms[sweep->view][class] += ms;
    if (sweep->view != SLA_COUNTED) {
        return;
    }
    if (class == SLA_CLASS_PLANNED && state == SLA_DOWN) {
        figures->planned_down_ms += ms;
    }
    if (class < SLA_CLASS_UNKNOWN) {
        return;
    }
    if (state == SLA_UNKNOWN) {
        figures->unknown_ms[step->cause] += ms;
    } else {
        figures->known_ms += ms;
    }
    if (class == SLA_CLASS_UP && judged(sweep, sweep->step, SLA_COUNTED) == SLA_DOWN) {
        figures->ignored_ms += ms;
    }
    if (class == SLA_CLASS_DOWN) {
        if (sweep->step >= sweep->outage_run_end) {
            begin_outage(sweep);
        }
        figures->outages[figures->n_outages - 1].counted_ms += ms;
    }
}

/* How much of [from, to) is planned: all, none, or what the quota leaves. */
static int64_t take_planned(struct sweep *sweep, int64_t from, int64_t to)
{
    const struct sla_policy *policy = sweep->policy;
    const struct sla_step *step = &sweep->steps->items[sweep->step];
    bool planned = is_within(sweep->masks->planned, &sweep->planned, from);
    if (policy->planned == SLA_PLANNED_COUNT || (!planned && !step->planned[sweep->view])) {
        return 0;
    }
    if (policy->planned_quota_ms == 0) {
        return to - from;
    }
    int64_t taken = to - from < sweep->quota_left_ms ? to - from : sweep->quota_left_ms;
    sweep->quota_left_ms -= taken;
    return taken;
}

static void classify(struct sweep *sweep, int64_t from, int64_t to)
{
    const struct sla_masks *masks = sweep->masks;
    bool counts = from >= sweep->period.from.ms;
    enum sla_class class;
    while (step_end(sweep->steps, sweep->step) <= from) {
        sweep->step++;
    }
    while (sweep->quota < masks->n_quota_starts && masks->quota_starts[sweep->quota].ms <= from) {
        sweep->quota_left_ms = sweep->policy->planned_quota_ms;
        sweep->quota++;
    }
    if (!is_within(masks->hours, &sweep->hours, from)) {
        class = SLA_CLASS_OUTSIDE_HOURS;
    } else if (is_within(masks->excluded, &sweep->excluded, from)) {
        class = SLA_CLASS_EXCLUDED;
    } else {
        int64_t planned = take_planned(sweep, from, to);
        if (planned > 0 && counts) {
            count(sweep, SLA_CLASS_PLANNED, planned);
        }
        from += planned;
        class = class_of_state(sweep->effective[sweep->step]);
    }
    if (from < to && counts) {
        count(sweep, class, to - from);
    }
}

static int sweep_view(struct sweep sweep, enum sla_view view)
{
    int64_t sum = 0;
    sweep.view = view;
    sweep.quota_left_ms = sweep.policy->planned_quota_ms;
    make_effective(&sweep);
    for (size_t i = 0; i + 1 < sweep.n_edges; i++) {
        if (sweep.edges[i] < sweep.edges[i + 1]) {
            classify(&sweep, sweep.edges[i], sweep.edges[i + 1]);
        }
    }
    for (int class = 0; class < SLA_CLASSES; class ++) {
        sum += sweep.figures->class_ms[view][class];
    }
    return sum == sweep.figures->period_ms ? 0 : -ERANGE;
}

int sla_figures_compute(const struct sla_steps *steps, const struct sla_masks *masks,
                        const struct sla_policy *policy, struct sla_interval period,
                        struct sla_figures *figures)
{
    int error = 0;
    *figures = (struct sla_figures){0};
    if (period.to.ms <= period.from.ms) {
        return 0;
    }
    figures->period_ms = period.to.ms - period.from.ms;
    struct sweep sweep = {.steps = steps,
                          .masks = masks,
                          .policy = policy,
                          .period = period,
                          .figures = figures,
                          .effective = xcalloc(steps->count, sizeof *sweep.effective)};
    find_edges(&sweep);
    for (int view = 0; view < SLA_VIEWS && error == 0; view++) {
        error = sweep_view(sweep, (enum sla_view)view);
    }
    free(sweep.effective);
    free(sweep.edges);
    return error;
}

void sla_figures_clear(struct sla_figures *figures)
{
    free(figures->outages);
    *figures = (struct sla_figures){0};
}
