/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a probe found out: the common end of every type of check. Also the one place that decides
 * which failures are the service's (down) and which are our own (unknown).
 *
 * Threads: no state. */
#ifndef CHECKS_VERDICT_H
#define CHECKS_VERDICT_H

#include "proto/model.h"
#include <sys/socket.h>

enum { TARGET_ADDRESSES_MAX = 4, VERDICT_VALUES_MAX = 8 };

/* Whom a probe asks: one address, or what a name stands for, in the order to try. */
struct target {
    struct sockaddr_storage addresses[TARGET_ADDRESSES_MAX];
    size_t n_addresses;
};
socklen_t target_address_size(const struct target *target, size_t i);
/* Has the machine a route to one of them? Sends nothing. */
bool target_has_route(const struct target *target);

/* Leaves those of a family (enum check_family). */
void target_keep_family(struct target *target, int family);

struct verdict {
    enum outcome outcome;
    const char *reason; /* a constant */
    char detail[PROTO_DETAIL_MAX + 1];
    struct wall time;                  /* as struct result's */
    double values[VERDICT_VALUES_MAX]; /* by the metrics of the type: rtt first */
    unsigned known;                    /* bit i: values[i] is known */
};

/* From inside the loop, never from inside the probe's start; the probe is gone then. */
typedef void probe_done(void *context, const struct verdict *verdict);

/* Sets outcome, reason and a printf'ed detail, in which everything but printable ASCII becomes
 * "?"; values and time stay. */
void verdict_set(struct verdict *verdict, enum outcome outcome, const char *reason,
                 const char *format, ...) __attribute__((format(printf, 4, 5)));
/* A system call of ours was refused at once (local) or the peer or the network said no (remote). */
void verdict_local(struct verdict *verdict, int error);
void verdict_remote(struct verdict *verdict, int error);
/* Another attempt failed too: a failure of the service outweighs one of ours, else the first
 * attempt stays. `*verdict` is empty (outcome 0) before the first. */
void verdict_merge(struct verdict *verdict, const struct verdict *attempt);

#endif
