/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Asks a device for its sysUpTime and so finds out whether it answers; at first, after a restart
 * and every ten minutes also for who it is (sysDescr, sysObjectID, sysName, RFC 3418). A plan's
 * watched scalars ride along. Every attempt is a fresh request and waits as long as the others: a
 * device is found dead after (retries + 1) times the timeout, as it was configured.
 *
 * down: "timeout"; "error" (it answered with an error status); "protocol" (it answered something
 * else than what it was asked). unknown: "no-route", "resource": the question did not leave this
 * machine, which says nothing of the device; "auth": it is there and does not take our user or
 * keys.
 *
 * Threads: the loop's thread. */
#ifndef SNMP_PROBE_H
#define SNMP_PROBE_H

#include "plan.h"
#include "proto/model.h"
#include "session.h"

enum probe_name {
    PROBE_UPTIME, /* the one that is always asked for */
    PROBE_DESCR,
    PROBE_OBJECT_ID,
    PROBE_SYS_NAME,
    PROBE_WATCHED,
    PROBE_NAMES = PROBE_WATCHED + PLAN_WATCHED_MAX,
};

struct probe_options {
    int64_t timeout_ms; /* of each attempt */
    int64_t retries;
    struct snmp_counts *counts;
    /* From inside the loop, never from inside probe_start. */
    void (*done)(void *context);
    void *context;
};

/* What the answers said; a text that is missing or empty is "". */
struct probe_system {
    char *descr;
    char *object_id; /* "1.3.6.1.4.1.8072.3.2.10" */
    char *name;
    bool has_uptime;
    uint32_t uptime_ticks;
};

struct probe {
    struct probe_options options;
    struct session *session;
    const struct plan *plan; /* whose watched scalars ride along; NULL: none */
    /* Names that the device cannot answer together with others, or at all: not asked for a day. */
    uint32_t left_out; /* bit: enum probe_name */
    struct mono left_out_until;
    struct mono identify_at;
    bool identified;
    bool is_identifying; /* this time */
    size_t n_asked;
    uint8_t asked[PROBE_NAMES]; /* enum probe_name */
    int64_t attempt;            /* from 0 */
    /* The verdict: with `done` it is final. */
    enum outcome outcome;
    const char *reason;
    char *detail;        /* for people; NULL: nothing to say */
    struct wall time;    /* as struct result's */
    double rtt_s;        /* up */
    struct wall arrived; /* up */
    struct mono arrived_mono;
    struct probe_system system; /* up */
    uint32_t watched_known;     /* up; bit: watched scalar */
    uint64_t watched_values[PLAN_WATCHED_MAX];
};

void probe_init(struct probe *probe, const struct probe_options *options);
/* Frees what it holds. */
void probe_clear(struct probe *probe);
/* The scalars of the plan, which must outlive the probe, ride along from now on. */
void probe_watch(struct probe *probe, const struct plan *plan);
/* The device may be another one: who it is is asked for with the next probe. */
void probe_forget(struct probe *probe);
void probe_start(struct probe *probe, struct session *session);
/* `detail`, or "". */
const char *probe_detail(const struct probe *probe);
/* The verdict when nothing could be sent. */
void probe_not_sent(struct probe *probe, int error);

#endif
