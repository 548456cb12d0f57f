/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Service trees: what a service is when its checks are this and that, and when it changes. Nothing
 * is ever multiplied or averaged.
 *
 * A state that is not known can be anything from up to down, so a node is known to lie in a band of
 * states, best to worst; it is unknown when the two ends differ. With up < degraded < down:
 *   all       the worst of its children
 *   any       the best of its children
 *   quorum    the n-th best of its children: up if n are up, degraded if n are up or degraded
 *   weighted  up if the children that are up weigh enough, degraded if those that are up or
 *             degraded do, else down
 * each worked out on the best ends and on the worst ends. For two children that is:
 *
 *   all       up        degraded  down  unknown      any       up  degraded  down      unknown
 *   up        up        degraded  down  unknown      up        up  up        up        up
 *   degraded  degraded  degraded  down  unknown      degraded  up  degraded  degraded  unknown
 *   down      down      down      down  down         down      up  degraded  down      unknown
 *   unknown   unknown   unknown   down  unknown      unknown   up  unknown   unknown   unknown
 *
 * Threads: no state of its own. */
#ifndef SLA_TREE_H
#define SLA_TREE_H

#include "sla/calendar.h"
#include "sla/timeline.h"

struct sla_band {
    enum sla_state best;  /* SLA_UP … SLA_DOWN */
    enum sla_state worst; /* >= best */
};

enum sla_node_kind { SLA_CHECK, SLA_ALL, SLA_ANY, SLA_QUORUM, SLA_WEIGHTED };

struct sla_node {
    enum sla_node_kind kind;
    size_t check;     /* SLA_CHECK: number of the leaf */
    int64_t at_least; /* SLA_QUORUM: children; SLA_WEIGHTED: weight */
    int64_t weight;   /* within a SLA_WEIGHTED parent */
    size_t count;
    struct sla_node *children;
};

/* The band of a state: unknown is up to down. And back. */
struct sla_band sla_band_of(enum sla_state state);
enum sla_state sla_band_state(struct sla_band band);

/* The node's band when leaf n is in leaves[n]. */
struct sla_band sla_tree_band(const struct sla_node *node, const struct sla_band *leaves);

/* Marks the leaves that keep the node from being up: those that are not up below nodes that are not
 * up. A broken check in a group that still holds is not to blame. `blamed` is the caller's, all
 * false. */
void sla_tree_blame(const struct sla_node *node, const struct sla_band *leaves, bool *blamed);

/* The three readings of a service: as counted, and as bad and as good as the sampling allows. */
enum sla_view { SLA_COUNTED, SLA_WORST, SLA_BEST, SLA_VIEWS };

/* From `from` to the next step. */
struct sla_step {
    struct wall from;
    enum sla_state state[SLA_VIEWS];
    /* Not up, but it would be if the leaves in planned work were up. */
    bool planned[SLA_VIEWS];
    enum sla_state at_start;      /* the worst that `from` itself can have been */
    enum sla_unknown_cause cause; /* of state[SLA_COUNTED] */
};

struct sla_steps {
    struct wall to;
    size_t count;
    struct sla_step *items;
};

struct sla_leaf {
    const struct sla_timeline *timeline;
    const struct sla_spans *planned; /* of this leaf; normalised; NULL: none */
};

/* Merged transitions of a service. The timelines cover the same, not empty, interval. To be cleared
 * by the caller. */
void sla_tree_steps(const struct sla_node *tree, const struct sla_leaf *leaves, size_t n_leaves,
                    struct sla_steps *steps);
void sla_steps_clear(struct sla_steps *steps);

#endif
