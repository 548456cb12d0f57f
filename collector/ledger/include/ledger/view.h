/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The ledger, read: for the pages, the API and the availability figures. A view never writes and
 * never makes a writer wait.
 *
 * Threads: a view belongs to one thread; open one each. Texts given to call-backs live until the
 * call-back returns. A call-back returns 0 to go on; anything else ends the listing and is
 * returned; it may start other listings of the view, but not the same one.
 */
#ifndef LEDGER_VIEW_H
#define LEDGER_VIEW_H

#include "proto/model.h"

struct ledger_view;

/* 0; -ENOENT: there is no ledger yet (or of an older version, which store will bring up to date);
 * -EBADMSG: not a ledger, or of a newer version; with a reason. */
int ledger_view_open(struct ledger_view **view, const char *path, char *reason, size_t reason_size);
void ledger_view_close(struct ledger_view *view);
/* What is read between the two is one state of the ledger. */
int ledger_view_begin(struct ledger_view *view);
void ledger_view_end(struct ledger_view *view);

struct ledger_agent {
    const char *name;
    struct stream_position position; /* newest batch applied */
    struct wall received;            /* when it came */
};
int ledger_view_agents(struct ledger_view *view,
                       int (*each)(void *context, const struct ledger_agent *agent), void *context);

struct ledger_object {
    const char *agent;
    struct object object;   /* with metrics and labels */
    struct wall last;       /* of the newest row; 0: none yet */
    enum row_status status; /* of that row */
};
/* Objects in order of device, kind, name; `device` and `kind` NULL: all. */
int ledger_view_objects(struct ledger_view *view, const char *device, const char *kind,
                        int (*each)(void *context, const struct ledger_object *object),
                        void *context);

/* A run of equal outcomes of one check. */
struct ledger_run {
    const char *agent;
    const char *device;
    const char *check;
    enum outcome outcome;
    const char *reason;
    const char *detail;
    struct wall first;
    struct wall last;
    uint64_t results;
    int64_t interval_ms;
    struct wall received; /* of its newest statement */
};
/* Runs that touch [from - margin, to), in order of device, check, first. The margin is a day, or
 * what it takes to include the newest run before `from`. `device`, `check` NULL: all. */
int ledger_view_runs(struct ledger_view *view, const char *device, const char *check,
                     struct wall from, struct wall to,
                     int (*each)(void *context, const struct ledger_run *run), void *context);
/* The newest run of each check, with the start of the present outcome whatever its reasons were:
 * `since` is the first time of the oldest run of the same outcome in an unbroken row. */
int ledger_view_current(struct ledger_view *view,
                        int (*each)(void *context, const struct ledger_run *run, struct wall since),
                        void *context);

enum ledger_chain {
    LEDGER_CHAIN_BROKEN = 0, /* its `previous` is not the hash of the statement before it */
    LEDGER_CHAIN_GOOD = 1,
    LEDGER_CHAIN_OPEN = 2, /* the statement before it is not here */
};
struct ledger_statement {
    int64_t id; /* grows in the order in which they came */
    const char *agent;
    uint8_t stream[PROTO_STREAM_SIZE];
    uint64_t number;
    struct observation observation; /* as it came */
    struct wall received;
    enum ledger_chain chain;
};
struct ledger_statements {
    const char
        *device; /* with `check`: of the runs of that check that touch [from, to); NULL: all */
    const char *check;
    struct wall from;
    struct wall to;
    int64_t after; /* ids greater than this */
    int64_t most;
};
/* Statements as they came, in the order in which they came. */
int ledger_view_statements(struct ledger_view *view, const struct ledger_statements *wanted,
                           int (*each)(void *context, const struct ledger_statement *statement),
                           void *context);

struct ledger_gap {
    const char *agent;
    struct gap gap;
    struct wall received;
};
int ledger_view_gaps(struct ledger_view *view, struct wall from, struct wall to,
                     int (*each)(void *context, const struct ledger_gap *gap), void *context);

#endif
