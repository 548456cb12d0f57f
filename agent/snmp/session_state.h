/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A session from inside: what its two halves share. session.c asks and sends; session_hear.c hears
 * what comes back. SNMPv3's discoveries are left to the library, which keeps a list of them;
 * requests and answers it only seals and opens (usm_message.h).
 *
 * Threads: as the engine's. */
#ifndef SNMP_SESSION_STATE_H
#define SNMP_SESSION_STATE_H

#include "peer.h"
#include "session.h"
#include "transport.h"
#include "usm.h"

struct snmp_session;
struct snmp_pdu;

enum state {
    SESSION_IDLE,
    SESSION_PAUSING,
    SESSION_IN_LINE,
    SESSION_DISCOVERING, /* SNMPv3: a request for the engine ID is open */
    SESSION_WAITING,     /* the request is open */
};

struct session {
    struct peer peer;
    struct transport_port port;
    void *library;   /* net-snmp's handle; NULL: v1, v2c */
    struct usm *usm; /* NULL: v1, v2c */
    uint8_t *community;
    long version;
    struct wheel_timer timer; /* the pause, then the wait */
    enum state state;
    /* While it is not IDLE: v1, v2c: the message; SNMPv3: the PDU. */
    uint8_t *message;
    size_t message_size;
    char *context_name; /* SNMPv3 */
    int64_t wait_ms;
    bool is_timed;         /* the wait runs, for discovery and request together */
    bool may_send;         /* the library, a discovery; more would be answers of its own */
    bool is_discovered;    /* SNMPv3: it answered the discovery */
    bool has_priv;         /* SNMPv3: requests are encrypted */
    bool has_answered;     /* a request, ever */
    bool was_rediscovered; /* during this request */
    bool was_resent;       /* during this request: not in time window */
    long request_id;
    struct mono quiet_until;
    struct wall sent;
    struct mono sent_mono;
    session_done *done;
    void *context;
};

/* The ends of a request; each calls `done`. */
void session_end_answered(struct session *session, struct reply *reply);
void session_end_refused(struct session *session, const char *refusal);
void session_end_not_sent(struct session *session, int error);

/* Sends the request or, where one must come first, a discovery, as soon as it may. */
void session_await_turn(struct session *session);

/* SNMPv3: sends the request again, out of turn: the engine has told its time. */
void session_send_again(struct session *session);

/* SNMPv3: the library forgets the discoveries that it has sent, whose ends are known. Not from
 * within its calls. */
void session_forget_discoveries(struct session *session);

/* The session's hooks: the library's for a discovery and for what it has parsed (SNMPv3), and the
 * engine's for a datagram. */
int session_on_library(int operation, struct snmp_session *library, int request_id,
                       struct snmp_pdu *pdu, void *context);
int session_on_parsed(struct snmp_session *library, struct snmp_pdu *pdu, int error);
void session_on_datagram(struct peer *peer, const struct message_head *head, const uint8_t *bytes,
                         size_t size);

#endif
