/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "snmp/snmp.h"

#include "common/log.h"
#include "common/privilege.h"
#include "common/supervisor.h"
#include "sample/channel.h"
#include "session.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

struct worker_config {
    char *user;
    struct config_list devices;
};

static void check_worker(const void *object, struct config_error_sink *errors)
{
    const struct worker_config *config = object;
    snmp_check_unique(&config->devices, errors);
}

static const struct config_field worker_fields[] = {
    {.key = "user",
     .type = CONFIG_STRING,
     .offset = offsetof(struct worker_config, user),
     .help = "whom the worker becomes when it is started as root"},
    {.key = "devices",
     .type = CONFIG_LIST,
     .offset = offsetof(struct worker_config, devices),
     .schema = &snmp_device_config_schema,
     .help = "the devices to poll"},
    {0},
};

static const struct config_schema worker_schema = {
    .name = "snmp worker",
    .size = sizeof(struct worker_config),
    .fields = worker_fields,
    .place_offset = SIZE_MAX,
    .present_offset = SIZE_MAX,
    .check = check_worker,
};

/* A device is a socket. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit); /* devices beyond it are unknown, by name */
    }
}

static int read_config(struct worker_config *config)
{
    struct config_errors errors = {0};
    size_t size;
    char *text = channel_read_config(&size);
    if (text == NULL) {
        log_error("snmp", "no configuration on the channel: %s", strerror(errno));
        return -EINVAL;
    }
    int rc = config_parse("snmp worker", text, size, &worker_schema, config, &errors);
    for (size_t i = 0; i < errors.count; i++) {
        log_error("snmp", "configuration: line=%d key=%s: %s", errors.errors[i].line,
                  errors.errors[i].key, errors.errors[i].reason);
    }
    config_errors_clear(&errors);
    free(text);
    return rc;
}

static void on_term(uv_signal_t *signal, int number)
{
    (void)number;
    uv_stop(signal->loop);
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
static void poll_devices(uv_loop_t *loop, const struct worker_config *config,
                         struct channel_worker *channel)
{
    uv_signal_t term;
    uv_signal_init(loop, &term);
    uv_signal_start(&term, on_term, SIGTERM);
    struct snmp *snmp = snmp_open(loop, &config->devices, channel_worker_sink(channel));
    log_info("snmp", "polling: devices=%zu", config->devices.count);
    uv_run(loop, UV_RUN_DEFAULT);
    snmp_close(snmp);
    uv_close((uv_handle_t *)&term, NULL);
}

static int run(const struct worker_config *config)
{
    int status = 1;
    uv_loop_t loop;
    int rc = uv_loop_init(&loop);
    if (rc != 0) {
        log_error("snmp", "no event loop: %s", uv_strerror(rc));
        return status;
    }
    struct channel_worker *channel = channel_worker_open(&loop);
    if (channel == NULL) {
        log_error("snmp", "no channel: %s", strerror(errno));
        goto close_loop;
    }
    session_library_init(); /* while files may still be opened */
    raise_descriptor_limit();
    if (confine(config->user) == 0) {
        poll_devices(&loop, config, channel);
        status = 0;
    }
    channel_worker_close(channel);
close_loop:
    uv_run(&loop, UV_RUN_DEFAULT); /* until everything is closed */
    (void)uv_loop_close(&loop);    /* the process ends */
    return status;
}

int snmp_worker_main(void)
{
    struct worker_config config;
    log_open("agent/snmp", LOG_LEVEL_INFO);
    signal(SIGINT, SIG_IGN); /* Ctrl-C reaches the whole group; main says when to stop */
    int rc = supervisor_child_enter();
    if (rc != 0) {
        log_error("snmp", "no parent: %s", strerror(-rc));
        return 1;
    }
    if (read_config(&config) != 0) {
        return 1;
    }
    int status = run(&config);
    config_free(&worker_schema, &config);
    return status;
}
