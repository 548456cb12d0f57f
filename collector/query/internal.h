/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the files of this folder share. */
#ifndef QUERY_INTERNAL_H
#define QUERY_INTERNAL_H

#include "ledger/view.h"
#include "query/query.h"
#include "sla/report.h"

/* Fills the failure, cut at a character's border; returns NULL. */
void *query_fail(struct query_failure *failure, enum query_error error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A view in which one state of the ledger is read; `*view` is NULL if there is no ledger yet. 0, or
 * -1 with the failure filled. */
int query_view_open(const struct query_sources *sources, struct ledger_view **view,
                    struct query_failure *failure);
void query_view_close(struct ledger_view *view);

/* librrd is used by one thread at a time. */
void query_rrd_lock(struct query_shared *shared);
void query_rrd_unlock(struct query_shared *shared);

/* An answer that was remembered under that name, a copy; NULL: none (any more). */
json_t *query_recall(struct query_shared *shared, const char *name);
void query_remember(struct query_shared *shared, const char *name, const json_t *answer);

/* The graphs of a listed object (graphs.c): id, title, axis, and the metrics that are drawn. */
json_t *query_graphs_of(const json_t *object);

/* A time as the API writes it; null for 0. A new reference. */
json_t *query_time(struct wall time);

/* What a figure over [range) is made from: the runs that touch it, the newest before it, those of a
 * day after it, and where a check is not up at the edge, on to the end (or beginning) of that, so
 * that every outage is seen whole. `device`, `check` NULL: all. */
struct query_listing {
    const char *device;
    const char *check;
    struct sla_interval range;
    struct wall now;
    int (*run)(void *context, const struct ledger_run *run);
    int (*gap)(void *context, const struct ledger_gap *gap);
    void *context;
};
/* 0, or what a call-back or the ledger returned. `view` NULL: nothing is listed. */
int query_list_runs(struct ledger_view *view, const struct query_listing *listing);

/* The engine's input for the contract's figures over a period; NULL: failure filled. */
struct sla_input *query_input(struct ledger_view *view, const struct sla_contract *contract,
                              struct sla_interval period, struct wall now,
                              struct query_failure *failure);
/* A run as the engine takes it. */
struct sla_run query_sla_run(const struct ledger_run *run);

/* The present state of the checks (state.c): devices with their checks, and the problems. */
struct query_state {
    json_t *devices;  /* as the API has them, in order of name */
    json_t *problems; /* worst and oldest first */
    json_t *agents;
};
/* 0, or -1 with the failure filled. `input` (may be NULL) gets the newest runs, up to now where
 * their agent is alive: for the present states of services. */
int query_state_read(struct ledger_view *view, const char *const *agents, struct wall now,
                     struct query_state *state, struct sla_input *input,
                     struct query_failure *failure);
void query_state_clear(struct query_state *state);

#endif
