/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One metric of a polled object as a number that a condition can be about: a gauge as it is, a
 * counter as its rate per second.
 *
 * Threads: no state of its own. */
#ifndef AGENT_VALUE_WATCH_H
#define AGENT_VALUE_WATCH_H

#include "proto/model.h"

enum { VALUE_UNIT_SIZE = PROTO_NAME_MAX + 3 };

struct value_watch {
    size_t metric; /* its place */
    enum metric_type type;
    double factor; /* of a rate: a counter of "ms" is a "ratio" of time */
    char unit[VALUE_UNIT_SIZE];
    bool has_last; /* of a counter */
    uint64_t last;
    struct wall last_time;
    struct mono last_arrival;
};

/* Looks at that metric from now on. What a counter was last is kept if it is still the same one.
 * -ENOENT: the object has none of that name, and the watch is as it was. */
int value_watch_set(struct value_watch *watch, const struct object *object, const char *metric);

enum value_state {
    VALUE_KNOWN,
    VALUE_FIRST,         /* a counter's first: there is no rate yet */
    VALUE_DISCONTINUOUS, /* the counter began anew, or the clock was stepped */
    VALUE_MISSING,       /* not measured this time */
};

/* Takes a row of the object, which arrived at that moment. */
enum value_state value_watch_take(struct value_watch *watch, const struct row *row,
                                  struct mono arrival, double *value);

#endif
