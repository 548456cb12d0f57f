/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The command line of `beffroi-agent meter`.
 *
 * Threads: one (getopt). */
#ifndef AGENT_METER_OPTIONS_H
#define AGENT_METER_OPTIONS_H

#include "meter/privacy.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum meter_format { METER_TEXT, METER_JSON };

struct meter_cli_options {
    bool help;
    const char *file; /* in argv, as are all texts here; one of file and interface is set */
    const char *interface;
    enum meter_format format;
    int64_t interval_ms; /* 0: none */
    int64_t duration_ms; /* 0: until a signal */
    size_t top;          /* how many of each list */
    size_t flows;        /* 0: the default */
    bool exact_addresses;
    bool promiscuous;
    const char *filter;
    const char *user;
    const char *ipfix;
    size_t n_own;
    struct privacy_range own[PRIVACY_RANGES_MAX];
};

/* 0, or -EINVAL with a reason of one line. argv[0] is "meter". */
int meter_options_parse(int argc, char *argv[], struct meter_cli_options *options, char *reason,
                        size_t reason_size);
void meter_options_print_usage(FILE *out);

#endif
