/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * SNMPv3 messages, sealed and opened by the library's User-based Security Model (RFC 3414), and by
 * nothing else of it: its own way there takes 64 KiB and some ten blocks from the heap for each
 * message, and keeps a copy of each request.
 *
 * Threads: as the engine's. */
#ifndef SNMP_USM_MESSAGE_H
#define SNMP_USM_MESSAGE_H

#include "message.h"
#include "udp.h"
#include "usm.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct snmp_session;

/* A message to be sent: the last `size` of the bytes. */
struct usm_sealed {
    uint8_t bytes[UDP_SEND_MAX];
    size_t size;
};

/* Writes a request's PDU as a message of the session's user to its engine, which must be known;
 * `context`: its contextName. Within usm_enter. 0, -EMSGSIZE, or -EPROTO: the library cannot. */
int usm_seal(const struct usm *usm, long message_id, const char *context, const uint8_t *pdu,
             size_t pdu_size, struct usm_sealed *sealed);

/* What was in a message, in the scratch. */
struct usm_opened {
    const uint8_t *scoped; /* a ScopedPDU in the clear, and what padding follows it */
    size_t scoped_size;
    bool is_ours; /* of the session's user, at its level */
};

/* Checks a message by whom it says that it is from, at the level that it says (RFC 3414 section
 * 3.2), which also takes the engine's time from it. Within usm_enter. 0; -EBADMSG: no message of
 * this model; -EACCES: not authentic. */
int usm_open_message(const struct usm *usm, struct snmp_session *library,
                     const struct message_head *head, const uint8_t *bytes, size_t size,
                     struct message_scratch *scratch, struct usm_opened *opened);

#endif
