/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Questions to a device and its answers, in our own terms: what stands between the session (which
 * alone knows net-snmp) and the pure parts that judge replies. */
#ifndef SNMP_PDU_H
#define SNMP_PDU_H

#include "common/clock.h"
#include <stddef.h>
#include <stdint.h>

enum {
    OID_IDS_MAX = 128,        /* sub-identifiers (RFC 2578 section 7.1.3) */
    REQUEST_NAMES_MAX = 8,    /* varbinds of a request */
    REPLY_VARBINDS_MAX = 256, /* a request never asks for more; what follows is only counted */
};

/* Points into memory that is somebody else's. */
struct oid_view {
    const unsigned long *ids;
    size_t n;
};

enum value_type {
    VALUE_OTHER, /* a type that nothing here asks for */
    VALUE_INTEGER,
    VALUE_COUNTER32,
    VALUE_GAUGE32,
    VALUE_TIMETICKS,
    VALUE_COUNTER64,
    VALUE_OCTETS,
    VALUE_OID,
    VALUE_NO_SUCH,    /* noSuchObject, noSuchInstance, NULL */
    VALUE_END_OF_MIB, /* endOfMibView */
};

struct varbind {
    struct oid_view name;
    enum value_type type;
    uint64_t number;      /* the numeric types; a negative INTEGER as two's complement */
    const uint8_t *bytes; /* VALUE_OCTETS */
    size_t n_bytes;
    struct oid_view oid; /* VALUE_OID */
};

enum request_type { REQUEST_GET, REQUEST_GETNEXT, REQUEST_GETBULK };

struct request {
    enum request_type type;
    unsigned repetitions; /* REQUEST_GETBULK */
    size_t n_names;
    struct oid_view names[REQUEST_NAMES_MAX];
};

enum reply_status {
    REPLY_ANSWERED,
    REPLY_TIMED_OUT,
    REPLY_NOT_SENT,
    REPLY_REFUSED, /* SNMPv3: the device does not take the user, the keys or the security level */
};

/* Error statuses that are told apart (RFC 3416 section 3). */
enum {
    ERROR_STATUS_NONE = 0,
    ERROR_STATUS_TOO_BIG = 1,
    ERROR_STATUS_NO_SUCH_NAME = 2,
    ERROR_STATUS_AUTHORIZATION = 16, /* what the user may not at this security level */
};

/* The end of one request. An answer came from the address that was asked, with its community (or
 * authentic, by USM) and request-id; nothing else of it is checked yet. */
struct reply {
    enum reply_status status;
    int error;           /* REPLY_NOT_SENT: errno */
    const char *refusal; /* REPLY_REFUSED: "unknown-user", "wrong-key", "unsupported-level" … */
    struct wall sent;
    struct mono sent_mono;
    struct wall arrived; /* REPLY_ANSWERED */
    struct mono arrived_mono;
    long error_status;
    long error_index;               /* any value at all */
    const struct varbind *varbinds; /* valid during the call-back */
    size_t n_varbinds;
    size_t n_dropped;  /* varbinds after REPLY_VARBINDS_MAX */
    size_t size_bytes; /* REPLY_ANSWERED: of the whole message */
};

#endif
