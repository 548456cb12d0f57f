/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "self.h"

#include "common/xalloc.h"
#include "sample/schedule.h"

#include <stdlib.h>

enum { INTERVAL_MS = 10000 };

enum figure {
    SPOOL_BYTES,
    UNACKED,
    SPOOL_FAILING,
    SENT,
    REFUSED,
    DROPPED,
    ROWS,
    ROWS_REFUSED,
    RECONNECTS,
    UNANSWERED,
    WORKER_RESTARTS,
    FIGURES,
};

static const struct metric metrics[FIGURES] = {
    [SPOOL_BYTES] = {"spool_bytes", "bytes", METRIC_GAUGE},
    [UNACKED] = {"unacked", "batches", METRIC_GAUGE},       /* in the spool, not acknowledged */
    [SPOOL_FAILING] = {"spool_failing", "1", METRIC_GAUGE}, /* 1: the disk refuses */
    [SENT] = {"sent", "batches", METRIC_COUNTER},
    [REFUSED] = {"refused", "batches", METRIC_COUNTER},
    [DROPPED] = {"dropped", "batches", METRIC_COUNTER},
    [ROWS] = {"rows", "rows", METRIC_COUNTER},
    [ROWS_REFUSED] = {"rows_refused", "rows", METRIC_COUNTER},
    [RECONNECTS] = {"reconnects", "1", METRIC_COUNTER},
    [UNANSWERED] = {"unanswered", "1", METRIC_COUNTER},
    [WORKER_RESTARTS] = {"worker_restarts", "1", METRIC_COUNTER},
};

struct self {
    struct self_options options;
    const struct sample_sink *sink;
    struct schedule_task *task;
    uint32_t object;
    bool sampled;
};

void self_sample(struct self *self, struct wall time)
{
    const struct self_options *options = &self->options;
    union value values[FIGURES] = {
        [SPOOL_BYTES] = {.gauge = (double)spool_bytes(options->spool)},
        [UNACKED] = {.gauge = (double)spool_unacknowledged(options->spool)},
        [SPOOL_FAILING] = {.gauge = spool_failing(options->spool) != 0 ? 1 : 0},
        [SENT] = {.counter = uplink_sent(options->uplink)},
        [REFUSED] = {.counter = uplink_refused(options->uplink)},
        [DROPPED] = {.counter = spool_dropped_batches(options->spool)},
        [ROWS] = {.counter = batcher_rows(options->batcher)},
        [ROWS_REFUSED] = {.counter = batcher_refused(options->batcher)},
        [RECONNECTS] = {.counter = uplink_reconnects(options->uplink)},
        [UNANSWERED] = {.counter = uplink_unanswered(options->uplink)},
        [WORKER_RESTARTS] = {.counter = workers_restarts(options->workers)},
    };
    uint64_t discontinuity = 0;
    for (size_t i = 0; !self->sampled && i < FIGURES; i++) {
        if (metrics[i].type == METRIC_COUNTER) {
            discontinuity |= UINT64_C(1) << i; /* they count from the agent's start */
        }
    }
    self->sampled = true;
    struct row row = {.object = self->object,
                      .time = time,
                      .status = ROW_OK,
                      .discontinuity_mask = discontinuity,
                      .values = values};
    self->sink->row(self->sink->context, &row);
}

static void on_turn(void *context, struct wall due)
{
    (void)due; /* the figures are of now */
    self_sample(context, clock_wall());
}

struct self *self_open(uv_loop_t *loop, const struct self_options *options,
                       const struct sample_sink *sink)
{
    struct self *self = xcalloc(1, sizeof *self);
    self->options = *options;
    self->sink = sink;
    struct object object = {.device = options->device,
                            .kind = "agent",
                            .name = "agent",
                            .interval_ms = INTERVAL_MS,
                            .metrics = metrics,
                            .n_metrics = FIGURES};
    self->object = sink->define(sink->context, &object);
    char *name = xasprintf("agent/%s", options->device);
    self->task = schedule_start(loop, name, INTERVAL_MS, on_turn, self);
    free(name);
    return self;
}

void self_close(struct self *self)
{
    if (self == NULL) {
        return;
    }
    schedule_stop(self->task);
    free(self);
}
