/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * An object's metrics as the text that the ledger keeps, and back: a line a metric, name, unit and
 * type with a tab between.
 *
 * Threads: no state. */
#ifndef LEDGER_SHAPE_H
#define LEDGER_SHAPE_H

#include "proto/model.h"

/* Caller frees. NULL when a name or unit holds a tab or line break. */
char *shape_format(const struct metric *metrics, size_t n_metrics);

/* `metrics` points into `text`, its own copy of what was parsed. */
struct shape {
    char *text;
    size_t n_metrics;
    struct metric metrics[PROTO_METRICS_MAX];
};
/* 0, or -EBADMSG and nothing to clear. */
int shape_parse(const char *text, struct shape *shape);
void shape_clear(struct shape *shape);

#endif
