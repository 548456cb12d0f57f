/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The state of a unit, as systemctl tells it. A unit that reloads goes on working: up. One that is
 * being started is not there yet: degraded; but one that waits to be started again after it failed
 * (auto-restart) is down. */
#include "check_type.h"
#include "common/xalloc.h"
#include "runner.h"
#include "unit_state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    MEMORY_MAX_BYTES = 512 << 20,
    ARGUMENTS = 6,
};

static const char manager_folder[] = "/run/systemd/system"; /* sd_booted(3) looks for it */

struct systemd_probe {
    struct run *run;
    const char *argv[ARGUMENTS];
    char *program;
    char *unit;
    probe_done *done;
    void *context;
};

static void *open_runner(uv_loop_t *loop)
{
    return runner_acquire(loop);
}

static void close_runner(void *shared)
{
    runner_release(shared);
}

/* The first of that name in the agent's own PATH; the caller frees. NULL: none. */
static char *find_program(const char *name)
{
    const char *folder = getenv("PATH");
    folder = folder != NULL ? folder : "/usr/bin:/bin";
    while (*folder != '\0') {
        size_t size = strcspn(folder, ":");
        char *path = xasprintf("%.*s/%s", (int)size, folder, name);
        if (path[0] == '/' && access(path, X_OK) == 0) {
            return path;
        }
        free(path);
        folder += size + (folder[size] == ':' ? 1 : 0);
    }
    return NULL;
}

/* systemctl could not say. */
static void set_silent(const struct run_end *end, struct verdict *verdict)
{
    size_t size = 0;
    if (access(manager_folder, F_OK) != 0) {
        verdict_set(verdict, OUTCOME_UNKNOWN, "no-systemd", "systemd does not run this machine");
        return;
    }
    if (end->errors_size > 0) {
        const char *line_end = memchr(end->errors, '\n', end->errors_size);
        size = line_end != NULL ? (size_t)(line_end - end->errors) : end->errors_size;
    }
    verdict_set(verdict, OUTCOME_UNKNOWN, "systemctl-failed", "exit status %d: %.*s", end->number,
                (int)size, size > 0 ? end->errors : "");
}

static void judge(const struct run_end *end, struct verdict *verdict)
{
    switch (end->kind) {
    case RUN_EXITED:
        if (unit_state_read(end->output, end->output_size, verdict) != 0) {
            set_silent(end, verdict);
        }
        break;
    case RUN_TIMED_OUT:
        verdict_set(verdict, OUTCOME_UNKNOWN, "systemctl-timeout", "no answer in %.1f s",
                    end->runtime_s);
        break;
    case RUN_NO_TURN:
        verdict_set(verdict, OUTCOME_UNKNOWN, "agent-overloaded",
                    "%d other programs ran all the time", RUNNER_MAX);
        break;
    case RUN_NOT_FOUND:
    case RUN_NOT_STARTED:
        verdict_set(verdict, OUTCOME_UNKNOWN, end->number == ENOENT ? "no-systemd" : "resource",
                    "systemctl: %s", strerror(end->number));
        break;
    case RUN_SIGNALLED:
    case RUN_FLOODED:
        verdict_set(verdict, OUTCOME_UNKNOWN, "systemctl-failed", "it ended by a signal");
        break;
    }
}

static void free_probe(struct systemd_probe *probe)
{
    free(probe->program);
    free(probe->unit);
    free(probe);
}

static void on_end(void *context, const struct run_end *end)
{
    struct systemd_probe *probe = context;
    struct verdict verdict = {.time = end->started};
    judge(end, &verdict);
    probe->done(probe->context, &verdict);
    free_probe(probe);
}

static void *start(void *shared, const struct probe_order *order)
{
    /* As root it asks systemd itself, without a bus: so it stays who we are. */
    static const struct identity own = {0};
    struct systemd_probe *probe = xcalloc(1, sizeof *probe);
    probe->program = find_program("systemctl");
    probe->unit = xstrdup(order->config->unit);
    const char *const argv[ARGUMENTS] = {
        probe->program, "show",      "--property=LoadState,ActiveState,SubState,Result,NRestarts",
        "--",           probe->unit, NULL};
    memcpy(probe->argv, argv, sizeof probe->argv);
    probe->done = order->done;
    probe->context = order->context;
    const struct run_order run = {
        .argv = probe->argv,
        .identity = &own,
        .refusal = probe->program == NULL ? ENOENT : 0,
        .timeout_ms = order->timeout_ms,
        .memory_max_bytes = MEMORY_MAX_BYTES,
        .done = on_end,
        .context = probe,
    };
    probe->run = runner_start(shared, &run);
    return probe;
}

static void cancel(void *pointer)
{
    struct systemd_probe *probe = pointer;
    runner_cancel(probe->run);
    free_probe(probe);
}

const struct check_type check_type_systemd = {
    .id = CHECK_SYSTEMD,
    .open = open_runner,
    .close = close_runner,
    .start = start,
    .cancel = cancel,
};
