/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "poll.h"

#include "config.h"
#include "poll_json.h"
#include "poll_options.h"
#include "poll_result.h"
#include "poll_text.h"

#include "common/log.h"
#include "common/privilege.h"
#include "common/xalloc.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STATUS_FAILED = 1, STATUS_USAGE = 2, SIGNALS = 2 };

struct poll {
    struct poll_options options;
    struct agent_config config;
    struct config_list devices; /* those that are wanted; what they hold is the configuration's */
    uv_loop_t loop;
    uv_signal_t signals[SIGNALS];
    struct snmp_poller *poller;
    struct poll_collector *collector;
    char **texts; /* --once: what was printed of each device; NULL: not yet */
    size_t n_texts;
    bool coloured;
    bool shows_progress;
    int status;
};

/* --- what is polled --- */

static int load_config(struct poll *poll)
{
    struct config_errors errors = {0};
    int rc = agent_config_load_for_poll(poll->options.config, &poll->config, &errors);
    if (rc != 0) {
        config_errors_print(stderr, &errors);
    }
    config_errors_clear(&errors);
    return rc;
}

static bool is_wanted(const struct poll *poll, const char *name)
{
    for (size_t i = 0; i < poll->options.n_devices; i++) {
        if (strcmp(poll->options.devices[i], name) == 0) {
            return true;
        }
    }
    return poll->options.n_devices == 0;
}

/* 0, or -ENOENT: one of the names is no device's. */
static int choose_devices(struct poll *poll)
{
    const struct snmp_device_config *items = poll->config.devices.items;
    struct snmp_device_config *chosen = xcalloc(poll->config.devices.count + 1, sizeof *chosen);
    poll->devices.items = chosen;
    for (size_t i = 0; i < poll->config.devices.count; i++) {
        if (is_wanted(poll, items[i].name)) {
            chosen[poll->devices.count++] = items[i];
        }
    }
    for (size_t i = 0; i < poll->options.n_devices; i++) {
        bool found = false;
        for (size_t j = 0; j < poll->devices.count && !found; j++) {
            found = strcmp(chosen[j].name, poll->options.devices[i]) == 0;
        }
        if (!found) {
            fprintf(stderr, "beffroi-agent: %s: has no device %s\n", poll->options.config,
                    poll->options.devices[i]);
            return -ENOENT;
        }
    }
    return 0;
}

/* --- printing --- */

static void fail(struct poll *poll, const char *what, int error)
{
    fprintf(stderr, "beffroi-agent: %s: %s\n", what, strerror(error));
    poll->status = STATUS_FAILED;
    uv_stop(&poll->loop);
}

static void flush(struct poll *poll)
{
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fail(poll, "cannot print", errno);
    }
}

static void print_result(const struct poll *poll, FILE *out, const struct poll_result *result)
{
    bool timed = !poll->options.once;
    if (poll->options.format == POLL_JSON) {
        poll_json_print(out, result, timed);
    } else {
        poll_text_print(out, result, timed, poll->coloured);
    }
}

static void show_progress(const struct poll *poll)
{
    if (poll->shows_progress) {
        fprintf(stderr, "\r%zu of %zu devices", poll->n_texts, poll->devices.count);
    }
}

/* The document waits for its slowest device: it has them in the order of the file. */
static void keep_text(struct poll *poll, size_t device, const struct poll_result *result)
{
    size_t size;
    if (poll->texts[device] != NULL) {
        return;
    }
    FILE *out = open_memstream(&poll->texts[device], &size);
    if (out == NULL) {
        abort(); /* only out of memory */
    }
    print_result(poll, out, result);
    (void)fclose(out); /* to memory */
    poll->n_texts++;
    show_progress(poll);
    if (poll->n_texts == poll->devices.count) {
        uv_stop(&poll->loop);
    }
}

static void on_report(void *context, const struct snmp_report *report)
{
    struct poll *poll = context;
    struct poll_result result;
    size_t device;
    if (!poll_collector_take(poll->collector, report, &result, &device)) {
        return;
    }
    if (poll->options.once) {
        keep_text(poll, device, &result);
    } else {
        print_result(poll, stdout, &result);
        if (poll->options.format == POLL_JSON) {
            fputc('\n', stdout);
        }
        flush(poll);
    }
    poll_collector_forget(poll->collector, device);
}

static void print_document(struct poll *poll)
{
    bool json = poll->options.format == POLL_JSON;
    if (poll->shows_progress) {
        fputs("\r\033[K", stderr);
    }
    fputs(json ? "{\"devices\":[" : "", stdout);
    for (size_t i = 0; i < poll->devices.count; i++) {
        fprintf(stdout, "%s%s", !json ? "" : i == 0 ? "\n" : ",\n", poll->texts[i]);
    }
    fputs(json ? "]}\n" : "", stdout);
    flush(poll);
}

/* --- the process --- */

static void on_signal(uv_signal_t *handle, int number)
{
    (void)number;
    uv_stop(handle->loop);
}

/* --once is short: a signal ends it as any program, with nothing printed. */
static void watch_signals(struct poll *poll)
{
    static const int numbers[SIGNALS] = {SIGINT, SIGTERM};
    for (size_t i = 0; i < SIGNALS; i++) {
        /* Fails only without descriptors, as everything after it would. */
        (void)uv_signal_init(&poll->loop, &poll->signals[i]);
        if (!poll->options.once) {
            (void)uv_signal_start(&poll->signals[i], on_signal, numbers[i]);
        }
    }
}

static int confine(const struct poll *poll)
{
    struct privilege_report report;
    int rc = privilege_confine(poll->config.user, &report);
    if (rc != 0) {
        fprintf(stderr, "beffroi-agent: cannot give up privilege: %s\n", strerror(-rc));
    }
    return rc;
}

static void run_loop(struct poll *poll)
{
    const struct snmp_options options = {
        .devices = &poll->devices,
        .profiles = &poll->config.profiles,
        .requests_per_second = poll->config.snmp.requests_per_second,
        .sink = poll_collector_sink(poll->collector),
        .once = poll->options.once,
        .on_report = on_report,
        .context = poll,
    };
    watch_signals(poll);
    poll->poller = snmp_poller_open(&poll->loop, &options);
    if (poll->poller == NULL) {
        fail(poll, "cannot begin to poll", errno);
    } else if (confine(poll) != 0) {
        poll->status = STATUS_FAILED;
    } else if (poll->devices.count > 0) {
        show_progress(poll);
        (void)uv_run(&poll->loop, UV_RUN_DEFAULT); /* until it is stopped */
    }
    if (poll->status == 0 && poll->options.once) {
        assert(poll->n_texts == poll->devices.count); /* nothing else stops the loop */
        print_document(poll);
    }
    snmp_poller_close(poll->poller);
    for (size_t i = 0; i < SIGNALS; i++) {
        uv_close((uv_handle_t *)&poll->signals[i], NULL);
    }
    (void)uv_run(&poll->loop, UV_RUN_DEFAULT); /* the closings */
}

static bool wants_colour(void)
{
    const char *no_colour = getenv("NO_COLOR");
    const char *terminal = getenv("TERM");
    return isatty(STDOUT_FILENO) != 0 && (no_colour == NULL || no_colour[0] == '\0') &&
           terminal != NULL && strcmp(terminal, "dumb") != 0;
}

static int run(struct poll *poll)
{
    poll->status = STATUS_FAILED;
    if (load_config(poll) != 0) {
        return poll->status;
    }
    if (choose_devices(poll) == 0 && uv_loop_init(&poll->loop) == 0) {
        poll->status = 0;
        poll->coloured = wants_colour();
        poll->shows_progress = poll->options.once && isatty(STDERR_FILENO) != 0;
        poll->texts = xcalloc(poll->devices.count + 1, sizeof(poll->texts[0]));
        poll->collector = poll_collector_new(&poll->devices, poll->options.once);
        run_loop(poll);
        poll_collector_free(poll->collector);
        for (size_t i = 0; i < poll->devices.count; i++) {
            free(poll->texts[i]);
        }
        free(poll->texts);
        (void)uv_loop_close(&poll->loop); /* the process ends */
    }
    free(poll->devices.items);
    agent_config_free(&poll->config);
    return poll->status;
}

int poll_main(int argc, char *argv[])
{
    struct poll poll = {0};
    char reason[256] = "";
    int status = 0;
    log_open("agent/poll", LOG_LEVEL_WARN);
    if (poll_options_parse(argc, argv, &poll.options, reason, sizeof reason) != 0) {
        fprintf(stderr, "beffroi-agent poll: %s\n", reason);
        poll_options_print_usage(stderr);
        status = STATUS_USAGE;
    } else if (poll.options.help) {
        poll_options_print_usage(stdout);
        status = fflush(stdout) == 0 ? 0 : STATUS_FAILED;
    } else {
        status = run(&poll);
    }
    poll_options_free(&poll.options);
    return status;
}
