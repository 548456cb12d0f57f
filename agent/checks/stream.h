/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A conversation over TCP: connect, say something, listen until what came is judged, say good-bye.
 * What tcp, smtp, imap and dns over TCP have in common. Tries the target's addresses in turn, each
 * with its share of the time that is left; the first that is judged up decides.
 *
 * Threads: the loop's thread. */
#ifndef CHECKS_STREAM_H
#define CHECKS_STREAM_H

#include "verdict.h"
#include <uv.h>

enum stream_state {
    STREAM_OPEN,   /* more may come */
    STREAM_CLOSED, /* the peer has said all it will say */
    STREAM_FULL,   /* as much came as is read */
    STREAM_LATE,   /* the time is up */
};

/* All that came so far. */
struct stream_view {
    const uint8_t *bytes;
    size_t size;
    enum stream_state state;
    double connect_s; /* from the connection request to the connection */
    double talk_s;    /* from the connection to now */
};

enum stream_step {
    STREAM_WAIT,     /* for more; only while it is open */
    STREAM_HANG_UP,  /* decided */
    STREAM_FAREWELL, /* decided, and the peer is told that we go */
};

/* Decides by what came: sets outcome, reason, detail and what values it knows; value 0 is the
 * connect time already. Does not have to look at the state before the bytes: a whole answer is one,
 * however late it was looked at. */
typedef enum stream_step stream_judge(void *context, const struct stream_view *view,
                                      struct verdict *verdict);

/* What the pointers reach lives until the stream is done or cancelled, but for the target. */
struct stream_order {
    uv_loop_t *loop;
    const struct target *target;
    int64_t timeout_ms;
    stream_judge *judge; /* NULL: a connection is enough */
    void *judge_context;
    const void *send; /* said first; NULL: nothing, it is the peer's turn */
    size_t send_size;
    const char *farewell; /* NULL: none */
    size_t size_max;      /* how much of the peer's is read */
    probe_done *done;
    void *context;
};

struct stream;
struct stream *stream_start(const struct stream_order *order);
/* No call-back after it. */
void stream_cancel(struct stream *stream);

#endif
