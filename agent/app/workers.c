/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "workers.h"

#include "common/log.h"
#include "common/supervisor.h"
#include "common/xalloc.h"
#include "sample/channel.h"
#include "snmp/snmp.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    /* One thread makes all net-snmp calls of a process, and its configuration must fit the channel
     * (1 MiB, some 200 bytes a device): more devices are more processes. */
    DEVICES_PER_WORKER = 1000,
    GRACE_MS = 2000, /* a worker sends its last report within half a second */
};

struct worker {
    struct workers *workers;
    char *name;
    char *config;
    size_t config_size;
    struct channel_main *channel;
    struct supervisor_child *child;
};

struct workers {
    uv_loop_t *loop;
    const char *program;
    const struct sample_sink *sink;
    struct supervisor *supervisor;
    size_t n_workers;
    struct worker **workers;
    bool stopping;
};

/* --- what a worker is told --- */

struct snmp_share {
    char *user;
    struct config_list devices;
};
static const struct config_field snmp_fields[] = {
    {.key = "user", .type = CONFIG_STRING, .offset = offsetof(struct snmp_share, user)},
    {.key = "devices",
     .type = CONFIG_LIST,
     .offset = offsetof(struct snmp_share, devices),
     .schema = &snmp_device_config_schema},
    {0},
};
static const struct config_schema snmp_schema = {
    .name = "snmp worker",
    .size = sizeof(struct snmp_share),
    .fields = snmp_fields,
    .place_offset = SIZE_MAX,
    .present_offset = SIZE_MAX,
};

struct capture_share {
    char *device;
    char *user;
    struct capture_config capture;
};
static const struct config_field capture_fields[] = {
    {.key = "device", .type = CONFIG_STRING, .offset = offsetof(struct capture_share, device)},
    {.key = "user", .type = CONFIG_STRING, .offset = offsetof(struct capture_share, user)},
    {.key = "capture",
     .type = CONFIG_MAP,
     .offset = offsetof(struct capture_share, capture),
     .schema = &capture_config_schema},
    {0},
};
static const struct config_schema capture_schema = {
    .name = "capture worker",
    .size = sizeof(struct capture_share),
    .fields = capture_fields,
    .place_offset = SIZE_MAX,
    .present_offset = SIZE_MAX,
};

/* The text of a share; 0 or -EMSGSIZE. */
static int print_share(struct worker *worker, const struct config_schema *schema, const void *share)
{
    FILE *out = open_memstream(&worker->config, &worker->config_size);
    if (out == NULL) {
        return -errno;
    }
    config_print(out, schema, share);
    if (fclose(out) != 0) {
        return -errno;
    }
    return worker->config_size <= CHANNEL_CONFIG_MAX ? 0 : -EMSGSIZE;
}

/* --- life of one --- */

static int on_make_channel(void *context)
{
    struct worker *worker = context;
    return channel_main_connect(worker->channel, worker->config, worker->config_size);
}

static void on_exit_of(void *context, int64_t status, int term_signal)
{
    struct worker *worker = context;
    (void)status; /* the supervisor has logged how it ended */
    (void)term_signal;
    channel_main_disconnect(worker->channel, worker->workers->stopping);
}

static void on_garbage(void *context)
{
    struct worker *worker = context;
    int pid = supervisor_child_pid(worker->child);
    if (pid > 0) {
        (void)kill(pid, SIGKILL); /* fails only if it has ended already */
    }
}

static struct worker *worker_new(struct workers *workers, const char *kind, size_t n)
{
    struct worker *worker = xcalloc(1, sizeof *worker);
    worker->workers = workers;
    worker->name = n == 0 ? xstrdup(kind) : xasprintf("%s-%zu", kind, n + 1);
    worker->channel = channel_main_new(workers->loop, workers->sink, worker->name);
    channel_main_on_garbage(worker->channel, on_garbage, worker);
    workers->workers =
        xreallocarray(workers->workers, workers->n_workers + 1, sizeof(workers->workers[0]));
    workers->workers[workers->n_workers++] = worker;
    return worker;
}

static void worker_start(struct worker *worker, const char *kind)
{
    const char *const argv[] = {worker->workers->program, "--worker", kind, NULL};
    struct supervisor_command command = {.name = worker->name,
                                         .argv = argv,
                                         .make_channel = on_make_channel,
                                         .on_exit = on_exit_of,
                                         .context = worker};
    worker->child = supervisor_start(worker->workers->supervisor, &command);
}

static void worker_free(struct worker *worker)
{
    channel_main_free(worker->channel);
    free(worker->config);
    free(worker->name);
    free(worker);
}

/* --- all of them --- */

static int start_snmp(struct workers *workers, const struct agent_config *config)
{
    struct snmp_device_config *items = config->devices.items;
    for (size_t first = 0, n = 0; first < config->devices.count; n++) {
        size_t left = config->devices.count - first;
        size_t count = left < DEVICES_PER_WORKER ? left : DEVICES_PER_WORKER;
        struct snmp_share share = {.user = config->user,
                                   .devices = {.count = count, .items = items + first}};
        struct worker *worker = worker_new(workers, "snmp", n);
        int rc = print_share(worker, &snmp_schema, &share);
        if (rc != 0) {
            return rc;
        }
        worker_start(worker, "snmp");
        first += count;
    }
    return 0;
}

static int start_capture(struct workers *workers, const struct agent_config *config)
{
    if (!config->capture.present) {
        return 0;
    }
    struct capture_share share = {
        .device = config->device, .user = config->user, .capture = config->capture};
    struct worker *worker = worker_new(workers, "capture", 0);
    int rc = print_share(worker, &capture_schema, &share);
    if (rc == 0) {
        worker_start(worker, "capture");
    }
    return rc;
}

int workers_open(struct workers **out, uv_loop_t *loop, const char *program,
                 const struct agent_config *config, const struct sample_sink *sink)
{
    struct workers *workers = xcalloc(1, sizeof *workers);
    workers->loop = loop;
    workers->program = program;
    workers->sink = sink;
    workers->supervisor = supervisor_new(loop);
    int rc = start_snmp(workers, config);
    if (rc == 0) {
        rc = start_capture(workers, config);
    }
    *out = workers; /* what was started must be stopped, also after a failure */
    return rc;
}

uint64_t workers_restarts(const struct workers *workers)
{
    uint64_t restarts = 0;
    for (size_t i = 0; i < workers->n_workers; i++) {
        if (workers->workers[i]->child != NULL) {
            restarts += supervisor_child_restarts(workers->workers[i]->child);
        }
    }
    return restarts;
}

void workers_stop(struct workers *workers, void (*done)(void *context), void *context)
{
    workers->stopping = true;
    supervisor_stop(workers->supervisor, GRACE_MS, done, context);
}

void workers_free(struct workers *workers)
{
    if (workers == NULL) {
        return;
    }
    for (size_t i = 0; i < workers->n_workers; i++) {
        worker_free(workers->workers[i]);
    }
    free(workers->workers);
    supervisor_free(workers->supervisor);
    free(workers);
}
