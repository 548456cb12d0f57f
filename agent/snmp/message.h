/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * SNMP messages as bytes: enough of any message's head to know whose it is, and v1 and v2c
 * requests and answers whole, written and read with the library's BER functions straight into
 * varbinds (no list of its own 1.1 kB nodes). Bytes come from whoever sends them; no length in them
 * is believed.
 *
 * Pure. */
#ifndef SNMP_MESSAGE_H
#define SNMP_MESSAGE_H

#include "pdu.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MESSAGE_V1 = 0, MESSAGE_V2C = 1, MESSAGE_V3 = 3 }; /* msgVersion */

enum {
    /* Names and OID values of all varbinds, and room for one more that is left out. */
    MESSAGE_IDS_MAX = (2 * REPLY_VARBINDS_MAX + 2) * OID_IDS_MAX,
    MESSAGE_SIZE_MAX = 65536, /* more than UDP carries */
};

/* msgFlags of SNMPv3 */
enum { MESSAGE_AUTH = 1, MESSAGE_PRIV = 2, MESSAGE_REPORTABLE = 4 };

/* What it points at is in the message. */
struct message_head {
    long version;
    bool has_id; /* an SNMPv1 Trap-PDU has none */
    long id;     /* request-id; SNMPv3: msgID */
    int command; /* v1, v2c: the PDU's BER tag */
    const uint8_t *community;
    size_t community_size;
    const uint8_t *engine_id; /* v3: msgAuthoritativeEngineID; of the USM only */
    size_t engine_id_size;
    bool has_security; /* v3: these, as RFC 3412 section 6 has them */
    int flags;
    long security_model;
    const uint8_t *security; /* msgSecurityParameters, from its tag to the end of the message */
    const uint8_t *pdu;      /* v1, v2c: after its tag and length */
    size_t pdu_size;
};

/* Where a message's varbinds are put, and SNMPv3: a copy of the message and what was encrypted in
 * it; never all of it is touched. */
struct message_scratch {
    struct varbind varbinds[REPLY_VARBINDS_MAX];
    unsigned long ids[MESSAGE_IDS_MAX];
    uint8_t copy[MESSAGE_SIZE_MAX];
    uint8_t clear[MESSAGE_SIZE_MAX];
};

/* What stands around a PDU in an SNMPv3 message. */
struct message_scope {
    const uint8_t *engine_id; /* contextEngineID */
    size_t engine_id_size;
    const uint8_t *context; /* contextName */
    size_t context_size;
};

/* 0, or -EBADMSG: no SNMP message of version 1, 2c or 3. Reads no further than msgUserName, nor the
 * request-id. */
int message_parse_head(const uint8_t *bytes, size_t size, struct message_head *head);

/* A whole v1 or v2c message of such a `version` (MESSAGE_V1, MESSAGE_V2C) as an answer; the reply
 * is valid as long as the bytes and the scratch, its times are not set. 0, or -EBADMSG: not such a
 * message, a PDU without error status, or any varbind that is not well formed (RFC 3416 section 3;
 * also: of an unknown type, a name or an OID value of more than OID_IDS_MAX, an integer that is
 * empty or too long). An integer of 32 bits by its type and more by its value is VALUE_OTHER.
 * Whether it is a Response-PDU, whose it is and what it answers is for the caller: `head`. */
int message_parse(long version, const uint8_t *bytes, size_t size, struct message_scratch *scratch,
                  struct message_head *head, struct reply *reply);

/* A v1 or v2c request as bytes; returns how many, 0: they do not fit into `size`. */
size_t message_build(long version, const uint8_t *community, size_t community_size, long id,
                     const struct request *request, uint8_t *bytes, size_t size);

/* A ScopedPDU (RFC 3412 section 6) as an answer: as message_parse, also of any command, and bytes
 * may follow it (of a cipher's last block). */
int message_parse_scoped(const uint8_t *bytes, size_t size, struct message_scratch *scratch,
                         struct message_scope *scope, int *command, long *id, struct reply *reply);

/* SNMPv3, in parts: a request's PDU; a PDU with its scope; msgVersion and msgGlobalData of the USM.
 * Each returns as message_build. */
size_t message_build_pdu(long id, const struct request *request, uint8_t *bytes, size_t size);
size_t message_build_scoped(const struct message_scope *scope, const uint8_t *pdu, size_t pdu_size,
                            uint8_t *bytes, size_t size);
size_t message_build_v3_head(long id, long max_size, uint8_t flags, uint8_t *bytes, size_t size);

#endif
