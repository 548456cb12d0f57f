/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Timers of many sessions, two starts for each request: a ring of slots of one millisecond, as the
 * loop's clock has them. Starting and stopping cost the same however many run; in a heap they cost
 * a tenth of a request. A timer further away than the ring is long stands in its slot until its
 * round comes.
 *
 * Pure: whoever owns the wheel has the clock, and turns it. */
#ifndef SNMP_WHEEL_H
#define SNMP_WHEEL_H

#include <stdbool.h>
#include <stdint.h>

enum {
    WHEEL_SLOTS = 4096, /* four seconds: longer than most time-outs */
    WHEEL_WORDS = WHEEL_SLOTS / 64,
};

struct wheel_link {
    struct wheel_link *next; /* NULL: in no list */
    struct wheel_link *previous;
};

struct wheel_timer;

/* From within wheel_turn; the timer does not run any more. May start and stop any timer. */
typedef void wheel_fire(struct wheel_timer *timer);

/* The owner's, who sets `fire`; the rest zero-initialised. */
struct wheel_timer {
    struct wheel_link link;
    int64_t at_ms;
    wheel_fire *fire;
};

struct wheel {
    struct wheel_link slots[WHEEL_SLOTS];
    uint64_t used[WHEEL_WORDS]; /* bit: the slot has timers */
    struct wheel_link due;      /* of the turn under way */
    int64_t turned_ms;          /* the last time that was turned to */
};

/* All times are of one clock that does not go back. */
void wheel_init(struct wheel *wheel, int64_t now_ms);
/* Fires at `due_ms`, or at the first time that was not turned to yet when that is later: it is
 * returned. A timer that runs is moved. */
int64_t wheel_start(struct wheel *wheel, struct wheel_timer *timer, int64_t due_ms);
/* It will not fire, also when it is due already. Does nothing when it does not run. */
void wheel_stop(struct wheel *wheel, struct wheel_timer *timer);
/* Not after the first timer that will fire; INT64_MAX: none runs. */
int64_t wheel_next_ms(const struct wheel *wheel);
/* Fires what is due, in its order, and what is due at one time in the order in which it was
 * started. Not from within itself. */
void wheel_turn(struct wheel *wheel, int64_t now_ms);

#endif
