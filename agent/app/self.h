/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the agent says of itself, as rows of an object of kind "agent" like any other: so that the
 * collector's pages show a spool that fills and a link that comes and goes.
 *
 * Threads: the loop's thread. */
#ifndef AGENT_SELF_H
#define AGENT_SELF_H

#include "batcher.h"
#include "spool.h"
#include "uplink.h"
#include "workers.h"

struct self;

/* All must outlive the handle. */
struct self_options {
    const char *device;
    const struct batcher *batcher;
    const struct spool *spool;
    const struct uplink *uplink;
    const struct workers *workers;
};

/* A row every ten seconds until closed. */
struct self *self_open(uv_loop_t *loop, const struct self_options *options,
                       const struct sample_sink *sink);
/* One row now. */
void self_sample(struct self *self, struct wall time);
/* NULL is allowed. */
void self_close(struct self *self);

#endif
