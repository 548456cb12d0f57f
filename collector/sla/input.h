/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a report is made from: runs by check, and gaps. */
#ifndef SLA_INPUT_H
#define SLA_INPUT_H

#include "sla/report.h"

struct input_check {
    char *device;
    char *check;
    size_t n_runs;
    size_t room;
    struct sla_run *runs; /* as they came */
};

struct sla_input {
    size_t n_checks;
    struct input_check *checks;
    size_t latest; /* the check of the latest run: runs come in flocks */
    size_t n_gaps;
    size_t gaps_room;
    struct sla_interval *gaps;
};

/* NULL: nothing is known of it. */
const struct input_check *input_find(const struct sla_input *input, const char *device,
                                     const char *check);

#endif
