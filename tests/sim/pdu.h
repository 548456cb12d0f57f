/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From a request PDU to its Response PDU (RFC 3416 section 4.2, RFC 1157 section 4.1), below the
 * message that carries them.
 *
 * Pure. */
#ifndef SIM_PDU_H
#define SIM_PDU_H

#include "answer.h"

enum {
    PDU_GET = 0xa0,
    PDU_GETNEXT = 0xa1,
    PDU_RESPONSE = 0xa2,
    PDU_GETBULK = 0xa5,
    PDU_REPORT = 0xa8,
    VERSION_1 = 0,
    VERSION_2C = 1,
    VERSION_3 = 3,
};

struct pdu {
    uint8_t type;
    int64_t request_id;
    int64_t non_repeaters;   /* or error-status */
    int64_t max_repetitions; /* or error-index */
    struct ber_in varbinds;  /* the list as it came */
    size_t n_names;
    struct oid names[REQUEST_VARBINDS_MAX];
};

/* False: broken, or not a GET, GETNEXT or GETBULK. */
bool pdu_read(struct ber_in *in, struct pdu *pdu);
/* Writes the Response; one that would be larger than `out` becomes shorter (GETBULK) or tooBig.
 * False: not even that fits. */
bool pdu_answer(const struct mib *mib, const struct mib_moment *moment, int version,
                const struct pdu *pdu, struct ber_out *out, struct answer *answer);

#endif
