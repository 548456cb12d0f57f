/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Sends the spool's batches to the collector, at most eight of them unacknowledged, and tells the
 * spool what came back. A collector that is away, slow or full costs nothing but time.
 *
 * Each connection begins with a HELLO; the collector answers with the last position it holds, and
 * from there the spool is sent. Where the two disagree, the collector's word counts: it has gone
 * back (it lost its disk) or forward (an ACK was lost). Only of what was never sent it knows
 * nothing.
 *
 * Threads: the loop's thread. */
#ifndef AGENT_UPLINK_H
#define AGENT_UPLINK_H

#include "proto/link.h"
#include "spool.h"

struct uplink;

/* All but a test leaves these alone. */
struct uplink_times {
    int64_t answer_ms;      /* without an ACK for so long the connection is given up */
    int64_t restart_max_ms; /* and dialled anew after a random delay up to this */
    int64_t room_min_ms;    /* pause when the collector has no room, doubling … */
    int64_t room_max_ms;    /* … to this */
    int64_t foreign_ms;     /* pause when the stream is another agent's */
};
extern const struct uplink_times uplink_times_default;

struct uplink_options {
    const char *endpoint;
    const char *server_key; /* Z85 */
    const struct keys *keys;
    struct spool *spool;
    const struct uplink_times *times; /* NULL: the default ones */
};

/* The options' texts, keys and spool must outlive the handle. 0 or -errno. */
int uplink_open(struct uplink **uplink, uv_loop_t *loop, const struct uplink_options *options);
/* There is something new in the spool. */
void uplink_wake(struct uplink *uplink);
enum link_state uplink_state(const struct uplink *uplink);
/* Batches on their way. */
uint64_t uplink_unacknowledged(const struct uplink *uplink);
/* Batches handed to the link, those sent again too. */
uint64_t uplink_sent(const struct uplink *uplink);
/* Refusals that the collector sent. */
uint64_t uplink_refused(const struct uplink *uplink);
/* Our wall clock minus the collector's, and how long a message and its answer were on their way:
 * the error is half of that at most. False: not known. */
bool uplink_clock_offset(const struct uplink *uplink, double *offset_s, double *delay_s);
/* How often the link came up again, and how often the collector did not answer. */
uint64_t uplink_reconnects(const struct uplink *uplink);
uint64_t uplink_unanswered(const struct uplink *uplink);
/* No word of the collector is heard after it. NULL is allowed; the loop must run once more. */
void uplink_close(struct uplink *uplink);

#endif
