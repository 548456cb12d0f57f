/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host_at.h"

#include "common/log.h"
#include "common/xalloc.h"
#include "sample/schedule.h"
#include "sources.h"

#include <stdlib.h>
#include <string.h>

struct host {
    const char *root;
    struct book *book;
    struct schedule_task *task;
    bool failing[SOURCES]; /* logged already */
};

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
    {0},
};

const struct config_schema host_config_schema = {
    .name = "host",
    .size = sizeof(struct host_config),
    .fields = fields,
    .place_offset = SIZE_MAX,
    .present_offset = offsetof(struct host_config, present),
};

void host_sample(struct host *host, struct wall time)
{
    for (size_t i = 0; i < SOURCES; i++) {
        int rc = sources[i].sample(host->root, time, host->book);
        if (rc != 0 && !host->failing[i]) {
            log_warn("host", "cannot be read: source=%s: %s", sources[i].name, strerror(-rc));
        } else if (rc == 0 && host->failing[i]) {
            log_info("host", "read again: source=%s", sources[i].name);
        }
        host->failing[i] = rc != 0;
    }
}

static void on_turn(void *context, struct wall due)
{
    (void)due; /* counters are of now: a rate needs the time they were read at */
    host_sample(context, clock_wall());
}

struct host *host_open_at(uv_loop_t *loop, const struct host_config *config, const char *device,
                          const struct sample_sink *sink, const char *root)
{
    struct host *host = xcalloc(1, sizeof *host);
    char *name = xasprintf("host/%s", device);
    host->root = root;
    host->book = book_new(device, config->interval_ms, sink);
    host->task = schedule_start(loop, name, config->interval_ms, on_turn, host);
    free(name);
    return host;
}

struct host *host_open(uv_loop_t *loop, const struct host_config *config, const char *device,
                       const struct sample_sink *sink)
{
    return host_open_at(loop, config, device, sink, "");
}

void host_close(struct host *host)
{
    if (host == NULL) {
        return;
    }
    schedule_stop(host->task);
    book_free(host->book);
    free(host);
}
