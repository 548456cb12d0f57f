/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Asks a device for its system group (RFC 3418) and so finds out whether it answers. Every attempt
 * is a fresh request and waits longer than the one before, within the time that the probe has.
 *
 * down: "timeout"; "error" (it answered with an error status); "protocol" (it answered something
 * else than what it was asked). unknown: "no-route", "resource": the question did not leave this
 * machine, which says nothing of the device.
 *
 * Threads: the loop's thread. */
#ifndef SNMP_PROBE_H
#define SNMP_PROBE_H

#include "proto/model.h"
#include "session.h"

enum { PROBE_TEXT_SIZE = 256 }; /* sysDescr and sysName have 255 bytes */

struct probe_options {
    int64_t timeout_ms; /* of the first attempt */
    int64_t retries;
    int64_t limit_ms; /* of all; at least timeout_ms for each */
    struct snmp_counts *counts;
    /* From inside the loop, never from inside probe_start. */
    void (*done)(void *context);
    void *context;
};

/* What the last answer said; a text that is missing or empty is "". */
struct probe_system {
    char descr[PROBE_TEXT_SIZE];
    char object_id[PROBE_TEXT_SIZE]; /* "1.3.6.1.4.1.8072.3.2.10" */
    char name[PROBE_TEXT_SIZE];
    bool has_uptime;
    uint32_t uptime_ticks;
};

struct probe {
    struct probe_options options;
    struct session *session;
    /* The whole group is too much for it: for a day only sysUpTime is asked. */
    bool narrow;
    struct mono narrow_until;
    int64_t attempt; /* from 0 */
    struct mono deadline;
    /* The verdict: with `done` it is final. */
    enum outcome outcome;
    const char *reason;
    char detail[PROTO_DETAIL_MAX + 1];
    struct wall time;    /* as struct result's */
    double rtt_s;        /* up */
    struct wall arrived; /* up */
    struct mono arrived_mono;
    struct probe_system system; /* up */
};

void probe_init(struct probe *probe, const struct probe_options *options);
void probe_start(struct probe *probe, struct session *session);
/* How long attempt number `attempt` waits when so much time is left: doubling, but never so long
 * that a later one would have less than `timeout_ms`. Pure. */
int64_t probe_wait_ms(int64_t attempt, int64_t retries, int64_t timeout_ms, int64_t left_ms);
/* The verdict when nothing could be sent. */
void probe_not_sent(struct probe *probe, int error);

#endif
