/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session_state.h"

#include <string.h>

#include <net-snmp/net-snmp-config.h>
/* The library's own headers need the line above first. */
#include <net-snmp/net-snmp-includes.h>

/* --- what the library tells --- */

static int on_message(struct session *session, const netsnmp_pdu *pdu)
{
    session->is_judged = true;
    if (pdu->command == SNMP_MSG_REPORT && session->state == SESSION_DISCOVERING) {
        session->is_discovered = true;
    } else if (pdu->command == SNMP_MSG_REPORT && session->state == SESSION_WAITING) {
        /* Most reports are not authentic (RFC 3414): whoever sees the request can forge one. It
         * ends this request, and changes nothing that is known of the engine. The library has
         * taken the time from the first that told of it, and has sent again. */
        session_end_refused(session, usm_refusal(pdu));
    } else if (pdu->command != SNMP_MSG_RESPONSE || session->state != SESSION_WAITING) {
        session->peer.counts->n[COUNT_WRONG_PDU]++;
        return 0; /* the request stays open */
    } else {
        struct reply reply;
        session_decode(pdu, peer_scratch(&session->peer)->varbinds, &reply);
        reply.size_bytes = session->incoming_size;
        session_end_answered(session, &reply);
    }
    return 1;
}

int session_on_library(int operation, netsnmp_session *library, int request_id, netsnmp_pdu *pdu,
                       void *context)
{
    struct session *session = context;
    bool is_open = session->state == SESSION_WAITING || session->state == SESSION_DISCOVERING;
    if (operation == NETSNMP_CALLBACK_OP_RESEND && is_open) {
        session->is_judged = true;
        session->was_resent = true;
        peer_expect(&session->peer, pdu->msgid);
        peer_take_turn(&session->peer);
        session->sent_mono = clock_mono();
        session->sent = clock_wall();
    } else if (operation == NETSNMP_CALLBACK_OP_SEND_FAILED && is_open) {
        session_end_not_sent(session, library->s_errno);
    } else if (operation == NETSNMP_CALLBACK_OP_RECEIVED_MESSAGE && is_open &&
               (pdu->command == SNMP_MSG_REPORT || request_id == session->request_id)) {
        return on_message(session, pdu);
    }
    return 1; /* a request that was given up before: the library forgets it */
}

/* SNMPv3: after the library's parser. */
int session_on_parsed(netsnmp_session *library, netsnmp_pdu *pdu, int error)
{
    struct session *session = library->myvoid;
    (void)pdu;
    if (error == SNMPERR_SUCCESS) {
        return 1;
    }
    bool is_usm = error <= SNMPERR_USM_GENERICERROR && error >= SNMPERR_USM_DECRYPTIONERROR &&
                  error != SNMPERR_USM_PARSEERROR;
    session->is_judged = true;
    session->peer.counts->n[is_usm ? COUNT_NOT_AUTHENTIC : COUNT_MALFORMED]++;
    return 0;
}

/* --- receiving --- */

static void hear(struct session *session, const uint8_t *bytes, size_t size)
{
    session->port.datagram = bytes;
    session->port.datagram_size = size;
    session->incoming_size = size;
    peer_read(&session->peer, session->library);
    session->port.datagram = NULL;
    session->may_send = false;
}

/* Which fault of a v1 or v2c message's head, or COUNT_N; its version, message_parse knows. */
static enum snmp_count judge_head(const struct session *session, const struct message_head *head)
{
    if (head->command != SNMP_MSG_RESPONSE) {
        return COUNT_WRONG_PDU;
    }
    if (head->community_size != session->peer.community_size ||
        memcmp(head->community, session->peer.community, head->community_size) != 0) {
        return COUNT_WRONG_COMMUNITY;
    }
    return COUNT_N;
}

/* v1, v2c: the library's way would cost a list of the varbinds, and twice their copy. */
static void hear_community(struct session *session, const struct message_head *head,
                           const uint8_t *bytes, size_t size)
{
    struct message_head whole;
    struct reply reply;
    enum snmp_count fault = judge_head(session, head);
    if (fault == COUNT_N && message_parse(session->version, bytes, size,
                                          peer_scratch(&session->peer), &whole, &reply) != 0) {
        fault = COUNT_MALFORMED;
    }
    if (fault != COUNT_N) {
        session->peer.counts->n[fault]++;
        return;
    }
    session_forget_requests(session);
    session_end_answered(session, &reply);
}

static void hear_discovery(struct session *session, const struct message_head *head,
                           const uint8_t *bytes, size_t size)
{
    /* The library's session has none while it is asked for; it may put this one there. */
    bool is_reset = false;
    hear(session, bytes, size);
    if (!session->is_discovered) {
        usm_forget_noted(head->engine_id, head->engine_id_size);
        return;
    }
    session->is_discovered = false;
    int rc = usm_discovered(session->usm, snmp_sess_session(session->library), head->engine_id,
                            head->engine_id_size, &is_reset);
    if (rc == -EBADMSG) {
        session->peer.counts->n[COUNT_MALFORMED]++; /* passed over: the wait goes on */
        return;
    }
    if (rc != 0) {
        session_end_not_sent(session, -rc);
        return;
    }
    session->peer.counts->n[COUNT_ENGINE_RESETS] += is_reset ? 1 : 0;
    size_t id_size;
    const uint8_t *id = usm_engine_id(session->usm, &id_size);
    peer_identify(&session->peer, id, id_size);
    session_await_turn(session);
}

/* Another engine answers than the one that was asked: the device was replaced, or someone wants us
 * to think so. Which of them, a discovery tells; once for a request. */
static void hear_other_engine(struct session *session)
{
    if (session->was_rediscovered) {
        session->peer.counts->n[COUNT_NOT_AUTHENTIC]++;
        return;
    }
    session->was_rediscovered = true;
    session_forget_requests(session);
    peer_expect_nothing(&session->peer);
    usm_doubt(session->usm);
    session_await_turn(session);
}

static void hear_v3(struct session *session, const struct message_head *head, const uint8_t *bytes,
                    size_t size)
{
    uint64_t *counts = session->peer.counts->n;
    if (session->state == SESSION_DISCOVERING) {
        hear_discovery(session, head, bytes, size);
    } else if (!usm_is_engine(session->usm, head->engine_id, head->engine_id_size)) {
        hear_other_engine(session);
    } else {
        session->is_judged = false;
        session->may_send = !session->was_resent; /* a report may make it send again, once */
        usm_enter(session->usm);
        hear(session, bytes, size);
        usm_leave(session->usm);
        counts[COUNT_NOT_AUTHENTIC] += session->is_judged ? 0 : 1; /* of another user, level … */
    }
}

void session_on_datagram(struct peer *peer, const struct message_head *head, const uint8_t *bytes,
                         size_t size)
{
    struct session *session = (struct session *)peer;
    if (session->usm != NULL) {
        hear_v3(session, head, bytes, size);
        peer_sent(peer);
        return;
    }
    hear_community(session, head, bytes, size);
}
