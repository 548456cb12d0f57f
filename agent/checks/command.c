/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * An external program by the convention of the Nagios plugins. A program that cannot say what it
 * found (it hangs, crashes, floods) has said nothing of the service: unknown, not down. */
#include "check_type.h"
#include "common/xalloc.h"
#include "perfdata_set.h"
#include "runner.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In the order of its metrics (config.c). */
enum { VALUE_RUNTIME, VALUE_EXIT, VALUE_REFUSED };

enum { MEMORY_MAX_BYTES = 512 << 20 }; /* an interpreter and its libraries map some 200 MiB */

struct whom {
    struct identity identity;
    int error; /* -errno: there is none; looked for again at each turn, as the user may come yet */
};

/* Of a check, over all its turns. */
struct command {
    const char **argv;
    struct perfdata_set *set;
    struct whom *whom;
};

struct command_probe {
    struct run *run;
    const struct command *command;
    char *device;
    char *name;
    int64_t interval_ms;
    const struct sample_sink *sink;
    probe_done *done;
    void *context;
};

/* --- what is shared, and what is prepared --- */

static void *open_runner(uv_loop_t *loop)
{
    return runner_acquire(loop);
}

static void close_runner(void *shared)
{
    runner_release(shared);
}

static void *prepare(const struct check_config *config)
{
    struct command *command = xcalloc(1, sizeof *command);
    size_t n = config->command.count;
    command->argv = xcalloc(n + 1, sizeof(command->argv[0]));
    for (size_t i = 0; i < n; i++) {
        command->argv[i] = xstrdup(config->command.items[i]);
    }
    command->set = perfdata_set_new();
    command->whom = xcalloc(1, sizeof *command->whom);
    command->whom->error = identity_find(config->user, &command->whom->identity);
    return command;
}

static void release(void *prepared)
{
    struct command *command = prepared;
    for (size_t i = 0; command->argv[i] != NULL; i++) {
        free((void *)(uintptr_t)command->argv[i]);
    }
    free(command->argv);
    perfdata_set_free(command->set);
    free(command->whom);
    free(command);
}

/* --- what it said --- */

/* The first line, or else that of what it complained about. */
static void set_detail(const struct run_end *end, const struct plugin_output *output,
                       const char *otherwise, struct verdict *verdict)
{
    struct plugin_span text = output->text;
    if (text.size == 0 && end->errors_size > 0) {
        struct plugin_output errors;
        plugin_output_split(end->errors, end->errors_size, &errors);
        text = errors.text;
    }
    if (text.size == 0) {
        text = (struct plugin_span){otherwise, strlen(otherwise)};
    }
    (void)text_sanitize((const uint8_t *)text.at, text.size, verdict->detail,
                        sizeof verdict->detail);
}

static void judge_exit(const struct run_end *end, const struct plugin_output *output,
                       struct verdict *verdict)
{
    static const struct {
        enum outcome outcome;
        const char *reason;
    } known[] = {
        {OUTCOME_UP, ""},
        {OUTCOME_DEGRADED, "plugin-warning"},
        {OUTCOME_DOWN, "plugin-critical"},
        {OUTCOME_UNKNOWN, "plugin-unknown"},
    };
    char otherwise[64] = "";
    size_t status = (size_t)end->number;
    verdict->values[VALUE_EXIT] = end->number;
    verdict->known |= 1U << VALUE_EXIT;
    if (status < sizeof known / sizeof known[0]) {
        verdict->outcome = known[status].outcome;
        verdict->reason = known[status].reason;
    } else {
        verdict->outcome = OUTCOME_UNKNOWN;
        verdict->reason = "plugin-exit";
    }
    if (status > 0) {
        (void)snprintf(otherwise, sizeof otherwise, "exit status %d, and not a word", end->number);
    }
    set_detail(end, output, otherwise, verdict);
}

static void judge_not_found(const struct run_end *end, const char *program, struct verdict *verdict)
{
    bool is_right = end->number == EACCES || end->number == EPERM;
    verdict_set(verdict, OUTCOME_UNKNOWN, is_right ? "no-permission" : "no-program",
                "%.200s cannot be run: %s", program, strerror(end->number));
}

static void judge_not_started(const struct run_end *end, const struct whom *whom,
                              struct verdict *verdict)
{
    if (whom->error == -ENOENT) {
        verdict_set(verdict, OUTCOME_UNKNOWN, "no-user", "there is no user of that name");
        return;
    }
    if (whom->error == -EPERM) {
        verdict_set(verdict, OUTCOME_UNKNOWN, "no-permission",
                    "only as root can the agent run it as another user");
        return;
    }
    bool is_right = end->number == EACCES || end->number == EPERM;
    verdict_set(verdict, OUTCOME_UNKNOWN, is_right ? "no-permission" : "resource",
                "no process for it: %s", strerror(end->number));
}

static void judge(const struct run_end *end, const struct plugin_output *output,
                  const struct command *command, struct verdict *verdict)
{
    switch (end->kind) {
    case RUN_EXITED:
        judge_exit(end, output, verdict);
        break;
    case RUN_SIGNALLED:
        verdict_set(verdict, OUTCOME_UNKNOWN, "plugin-signal", "ended by signal %d (%s)",
                    end->number, strsignal(end->number));
        break;
    case RUN_TIMED_OUT:
        verdict_set(verdict, OUTCOME_UNKNOWN, "plugin-timeout", "did not end in %.1f s",
                    end->runtime_s);
        break;
    case RUN_FLOODED:
        verdict_set(verdict, OUTCOME_UNKNOWN, "plugin-output", "printed over %d bytes",
                    RUNNER_OUTPUT_FLOOD);
        break;
    case RUN_NOT_FOUND:
        judge_not_found(end, command->argv[0], verdict);
        break;
    case RUN_NOT_STARTED:
        judge_not_started(end, command->whom, verdict);
        break;
    case RUN_NO_TURN:
        verdict_set(verdict, OUTCOME_UNKNOWN, "agent-overloaded",
                    "%d other programs ran all the time", RUNNER_MAX);
        break;
    }
}

/* --- one turn --- */

static void free_probe(struct command_probe *probe)
{
    free(probe->device);
    free(probe->name);
    free(probe);
}

static void take_perfdata(const struct command_probe *probe, const struct run_end *end,
                          const struct plugin_output *output, struct verdict *verdict)
{
    struct perfdata_set *set = probe->command->set;
    verdict->values[VALUE_REFUSED] = (double)perfdata_set_take(set, output);
    verdict->known |= 1U << VALUE_REFUSED;
    perfdata_set_deliver(set, probe->sink, probe->device, probe->name, probe->interval_ms,
                         end->started);
}

static void on_end(void *context, const struct run_end *end)
{
    struct command_probe *probe = context;
    struct verdict verdict = {.time = end->started};
    struct plugin_output output;
    plugin_output_split(end->output_size > 0 ? end->output : "", end->output_size, &output);
    judge(end, &output, probe->command, &verdict);
    if (end->kind != RUN_NO_TURN && end->kind != RUN_NOT_FOUND && end->kind != RUN_NOT_STARTED) {
        verdict.values[VALUE_RUNTIME] = end->runtime_s;
        verdict.known |= 1U << VALUE_RUNTIME;
    }
    if (end->kind == RUN_EXITED) {
        take_perfdata(probe, end, &output, &verdict);
    }
    probe->done(probe->context, &verdict);
    free_probe(probe);
}

static void *start(void *shared, const struct probe_order *order)
{
    const struct check_config *config = order->config;
    const struct command *command = order->prepared;
    struct command_probe *probe = xcalloc(1, sizeof *probe);
    if (command->whom->error != 0) {
        command->whom->error = identity_find(config->user, &command->whom->identity);
    }
    probe->command = command;
    probe->device = xstrdup(order->device);
    probe->name = xstrdup(config->name);
    probe->interval_ms = config->interval_ms;
    probe->sink = order->sink;
    probe->done = order->done;
    probe->context = order->context;
    const struct run_order run = {
        .argv = command->argv,
        .identity = &command->whom->identity,
        .refusal = -command->whom->error,
        .timeout_ms = order->timeout_ms,
        .memory_max_bytes =
            config->memory_max_bytes > 0 ? (uint64_t)config->memory_max_bytes : MEMORY_MAX_BYTES,
        .done = on_end,
        .context = probe,
    };
    probe->run = runner_start(shared, &run);
    return probe;
}

static void cancel(void *pointer)
{
    struct command_probe *probe = pointer;
    runner_cancel(probe->run);
    free_probe(probe);
}

const struct check_type check_type_command = {
    .id = CHECK_COMMAND,
    .open = open_runner,
    .close = close_runner,
    .prepare = prepare,
    .release = release,
    .start = start,
    .cancel = cancel,
};
