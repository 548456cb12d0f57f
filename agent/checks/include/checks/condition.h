/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a check's value must be: "response < 800 ms", "loss <= 20 %", "days_left > 14", "size >= 1
 * KiB". A number without a unit is in the metric's own; with one it is converted exactly where
 * both are of one kind: time (us, ms, s, min, h, d), size (B, KiB, MiB, GiB, TiB), ratio (%), rate
 * (bit/s, kbit/s, Mbit/s, Gbit/s, B/s, KiB/s, MiB/s, GiB/s).
 *
 * Threads: no state. */
#ifndef CHECKS_CONDITION_H
#define CHECKS_CONDITION_H

#include "proto/model.h"

#include <stdbool.h>
#include <stddef.h>

enum condition_operator {
    CONDITION_LESS,
    CONDITION_LESS_EQUAL,
    CONDITION_GREATER,
    CONDITION_GREATER_EQUAL,
    CONDITION_EQUAL,
    CONDITION_NOT_EQUAL,
};

struct condition {
    const char *text; /* the caller's, as written */
    size_t metric;    /* place among the metrics */
    enum condition_operator operator;
    double threshold; /* in the metric's unit; where that is not known yet, as written */
};

/* A condition on one of the metrics. One whose unit is NULL is of a unit that is not known yet: any
 * will do, and the text is to be parsed again once it is. 0, or -EINVAL with a reason that names
 * what is wrong (and, for an unknown metric, which ones there are). `text` must outlive the
 * condition. */
int condition_parse(const char *text, const struct metric *metrics, size_t n_metrics,
                    struct condition *condition, char *reason, size_t reason_size);
bool condition_holds(const struct condition *condition, double value);
/* "rtt is 0.912 s": the value as people read it, in the metric's unit. */
void condition_describe(const struct condition *condition, const struct metric *metrics,
                        double value, char *text, size_t text_size);

#endif
