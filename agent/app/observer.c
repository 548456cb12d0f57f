/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "observer.h"

#include "common/log.h"
#include "common/xalloc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Results that stay away for longer than two intervals and this much end a run. */
enum { RESULT_SLACK_MS = 1000 };

struct check {
    uint32_t object;
    struct statement run; /* stream, number and previous are filled when it is said */
    bool running;
    bool unsaid; /* results since the last statement */
    struct wall said;
};

struct observer {
    struct observer_options options;
    struct spool_chain chain;
    size_t n_checks;
    struct check *checks;
    size_t n_numbers;
    uint32_t *numbers; /* of the check, plus one, by object number; 0: none */
    struct log_limit stepped;
    /* Since the clocks changed: results up to the one date, or beyond the other and in the future,
     * were asked before. */
    struct wall stale_to;
    struct wall future_to;
};

static struct check *observer_find(struct observer *observer, uint32_t object)
{
    if (object >= observer->n_numbers || observer->numbers[object] == 0) {
        return NULL;
    }
    struct check *check = &observer->checks[observer->numbers[object] - 1];
    return check->object == object ? check : NULL; /* defined anew since */
}

static void observer_number(struct observer *observer, uint32_t object, size_t check)
{
    if (object >= observer->n_numbers) {
        size_t room = observer->n_numbers * 2 > object ? observer->n_numbers * 2 : object + 64;
        observer->numbers = xreallocarray(observer->numbers, room, sizeof observer->numbers[0]);
        memset(observer->numbers + observer->n_numbers, 0,
               (room - observer->n_numbers) * sizeof observer->numbers[0]);
        observer->n_numbers = room;
    }
    observer->numbers[object] = (uint32_t)check + 1;
    observer->checks[check].object = object;
}

static void observer_say(struct observer *observer, struct check *check, bool urgent)
{
    struct statement *run = &check->run;
    memcpy(run->stream, observer->options.stream, sizeof run->stream);
    run->number = observer->chain.number + 1;
    run->has_previous = observer->chain.number > 0;
    memcpy(run->previous, observer->chain.hash, sizeof run->previous);

    uint8_t bytes[STATEMENT_SIZE_MAX];
    struct observation observation = {.statement = bytes};
    int error = statement_sign(run, observer->options.keys, bytes, &observation.statement_size,
                               observation.signature);
    if (error != 0) {
        log_error("observer", "statement refused device=%s check=%s error=%s", run->device,
                  run->check, strerror(-error));
        return;
    }
    observer->chain.number = run->number;
    statement_hash(bytes, observation.statement_size, observer->chain.hash);
    check->unsaid = false;
    check->said = run->last;
    observer->options.on_observation(observer->options.context, &observation, urgent);
}

static void check_begin_run(struct check *check, const struct result *result, const char *reason)
{
    struct statement *run = &check->run;
    run->outcome = result->outcome;
    run->first = result->time;
    run->last = result->time;
    run->results = 1;
    memcpy(run->reason, reason, strlen(reason) + 1);
    (void)text_sanitize((const uint8_t *)result->detail, strlen(result->detail), run->detail,
                        sizeof run->detail);
    check->running = true;
}

/* Say how far the run came. */
static void observer_end_run(struct observer *observer, struct check *check)
{
    if (check->running && check->unsaid) {
        observer_say(observer, check, false);
    }
    check->running = false;
}

struct observer *observer_new(const struct observer_options *options)
{
    struct observer *observer = xcalloc(1, sizeof *observer);
    observer->options = *options;
    observer->chain = options->chain;
    observer->stale_to.ms = INT64_MIN;
    observer->future_to.ms = INT64_MIN;
    return observer;
}

void observer_define(struct observer *observer, const struct object *object)
{
    for (size_t i = 0; i < observer->n_checks; i++) {
        struct check *known = &observer->checks[i];
        if (strcmp(known->run.device, object->device) == 0 &&
            strcmp(known->run.check, object->name) == 0) {
            if (known->run.interval_ms != object->interval_ms) {
                observer_end_run(observer, known); /* a statement speaks of one interval */
                known->run.interval_ms = object->interval_ms;
            }
            observer_number(observer, object->number, i);
            return;
        }
    }
    observer->checks =
        xreallocarray(observer->checks, observer->n_checks + 1, sizeof *observer->checks);
    struct check *check = &observer->checks[observer->n_checks++];
    *check = (struct check){0};
    observer_number(observer, object->number, observer->n_checks - 1);
    check->run.interval_ms = object->interval_ms;
    /* The object was accepted by proto's limits, so the names fit. */
    memcpy(check->run.device, object->device, strlen(object->device) + 1);
    memcpy(check->run.check, object->name, strlen(object->name) + 1);
}

void observer_clock_changed(struct observer *observer, const struct clock_change *change)
{
    int64_t ahead_ms = change->stepped_ms > 0 ? change->stepped_ms : 0;
    for (size_t i = 0; i < observer->n_checks; i++) {
        observer_end_run(observer, &observer->checks[i]);
    }
    /* What is dated up to here was sent by the old clock, or before the sleep. */
    observer->stale_to.ms = change->after.ms - ahead_ms - change->slept_ms;
    observer->future_to = change->before;
    if (change->stepped_ms < 0 && change->slept_ms == 0) {
        observer->stale_to.ms = INT64_MIN; /* the times before come again */
    }
}

/* Was it asked before the clocks changed? */
static bool observer_is_stale(const struct observer *observer, const struct result *result)
{
    return result->time.ms <= observer->stale_to.ms ||
           (result->time.ms <= observer->future_to.ms && result->time.ms > clock_wall().ms);
}

void observer_result(struct observer *observer, const struct result *result)
{
    struct check *check = observer_find(observer, result->object);
    if (check == NULL || observer_is_stale(observer, result)) {
        return; /* of an object that is refused, the sink has logged it */
    }
    struct statement *run = &check->run;
    int64_t limit_ms = 2 * run->interval_ms + RESULT_SLACK_MS;
    int64_t since_ms = result->time.ms - run->last.ms;
    if (check->running && since_ms <= 0 && since_ms >= -limit_ms) {
        return; /* the clock went back a little: this moment has its word already */
    }
    if (check->running && since_ms < 0) {
        uint64_t held;
        if (log_limit_allow(&observer->stepped, 60000, &held)) {
            log_warn("observer", "the clock went back: runs begin anew by_ms=%lld",
                     (long long)-since_ms);
        }
    }
    char reason[sizeof run->reason];
    (void)text_sanitize((const uint8_t *)result->reason, strlen(result->reason), reason,
                        sizeof reason);
    bool same = result->outcome == run->outcome && strcmp(reason, run->reason) == 0;
    if (check->running && same && since_ms > 0 && since_ms <= limit_ms) {
        run->last = result->time;
        run->results++;
        check->unsaid = true;
        return;
    }
    observer_end_run(observer, check);
    check_begin_run(check, result, reason);
    observer_say(observer, check, !same); /* else it is news to nobody */
}

void observer_repeat(struct observer *observer, struct wall now)
{
    for (size_t i = 0; i < observer->n_checks; i++) {
        struct check *check = &observer->checks[i];
        if (check->running && check->unsaid &&
            now.ms - check->said.ms >= observer->options.repeat_ms) {
            observer_say(observer, check, false);
        }
    }
}

void observer_flush(struct observer *observer)
{
    for (size_t i = 0; i < observer->n_checks; i++) {
        if (observer->checks[i].running && observer->checks[i].unsaid) {
            observer_say(observer, &observer->checks[i], false);
        }
    }
}

struct spool_chain observer_chain(const struct observer *observer)
{
    return observer->chain;
}

void observer_free(struct observer *observer)
{
    if (observer == NULL) {
        return;
    }
    free(observer->checks);
    free(observer->numbers);
    free(observer);
}
