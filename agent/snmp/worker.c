/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "snmp/snmp.h"

#include "common/log.h"
#include "common/privilege.h"
#include "common/supervisor.h"
#include "common/xalloc.h"
#include "engine.h"
#include "sample/channel.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/* What is polled points into the share. */
struct worker {
    struct snmp_share *share;
    struct snmp_poller *poller;
    struct channel_worker *channel;
    uv_signal_t term;
    uv_timer_t trim;
};

/* Cycles come and go, and leave holes among what stays: they are given back now and then. */
enum { TRIM_MS = 60000 };

/* Takes over the text. NULL when main sent something that it should have refused. */
static struct snmp_share *parse_share(char *text, size_t size)
{
    struct config_errors errors = {0};
    struct snmp_share *share = xcalloc(1, sizeof *share);
    int rc = config_parse("snmp worker", text, size, &snmp_share_schema, share, &errors);
    for (size_t i = 0; i < errors.count; i++) {
        log_error("snmp", "configuration: line=%d key=%s: %s", errors.errors[i].line,
                  errors.errors[i].key, errors.errors[i].reason);
    }
    config_errors_clear(&errors);
    sodium_memzero(text, size); /* passphrases */
    free(text);
    if (rc != 0) {
        free(share);
        return NULL;
    }
    return share;
}

static void free_share(struct snmp_share *share)
{
    if (share != NULL) {
        config_free(&snmp_share_schema, share);
        free(share);
    }
}

static void on_config(void *context, char *text, size_t size)
{
    struct worker *worker = context;
    struct snmp_share *share = parse_share(text, size);
    if (share == NULL) {
        return; /* goes on with the one it has */
    }
    snmp_poller_reload(worker->poller, &share->devices, &share->profiles,
                       share->requests_per_second);
    free_share(worker->share);
    worker->share = share;
    log_info("snmp", "polling another configuration: devices=%zu", share->devices.count);
}

static void on_term(uv_signal_t *signal, int number)
{
    (void)number;
    uv_stop(signal->loop);
}

static void on_trim(uv_timer_t *timer)
{
    (void)timer;
    (void)malloc_trim(0); /* whether there was something to give back */
}

static int confine(const char *user)
{
    struct privilege_report report;
    int rc = privilege_confine(user, &report);
    if (rc != 0) {
        log_error("snmp", "cannot give up privilege: %s", strerror(-rc));
        return rc;
    }
    log_info("snmp", "confined: user=%s files_denied=%d capabilities_cleared=%d", report.user,
             report.files_denied, report.capabilities_cleared);
    return 0;
}

/* From here on what peers send is read. */
static int poll_devices(uv_loop_t *loop, struct worker *worker)
{
    const struct snmp_options options = {
        .devices = &worker->share->devices,
        .profiles = &worker->share->profiles,
        .requests_per_second = worker->share->requests_per_second,
        .sink = channel_worker_sink(worker->channel),
    };
    worker->poller = snmp_poller_open(loop, &options);
    if (worker->poller == NULL) {
        log_error("snmp", "cannot begin to poll: %s", strerror(errno));
        return 1;
    }
    uv_signal_init(loop, &worker->term);
    uv_signal_start(&worker->term, on_term, SIGTERM);
    channel_worker_on_config(worker->channel, on_config, worker);
    (void)malloc_trim(0); /* what reading the configuration took */
    uv_timer_init(loop, &worker->trim);
    uv_timer_start(&worker->trim, on_trim, TRIM_MS, TRIM_MS);
    log_info("snmp", "polling: devices=%zu", worker->share->devices.count);
    uv_run(loop, UV_RUN_DEFAULT);
    snmp_poller_close(worker->poller);
    uv_close((uv_handle_t *)&worker->term, NULL);
    uv_close((uv_handle_t *)&worker->trim, NULL);
    return 0;
}

static int run(struct worker *worker)
{
    int status = 1;
    uv_loop_t loop;
    int rc = uv_loop_init(&loop);
    if (rc != 0) {
        log_error("snmp", "no event loop: %s", uv_strerror(rc));
        return status;
    }
    worker->channel = channel_worker_open(&loop);
    if (worker->channel == NULL) {
        log_error("snmp", "no channel: %s", strerror(errno));
        goto close_loop;
    }
    engine_library_init(); /* while files may still be opened */
    if (confine(worker->share->user) == 0) {
        status = poll_devices(&loop, worker);
    }
    channel_worker_close(worker->channel);
close_loop:
    uv_run(&loop, UV_RUN_DEFAULT); /* until everything is closed */
    (void)uv_loop_close(&loop);    /* the process ends */
    return status;
}

int snmp_worker_main(void)
{
    struct worker worker = {0};
    size_t size;
    int status = 1;
    log_open("agent/snmp", LOG_LEVEL_INFO);
    signal(SIGINT, SIG_IGN); /* Ctrl-C reaches the whole group; main says when to stop */
    int rc = supervisor_child_enter();
    if (rc != 0) {
        log_error("snmp", "no parent: %s", strerror(-rc));
        return status;
    }
    char *text = channel_read_config(&size);
    if (text == NULL) {
        log_error("snmp", "no configuration on the channel: %s", strerror(errno));
        return status;
    }
    worker.share = parse_share(text, size);
    if (worker.share != NULL) {
        status = run(&worker);
    }
    free_share(worker.share);
    return status;
}
