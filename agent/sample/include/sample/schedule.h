/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * When to sample: each task fires once per interval at its own phase of it, derived from its name,
 * so that tasks of one interval are spread evenly and a task keeps its phase over restarts.
 *
 * Turns are counted by the steady clock, on the grid of the wall clock (time % interval = phase),
 * so that samples of a step stay one per step. When the wall clock is stepped (by CLOCK_STEP_MIN_MS
 * or more), the coming turn moves to the nearest point of the new grid: half an interval at most,
 * so that none is skipped or doubled. A task that is late (the machine slept) skips the missed
 * turns and counts them.
 *
 * Threads: the loop's thread. */
#ifndef SAMPLE_SCHEDULE_H
#define SAMPLE_SCHEDULE_H

#include "common/clock.h"
#include <stdint.h>
#include <uv.h>

struct schedule_task;

/* `fire` gets the time the turn was due. `name` decides the phase. Starts at once: the first turn
 * is the next due one. */
struct schedule_task *schedule_start(uv_loop_t *loop, const char *name, int64_t interval_ms,
                                     void (*fire)(void *context, struct wall due), void *context);
/* The same, with phases that are multiples of `slot_ms` (at least 1): many tasks share a turn of
 * the loop, which costs less than a turn for each. */
struct schedule_task *schedule_start_in_slot(uv_loop_t *loop, const char *name, int64_t interval_ms,
                                             int64_t slot_ms,
                                             void (*fire)(void *context, struct wall due),
                                             void *context);
/* Turns that were skipped because the loop or the machine was not running. */
uint64_t schedule_missed(const struct schedule_task *task);
/* No call-back after it. NULL is allowed. */
void schedule_stop(struct schedule_task *task);
/* 0 <= phase < interval, from SHA-256 of the name. */
int64_t schedule_phase_ms(const char *name, int64_t interval_ms);

#endif
