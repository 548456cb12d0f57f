/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What Beffroi says of itself: a list of counters and gauges that a part fills from its own state
 * when it is asked. The list travels as JSON over the part's control socket; the page's /metrics
 * prints it in the Prometheus text format.
 *
 * Threads: a list belongs to one thread. */
#ifndef COMMON_STATS_H
#define COMMON_STATS_H

#include <stddef.h>
#include <stdint.h>

enum stat_type { STAT_COUNTER, STAT_GAUGE };

struct stat_value {
    char *name;      /* Prometheus metric name with its unit, "beffroi_intake_batches_total" */
    char *help;      /* one sentence */
    char *label_key; /* one optional label; NULL: none */
    char *label_value;
    enum stat_type type;
    double value;
};

struct stats {
    size_t count;
    struct stat_value *values;
};

/* Texts are copied. Names, help and label keys are our own constants, label values any UTF-8. */
void stats_add(struct stats *stats, enum stat_type type, const char *name, const char *help,
               double value);
void stats_add_labelled(struct stats *stats, enum stat_type type, const char *name,
                        const char *help, const char *label_key, const char *label_value,
                        double value);
/* Frees the contents and empties the list; the struct itself is the caller's. */
void stats_clear(struct stats *stats);

#endif
