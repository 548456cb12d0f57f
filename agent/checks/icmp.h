/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Does a host answer an echo request? Three are sent, spread over the timeout and in turn to the
 * target's addresses; the first answer decides. Value 0 of the verdict: round-trip time in s.
 *
 * One socket per address family serves all probes: an unprivileged ping socket where
 * net.ipv4.ping_group_range admits us, else a raw one.
 *
 * Threads: the loop's thread. */
#ifndef CHECKS_ICMP_H
#define CHECKS_ICMP_H

#include "verdict.h"
#include <uv.h>

struct icmp;
struct icmp_probe;

struct icmp *icmp_new(uv_loop_t *loop);
/* After its last probe. NULL is allowed. */
void icmp_free(struct icmp *icmp);

struct icmp_probe *icmp_start(struct icmp *icmp, const struct target *target, int64_t timeout_ms,
                              probe_done *done, void *context);
/* No call-back after it. */
void icmp_cancel(struct icmp_probe *probe);

#endif
