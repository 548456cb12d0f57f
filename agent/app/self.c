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
    CLOCK_STEPS,
    CLOCK_STEP,
    SUSPENDED,
    LEAP_SECOND,
    CLOCK_OFFSET,
    CLOCK_DELAY,
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
    [CLOCK_STEPS] = {"clock_steps", "1", METRIC_COUNTER},
    [CLOCK_STEP] = {"clock_step_s", "s", METRIC_GAUGE},     /* since the row before */
    [SUSPENDED] = {"suspended_s", "s", METRIC_GAUGE},       /* likewise */
    [LEAP_SECOND] = {"leap_second", "s", METRIC_GAUGE},     /* that the UTC day will have more */
    [CLOCK_OFFSET] = {"clock_offset_s", "s", METRIC_GAUGE}, /* ours minus the collector's */
    [CLOCK_DELAY] = {"clock_delay_s", "s", METRIC_GAUGE},   /* twice the error of that */
};

struct self {
    struct self_options options;
    const struct sample_sink *sink;
    struct schedule_task *task;
    uint32_t object;
    bool sampled;
    struct clock_watch_stats clock; /* as of the row before */
};

static uint64_t bit(enum figure figure)
{
    return UINT64_C(1) << figure;
}

/* What is known of the clocks; returns the mask of what is not. */
static uint64_t self_sample_clock(struct self *self, union value values[FIGURES])
{
    static const double leaps[] = {[CLOCK_LEAP_UNKNOWN] = 0,
                                   [CLOCK_LEAP_NONE] = 0,
                                   [CLOCK_LEAP_INSERT] = 1,
                                   [CLOCK_LEAP_DELETE] = -1};
    const struct clock_watch_stats now = *batcher_clock(self->options.batcher);
    uint64_t unknown = now.leap == CLOCK_LEAP_UNKNOWN ? bit(LEAP_SECOND) : 0;
    values[CLOCK_STEPS].counter = now.steps;
    values[CLOCK_STEP].gauge = (double)(now.stepped_ms - self->clock.stepped_ms) / 1e3;
    values[SUSPENDED].gauge = (double)(now.slept_ms - self->clock.slept_ms) / 1e3;
    values[LEAP_SECOND].gauge = leaps[now.leap];
    if (!uplink_clock_offset(self->options.uplink, &values[CLOCK_OFFSET].gauge,
                             &values[CLOCK_DELAY].gauge)) {
        unknown |= bit(CLOCK_OFFSET) | bit(CLOCK_DELAY);
    }
    self->clock = now;
    return unknown;
}

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
    uint64_t unknown = self_sample_clock(self, values);
    uint64_t discontinuity = 0;
    for (size_t i = 0; !self->sampled && i < FIGURES; i++) {
        if (metrics[i].type == METRIC_COUNTER) {
            discontinuity |= bit((enum figure)i); /* they count from the agent's start */
        }
    }
    self->sampled = true;
    struct row row = {.object = self->object,
                      .time = time,
                      .status = ROW_OK, /* a clock that cannot be compared is nothing amiss */
                      .unknown_mask = unknown,
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
