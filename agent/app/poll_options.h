/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The command line of `beffroi-agent poll`.
 *
 * Threads: one (getopt). */
#ifndef AGENT_POLL_OPTIONS_H
#define AGENT_POLL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum poll_format { POLL_TEXT, POLL_JSON };

struct poll_options {
    bool help;
    const char *config; /* in argv, as are the names */
    bool once;
    enum poll_format format;
    size_t n_devices; /* 0: all */
    const char **devices;
};

/* 0, or -EINVAL with a reason of one line. The options are freed in both cases. argv[0] is "poll".
 */
int poll_options_parse(int argc, char *argv[], struct poll_options *options, char *reason,
                       size_t reason_size);
void poll_options_free(struct poll_options *options);
void poll_options_print_usage(FILE *out);

#endif
