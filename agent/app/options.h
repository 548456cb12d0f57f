/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The agent's command line, except that of `beffroi-agent poll` (poll_options.h).
 *
 * Threads: one (getopt). */
#ifndef AGENT_OPTIONS_H
#define AGENT_OPTIONS_H

#include <stdbool.h>
#include <stdio.h>

enum options_mode {
    OPTIONS_RUN,
    OPTIONS_CHECK,          /* -n */
    OPTIONS_PRINT_CONFIG,   /* -nv */
    OPTIONS_PRINT_EXAMPLE,  /* --print-example */
    OPTIONS_PRINT_PROFILE,  /* --print-profile NAME */
    OPTIONS_PRINT_PROFILES, /* --print-profiles */
    OPTIONS_HELP,
    OPTIONS_VERSION,
};

struct options {
    enum options_mode mode;
    const char *config;  /* -c; in argv */
    const char *profile; /* NAME; in argv */
};

/* 0, or -EINVAL with a reason of one line; the caller exits with status 2 then. */
int options_parse(int argc, char *argv[], struct options *options, char *reason,
                  size_t reason_size);
void options_print_usage(FILE *out);

#endif
