/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Asks services whether they answer, each check at its own phase of its interval. A check is an
 * object of kind "check" with the metrics of its type, and delivers one row and one result per
 * interval.
 *
 * degraded: it answers, but one of `degraded_unless` does not hold ("condition").
 * down: the service or the way to it failed ("timeout", "connection-refused", "connection-reset",
 * "connection-failed", "host-unreachable", "network-unreachable", "protocol", what a type adds, or
 * "condition": one of `down_unless` does not hold).
 * unknown: the agent could not ask, which says nothing of the service: "no-route" (out of this
 * machine), "no-permission", "resource" (descriptors, memory), "dns-failure" (the resolver gave no
 * answer), "dns-name" (it says that there is no such name: a typing error far more often than an
 * outage; a check of the name server itself tells the two apart), "agent-overloaded" (the agent
 * came too late to see an answer in time), "no-value" (what a condition is about was not measured).
 *
 * Threads: the loop's thread; nothing here blocks. */
#ifndef CHECKS_CHECKS_H
#define CHECKS_CHECKS_H

#include "checks/config.h"
#include "common/stats.h"
#include "sample/sink.h"
#include <uv.h>

struct checks;
struct check_type; /* check_type.h, within checks/ */

struct checks_options {
    const char *device; /* the default one */
    const struct sample_sink *sink;
    /* The types that this process can run; the others' checks are not started. */
    const struct check_type *const *types;
    size_t n_types;
};

/* Starts every check of the list (struct check_config items), which must outlive the handle or the
 * next checks_reload, as must the options' texts. */
struct checks *checks_open(uv_loop_t *loop, const struct config_list *list,
                           const struct checks_options *options);
/* Goes over to another list. A check that stands in both and says the same goes on undisturbed,
 * with what is under way (its texts go over to the new list, in exchange for equal ones); the
 * others are stopped, or started. */
void checks_reload(struct checks *checks, const struct config_list *list, const char *device);
void checks_stats(const struct checks *checks, struct stats *stats);
/* Cancels what is under way without a result; not from within a call of the sink. NULL is allowed.
 */
void checks_close(struct checks *checks);

/* The whole of a worker process of one part (enum check_part), until main ends it: its exit status.
 */
int checks_worker_main(enum check_part part, const struct check_type *const *types, size_t n_types);

#endif
