/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What went wrong while polling, counted per device: every drop, retry and refusal has its number
 * here.
 *
 * Threads: the loop's thread. */
#ifndef SNMP_COUNTS_H
#define SNMP_COUNTS_H

#include <stdbool.h>
#include <stdint.h>

enum snmp_count {
    COUNT_REQUESTS,
    COUNT_TIMEOUTS,
    COUNT_NOT_SENT,
    COUNT_LATE,         /* replies to no open request: late, doubled or invented */
    COUNT_WRONG_SOURCE, /* another address than the one that was asked */
    COUNT_WRONG_COMMUNITY,
    COUNT_WRONG_PDU,     /* not a Response-PDU */
    COUNT_MALFORMED,     /* no SNMP message, or not of the version that was asked in */
    COUNT_REFUSED,       /* SNMPv3: reports that the user, key or security level is not taken */
    COUNT_NOT_AUTHENTIC, /* SNMPv3: a wrong digest, engine or user, or out of the time window */
    COUNT_DISCOVERIES,   /* SNMPv3: of an engine */
    COUNT_ENGINE_RESETS, /* SNMPv3: boots and time forgotten, because they went back */
    COUNT_ERROR_STATUS,
    COUNT_ERROR_INDEX, /* an error index beyond the request */
    COUNT_TOO_BIG,
    COUNT_EMPTY, /* no varbind, and no error */
    COUNT_EXTRA_VARBINDS,
    COUNT_OID_MISMATCH,
    COUNT_NON_INCREASING,
    COUNT_BAD_TYPE, /* a value of another type or length than its column's */
    COUNT_ROW_LIMIT,
    COUNT_WALKS_CUT,
    COUNT_COLUMNS_DENIED,
    COUNT_NAMELESS_ROWS, /* left out: no name that is certain */
    COUNT_WRAPS,         /* 32-bit counters that wrapped */
    COUNT_RESETS,
    COUNT_IMPLAUSIBLE,     /* counted more than the port can carry */
    COUNT_NARROW_REFUSED,  /* 32-bit counter of a port too fast for it */
    COUNT_RESTARTS,        /* of the device, by its sysUpTime */
    COUNT_DISCONTINUITIES, /* that the device told of (ifCounterDiscontinuityTime) */
    COUNT_PACED,           /* requests that waited: the worker's rate, or others to that address */
    COUNT_OVERRUN,         /* turns that found the cycle before still running */
    COUNT_N,
};

struct snmp_counts {
    uint64_t n[COUNT_N];
};

/* "wrong_source": as logs and metrics call it. */
const char *snmp_count_name(enum snmp_count count);
/* Is it something that went wrong, not just something that happened? */
bool snmp_count_is_trouble(enum snmp_count count);

#endif
