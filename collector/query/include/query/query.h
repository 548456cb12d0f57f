/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Questions about the collector's data, answered as the JSON that docs/api.md describes: one place
 * for the pages, the API and whoever comes next. Reads the ledger and the RRD files, asks the parts
 * over their control sockets, writes nothing. A ledger that is not there yet is an empty one.
 *
 * Threads: every call opens what it reads; what the threads of a process must share is in
 * `struct query_shared`. */
#ifndef QUERY_QUERY_H
#define QUERY_QUERY_H

#include "sla/contract.h"
#include "sla/timeline.h"
#include <jansson.h>
#include <stdbool.h>

/* librrd's turn, when store was last asked to write, and answers that took long. One for a process;
 * safe from every thread. */
struct query_shared;
struct query_shared *query_shared_new(void);
void query_shared_free(struct query_shared *shared); /* NULL is allowed */

/* Where the data is. The texts and the contract outlive every call. Names that are given to a call
 * are UTF-8. */
struct query_sources {
    const char *ledger_path;
    const char *talkers_path;
    int64_t talkers_retention_ms; /* 0: none are kept */
    const char *rrd_directory;
    const char *intake_control_path;
    const char *store_control_path;
    const char *supervisor_control_path;
    const struct sla_contract *contract; /* NULL: none */
    const char *const *agents;           /* the configured ones, NULL after the last; NULL: none */
    struct query_shared *shared;
};

enum query_error { QUERY_OK, QUERY_BAD_PARAMETER, QUERY_NOT_FOUND, QUERY_UNAVAILABLE };

struct query_failure {
    enum query_error error;
    char reason[256]; /* one sentence */
};

/* Each returns a new reference, or NULL with `failure` filled. */

json_t *query_status(const struct query_sources *sources, struct wall now,
                     struct query_failure *failure);
/* `device`, `kind` NULL: all. `latest`: with the newest values. */
json_t *query_objects(const struct query_sources *sources, const char *device, const char *kind,
                      bool latest, struct wall now, struct query_failure *failure);
json_t *query_object(const struct query_sources *sources, const char *device, const char *kind,
                     const char *name, struct wall now, struct query_failure *failure);
/* What "graphs" of query_object lists, without asking for values. */
json_t *query_graphs(const struct query_sources *sources, const char *device, const char *kind,
                     const char *name, struct query_failure *failure);
json_t *query_series(const struct query_sources *sources, const char *device, const char *kind,
                     const char *name, struct wall from, struct wall to, size_t rows_max,
                     struct query_failure *failure);
/* `device`, `check` NULL: all. */
json_t *query_runs(const struct query_sources *sources, const char *device, const char *check,
                   struct wall from, struct wall to, struct wall now,
                   struct query_failure *failure);
/* Statements as the agents signed them. */
struct query_evidence {
    const char *device; /* with `check`: of its runs that touch [from, to); both NULL: all */
    const char *check;
    struct wall from;
    struct wall to;
    int64_t after; /* the "next" of the answer before; 0: from the beginning */
    int64_t most;
};
json_t *query_statements(const struct query_sources *sources, const struct query_evidence *wanted,
                         struct query_failure *failure);
/* The sources' own contract. `service` NULL: all. */
json_t *query_sla(const struct query_sources *sources, const char *period, const char *service,
                  struct wall now, struct query_failure *failure);

/* The heaviest talkers of [from, to), from the reports that ended in (from, to]. */
struct query_top {
    const char *device;    /* NULL: all */
    const char *interface; /* name of objects of kind "traffic"; NULL: all */
    const char *list;      /* "hosts", "prefixes", "services" */
    struct wall from;
    struct wall to;
    size_t most;
    /* The caller asks for the same again and again, and takes what it was answered before: adding
     * up a month may take seconds. */
    bool may_be_remembered;
};
json_t *query_top(const struct query_sources *sources, const struct query_top *wanted,
                  struct wall now, struct query_failure *failure);

/* Ask store to write what it holds of an object (all NULL: of everything) before it is read. Asked
 * for at most once in two seconds, and for ten seconds not at all of a store that did not answer in
 * time; the files are then a little older: no failure. */
void query_flush(const struct query_sources *sources, const char *device, const char *kind,
                 const char *name);
/* Every part's counters, with the part's name as a stat of its own when it does not answer. */
struct stats;
void query_stats(const struct query_sources *sources, struct stats *stats);

/* The worst first: down, degraded, unknown, up. */
int query_compare_outcomes(const char *a, const char *b);

#endif
