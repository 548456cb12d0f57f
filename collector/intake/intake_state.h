/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the files of intake share: intake.c opens and closes, intake_batch.c takes messages and
 * acknowledges, intake_report.c tells about it.
 *
 * Threads: the loop's thread. */
#ifndef INTAKE_INTAKE_STATE_H
#define INTAKE_INTAKE_STATE_H

#include "common/log.h"
#include "control/control.h"
#include "dead_letter.h"
#include "intake/intake.h"
#include "journal/journal.h"
#include "proto/link.h"
#include "proto/message.h"
#include "twin_watch.h"

enum {
    INTAKE_GROUP_MAX = 64,    /* streams that wait for one sync; then it is done at once */
    INTAKE_GROUP_WAIT_MS = 5, /* if the loop's turn has not ended before */
    INTAKE_CAUSES_MAX = 8,    /* kinds of refused connections, each with a log limit of its own */
};

enum intake_result {
    INTAKE_APPENDED,
    INTAKE_JUMPED,
    INTAKE_DUPLICATE,
    INTAKE_OUT_OF_TURN,
    INTAKE_FOREIGN,
    INTAKE_MALFORMED,
    INTAKE_NO_ROOM,
    INTAKE_RESULTS,
};

/* A stream that is answered after the next sync. */
struct intake_waiting {
    struct link_peer peer;
    struct stream_position position; /* the newest one appended, or only the stream */
    bool appended;
    struct exchange exchange; /* of the newest message that waits */
    struct mono came;         /* when that came */
};

struct intake_cause {
    const char *reason; /* a constant of the link's */
    struct log_limit limit;
};

struct intake {
    struct intake_options options;
    struct link_server *link;
    struct journal *journal;
    struct dead_letters *letters;
    struct control_server *control;
    struct twin_watch *twins;
    const struct intake_agent **by_key; /* n_agents, in order of their keys */
    uv_check_t turn_end;
    uv_timer_t group_timer;
    int handles; /* that the loop still holds */

    struct exchange exchange; /* of the message that is looked at */
    struct mono came;
    struct intake_waiting waiting[INTAKE_GROUP_MAX];
    size_t n_waiting;
    bool unsynced;

    bool failing; /* the last attempt to store a batch failed */
    uint64_t results[INTAKE_RESULTS];
    uint64_t batch_bytes; /* of appended batches */
    uint64_t hellos;
    uint64_t syncs;
    uint64_t sync_failures;
    uint64_t twin_alerts;
    uint64_t damaged_bytes; /* found at the start */
    struct log_limit failing_limit;
    struct log_limit malformed_limit;
    struct log_limit foreign_limit;
    struct log_limit twin_limit;
    struct intake_cause causes[INTAKE_CAUSES_MAX];
};

/* --- intake_batch.c --- */
/* A message of an authorised agent; a link_server_options.on_message. */
void intake_take_message(void *context, const struct link_peer *peer, const char *agent,
                         const uint8_t *bytes, size_t size);
/* Syncs what is appended and answers whoever waits. */
void intake_commit(struct intake *intake);

/* --- intake_report.c --- */
/* A connection that was turned away; a link_server_options.on_refused. */
void intake_note_refused(void *context, const char *address, const char *reason);
/* A control_handler. */
json_t *intake_answer(void *context, const json_t *request);

#endif
