/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "clock_watch.h"

#include "common/log.h"
#include "common/xalloc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <sys/timex.h>
#include <unistd.h>

enum {
    NS_PER_MS = 1000000,
    LEAP_LOOK_MS = 60000, /* it is announced hours before */
    LEAP_MS = 1000,
    LOG_EVERY_MS = 60000,
};

struct clock_watch {
    struct clock_watch_options options;
    uv_poll_t poll;
    int timer; /* cancelled by the kernel when the wall clock is set; -1: none */
    struct clock_reading last;
    int64_t alignment_ns; /* wall minus steady clock, as of the last change */
    int64_t asleep_ns;    /* steady clock minus awake clock, likewise */
    struct mono leap_read;
    struct clock_watch_stats stats;
    struct log_limit log;
};

/* --- what the kernel knows --- */

static enum clock_leap read_leap(void)
{
    struct timex timex = {.modes = 0};
    if (adjtimex(&timex) == -1) {
        return CLOCK_LEAP_UNKNOWN; /* a service manager may forbid even to ask */
    }
    return (timex.status & STA_INS) != 0   ? CLOCK_LEAP_INSERT
           : (timex.status & STA_DEL) != 0 ? CLOCK_LEAP_DELETE
                                           : CLOCK_LEAP_NONE;
}

/* A timer that never fires, but is cancelled when the wall clock is set (timerfd_create(2)). */
static int arm_timer(const struct clock_watch *watch)
{
    const struct itimerspec never = {.it_value = {.tv_sec = INT32_MAX}};
    return timerfd_settime(watch->timer, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL);
}

static void on_timer(uv_poll_t *poll, int status, int events)
{
    struct clock_watch *watch = poll->data;
    uint64_t times;
    (void)events;
    if (status != 0 || (read(watch->timer, &times, sizeof times) < 0 && errno == EAGAIN)) {
        return;
    }
    clock_watch_look(watch);
    if (arm_timer(watch) != 0) {
        (void)uv_poll_stop(poll); /* always succeeds */
    }
}

/* --- changes --- */

static void log_change(struct clock_watch *watch, const struct clock_change *change)
{
    uint64_t held;
    int64_t leap_ms = watch->stats.leap == CLOCK_LEAP_INSERT   ? -LEAP_MS
                      : watch->stats.leap == CLOCK_LEAP_DELETE ? LEAP_MS
                                                               : 0;
    bool is_leap = leap_ms != 0 && llabs(change->stepped_ms - leap_ms) < CLOCK_STEP_MIN_MS;
    if (!log_limit_allow(&watch->log, LOG_EVERY_MS, &held)) {
        return;
    }
    if (change->stepped_ms != 0) {
        log_warn("clock", "the wall clock was stepped%s: by_ms=%lld before=%llu",
                 is_leap ? " (a leap second)" : "", (long long)change->stepped_ms,
                 (unsigned long long)watch->stats.steps - 1);
    }
    if (change->slept_ms != 0) {
        log_warn("clock", "the machine slept, nobody looked meanwhile: for_ms=%lld",
                 (long long)change->slept_ms);
    }
}

static void log_leap(enum clock_leap leap)
{
    switch (leap) {
    case CLOCK_LEAP_INSERT:
        log_info("clock", "a leap second will be inserted at the end of the UTC day");
        break;
    case CLOCK_LEAP_DELETE:
        log_info("clock", "a leap second will be left out at the end of the UTC day");
        break;
    case CLOCK_LEAP_UNKNOWN:
    case CLOCK_LEAP_NONE:
        break;
    }
}

static struct wall wall_of(const struct clock_reading *reading)
{
    return (struct wall){reading->wall_ns / NS_PER_MS};
}

/* By how much it moved, or 0: less than a step, and kept for the next look. */
static int64_t moved_ms(int64_t from_ns, int64_t to_ns, int64_t span_ns)
{
    int64_t by_ns = to_ns - from_ns;
    int64_t limit_ns = (int64_t)CLOCK_STEP_MIN_MS * NS_PER_MS + span_ns;
    int64_t half_ns = by_ns < 0 ? -NS_PER_MS / 2 : NS_PER_MS / 2;
    return by_ns < limit_ns && by_ns > -limit_ns ? 0 : (by_ns + half_ns) / NS_PER_MS;
}

static void note_change(struct clock_watch *watch, const struct clock_change *change)
{
    struct clock_watch_stats *stats = &watch->stats;
    stats->steps += change->stepped_ms != 0 ? 1 : 0;
    stats->stepped_ms += change->stepped_ms;
    stats->sleeps += change->slept_ms != 0 ? 1 : 0;
    stats->slept_ms += change->slept_ms;
    log_change(watch, change);
    watch->options.on_change(watch->options.context, change);
}

void clock_watch_see(struct clock_watch *watch, const struct clock_reading *now,
                     enum clock_leap leap)
{
    int64_t alignment_ns = now->wall_ns - now->mono.ns;
    int64_t asleep_ns = now->mono.ns - now->awake.ns;
    int64_t span_ns = now->span_ns + watch->last.span_ns;
    const struct clock_change change = {
        .stepped_ms = moved_ms(watch->alignment_ns, alignment_ns, span_ns),
        .slept_ms = moved_ms(watch->asleep_ns, asleep_ns, span_ns),
        .before = wall_of(&watch->last),
        .after = wall_of(now),
    };
    watch->last = *now;
    if (change.stepped_ms != 0) {
        watch->alignment_ns = alignment_ns;
    }
    if (change.slept_ms != 0) {
        watch->asleep_ns = asleep_ns;
    }
    if (change.stepped_ms != 0 || change.slept_ms != 0) {
        note_change(watch, &change);
    }
    if (leap != watch->stats.leap) {
        watch->stats.leap = leap;
        log_leap(leap);
    }
}

void clock_watch_look(struct clock_watch *watch)
{
    struct clock_reading now = clock_read();
    enum clock_leap leap = watch->stats.leap;
    if (mono_elapsed_ms(watch->leap_read, now.mono) >= LEAP_LOOK_MS) {
        watch->leap_read = now.mono;
        leap = read_leap();
    }
    clock_watch_see(watch, &now, leap);
}

/* --- the handle --- */

struct clock_watch *clock_watch_open(uv_loop_t *loop, const struct clock_watch_options *options)
{
    struct clock_watch *watch = xcalloc(1, sizeof *watch);
    watch->options = *options;
    watch->last = clock_read();
    watch->alignment_ns = watch->last.wall_ns - watch->last.mono.ns;
    watch->asleep_ns = watch->last.mono.ns - watch->last.awake.ns;
    watch->leap_read = watch->last.mono;
    watch->stats.leap = read_leap();
    log_leap(watch->stats.leap);
    watch->timer = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    if (watch->timer >= 0 &&
        (arm_timer(watch) != 0 || uv_poll_init(loop, &watch->poll, watch->timer) != 0)) {
        (void)close(watch->timer); /* nothing was written */
        watch->timer = -1;
    }
    if (watch->timer >= 0) {
        watch->poll.data = watch;
        (void)uv_poll_start(&watch->poll, UV_READABLE, on_timer); /* fails on a closed one only */
    }
    return watch;
}

const struct clock_watch_stats *clock_watch_stats(const struct clock_watch *watch)
{
    return &watch->stats;
}

static void on_closed(uv_handle_t *handle)
{
    struct clock_watch *watch = handle->data;
    (void)close(watch->timer); /* nothing was written */
    free(watch);
}

void clock_watch_close(struct clock_watch *watch)
{
    if (watch == NULL) {
        return;
    }
    if (watch->timer >= 0) {
        uv_close((uv_handle_t *)&watch->poll, on_closed);
    } else {
        free(watch);
    }
}
