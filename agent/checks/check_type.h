/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A type of check, as the room that runs them sees it. Its metrics and keys stand in config.c,
 * which the main process reads too.
 *
 * Threads: the loop's thread. */
#ifndef CHECKS_CHECK_TYPE_H
#define CHECKS_CHECK_TYPE_H

#include "checks/config.h"
#include "sample/sink.h"
#include "verdict.h"

#include <uv.h>

struct stats;

/* One turn of a check; all of it lives until the probe is done or cancelled, but for the target,
 * which is to be copied. */
struct probe_order {
    uv_loop_t *loop;
    const struct check_config *config;
    const void *prepared;        /* by the type's prepare */
    const char *host;            /* asks host or url */
    uint16_t port;               /* likewise; network order is the target's matter */
    const struct target *target; /* NULL: the type asks nobody */
    double resolved_s;           /* what the resolver took; 0 for a literal address */
    int64_t timeout_ms;          /* what is left of the check's */
    /* For objects of its own (perfdata), under the check's device. */
    const char *device;
    const struct sample_sink *sink;
    probe_done *done;
    void *context;
};

struct check_type {
    enum check_type_id id;
    /* What all its probes share; NULL functions: nothing. open returns NULL when it cannot: then
     * every check of the type is unknown, "resource". */
    void *(*open)(uv_loop_t *loop);
    void (*close)(void *shared);
    /* What is made of a check's configuration once (a compiled pattern); NULL functions: nothing.
     * prepare returns NULL when it cannot, likewise. */
    void *(*prepare)(const struct check_config *config);
    void (*release)(void *prepared);
    /* NULL: it could not be started. Calls done from the loop, never from within. */
    void *(*start)(void *shared, const struct probe_order *order);
    /* No call-back after it. */
    void (*cancel)(void *probe);
    /* Adds what it has counted over all its probes. NULL: nothing. */
    void (*stats)(const void *shared, struct stats *stats);
};

extern const struct check_type check_type_icmp;
extern const struct check_type check_type_tcp;
extern const struct check_type check_type_dns;
extern const struct check_type check_type_ntp;
extern const struct check_type check_type_smtp;
extern const struct check_type check_type_imap;
extern const struct check_type check_type_http;
extern const struct check_type check_type_tls;
extern const struct check_type check_type_systemd;
extern const struct check_type check_type_file;
extern const struct check_type check_type_command;

#endif
