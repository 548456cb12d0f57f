/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Turns the results of checks into signed statements: one at once when a check's outcome or reason
 * changes, one again at least every `repeat_ms` while it holds, and one at the end. A run of equal
 * outcomes is broken when results stay away for over two intervals, so that a statement never
 * claims time that nobody looked at; when the wall clock is stepped or the machine slept; and when
 * the check's interval changes.
 *
 * Nothing more is needed for an outage's bounds: the last good result is `last` of the run before
 * the first bad one, which is `first` of the bad run, and the one is said before the other.
 *
 * Threads: one. */
#ifndef AGENT_OBSERVER_H
#define AGENT_OBSERVER_H

#include "clock_watch.h"
#include "proto/statement.h"
#include "spool.h"

struct observer;

struct observer_options {
    const struct keys *keys;
    uint8_t stream[PROTO_STREAM_SIZE];
    struct spool_chain chain; /* where the stream's statements stand */
    int64_t repeat_ms;
    /* A statement to deliver; `urgent` when the outcome changed. */
    void (*on_observation)(void *context, const struct observation *observation, bool urgent);
    void *context;
};

struct observer *observer_new(const struct observer_options *options);
/* Make a check known by its object number. */
void observer_define(struct observer *observer, const struct object *object);
/* One result of a defined check. */
void observer_result(struct observer *observer, const struct result *result);
/* Every run ends at its last result; the next result begins a new one. What was asked before the
 * change and is answered after it does not count: of an answer that the machine slept through, or
 * that has the old clock's date, nobody knows what it tells. */
void observer_clock_changed(struct observer *observer, const struct clock_change *change);
/* Say again what is due at `now`. */
void observer_repeat(struct observer *observer, struct wall now);
/* Say everything that was not said yet (before the agent ends). */
void observer_flush(struct observer *observer);
struct spool_chain observer_chain(const struct observer *observer);
void observer_free(struct observer *observer);

#endif
