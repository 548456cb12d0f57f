/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A simulated device's agent: a request message in, the message that answers it out. SNMPv1 and v2c
 * (RFC 1157, RFC 3416) with a community, SNMPv3 (RFC 3412, RFC 3414) with the one user.
 *
 * Threads: one. */
#ifndef SIM_ANSWER_H
#define SIM_ANSWER_H

#include "mib.h"
#include "usm.h"

enum {
    MESSAGE_MAX = 65507, /* the largest UDP payload over IPv4 */
    MESSAGE_MIN = 484,   /* RFC 3412 section 6.3: what every engine must take */
    REQUEST_VARBINDS_MAX = 128,
};

/* What a request was, and what came of it. */
enum answer_kind {
    ANSWER_GET,
    ANSWER_GETNEXT,
    ANSWER_GETBULK,
    ANSWER_REPORT,  /* SNMPv3: discovery, and what the user's keys or clock did not allow */
    ANSWER_REFUSED, /* community, version or user: silence, as RFC 3413 wants it */
    ANSWER_BROKEN,  /* not a message, or one that nobody sends to an agent: silence */
    ANSWER_KINDS,
};
const char *answer_kind_name(enum answer_kind kind);

struct agent {
    struct mib *mib;
    struct usm *usm;       /* NULL: no SNMPv3 */
    const char *community; /* NULL: no v1 and v2c */
    size_t max_size;       /* of a reply */
    uint64_t salt;
};

struct answer {
    enum answer_kind kind;
    size_t n_varbinds; /* in the reply */
    size_t n_bytes;    /* of the reply; 0: silence */
    bool too_big;
};

/* `reply` has MESSAGE_MAX octets; `request` may be written to. */
void answer_request(struct agent *agent, const struct mib_moment *moment, uint8_t *request,
                    size_t n, uint8_t *reply, struct answer *answer);

#endif
