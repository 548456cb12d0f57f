/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Turns the results of checks into signed statements: one at once when a check's outcome or reason
 * changes, one again at least every `repeat_ms` while it holds, and one at the end. A run of equal
 * outcomes is broken when results stay away for over two intervals, so that a statement never
 * claims time that nobody looked at; also when the clock goes back by so much (a smaller step costs
 * the results until it is made up), and when the check's interval changes.
 *
 * Threads: one. */
#ifndef AGENT_OBSERVER_H
#define AGENT_OBSERVER_H

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
/* Say again what is due at `now`. */
void observer_repeat(struct observer *observer, struct wall now);
/* Say everything that was not said yet (before the agent ends). */
void observer_flush(struct observer *observer);
struct spool_chain observer_chain(const struct observer *observer);
void observer_free(struct observer *observer);

#endif
