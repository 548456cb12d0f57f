/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Does a host answer echo requests? So many are sent, in turn to the target's addresses, and the
 * probe is done once each is answered, refused by an error or out of time. A host that answers one
 * is up.
 *
 * An echo follows as soon as the one before is answered, so that a healthy host is done with in as
 * many round trips, and nobody is woken in between; 100 ms after it where that one is refused by an
 * error, which routers ration; and else when its share of the first half of the timeout comes, so
 * that a short interruption does not swallow them all and the last one too has half the timeout to
 * be answered.
 *
 * Values of the verdict, in s: mean, least and greatest round-trip time; jitter, the mean of the
 * differences between successive round-trip times, without their signs (as RFC 3550 takes them, not
 * smoothed); and loss, a ratio of what was sent.
 *
 * An answer counts only with the identifier, the sequence number, the random token and the address
 * of an open request, when it came in time by the kernel's clock.
 *
 * Threads: the loop's thread. */
#ifndef CHECKS_ICMP_H
#define CHECKS_ICMP_H

#include "verdict.h"
#include <uv.h>

enum { ICMP_ECHOES_DEFAULT = 3, ICMP_ECHOES_MAX = 20 };
enum { ICMP_RTT, ICMP_RTT_MIN, ICMP_RTT_MAX, ICMP_JITTER, ICMP_LOSS }; /* places of the values */

struct icmp;
struct icmp_probe;

/* What came, and was ignored. */
struct icmp_ignored {
    uint64_t foreign;    /* to another process, or nothing like an answer */
    uint64_t late;       /* no open request has its number: too late, or twice */
    uint64_t mismatched; /* one has, with another token or to another address: forged, or the host
                            answers from another address */
};

/* Opens the sockets, while the process may; tries again with a probe where it may not. */
struct icmp *icmp_new(uv_loop_t *loop);
/* Opens its sockets now, for a process that is about to give up what that may take. What cannot be
 * opened is tried again when it is needed. */
void icmp_open_sockets(struct icmp *icmp);
/* After its last probe. NULL is allowed. */
void icmp_free(struct icmp *icmp);
struct icmp_ignored icmp_ignored(const struct icmp *icmp);

/* echoes: 1 to ICMP_ECHOES_MAX. The first one leaves before the loop next waits. */
struct icmp_probe *icmp_start(struct icmp *icmp, const struct target *target, int64_t timeout_ms,
                              unsigned echoes, probe_done *done, void *context);
/* No call-back after it. */
void icmp_cancel(struct icmp_probe *probe);

#endif
