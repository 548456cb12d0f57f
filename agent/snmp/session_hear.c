/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session_state.h"

#include "usm_message.h"

#include <errno.h>
#include <string.h>

#include <net-snmp/net-snmp-config.h>
/* The library's own headers need the line above first. */
#include <net-snmp/net-snmp-includes.h>

/* --- discoveries --- */

static int on_message(struct session *session, const netsnmp_pdu *pdu)
{
    if (pdu->command != SNMP_MSG_REPORT) {
        session->peer.counts->n[COUNT_WRONG_PDU]++;
        return 0; /* it stays open */
    }
    session->is_discovered = true;
    return 1;
}

int session_on_library(int operation, netsnmp_session *library, int request_id, netsnmp_pdu *pdu,
                       void *context)
{
    struct session *session = context;
    (void)request_id;
    if (session->state != SESSION_DISCOVERING) {
        return 1; /* one that was given up before: the library forgets it */
    }
    if (operation == NETSNMP_CALLBACK_OP_SEND_FAILED) { /* again, which it may not */
        session_end_not_sent(session, library->s_errno);
    } else if (operation == NETSNMP_CALLBACK_OP_RECEIVED_MESSAGE) {
        return on_message(session, pdu);
    }
    return 1;
}

int session_on_parsed(netsnmp_session *library, netsnmp_pdu *pdu, int error)
{
    struct session *session = library->myvoid;
    (void)pdu;
    if (error == SNMPERR_SUCCESS) {
        return 1;
    }
    bool is_usm = error <= SNMPERR_USM_GENERICERROR && error >= SNMPERR_USM_DECRYPTIONERROR &&
                  error != SNMPERR_USM_PARSEERROR;
    session->peer.counts->n[is_usm ? COUNT_NOT_AUTHENTIC : COUNT_MALFORMED]++;
    return 0;
}

static void let_library_hear(struct session *session, const uint8_t *bytes, size_t size)
{
    session->port.datagram = bytes;
    session->port.datagram_size = size;
    peer_read(&session->peer, session->library);
    session->port.datagram = NULL;
}

/* --- v1, v2c --- */

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

/* The library's way would cost a list of the varbinds, and twice their copy. */
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
    session_end_answered(session, &reply);
}

/* --- SNMPv3 --- */

static void hear_discovery(struct session *session, const struct message_head *head,
                           const uint8_t *bytes, size_t size)
{
    /* The library's session has none while it is asked for; it may put this one there. */
    bool is_reset = false;
    let_library_hear(session, bytes, size);
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
    peer_expect_nothing(&session->peer);
    usm_doubt(session->usm);
    session_await_turn(session);
}

static bool same_bytes(const uint8_t *one, size_t size, const void *other, size_t other_size)
{
    return size == other_size && memcmp(one, other, size) == 0;
}

/* Does a Response-PDU answer the request? (RFC 3412 section 7.2.12) */
static bool is_answer(const struct session *session, const struct usm_opened *opened,
                      const struct message_scope *scope, long id)
{
    size_t size;
    const uint8_t *engine_id = usm_engine_id(session->usm, &size);
    return opened->is_ours && id == session->request_id &&
           same_bytes(scope->engine_id, scope->engine_id_size, engine_id, size) &&
           same_bytes(scope->context, scope->context_size, session->context_name,
                      strlen(session->context_name));
}

/* Most reports are not authentic (RFC 3414): whoever sees the request can forge one. It ends this
 * request, and changes nothing that is known of the engine; but that its time was taken, by the
 * first that told of it, with which the request is sent again. */
static void hear_report(struct session *session, const struct reply *reply)
{
    struct oid_view name = {0};
    if (reply->n_varbinds > 0) {
        name = reply->varbinds[0].name;
    }
    if (usm_is_time_report(name) && !session->was_resent) {
        session_send_again(session);
        return;
    }
    session_end_refused(session, usm_refusal(name));
}

static void hear_message(struct session *session, const struct message_head *head,
                         const uint8_t *bytes, size_t size)
{
    struct message_scratch *scratch = peer_scratch(&session->peer);
    uint64_t *counts = session->peer.counts->n;
    struct usm_opened opened;
    struct message_scope scope;
    struct reply reply;
    int command;
    long id;
    usm_enter(session->usm);
    int rc = usm_open_message(session->usm, snmp_sess_session(session->library), head, bytes, size,
                              scratch, &opened);
    usm_leave(session->usm);
    if (rc == 0) {
        rc = message_parse_scoped(opened.scoped, opened.scoped_size, scratch, &scope, &command, &id,
                                  &reply);
    }
    if (rc != 0) {
        counts[rc == -EACCES ? COUNT_NOT_AUTHENTIC : COUNT_MALFORMED]++;
    } else if (command == SNMP_MSG_REPORT) {
        hear_report(session, &reply);
    } else if (command == SNMP_MSG_RESPONSE && is_answer(session, &opened, &scope, id)) {
        reply.size_bytes = size;
        session_end_answered(session, &reply);
    } else {
        counts[COUNT_NOT_AUTHENTIC]++; /* of another user, level … */
    }
}

static void hear_v3(struct session *session, const struct message_head *head, const uint8_t *bytes,
                    size_t size)
{
    if (session->state == SESSION_DISCOVERING) {
        hear_discovery(session, head, bytes, size);
    } else if (!usm_is_engine(session->usm, head->engine_id, head->engine_id_size)) {
        hear_other_engine(session);
    } else {
        hear_message(session, head, bytes, size);
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
