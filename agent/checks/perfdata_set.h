/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The performance data of one check as an object of kind "perfdata": what its plugin ever printed,
 * a metric each, so that a value which is missing once does not change the object.
 *
 * Threads: one. */
#ifndef CHECKS_PERFDATA_SET_H
#define CHECKS_PERFDATA_SET_H

#include "perfdata.h"
#include "sample/sink.h"

struct perfdata_set;

struct perfdata_set *perfdata_set_new(void);
/* NULL is allowed. */
void perfdata_set_free(struct perfdata_set *set);
/* Takes what one run printed: how many of its items were refused (no item at all, a label for the
 * second time, another unit than before, over PROTO_METRICS_MAX of them). */
size_t perfdata_set_take(struct perfdata_set *set, const struct plugin_output *output);
/* Defines the object, and delivers what the last take took. Nothing when there never was any, or
 * none this time. Labels of the object tell the plugin's names where the metrics' differ. */
void perfdata_set_deliver(struct perfdata_set *set, const struct sample_sink *sink,
                          const char *device, const char *name, int64_t interval_ms,
                          struct wall time);

/* A metric's name (model.h) of any label: "/var/log" is "var_log", "/" is "root", and "4xx" is
 * "v_4xx". */
void perfdata_metric_name(const char *label, char name[PROTO_METRIC_NAME_MAX + 1]);

#endif
