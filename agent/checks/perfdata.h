/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a plugin prints, by the guidelines of the Nagios plugins: a line for people, and behind bars
 * ("|") the performance data, 'label'=value[UOM];warn;crit;min;max. Bytes of a foreign program.
 *
 * Threads: no state; no allocation. */
#ifndef CHECKS_PERFDATA_H
#define CHECKS_PERFDATA_H

#include "proto/model.h"

enum {
    PERFDATA_LABEL_MAX = 255,
    PERFDATA_UNIT_MAX = 15,
};

struct plugin_span {
    const char *at;
    size_t size;
};

/* Parts of the bytes. */
struct plugin_output {
    struct plugin_span text;        /* the first line up to its bar, without blanks around */
    struct plugin_span perfdata[2]; /* of the first line; behind the first bar of those after it */
};
void plugin_output_split(const char *bytes, size_t size, struct plugin_output *output);

struct perfdata_item {
    char label[PERFDATA_LABEL_MAX + 1]; /* without its quotes; any bytes but NUL, not empty */
    enum metric_type type;              /* METRIC_COUNTER for the unit "c" */
    char unit[PERFDATA_UNIT_MAX + 1];   /* "s", "bytes", "ratio", "1", or what the plugin says */
    bool is_known;                      /* not "U" */
    union value value;                  /* in that unit */
};

/* The item at *at, which goes behind it. 1; 0: there are no more; -EINVAL: what stood there is
 * none (no label, no number, a decimal comma, a counter with a fraction or a sign) and was
 * passed over. */
int perfdata_next(const char **at, const char *end, struct perfdata_item *item);

#endif
