/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "meter_main.h"

#include "meter_json.h"
#include "meter_options.h"
#include "meter_text.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STATUS_FAILED = 1, STATUS_USAGE = 2, LIVE_INTERVAL_MS = 1000, MS_NS = 1000000 };

struct command {
    struct meter_cli_options options;
    struct services *service_names;
    bool coloured;
    bool redraws; /* a live view on a terminal: each document over the one before */
    bool shows_progress;
    bool progress_shown;
};

static volatile sig_atomic_t stop; /* a handler has no other way to tell */

static void on_signal(int number)
{
    (void)number;
    stop = 1;
}

/* --- printing --- */

static void clear_progress(struct command *command)
{
    if (command->progress_shown) {
        (void)fputs("\r\033[K", stderr);
        command->progress_shown = false;
    }
}

static int on_document(void *context, const struct capture_document *document)
{
    struct command *command = context;
    clear_progress(command);
    if (command->options.format == METER_JSON) {
        meter_json_print(stdout, document, command->service_names, command->options.top);
    } else {
        (void)fputs(command->redraws ? "\033[H\033[2J" : "", stdout);
        meter_text_print(stdout, document, command->service_names, command->options.top,
                         command->coloured);
    }
    return fflush(stdout) == 0 ? 0 : -errno;
}

static void on_progress(void *context, uint64_t done, uint64_t total)
{
    struct command *command = context;
    enum { MIB = 1024 * 1024 };
    if (total > 0) {
        (void)fprintf(stderr, "\r%3u %% of %llu MiB",
                      (unsigned)((double)done * 100 / (double)total),
                      (unsigned long long)(total / MIB));
    } else {
        (void)fprintf(stderr, "\r%llu MiB", (unsigned long long)(done / MIB));
    }
    command->progress_shown = true;
}

/* --- the run --- */

static bool wants_colour(void)
{
    const char *no_colour = getenv("NO_COLOR");
    const char *terminal = getenv("TERM");
    return isatty(STDOUT_FILENO) != 0 && (no_colour == NULL || no_colour[0] == '\0') &&
           terminal != NULL && strcmp(terminal, "dumb") != 0;
}

static void watch_signals(void)
{
    /* Without SA_RESTART: a wait for packets ends at once. */
    struct sigaction action = {.sa_handler = on_signal};
    (void)sigaction(SIGINT, &action, NULL); /* valid signals: cannot fail */
    (void)sigaction(SIGTERM, &action, NULL);
}

static int run(struct command *command)
{
    const struct meter_cli_options *options = &command->options;
    bool live = options->interface != NULL;
    int64_t interval_ms = options->interval_ms;
    if (live && interval_ms == 0 && options->duration_ms == 0) {
        interval_ms = LIVE_INTERVAL_MS;
    }
    char reason[512] = "";
    struct capture_run run = {
        .name = live ? options->interface : options->file,
        .interval_ns = interval_ms * MS_NS,
        .duration_ns = options->duration_ms * MS_NS,
        .promiscuous = options->promiscuous,
        .filter = options->filter,
        .flows = options->flows,
        .user = options->user,
        .ipfix = options->ipfix,
        .privacy = privacy_new(options->exact_addresses ? PRIVACY_FULL : PRIVACY_TRUNCATE,
                               options->own, options->n_own),
        .service_names = command->service_names,
        .stop = &stop,
        .on_document = on_document,
        .on_progress = command->shows_progress && !live ? on_progress : NULL,
        .context = command,
    };
    if (live) {
        watch_signals(); /* of a file: a signal ends it as any program */
    }
    int rc = live ? capture_run_interface(&run, reason, sizeof reason)
                  : capture_run_file(&run, reason, sizeof reason);
    clear_progress(command);
    privacy_free(run.privacy);
    if (rc != 0) {
        (void)fprintf(stderr, "beffroi-agent: %s\n", reason);
        return STATUS_FAILED;
    }
    return 0;
}

int meter_main(int argc, char *argv[])
{
    static struct command command; /* its ranges are large for a stack */
    char reason[256];
    if (meter_options_parse(argc, argv, &command.options, reason, sizeof reason) != 0) {
        (void)fprintf(stderr, "beffroi-agent: meter: %s\n", reason);
        meter_options_print_usage(stderr);
        return STATUS_USAGE;
    }
    if (command.options.help) {
        meter_options_print_usage(stdout);
        return fflush(stdout) == 0 ? 0 : STATUS_FAILED;
    }
    bool json = command.options.format == METER_JSON;
    command.coloured = wants_colour();
    command.redraws = !json && command.options.interface != NULL && isatty(STDOUT_FILENO) != 0;
    command.shows_progress = isatty(STDERR_FILENO) != 0;
    command.service_names = services_new("/etc/services", NULL, 0);
    int status = run(&command);
    services_free(command.service_names);
    return status;
}
