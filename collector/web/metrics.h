/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Counters and gauges in the Prometheus text format 0.0.4: all samples of a name below one HELP and
 * one TYPE.
 *
 * Threads: no state. */
#ifndef WEB_METRICS_H
#define WEB_METRICS_H

#include <stddef.h>

struct stats;

/* Malloc'ed, ended with NUL. */
char *metrics_text(const struct stats *stats, size_t *size);

#endif
