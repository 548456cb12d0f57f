/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Asks services whether they answer: ICMP echo, TCP connect, HTTP(S). Each check is an object of
 * kind "check" with a metric or more for its timing, and delivers one result per interval.
 *
 * down: the service or the way to it failed ("timeout", "connection-refused", "connection-reset",
 * "connection-failed", "host-unreachable", "network-unreachable", "http-status", "tls",
 * "protocol"). unknown: the agent could not ask, which says nothing of the service: "no-route" (out
 * of this machine), "no-permission", "resource" (descriptors, memory), "dns-failure" (the resolver
 * gave no answer), "dns-name" (it says that there is no such name: a typing error far more often
 * than an outage; a check of the name server itself tells the two apart).
 *
 * Threads: the loop's thread; nothing here blocks. */
#ifndef CHECKS_CHECKS_H
#define CHECKS_CHECKS_H

#include "common/config.h"
#include "common/stats.h"
#include "sample/sink.h"
#include <uv.h>

enum check_type { CHECK_ICMP, CHECK_TCP, CHECK_HTTP };

/* An item of `checks:`. */
struct check_config {
    struct config_place place;
    char *name;     /* unique within its device */
    char *device;   /* whose check it is; default: the agent's own device */
    int type;       /* enum check_type */
    char *host;     /* icmp, tcp: name or address */
    int64_t port;   /* tcp */
    char *url;      /* http */
    int64_t status; /* http: expected status; 0: any 200 to 399 */
    int64_t interval_ms;
    int64_t timeout_ms;
};
extern const struct config_schema check_config_schema;
/* For the check of the configuration that holds the list: reports names that a device has twice.
 * `device` is the default one. */
void checks_check_unique(const struct config_list *list, const char *device,
                         struct config_error_sink *errors);

struct checks;

/* Starts every check of the list (struct check_config items), which must outlive the handle, as
 * must `device`, the default one. */
struct checks *checks_open(uv_loop_t *loop, const struct config_list *list, const char *device,
                           const struct sample_sink *sink);
void checks_stats(const struct checks *checks, struct stats *stats);
/* Cancels what is under way without a result; not from within a call of the sink. NULL is allowed.
 */
void checks_close(struct checks *checks);

#endif
