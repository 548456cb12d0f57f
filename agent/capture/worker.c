/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The capture worker: waits for its interface and opens it while it may, then gives everything up
 * and meters. */
#include "capture/capture.h"

#include "common/log.h"
#include "common/privilege.h"
#include "common/supervisor.h"
#include "common/xalloc.h"
#include "metering.h"
#include "sample/channel.h"
#include "sample/schedule.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    /* An interface that is not there: looked for so often, ever less; its coming wakes us anyway.
     */
    RETRY_FIRST_MS = 1000,
    RETRY_MOST_MS = 5000,
    RETRY_PERMISSION_MS = 60 * 1000, /* what a process may does not change by itself */
};

struct worker_config {
    char *device;
    char *check;
    char *user;
    struct capture_config capture;
};

static const struct config_field worker_fields[] = {
    {.key = "device",
     .type = CONFIG_STRING,
     .offset = offsetof(struct worker_config, device),
     .required = true,
     .min = 1,
     .max = PROTO_NAME_MAX},
    {.key = "check",
     .type = CONFIG_STRING,
     .offset = offsetof(struct worker_config, check),
     .fallback = "capture"},
    {.key = "user", .type = CONFIG_STRING, .offset = offsetof(struct worker_config, user)},
    {.key = "capture",
     .type = CONFIG_MAP,
     .offset = offsetof(struct worker_config, capture),
     .required = true,
     .schema = &capture_config_schema},
    {0},
};
static const struct config_schema worker_schema = {
    .name = "capture worker",
    .size = sizeof(struct worker_config),
    .fields = worker_fields,
    .place_offset = SIZE_MAX,
    .present_offset = SIZE_MAX,
};

struct worker {
    struct worker_config config;
    const char *interface;
    uv_loop_t loop;
    uv_signal_t terminate;
    uv_timer_t retry;
    uv_poll_t events; /* of interfaces, while ours is waited for */
    bool waiting;     /* `events` is in use */
    int64_t retry_ms;
    enum watch_state seen; /* of the interface, when it was looked for last */
    struct channel_worker *channel;
    const struct sample_sink *sink;
    uint32_t check; /* the object of the check */
    struct schedule_task *report;
    struct watch *watch;
    struct metering *metering; /* NULL: not open */
    char *trouble;             /* the reason in words; NULL: metering */
    const char *trouble_reason;
    int status;
};

static const char *reason_of(int rc)
{
    return rc == -EPERM      ? "no-permission"
           : rc == -ENODEV   ? "no-interface"
           : rc == -ENETDOWN ? "interface-down"
                             : "capture-failed";
}

/* The capture's own check: it says "unknown", never "down", because nothing is known then. */
static void report(void *context, struct wall due)
{
    struct worker *worker = context;
    struct result result = {
        .object = worker->check,
        .time = due,
        .outcome = worker->trouble != NULL ? OUTCOME_UNKNOWN : OUTCOME_UP,
        .reason = worker->trouble != NULL ? worker->trouble_reason : "",
        .detail = worker->trouble != NULL ? worker->trouble : "",
    };
    worker->sink->result(worker->sink->context, &result);
}

static void stop(struct worker *worker, int status)
{
    worker->status = status;
    uv_stop(&worker->loop);
}

static void on_end(void *context, const char *reason)
{
    struct worker *worker = context;
    log_warn("capture", "the capture ended, it is opened anew: interface=%s: %s", worker->interface,
             reason);
    stop(worker, EXIT_FAILURE); /* only a new process may open it again */
}

static void end_waiting(struct worker *worker)
{
    (void)uv_timer_stop(&worker->retry); /* cannot fail */
    if (worker->waiting) {
        worker->waiting = false;
        uv_close((uv_handle_t *)&worker->events, NULL);
    }
    free(worker->trouble);
    worker->trouble = NULL;
}

/* Its threads stand ready when the filter comes, so that nobody may start another one. */
static int give_up_power(struct worker *worker, struct privilege_report *confined)
{
    int rc = privilege_confine(worker->config.user, confined);
    if (rc != 0) {
        log_error("capture", "the privileges cannot be given up, so nothing is read: %s",
                  strerror(-rc));
        return rc;
    }
    rc = metering_prepare(worker->metering);
    if (rc != 0) {
        log_error("capture", "no thread can be started: %s", strerror(-rc));
        return rc;
    }
    rc = privilege_filter_syscalls(confined);
    if (rc != 0) {
        log_warn("capture", "the kernel does not filter system calls, it goes on without: %s",
                 strerror(-rc));
    }
    return 0;
}

static const char *yes(bool value)
{
    return value ? "yes" : "no";
}

static int start(struct worker *worker)
{
    struct privilege_report confined;
    int rc = give_up_power(worker, &confined);
    if (rc != 0) {
        return rc;
    }
    log_info("capture",
             "metering interface=%s user=%s capabilities_cleared=%s files_denied=%s "
             "syscalls_filtered=%s",
             worker->interface, confined.user, yes(confined.capabilities_cleared),
             yes(confined.files_denied), yes(confined.syscalls_filtered));
    rc = metering_start(worker->metering, &worker->loop, worker->config.device, worker->sink,
                        on_end, worker);
    if (rc != 0) {
        log_error("capture", "metering cannot start: %s", strerror(-rc));
    }
    return rc;
}

static void try_open(struct worker *worker);

static void on_retry(uv_timer_t *timer)
{
    try_open(timer->data);
}

static void wait_for_another_try(struct worker *worker, int rc)
{
    int64_t wait_ms = rc == -EPERM ? RETRY_PERMISSION_MS : worker->retry_ms;
    worker->retry_ms = worker->retry_ms + RETRY_FIRST_MS < RETRY_MOST_MS
                           ? worker->retry_ms + RETRY_FIRST_MS
                           : RETRY_MOST_MS;
    (void)uv_timer_start(&worker->retry, on_retry, (uint64_t)wait_ms, 0); /* cannot fail */
}

static void try_open(struct worker *worker)
{
    char reason[256] = "";
    worker->seen = watch_look(worker->watch);
    int rc = metering_open(&worker->metering, &worker->config.capture, worker->interface,
                           worker->watch, reason, sizeof reason);
    if (rc == 0) {
        end_waiting(worker);
        if (start(worker) != 0) {
            stop(worker, EXIT_FAILURE);
        }
        return;
    }
    if (worker->trouble == NULL || strcmp(worker->trouble, reason) != 0) {
        log_warn("capture", "traffic is not metered, everything else goes on: %s", reason);
        free(worker->trouble);
        worker->trouble = xstrdup(reason);
        worker->trouble_reason = reason_of(rc);
    }
    wait_for_another_try(worker, rc);
}

/* Some interface changed. Ours came up: no need to wait any longer. */
static void on_event(uv_poll_t *poll, int status, int events)
{
    struct worker *worker = poll->data;
    enum watch_state before = worker->seen;
    (void)status; /* what was lost is seen by looking */
    (void)events;
    worker->seen = watch_look(worker->watch);
    if (worker->seen == WATCH_UP && before != WATCH_UP) {
        try_open(worker);
    }
}

static void on_terminate(uv_signal_t *signal, int number)
{
    struct worker *worker = signal->data;
    (void)number;
    stop(worker, EXIT_SUCCESS);
}

static uint32_t define_check(const struct worker *worker)
{
    struct label labels[] = {{"interface", worker->interface}};
    struct object object = {
        .device = worker->config.device,
        .kind = "check",
        .name = worker->config.check,
        .interval_ms = worker->config.capture.interval_ms,
        .labels = labels,
        .n_labels = 1,
    };
    return worker->sink->define(worker->sink->context, &object);
}

static int read_config(struct worker_config *config)
{
    struct config_errors errors = {0};
    size_t size = 0;
    char *text = channel_read_config(&size);
    if (text == NULL) {
        log_error("capture", "no configuration came from the agent: %s", strerror(errno));
        return -errno;
    }
    int rc = config_parse("capture worker", text, size, &worker_schema, config, &errors);
    free(text);
    if (rc != 0) {
        config_errors_print(stderr, &errors);
    }
    config_errors_clear(&errors);
    return rc;
}

static int open_watch(struct worker *worker)
{
    int rc = watch_open(&worker->watch, worker->interface);
    if (rc == 0) {
        rc = uv_poll_init(&worker->loop, &worker->events, watch_fd(worker->watch));
        worker->waiting = rc == 0;
    }
    if (rc == 0) {
        worker->events.data = worker;
        rc = uv_poll_start(&worker->events, UV_READABLE, on_event);
    }
    if (rc != 0) {
        log_error("capture", "interfaces cannot be watched: %s", strerror(-rc));
    }
    return rc;
}

static void run(struct worker *worker)
{
    (void)uv_signal_init(&worker->loop, &worker->terminate); /* neither fails on a new loop */
    (void)uv_timer_init(&worker->loop, &worker->retry);
    worker->terminate.data = worker;
    worker->retry.data = worker;
    worker->retry_ms = RETRY_FIRST_MS;
    (void)uv_signal_start(&worker->terminate, on_terminate, SIGTERM);
    worker->check = define_check(worker);
    worker->report = schedule_start(&worker->loop, "capture/report",
                                    worker->config.capture.interval_ms, report, worker);
    if (open_watch(worker) == 0) {
        try_open(worker);
    } else {
        worker->status = EXIT_FAILURE;
    }
    if (worker->status == EXIT_SUCCESS) {
        (void)uv_run(&worker->loop, UV_RUN_DEFAULT); /* until it is stopped */
    }
    end_waiting(worker);
    schedule_stop(worker->report);
    metering_close(worker->metering);
    channel_worker_close(worker->channel);
    uv_close((uv_handle_t *)&worker->terminate, NULL);
    uv_close((uv_handle_t *)&worker->retry, NULL);
    (void)uv_run(&worker->loop, UV_RUN_DEFAULT); /* the closings */
    watch_close(worker->watch);
}

int capture_worker_main(void)
{
    struct worker worker = {.status = EXIT_SUCCESS};
    if (supervisor_child_enter() != 0 || read_config(&worker.config) != 0) {
        return EXIT_FAILURE;
    }
    worker.interface = capture_config_interface(&worker.config.capture, 0);
    int rc = uv_loop_init(&worker.loop);
    if (rc == 0) {
        worker.channel = channel_worker_open(&worker.loop);
        rc = worker.channel == NULL ? -errno : 0;
    }
    if (rc == 0) {
        worker.sink = channel_worker_sink(worker.channel);
        run(&worker);
        (void)uv_loop_close(&worker.loop); /* all is closed */
    } else {
        log_error("capture", "the worker cannot start: %s", strerror(-rc));
        worker.status = EXIT_FAILURE;
    }
    config_free(&worker_schema, &worker.config);
    return worker.status;
}
