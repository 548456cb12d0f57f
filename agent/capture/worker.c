/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The capture worker: opens the interface while it may, then gives everything up and meters. */
#include "capture/capture.h"

#include "common/log.h"
#include "common/privilege.h"
#include "common/supervisor.h"
#include "common/xalloc.h"
#include "sample/channel.h"
#include "sample/schedule.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RETRY_MS = 60 * 1000 };

struct worker_config {
    char *device;
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
    uv_loop_t loop;
    uv_signal_t terminate;
    uv_timer_t retry;
    struct channel_worker *channel;
    const struct sample_sink *sink;
    uint32_t check; /* the object of the check "capture" */
    struct schedule_task *report;
    struct capture *capture; /* NULL: not open */
    char *trouble;           /* the reason in words; NULL: metering */
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

static void on_end(void *context, const char *reason)
{
    struct worker *worker = context;
    log_warn("capture", "the capture ended, it is opened anew: interface=%s: %s",
             worker->config.capture.interface, reason);
    worker->status = EXIT_FAILURE; /* only a new process may open it again */
    uv_stop(&worker->loop);
}

static int start(struct worker *worker)
{
    struct privilege_report confined;
    int rc = privilege_confine(worker->config.user, &confined);
    if (rc != 0) {
        log_error("capture", "the privileges cannot be given up, so nothing is read: %s",
                  strerror(-rc));
        return rc;
    }
    log_info("capture", "metering interface=%s user=%s capabilities_cleared=%s files_denied=%s",
             worker->config.capture.interface, confined.user,
             confined.capabilities_cleared ? "yes" : "no", confined.files_denied ? "yes" : "no");
    return capture_start(worker->capture, &worker->loop, worker->config.device, worker->sink,
                         on_end, worker);
}

static void try_open(struct worker *worker)
{
    char reason[256] = "";
    int rc = capture_open(&worker->capture, &worker->config.capture, reason, sizeof reason);
    if (rc == 0) {
        free(worker->trouble);
        worker->trouble = NULL;
        if (start(worker) != 0) {
            worker->status = EXIT_FAILURE;
            uv_stop(&worker->loop);
        }
        return;
    }
    if (worker->trouble == NULL || strcmp(worker->trouble, reason) != 0) {
        log_warn("capture", "traffic is not metered, everything else goes on: %s", reason);
        free(worker->trouble);
        worker->trouble = xstrdup(reason);
        worker->trouble_reason = reason_of(rc);
    }
}

static void on_retry(uv_timer_t *timer)
{
    struct worker *worker = timer->data;
    if (worker->capture == NULL) {
        try_open(worker);
    } else {
        (void)uv_timer_stop(timer); /* cannot fail */
    }
}

static void on_terminate(uv_signal_t *signal, int number)
{
    struct worker *worker = signal->data;
    (void)number;
    uv_stop(&worker->loop);
}

static uint32_t define_check(const struct worker *worker)
{
    struct label labels[] = {{"interface", worker->config.capture.interface}};
    struct object object = {
        .device = worker->config.device,
        .kind = "check",
        .name = "capture",
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

static void run(struct worker *worker)
{
    (void)uv_signal_init(&worker->loop, &worker->terminate); /* neither fails on a new loop */
    (void)uv_timer_init(&worker->loop, &worker->retry);
    worker->terminate.data = worker;
    worker->retry.data = worker;
    (void)uv_signal_start(&worker->terminate, on_terminate, SIGTERM);
    worker->check = define_check(worker);
    worker->report = schedule_start(&worker->loop, "capture/report",
                                    worker->config.capture.interval_ms, report, worker);
    try_open(worker);
    (void)uv_timer_start(&worker->retry, on_retry, RETRY_MS, RETRY_MS);
    if (worker->status == EXIT_SUCCESS) {
        (void)uv_run(&worker->loop, UV_RUN_DEFAULT); /* until it is stopped */
    }
    schedule_stop(worker->report);
    capture_close(worker->capture);
    channel_worker_close(worker->channel);
    uv_close((uv_handle_t *)&worker->terminate, NULL);
    uv_close((uv_handle_t *)&worker->retry, NULL);
    (void)uv_run(&worker->loop, UV_RUN_DEFAULT); /* the closings */
}

int capture_worker_main(void)
{
    struct worker worker = {.status = EXIT_SUCCESS};
    if (supervisor_child_enter() != 0 || read_config(&worker.config) != 0) {
        return EXIT_FAILURE;
    }
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
    free(worker.trouble);
    config_free(&worker_schema, &worker.config);
    return worker.status;
}
