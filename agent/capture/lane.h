/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Lanes: threads side by side that each read frames from a source of their own into a meter of
 * their own, and share nothing. The owner's thread asks for an interval; each lane hands over the
 * summary that its meter gave, and goes on into the other one; the owner gets them as one.
 *
 * Threads: all calls from the owner's thread. */
#ifndef CAPTURE_LANE_H
#define CAPTURE_LANE_H

#include "ipfix.h"
#include "meter/meter.h"
#include "source.h"

struct lanes;

/* None yet. 0 or -errno (descriptors). */
int lanes_new(struct lanes **lanes);
/* Adds a lane, which owns the source from now on, and `ipfix` (NULL: none), to which it tells the
 * flows. `options` is copied; its on_flow is not used. 0, or -ENOMEM: the flow table cannot be had;
 * then source and ipfix are closed too. */
int lanes_add(struct lanes *lanes, struct source *source, struct ipfix *ipfix,
              const struct meter_options *options);
/* Starts the threads, which wait until lanes_go: so that the process can be confined with its
 * threads in place. 0 or -errno. */
int lanes_start(struct lanes *lanes);
void lanes_go(struct lanes *lanes);

/* Becomes readable when lanes_look may have something. */
int lanes_fd(const struct lanes *lanes);
/* Asks every lane for its interval. False: the one before is not complete yet, and nothing was
 * asked. */
bool lanes_ask(struct lanes *lanes);

struct lanes_interval {
    const struct summary *summary; /* of all; valid until the next lanes_ask */
    uint64_t dropped;              /* by the kernel since the start */
    struct ipfix_stats ipfix;      /* since the start */
};
/* 1: the interval that was asked for; 0: not yet; -errno: a lane ended, with a reason: the others
 * go on, but the whole is of no use any more. */
int lanes_look(struct lanes *lanes, struct lanes_interval *interval, char *reason,
               size_t reason_size);
/* Ends the threads (within a batch of frames, or at once when none comes) and frees all. NULL is
 * allowed. */
void lanes_free(struct lanes *lanes);

#endif
