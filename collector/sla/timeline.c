/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sla/timeline.h"

#include "common/xalloc.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* A result may be late by as much as its own interval, and by the second that agents jitter. */
enum { LATE_MS = 1000 };

/* One observer: its runs in order, as states from when to when. A piece between the first and the
 * last result of a run is solid. */
struct piece {
    int64_t from;
    int64_t to;
    enum sla_state state;
    enum sla_state other; /* what it may have changed to already; = state: nothing else */
    bool solid;
    bool seen; /* a result stands at `from` */
};

struct observer {
    int64_t last; /* its latest result */
    size_t n_runs;
    const struct sla_run **runs;
    size_t n_pieces;
    struct piece *pieces;
    size_t at; /* where the merge stands */
};

struct build {
    const struct sla_timeline_rules *rules;
    size_t n_observers;
    struct observer *observers;
    size_t n_gaps;
    struct sla_interval *gaps; /* sorted by their start */
    size_t n_edges;
    int64_t *edges;
    struct sla_timeline *timeline;
    size_t room;
};

int sla_run_compare(const struct sla_run *a, const struct sla_run *b)
{
    int64_t differences[][2] = {{a->first.ms, b->first.ms},
                                {a->last.ms, b->last.ms},
                                {a->interval_ms, b->interval_ms},
                                {a->outcome, b->outcome}};
    for (size_t i = 0; i < sizeof differences / sizeof *differences; i++) {
        if (differences[i][0] != differences[i][1]) {
            return differences[i][0] < differences[i][1] ? -1 : 1;
        }
    }
    int order = strcmp(a->reason, b->reason);
    return (order > 0) - (order < 0);
}

static int compare_run_pointers(const void *left, const void *right)
{
    return sla_run_compare(*(const struct sla_run *const *)left,
                           *(const struct sla_run *const *)right);
}

static int compare_gaps(const void *left, const void *right)
{
    const struct sla_interval *a = left;
    const struct sla_interval *b = right;
    return (a->from.ms > b->from.ms) - (a->from.ms < b->from.ms);
}

static int compare_edges(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left;
    int64_t b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

static enum sla_state state_of(const struct sla_run *run)
{
    return run->outcome >= SLA_UP && run->outcome <= SLA_DOWN ? (enum sla_state)run->outcome
                                                              : SLA_UNKNOWN;
}

static int64_t hold_ms(const struct sla_timeline_rules *rules, const struct sla_run *run)
{
    return rules->sample_valid_ms > 0 ? rules->sample_valid_ms : run->interval_ms;
}

static int64_t tolerance_ms(const struct sla_timeline_rules *rules, const struct sla_run *run)
{
    int64_t tolerance = 2 * run->interval_ms + LATE_MS;
    return tolerance > rules->sample_valid_ms ? tolerance : rules->sample_valid_ms;
}

static void give_run(struct build *build, const struct sla_run *run)
{
    struct observer *best = NULL;
    for (size_t i = 0; i < build->n_observers; i++) {
        struct observer *observer = &build->observers[i];
        if (observer->last < run->first.ms && (best == NULL || observer->last > best->last)) {
            best = observer;
        }
    }
    if (best == NULL) {
        build->observers =
            xreallocarray(build->observers, build->n_observers + 1, sizeof *build->observers);
        best = &build->observers[build->n_observers++];
        *best = (struct observer){0};
    }
    if ((best->n_runs & (best->n_runs + 1)) == 0) { /* 0, 1, 3, 7 … are full */
        best->runs = xreallocarray(best->runs, 2 * best->n_runs + 1, sizeof *best->runs);
    }
    best->runs[best->n_runs++] = run;
    best->last = run->last.ms;
}

static void find_observers(struct build *build, const struct sla_run *runs, size_t n_runs)
{
    const struct sla_run **sorted = xcalloc(n_runs + 1, sizeof *sorted);
    size_t heard = 0;
    for (size_t i = 0; i < n_runs; i++) {
        if (runs[i].first.ms < build->rules->cover.to.ms) {
            sorted[heard++] = &runs[i];
        }
    }
    qsort(sorted, heard, sizeof *sorted, compare_run_pointers);
    for (size_t i = 0; i < heard; i++) {
        if (i == 0 || sla_run_compare(sorted[i - 1], sorted[i]) != 0) {
            give_run(build, sorted[i]);
        }
    }
    free(sorted);
}

/* The state of the next run that knows one; that of the run itself if there is none. */
static enum sla_state next_known(const struct observer *observer, size_t i)
{
    for (size_t k = i + 1; k < observer->n_runs; k++) {
        if (state_of(observer->runs[k]) != SLA_UNKNOWN) {
            return state_of(observer->runs[k]);
        }
    }
    return state_of(observer->runs[i]);
}

static int64_t held_until(const struct build *build, const struct observer *observer, size_t i)
{
    const struct sla_run *run = observer->runs[i];
    int64_t now = build->rules->cover.to.ms;
    int64_t tolerated = run->last.ms + tolerance_ms(build->rules, run);
    int64_t until = run->last.ms + hold_ms(build->rules, run);
    if (i + 1 < observer->n_runs) {
        int64_t next = observer->runs[i + 1]->first.ms;
        return next <= tolerated || next < until ? next : until;
    }
    return build->rules->running && now <= tolerated && now > until ? now : until;
}

static void make_pieces(struct build *build, struct observer *observer)
{
    enum sla_state next = SLA_UNKNOWN;
    observer->pieces = xcalloc(2 * observer->n_runs, sizeof *observer->pieces);
    for (size_t i = 0; i < observer->n_runs; i++) {
        const struct sla_run *run = observer->runs[i];
        enum sla_state state = state_of(run);
        if (i == 0 || state_of(observer->runs[i - 1]) != SLA_UNKNOWN || state != SLA_UNKNOWN) {
            next = next_known(observer, i);
        } /* else: as for the unknown run before, which also keeps this linear */
        int64_t until = held_until(build, observer, i);
        struct piece solid = {run->first.ms, run->last.ms, state, state, true, true};
        struct piece held = {run->last.ms, until, state, next, false, true};
        if (solid.from < solid.to) {
            observer->pieces[observer->n_pieces++] = solid;
        }
        if (held.from < held.to) {
            observer->pieces[observer->n_pieces++] = held;
        }
    }
}

static void add_edge(struct build *build, int64_t edge)
{
    const struct sla_interval *cover = &build->rules->cover;
    if (edge >= cover->from.ms && edge <= cover->to.ms) {
        build->edges[build->n_edges++] = edge;
    }
}

static void find_edges(struct build *build)
{
    size_t most = 3 + 2 * build->n_gaps;
    for (size_t i = 0; i < build->n_observers; i++) {
        most += 2 * build->observers[i].n_pieces;
    }
    build->edges = xcalloc(most, sizeof *build->edges);
    add_edge(build, build->rules->cover.from.ms);
    add_edge(build, build->rules->cover.to.ms);
    add_edge(build, build->rules->period_from.ms);
    for (size_t i = 0; i < build->n_gaps; i++) {
        add_edge(build, build->gaps[i].from.ms);
        add_edge(build, build->gaps[i].to.ms);
    }
    for (size_t i = 0; i < build->n_observers; i++) {
        for (size_t k = 0; k < build->observers[i].n_pieces; k++) {
            add_edge(build, build->observers[i].pieces[k].from);
            add_edge(build, build->observers[i].pieces[k].to);
        }
    }
    qsort(build->edges, build->n_edges, sizeof *build->edges, compare_edges);
}

static enum sla_state worse(enum sla_state a, enum sla_state b)
{
    return a > b ? a : b;
}

static enum sla_state better(enum sla_state a, enum sla_state b)
{
    return a < b ? a : b;
}

/* Takes one observer's piece into the segment that begins at `from`. */
static void take_piece(struct sla_segment *segment, const struct piece *piece)
{
    if (piece->state == SLA_UNKNOWN) {
        if (segment->state == SLA_UNKNOWN) {
            segment->cause = SLA_NOT_RUN;
        }
        return;
    }
    enum sla_state best = better(piece->state, piece->other);
    enum sla_state worst = worse(piece->state, piece->other);
    bool at_result = piece->seen && piece->from == segment->from.ms;
    segment->cause = SLA_KNOWN;
    segment->at_start = worse(segment->at_start, at_result ? piece->state : worst);
    segment->state = worse(segment->state, piece->state);
    segment->worst = worse(segment->worst, worst);
    /* The best is the worst of what each observer may have meant at best. */
    segment->best = worse(segment->best, best);
}

static void lose(struct sla_segment *segment)
{
    *segment =
        (struct sla_segment){.from = segment->from, .to = segment->to, .cause = SLA_AGENT_GAP};
}

static void append(struct build *build, const struct sla_segment *segment)
{
    struct sla_timeline *timeline = build->timeline;
    if (timeline->count > 0) {
        struct sla_segment *last = &timeline->segments[timeline->count - 1];
        if (last->state == segment->state && last->cause == segment->cause &&
            last->worst == segment->worst && last->best == segment->best &&
            segment->at_start == segment->worst) {
            last->to = segment->to;
            return;
        }
    }
    if (timeline->count == build->room) {
        build->room = build->room * 2 + 8;
        timeline->segments =
            xreallocarray(timeline->segments, build->room, sizeof *timeline->segments);
    }
    timeline->segments[timeline->count++] = *segment;
}

static bool take_observers(struct build *build, struct sla_segment *segment)
{
    bool solid = false;
    for (size_t i = 0; i < build->n_observers; i++) {
        struct observer *observer = &build->observers[i];
        while (observer->at < observer->n_pieces &&
               observer->pieces[observer->at].to <= segment->from.ms) {
            observer->at++;
        }
        if (observer->at < observer->n_pieces &&
            observer->pieces[observer->at].from <= segment->from.ms) {
            take_piece(segment, &observer->pieces[observer->at]);
            solid = solid || observer->pieces[observer->at].solid;
        }
    }
    return solid;
}

static void assume(struct sla_segment *segment, enum sla_initial initial)
{
    enum sla_state state = initial == SLA_INITIAL_UP ? SLA_UP : SLA_DOWN;
    *segment = (struct sla_segment){.from = segment->from,
                                    .to = segment->to,
                                    .state = state,
                                    .worst = state,
                                    .best = state,
                                    .at_start = state};
}

static void merge(struct build *build)
{
    const struct sla_timeline_rules *rules = build->rules;
    int64_t lost_until = INT64_MIN;
    size_t gap = 0;
    bool before_results = true;
    for (size_t i = 0; i + 1 < build->n_edges; i++) {
        struct sla_segment segment = {
            .from = {build->edges[i]}, .to = {build->edges[i + 1]}, .cause = SLA_NO_DATA};
        if (segment.from.ms == segment.to.ms) {
            continue;
        }
        bool solid = take_observers(build, &segment);
        for (; gap < build->n_gaps && build->gaps[gap].from.ms <= segment.from.ms; gap++) {
            if (build->gaps[gap].to.ms > lost_until) {
                lost_until = build->gaps[gap].to.ms;
            }
        }
        if (!solid && lost_until > segment.from.ms) {
            lose(&segment);
        }
        if (segment.from.ms >= rules->period_from.ms && before_results) {
            before_results = segment.state == SLA_UNKNOWN && segment.cause != SLA_NOT_RUN;
            if (before_results && segment.cause == SLA_NO_DATA &&
                rules->initial != SLA_INITIAL_LAST_BEFORE) {
                assume(&segment, rules->initial);
            }
        }
        append(build, &segment);
    }
}

void sla_timeline_build(const struct sla_run *runs, size_t n_runs, const struct sla_interval *gaps,
                        size_t n_gaps, const struct sla_timeline_rules *rules,
                        struct sla_timeline *timeline)
{
    struct build build = {.rules = rules, .n_gaps = n_gaps, .timeline = timeline};
    *timeline = (struct sla_timeline){0};
    find_observers(&build, runs, n_runs);
    for (size_t i = 0; i < build.n_observers; i++) {
        make_pieces(&build, &build.observers[i]);
    }
    build.gaps = xcalloc(n_gaps + 1, sizeof *build.gaps);
    if (n_gaps > 0) {
        memcpy(build.gaps, gaps, n_gaps * sizeof *gaps);
        qsort(build.gaps, n_gaps, sizeof *build.gaps, compare_gaps);
    }
    find_edges(&build);
    merge(&build);
    for (size_t i = 0; i < build.n_observers; i++) {
        free(build.observers[i].runs);
        free(build.observers[i].pieces);
    }
    free(build.observers);
    free(build.gaps);
    free(build.edges);
}

const struct sla_segment *sla_timeline_at(const struct sla_timeline *timeline, struct wall time)
{
    size_t low = 0;
    size_t high = timeline->count;
    assert(high > 0 && time.ms >= timeline->segments[0].from.ms);
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (timeline->segments[middle].from.ms <= time.ms) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return &timeline->segments[low];
}

void sla_timeline_clear(struct sla_timeline *timeline)
{
    free(timeline->segments);
    *timeline = (struct sla_timeline){0};
}
