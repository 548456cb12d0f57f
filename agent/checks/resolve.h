/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Names to addresses, in libuv's threads, so that a slow resolver holds up nobody's loop.
 *
 * Threads: calls and call-backs in the loop's thread. */
#ifndef CHECKS_RESOLVE_H
#define CHECKS_RESOLVE_H

#include "verdict.h"
#include <uv.h>

struct resolve;

/* A numeric address needs no resolver. 0, or -EINVAL when it is a name. */
int resolve_literal(const char *host, uint16_t port, struct target *target);

/* `done` gets the addresses, or NULL and the failure: always "unknown", a name that cannot be
 * resolved says nothing about the service. NULL: it could not even be asked (never calls done). */
struct resolve *resolve_start(uv_loop_t *loop, const char *host, uint16_t port,
                              void (*done)(void *context, const struct target *target,
                                           const struct verdict *failure),
                              void *context);
/* No call-back after it; the loop holds the rest until the resolver returns. NULL is allowed. */
void resolve_cancel(struct resolve *resolve);

#endif
