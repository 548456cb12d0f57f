/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sample/schedule.h"

#include "common/xalloc.h"
#include "proto/keys.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* The loop's timers stand still while the machine sleeps and know nothing of a stepped clock, so
 * that a long wait is cut into pieces: the grid is right again after so long at most. */
enum { WAIT_MAX_MS = 30000, NS_PER_MS = 1000000 };

struct schedule_task {
    uv_timer_t timer;
    int64_t interval_ms;
    int64_t phase_ms;
    struct mono due;      /* the coming turn */
    int64_t due_wall_ms;  /* its point of the grid */
    int64_t alignment_ns; /* wall clock minus steady clock, as the grid has them */
    uint64_t missed;
    bool stopped;
    void (*fire)(void *context, struct wall due);
    void *context;
};

static void on_timer(uv_timer_t *timer);

static int64_t floor_mod(int64_t a, int64_t b)
{
    int64_t rest = a % b;
    return rest < 0 ? rest + b : rest;
}

static int64_t alignment_of(const struct clock_reading *now)
{
    return now->wall_ns - now->mono.ns;
}

/* The last grid point at or before that time. */
static int64_t grid_at(const struct schedule_task *task, int64_t wall_ms)
{
    return wall_ms - floor_mod(wall_ms - task->phase_ms, task->interval_ms);
}

static void set_due(struct schedule_task *task, int64_t due_wall_ms)
{
    task->due_wall_ms = due_wall_ms;
    task->due.ns = due_wall_ms * NS_PER_MS - task->alignment_ns;
}

/* The coming turn takes the point of the present grid that is nearest to when it would have come.
 */
static void align(struct schedule_task *task, const struct clock_reading *now)
{
    task->alignment_ns = alignment_of(now);
    int64_t wanted_ms = (task->due.ns + task->alignment_ns) / NS_PER_MS;
    set_due(task, grid_at(task, wanted_ms + task->interval_ms / 2));
}

static bool is_stepped(const struct schedule_task *task, const struct clock_reading *now)
{
    int64_t by_ns = alignment_of(now) - task->alignment_ns;
    int64_t limit_ns = (int64_t)CLOCK_STEP_MIN_MS * NS_PER_MS + now->span_ns;
    return by_ns >= limit_ns || by_ns <= -limit_ns;
}

static void arm(struct schedule_task *task)
{
    int64_t wait_ns = task->due.ns - clock_mono().ns;
    int64_t wait_ms = wait_ns <= 0 ? 0 : (wait_ns - 1) / NS_PER_MS + 1;
    if (wait_ms > WAIT_MAX_MS) {
        wait_ms = WAIT_MAX_MS;
    }
    uv_update_time(task->timer.loop);
    uv_timer_start(&task->timer, on_timer, (uint64_t)wait_ms, 0);
}

/* A turn is due: count the ones that were slept through, and give the newest. */
static void take_turn(struct schedule_task *task, struct mono now)
{
    int64_t missed = mono_elapsed_ms(task->due, now) / task->interval_ms;
    int64_t newest = task->due_wall_ms + missed * task->interval_ms;
    task->missed += (uint64_t)missed;
    set_due(task, newest + task->interval_ms);
    task->fire(task->context, (struct wall){newest});
}

static void on_timer(uv_timer_t *timer)
{
    struct schedule_task *task = timer->data;
    struct clock_reading now = clock_read();
    if (is_stepped(task, &now)) {
        align(task, &now);
    }
    if (now.mono.ns >= task->due.ns) {
        take_turn(task, now.mono);
    }
    if (!task->stopped) {
        arm(task);
    }
}

int64_t schedule_phase_ms(const char *name, int64_t interval_ms)
{
    uint8_t hash[KEYS_HASH_SIZE];
    uint64_t number = 0;
    assert(interval_ms > 0);
    keys_hash(name, strlen(name), hash);
    for (size_t i = 0; i < sizeof number; i++) {
        number = number << 8 | hash[i];
    }
    return (int64_t)(number % (uint64_t)interval_ms);
}

struct schedule_task *schedule_start(uv_loop_t *loop, const char *name, int64_t interval_ms,
                                     void (*fire)(void *context, struct wall due), void *context)
{
    return schedule_start_in_slot(loop, name, interval_ms, 1, fire, context);
}

struct schedule_task *schedule_start_in_slot(uv_loop_t *loop, const char *name, int64_t interval_ms,
                                             int64_t slot_ms,
                                             void (*fire)(void *context, struct wall due),
                                             void *context)
{
    struct schedule_task *task = xcalloc(1, sizeof *task);
    struct clock_reading now = clock_read();
    int64_t now_ms = now.wall_ns / NS_PER_MS;
    task->interval_ms = interval_ms;
    task->phase_ms = schedule_phase_ms(name, interval_ms) / slot_ms * slot_ms;
    task->fire = fire;
    task->context = context;
    uv_timer_init(loop, &task->timer);
    task->timer.data = task;
    task->alignment_ns = alignment_of(&now);
    int64_t at = grid_at(task, now_ms);
    set_due(task, at == now_ms ? at : at + interval_ms);
    arm(task);
    return task;
}

uint64_t schedule_missed(const struct schedule_task *task)
{
    return task->missed;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void schedule_stop(struct schedule_task *task)
{
    if (task == NULL) {
        return;
    }
    assert(!task->stopped);
    task->stopped = true;
    uv_close((uv_handle_t *)&task->timer, on_closed);
}
