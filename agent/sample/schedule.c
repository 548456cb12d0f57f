/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sample/schedule.h"

#include "common/xalloc.h"
#include "proto/keys.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* The loop's timers stand still while the machine sleeps and know nothing of a stepped clock, so
 * that a long wait is cut into pieces: the grid is right again after so long at most. */
enum { WAIT_MAX_MS = 30000 };

struct schedule_task {
    uv_timer_t timer;
    int64_t interval_ms;
    int64_t phase_ms;
    struct wall due;
    struct mono due_mono; /* when `due` would come if the clock is not stepped */
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

/* The last grid point at or before `now`. */
static int64_t grid_at(const struct schedule_task *task, struct wall now)
{
    return now.ms - floor_mod(now.ms - task->phase_ms, task->interval_ms);
}

static void set_due(struct schedule_task *task, int64_t due_ms, struct wall now)
{
    task->due.ms = due_ms;
    task->due_mono = mono_add_ms(clock_mono(), due_ms - now.ms);
}

static void arm(struct schedule_task *task, struct wall now)
{
    int64_t wait_ms = task->due.ms - now.ms;
    if (wait_ms < 0) {
        wait_ms = 0;
    } else if (wait_ms > WAIT_MAX_MS) {
        wait_ms = WAIT_MAX_MS;
    }
    uv_update_time(task->timer.loop);
    uv_timer_start(&task->timer, on_timer, (uint64_t)wait_ms, 0);
}

/* A turn is due: count the ones that were slept through, and give the newest. A clock that was
 * stepped ahead passes grid points too, but nobody missed those: the steady clock tells. */
static void take_turn(struct schedule_task *task, struct wall now)
{
    int64_t newest = grid_at(task, now);
    int64_t passed = (newest - task->due.ms) / task->interval_ms;
    int64_t slept = mono_elapsed_ms(task->due_mono, clock_mono()) / task->interval_ms;
    int64_t missed = passed < slept ? passed : slept;
    if (missed > 0) {
        task->missed += (uint64_t)missed;
    }
    set_due(task, newest + task->interval_ms, now);
    task->fire(task->context, (struct wall){newest});
}

static void on_timer(uv_timer_t *timer)
{
    struct schedule_task *task = timer->data;
    struct wall now = clock_wall();
    if (now.ms >= task->due.ms) {
        take_turn(task, now);
        now = clock_wall();
    }
    if (task->due.ms - now.ms > task->interval_ms) {
        /* The clock was stepped back by more than a turn: go on from where it is now. */
        set_due(task, grid_at(task, now) + task->interval_ms, now);
    }
    if (!task->stopped) {
        arm(task, now);
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
    struct wall now = clock_wall();
    task->interval_ms = interval_ms;
    task->phase_ms = schedule_phase_ms(name, interval_ms) / slot_ms * slot_ms;
    task->fire = fire;
    task->context = context;
    uv_timer_init(loop, &task->timer);
    task->timer.data = task;
    int64_t at = grid_at(task, now);
    set_due(task, at == now.ms ? at : at + interval_ms, now);
    arm(task, now);
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
