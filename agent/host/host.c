/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host_at.h"

#include "chrony.h"
#include "common/log.h"
#include "common/xalloc.h"
#include "interfaces.h"
#include "processes.h"
#include "sample/schedule.h"
#include "sensors.h"
#include "sources.h"
#include "units.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PROCESSES_MAX = 64,
    PROCESS_NAME_MAX = 15, /* bytes that the kernel keeps of a name */
    UNITS_TIMEOUT_MS = 10000,
};

struct host {
    struct machine machine;
    struct chrony *chrony;
    struct units *units;
    struct schedule_task *task;
    bool failing[SOURCES]; /* logged already */
};

static int check_process(const char *value, char *reason, size_t reason_size)
{
    if (strlen(value) <= PROCESS_NAME_MAX) {
        return 0;
    }
    snprintf(reason, reason_size, "the kernel keeps %d bytes of a process's name: write those",
             PROCESS_NAME_MAX);
    return -EINVAL;
}

static const struct config_field fields[] = {
    {.key = "enabled",
     .type = CONFIG_BOOL,
     .offset = offsetof(struct host_config, enabled),
     .fallback = "true",
     .help = "sample the machine that the agent runs on"},
    {.key = "interval",
     .type = CONFIG_DURATION,
     .offset = offsetof(struct host_config, interval_ms),
     .fallback = "10s",
     .min = 1000,
     .max = 3600000,
     .help = "time from one sample to the next, 1s to 1h"},
    {.key = "processes",
     .type = CONFIG_STRING_LIST,
     .offset = offsetof(struct host_config, processes),
     .max = PROCESSES_MAX,
     .check = check_process,
     .help = "names of processes that are counted, with their memory and processor time"},
    {.key = "units",
     .type = CONFIG_BOOL,
     .offset = offsetof(struct host_config, units),
     .fallback = "true",
     .help = "ask systemd once a minute which of its units have failed"},
    {0},
};

static void check_twice(const void *object, struct config_error_sink *errors)
{
    const struct config_strings *names = &((const struct host_config *)object)->processes;
    for (size_t i = 0; i < names->count; i++) {
        for (size_t k = 0; k < i; k++) {
            if (strcmp(names->items[i], names->items[k]) == 0) {
                config_error_at(errors, 0, "processes", names->items[i], "is named twice");
                break;
            }
        }
    }
}

const struct config_schema host_config_schema = {
    .name = "host",
    .size = sizeof(struct host_config),
    .fields = fields,
    .place_offset = SIZE_MAX,
    .present_offset = offsetof(struct host_config, present),
    .check = check_twice,
};

void host_sample(struct host *host, struct wall time)
{
    for (size_t i = 0; i < SOURCES; i++) {
        int rc = sources[i].sample(&host->machine, time);
        if (rc != 0 && !host->failing[i]) {
            log_warn("host", "cannot be read: source=%s: %s", sources[i].name, strerror(-rc));
        } else if (rc == 0 && host->failing[i]) {
            log_info("host", "read again: source=%s", sources[i].name);
        }
        host->failing[i] = rc != 0;
    }
    chrony_sample(host->chrony, time);
}

static void on_turn(void *context, struct wall due)
{
    (void)due; /* counters are of now: a rate needs the time they were read at */
    host_sample(context, clock_wall());
}

struct host *host_open_at(uv_loop_t *loop, const struct host_config *config, const char *device,
                          const struct sample_sink *sink, const struct host_place *place)
{
    struct host *host = xcalloc(1, sizeof *host);
    char *name = xasprintf("host/%s", device);
    struct units_options units = {.root = place->root,
                                  .device = device,
                                  .program = place->systemctl,
                                  .timeout_ms = UNITS_TIMEOUT_MS};
    host->machine = (struct machine){
        .root = place->root,
        .files = files_new(place->root),
        .book = book_new(device, config->interval_ms, sink),
        .interfaces = interfaces_new(),
        .processes = processes_new(place->root, &config->processes),
        .sensors = sensors_new(),
    };
    host->chrony = chrony_open(loop, place->chrony_port, host->machine.book);
    host->units = config->units ? units_open(loop, &units, sink) : NULL;
    host->task = schedule_start(loop, name, config->interval_ms, on_turn, host);
    free(name);
    return host;
}

struct host *host_open(uv_loop_t *loop, const struct host_config *config, const char *device,
                       const struct sample_sink *sink)
{
    static const struct host_place machine = {
        .root = "", .systemctl = "systemctl", .chrony_port = CHRONY_PORT};
    return host_open_at(loop, config, device, sink, &machine);
}

void host_close(struct host *host)
{
    if (host == NULL) {
        return;
    }
    schedule_stop(host->task);
    units_close(host->units);
    chrony_close(host->chrony);
    sensors_free(host->machine.sensors);
    processes_free(host->machine.processes);
    interfaces_free(host->machine.interfaces);
    book_free(host->machine.book);
    files_free(host->machine.files);
    free(host);
}
