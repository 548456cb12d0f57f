/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Does a TCP port accept a connection? Tries the target's addresses in turn, each with its share of
 * the time that is left; the first that connects decides. Value 0 of the verdict: connect time in
 * s.
 *
 * Threads: the loop's thread. */
#ifndef CHECKS_TCP_H
#define CHECKS_TCP_H

#include "verdict.h"
#include <uv.h>

struct tcp_probe;

struct tcp_probe *tcp_start(uv_loop_t *loop, const struct target *target, int64_t timeout_ms,
                            probe_done *done, void *context);
/* No call-back after it. */
void tcp_cancel(struct tcp_probe *probe);

#endif
