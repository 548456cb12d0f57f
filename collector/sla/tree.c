/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sla/tree.h"

#include "common/xalloc.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct sla_band sla_band_of(enum sla_state state)
{
    return state == SLA_UNKNOWN ? (struct sla_band){SLA_UP, SLA_DOWN}
                                : (struct sla_band){state, state};
}

enum sla_state sla_band_state(struct sla_band band)
{
    return band.best == band.worst ? band.best : SLA_UNKNOWN;
}

/* What the children that are this good or better weigh: each 1, or its weight. */
struct tally {
    int64_t up_best;
    int64_t degraded_best;
    int64_t up_worst;
    int64_t degraded_worst;
};

static void tally_add(struct tally *tally, struct sla_band band, int64_t weight)
{
    tally->up_best += band.best <= SLA_UP ? weight : 0;
    tally->degraded_best += band.best <= SLA_DEGRADED ? weight : 0;
    tally->up_worst += band.worst <= SLA_UP ? weight : 0;
    tally->degraded_worst += band.worst <= SLA_DEGRADED ? weight : 0;
}

static enum sla_state reached(int64_t up, int64_t degraded, int64_t at_least)
{
    if (up >= at_least) {
        return SLA_UP;
    }
    return degraded >= at_least ? SLA_DEGRADED : SLA_DOWN;
}

struct sla_band sla_tree_band(const struct sla_node *node, const struct sla_band *leaves)
{
    struct tally tally = {0};
    int64_t at_least = node->at_least;
    if (node->kind == SLA_CHECK) {
        return leaves[node->check];
    }
    for (size_t i = 0; i < node->count; i++) {
        const struct sla_node *child = &node->children[i];
        tally_add(&tally, sla_tree_band(child, leaves),
                  node->kind == SLA_WEIGHTED ? child->weight : 1);
    }
    /* All and any are quorums of every child and of one. */
    if (node->kind == SLA_ALL) {
        at_least = (int64_t)node->count;
    } else if (node->kind == SLA_ANY) {
        at_least = 1;
    }
    return (struct sla_band){reached(tally.up_best, tally.degraded_best, at_least),
                             reached(tally.up_worst, tally.degraded_worst, at_least)};
}

void sla_tree_blame(const struct sla_node *node, const struct sla_band *leaves, bool *blamed)
{
    if (sla_band_state(sla_tree_band(node, leaves)) == SLA_UP) {
        return;
    }
    if (node->kind == SLA_CHECK) {
        blamed[node->check] = true;
    }
    for (size_t i = 0; i < node->count; i++) {
        sla_tree_blame(&node->children[i], leaves, blamed);
    }
}

struct walk {
    const struct sla_node *tree;
    const struct sla_leaf *leaves;
    size_t n_leaves;
    size_t *segment; /* where each leaf stands in its timeline … */
    size_t *span;    /* … and in its planned work */
    struct sla_band *bands;
    struct sla_steps *steps;
    size_t room;
};

static const struct sla_segment *segment_of(const struct walk *walk, size_t leaf)
{
    return &walk->leaves[leaf].timeline->segments[walk->segment[leaf]];
}

static bool in_work(const struct walk *walk, size_t leaf, int64_t at)
{
    const struct sla_spans *planned = walk->leaves[leaf].planned;
    return planned != NULL && walk->span[leaf] < planned->count &&
           planned->items[walk->span[leaf]].from.ms <= at;
}

static enum sla_state eval(struct walk *walk)
{
    return sla_band_state(sla_tree_band(walk->tree, walk->bands));
}

static enum sla_state state_in(const struct sla_segment *segment, enum sla_view view)
{
    switch (view) {
    case SLA_WORST:
        return segment->worst;
    case SLA_BEST:
        return segment->best;
    case SLA_COUNTED:
    case SLA_VIEWS:
        break;
    }
    return segment->state;
}

static void eval_view(struct walk *walk, struct sla_step *step, enum sla_view view)
{
    bool any_work = false;
    for (size_t i = 0; i < walk->n_leaves; i++) {
        walk->bands[i] = sla_band_of(state_in(segment_of(walk, i), view));
    }
    step->state[view] = eval(walk);
    for (size_t i = 0; i < walk->n_leaves; i++) {
        if (in_work(walk, i, step->from.ms)) {
            walk->bands[i] = sla_band_of(SLA_UP);
            any_work = true;
        }
    }
    step->planned[view] = any_work && step->state[view] != SLA_UP && eval(walk) == SLA_UP;
}

static void eval_start(struct walk *walk, struct sla_step *step)
{
    for (size_t i = 0; i < walk->n_leaves; i++) {
        const struct sla_segment *segment = segment_of(walk, i);
        bool begins = segment->from.ms == step->from.ms;
        walk->bands[i] = sla_band_of(begins ? segment->at_start : segment->worst);
    }
    step->at_start = eval(walk);
}

static enum sla_unknown_cause find_cause(const struct walk *walk)
{
    enum sla_unknown_cause cause = SLA_KNOWN;
    for (size_t i = 0; i < walk->n_leaves; i++) {
        if (segment_of(walk, i)->cause > cause) {
            cause = segment_of(walk, i)->cause;
        }
    }
    return cause;
}

static bool continues(const struct sla_step *last, const struct sla_step *step)
{
    for (int view = 0; view < SLA_VIEWS; view++) {
        if (last->state[view] != step->state[view] || last->planned[view] != step->planned[view]) {
            return false;
        }
    }
    return last->cause == step->cause && step->at_start == step->state[SLA_WORST];
}

static void append(struct walk *walk, const struct sla_step *step)
{
    struct sla_steps *steps = walk->steps;
    if (steps->count > 0 && continues(&steps->items[steps->count - 1], step)) {
        return;
    }
    if (steps->count == walk->room) {
        walk->room = walk->room * 2 + 8;
        steps->items = xreallocarray(steps->items, walk->room, sizeof *steps->items);
    }
    steps->items[steps->count++] = *step;
}

/* Moves every leaf to where it stands at `at`; when anything changes next. */
static int64_t advance(struct walk *walk, int64_t at)
{
    int64_t next = walk->steps->to.ms;
    for (size_t i = 0; i < walk->n_leaves; i++) {
        const struct sla_spans *planned = walk->leaves[i].planned;
        while (segment_of(walk, i)->to.ms <= at) {
            walk->segment[i]++;
        }
        if (segment_of(walk, i)->to.ms < next) {
            next = segment_of(walk, i)->to.ms;
        }
        if (planned == NULL) {
            continue;
        }
        while (walk->span[i] < planned->count && planned->items[walk->span[i]].to.ms <= at) {
            walk->span[i]++;
        }
        if (walk->span[i] < planned->count) {
            const struct sla_interval *span = &planned->items[walk->span[i]];
            int64_t edge = span->from.ms > at ? span->from.ms : span->to.ms;
            next = edge < next ? edge : next;
        }
    }
    return next;
}

void sla_tree_steps(const struct sla_node *tree, const struct sla_leaf *leaves, size_t n_leaves,
                    struct sla_steps *steps)
{
    assert(n_leaves > 0);
    const struct sla_timeline *cover = leaves[0].timeline;
    struct walk walk = {.tree = tree,
                        .leaves = leaves,
                        .n_leaves = n_leaves,
                        .segment = xcalloc(n_leaves, sizeof *walk.segment),
                        .span = xcalloc(n_leaves, sizeof *walk.span),
                        .bands = xcalloc(n_leaves, sizeof *walk.bands),
                        .steps = steps};
    *steps = (struct sla_steps){.to = cover->segments[cover->count - 1].to};
    for (int64_t at = cover->segments[0].from.ms; at < steps->to.ms;) {
        int64_t next = advance(&walk, at);
        struct sla_step step = {.from = {at}};
        for (int view = 0; view < SLA_VIEWS; view++) {
            eval_view(&walk, &step, (enum sla_view)view);
        }
        eval_start(&walk, &step);
        step.cause = step.state[SLA_COUNTED] == SLA_UNKNOWN ? find_cause(&walk) : SLA_KNOWN;
        append(&walk, &step);
        at = next;
    }
    free(walk.segment);
    free(walk.span);
    free(walk.bands);
}

void sla_steps_clear(struct sla_steps *steps)
{
    free(steps->items);
    *steps = (struct sla_steps){0};
}
