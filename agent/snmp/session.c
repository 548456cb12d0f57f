/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session_state.h"

#include "common/xalloc.h"
#include "udp.h"
#include "usm_message.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <net-snmp/net-snmp-config.h>
/* The library's own headers need the line above first. */
#include <net-snmp/net-snmp-includes.h>

enum {
    PAUSE_MIN_MS = 10,
    PAUSE_MAX_MS = 1000, /* a device that takes longer is limited by its own slowness already */
    /* Pauses end on a grid of the loop's clock, so that requests of many devices go out together:
     * one turn of the loop, one system call and warm caches for all of them. */
    TICK_MS = 10,
};

/* --- the end of a request --- */

static void finish(struct session *session, struct reply *reply)
{
    peer_stop_timer(&session->peer, &session->timer);
    peer_expect_nothing(&session->peer);
    peer_end_turn(&session->peer);
    session->state = SESSION_IDLE;
    free(session->message);
    session->message = NULL;
    reply->sent = session->sent;
    reply->sent_mono = session->sent_mono;
    session->done(session->context, reply);
}

static void be_quiet(struct session *session, struct mono now)
{
    int64_t pause_ms = mono_elapsed_ms(session->sent_mono, now);
    pause_ms = pause_ms < PAUSE_MIN_MS ? PAUSE_MIN_MS : pause_ms;
    pause_ms = pause_ms > PAUSE_MAX_MS ? PAUSE_MAX_MS : pause_ms;
    session->quiet_until = mono_add_ms(now, pause_ms);
}

void session_end_answered(struct session *session, struct reply *reply)
{
    reply->arrived = clock_wall();
    reply->arrived_mono = clock_mono();
    be_quiet(session, reply->arrived_mono);
    session->has_answered = true;
    if (session->usm != NULL) {
        usm_answered(session->usm);
    }
    finish(session, reply);
}

void session_end_refused(struct session *session, const char *refusal)
{
    struct reply reply = {.status = REPLY_REFUSED, .refusal = refusal};
    session->peer.counts->n[COUNT_REFUSED]++;
    be_quiet(session, clock_mono());
    finish(session, &reply);
}

void session_end_not_sent(struct session *session, int error)
{
    struct reply reply = {.status = REPLY_NOT_SENT, .error = error != 0 ? error : EIO};
    session->peer.counts->n[COUNT_NOT_SENT]++;
    finish(session, &reply);
}

void session_forget_discoveries(struct session *session)
{
    if (session->library != NULL) {
        snmp_sess_timeout(session->library); /* they have none: they expire at once */
    }
}

static void timed_out(struct session *session)
{
    struct reply reply = {.status = REPLY_TIMED_OUT};
    session_forget_discoveries(session);
    session->peer.counts->n[COUNT_TIMEOUTS]++;
    if (session->usm != NULL && session->state == SESSION_WAITING) {
        usm_timed_out(session->usm);
    }
    finish(session, &reply);
}

/* --- sending --- */

static int on_send(struct transport_port *port, const uint8_t *bytes, size_t size)
{
    struct session *session = (struct session *)((char *)port - offsetof(struct session, port));
    if (!session->may_send) {
        return -EPERM; /* a report of its own, say */
    }
    session->may_send = false;
    return peer_send(&session->peer, bytes, size);
}

/* RFC 3414 section 4: a request without user and engine ID, which a report answers that has one. */
static netsnmp_pdu *create_discovery(void)
{
    netsnmp_pdu *pdu = snmp_pdu_create(SNMP_MSG_GET);
    if (pdu == NULL) {
        abort(); /* as xalloc does */
    }
    pdu->version = SNMP_VERSION_3;
    pdu->securityModel = SNMP_SEC_MODEL_USM;
    pdu->securityLevel = SNMP_SEC_LEVEL_NOAUTH;
    pdu->securityName = xstrdup("");
    return pdu;
}

static void send_discovery(struct session *session)
{
    netsnmp_session *library = snmp_sess_session(session->library);
    netsnmp_pdu *pdu = create_discovery();
    /* Else the library would write the one that it knows into the request. */
    SNMP_FREE(library->securityEngineID);
    SNMP_FREE(library->contextEngineID);
    library->securityEngineIDLen = 0;
    library->contextEngineIDLen = 0;
    session->is_discovered = false;
    session->peer.counts->n[COUNT_DISCOVERIES]++;
    session->sent = clock_wall();
    session->sent_mono = clock_mono();
    session->may_send = true;
    bool is_sent = snmp_sess_async_send(session->library, pdu, session_on_library, session) != 0;
    session->may_send = false;
    if (!is_sent) {
        int error = library->s_errno != 0 ? library->s_errno : EPROTO;
        snmp_free_pdu(pdu);
        session_end_not_sent(session, error);
        return;
    }
    session->state = SESSION_DISCOVERING;
    peer_expect(&session->peer, pdu->msgid);
}

/* Queues the request: v1, v2c: as it stands; SNMPv3: sealed with the time that it is now. 0 or
 * -errno. */
static int queue_request(struct session *session, long *id)
{
    if (session->usm == NULL) {
        *id = session->request_id;
        return peer_send(&session->peer, session->message, session->message_size);
    }
    struct usm_sealed sealed;
    *id = snmp_get_next_msgid();
    usm_enter(session->usm);
    int rc = usm_seal(session->usm, *id, session->context_name, session->message,
                      session->message_size, &sealed);
    usm_leave(session->usm);
    return rc != 0 ? rc
                   : peer_send(&session->peer, sealed.bytes + sizeof sealed.bytes - sealed.size,
                               sealed.size);
}

static void send_request(struct session *session)
{
    long id;
    session->sent = clock_wall();
    session->sent_mono = clock_mono();
    int rc = queue_request(session, &id);
    if (rc != 0) {
        session_end_not_sent(session, -rc);
        return;
    }
    session->state = SESSION_WAITING;
    peer_expect(&session->peer, id);
}

void session_send_again(struct session *session)
{
    session->was_resent = true;
    peer_take_turn(&session->peer);
    send_request(session);
}

static void send_now(struct session *session)
{
    if (!session->is_timed) {
        session->is_timed = true;
        /* One more: the loop's clock has whole ones. */
        peer_start_timer(&session->peer, &session->timer, session->wait_ms + 1, 1);
    }
    if (session->usm != NULL && usm_wants_discovery(session->usm)) {
        send_discovery(session);
    } else {
        session->peer.counts->n[COUNT_REQUESTS]++;
        send_request(session);
    }
    peer_sent(&session->peer);
}

void session_await_turn(struct session *session)
{
    session->state = SESSION_IN_LINE;
    if (peer_await_turn(&session->peer)) {
        send_now(session);
    }
}

static void on_turn(struct peer *peer)
{
    send_now((struct session *)peer);
}

static void on_not_sent(struct peer *peer, int error)
{
    struct session *session = (struct session *)peer;
    if (session->state == SESSION_WAITING || session->state == SESSION_DISCOVERING) {
        session_forget_discoveries(session);
        session_end_not_sent(session, error);
    }
}

/* --- asking --- */

static void on_timer(struct wheel_timer *timer)
{
    struct session *session = (struct session *)((char *)timer - offsetof(struct session, timer));
    if (session->state == SESSION_PAUSING) {
        session_await_turn(session);
    } else {
        timed_out(session);
    }
}

static void start_pause(struct session *session)
{
    int64_t left_ms = mono_elapsed_ms(clock_mono(), session->quiet_until);
    peer_start_timer(&session->peer, &session->timer, left_ms > 0 ? left_ms : 0, TICK_MS);
}

static void write_message(struct session *session, const struct request *request)
{
    uint8_t bytes[UDP_SEND_MAX];
    session->request_id = snmp_get_next_reqid();
    size_t size =
        session->usm != NULL
            ? message_build_pdu(session->request_id, request, bytes, sizeof bytes)
            : message_build(session->version, session->community, session->peer.community_size,
                            session->request_id, request, bytes, sizeof bytes);
    assert(size > 0); /* eight names of 128 sub-identifiers fit */
    session->message = xmemdup(bytes, size);
    session->message_size = size;
}

void session_ask(struct session *session, const struct request *request, int64_t wait_ms,
                 session_done *done, void *context)
{
    assert(session->state == SESSION_IDLE);
    assert(request->n_names >= 1 && request->n_names <= REQUEST_NAMES_MAX);
    assert(request->type != REQUEST_GETBULK || session_has_bulk(session));
    write_message(session, request);
    session->state = SESSION_PAUSING;
    session->wait_ms = wait_ms;
    session->is_timed = false;
    session->was_rediscovered = false;
    session->was_resent = false;
    session->done = done;
    session->context = context;
    start_pause(session);
}

bool session_has_bulk(const struct session *session)
{
    return session->version != MESSAGE_V1;
}

bool session_is_v1(const struct session *session)
{
    return session->version == MESSAGE_V1;
}

uint32_t session_engine_boots(const struct session *session)
{
    return session->usm != NULL ? usm_boots(session->usm) : 0;
}

bool session_answered_discovery_only(const struct session *session)
{
    size_t id_size;
    return session->has_priv && !session->has_answered &&
           usm_engine_id(session->usm, &id_size) != NULL;
}

/* --- life --- */

/* The library takes its transport, also when it fails. */
static void *open_library(struct session *session, const struct snmp_access_config *access)
{
    netsnmp_session library;
    netsnmp_transport *transport = transport_new(peer_fd(&session->peer), &session->port);
    void *handle;
    snmp_sess_init(&library);
    library.version = session->version;
    library.retries = 0; /* a retry is a fresh request: an answer then belongs to one of them */
    library.timeout = 0; /* ours is the timer */
    library.myvoid = session;
    usm_describe(session->usm, &library);
    library.contextName = access->context;
    library.contextNameLen = access->context != NULL ? strlen(access->context) : 0;
    handle = snmp_sess_add_ex(&library, transport, NULL, NULL, session_on_parsed, NULL, NULL, NULL,
                              NULL);
    if (handle == NULL) {
        errno = ENOMEM;
        return NULL;
    }
    /* Opening clears it. With it no call of the library waits for an answer. */
    snmp_sess_session(handle)->flags |= SNMP_FLAGS_DONT_PROBE;
    return handle;
}

static void set_address(union peer_address *to, const struct sockaddr_storage *from)
{
    if (from->ss_family == AF_INET6) {
        memcpy(&to->v6, from, sizeof to->v6);
    } else {
        memcpy(&to->v4, from, sizeof to->v4);
    }
}

static int open_parts(struct session *session, struct engine *engine,
                      const struct snmp_access_config *access)
{
    static const struct peer_calls calls = {on_turn, session_on_datagram, on_not_sent};
    struct peer *peer = &session->peer;
    if (access->version == SNMP_CONFIG_V3) {
        session->usm = usm_open(engine_keys(engine), access);
        if (session->usm == NULL) {
            return -errno;
        }
        session->has_priv = access->priv.present;
    } else if (access->community == NULL) {
        return -EINVAL;
    }
    peer->calls = &calls;
    peer->any_source = access->any_source;
    int rc = peer_join(engine, peer);
    if (rc != 0) {
        return rc;
    }
    if (session->usm == NULL) {
        peer->community_size = strlen(access->community);
        session->community = xmemdup(access->community, peer->community_size + 1);
        peer->community = session->community;
        return 0;
    }
    session->context_name = xstrdup(access->context != NULL ? access->context : "");
    session->port.send = on_send;
    session->library = open_library(session, access);
    if (session->library == NULL) {
        rc = -errno;
        peer_leave(peer);
        free(session->context_name);
        return rc;
    }
    return 0;
}

struct session *session_open(struct engine *engine, const struct sockaddr_storage *address,
                             const struct snmp_access_config *access, struct snmp_counts *counts)
{
    static const long versions[] = {[SNMP_CONFIG_V1] = MESSAGE_V1,
                                    [SNMP_CONFIG_V2C] = MESSAGE_V2C,
                                    [SNMP_CONFIG_V3] = MESSAGE_V3};
    struct session *session = xcalloc(1, sizeof *session);
    session->version = versions[access->version];
    session->peer.counts = counts;
    set_address(&session->peer.address, address);
    int rc = open_parts(session, engine, access);
    if (rc != 0) {
        usm_close(session->usm);
        free(session);
        errno = -rc;
        return NULL;
    }
    session->timer.fire = on_timer;
    return session;
}

void session_close(struct session *session)
{
    if (session == NULL) {
        return;
    }
    session->state = SESSION_IDLE;
    peer_stop_timer(&session->peer, &session->timer);
    peer_leave(&session->peer);
    if (session->library != NULL) {
        snmp_sess_close(session->library);
    }
    if (session->community != NULL) {
        explicit_bzero(session->community, session->peer.community_size);
    }
    usm_close(session->usm);
    free(session->community);
    free(session->context_name);
    free(session->message);
    peer_bury(&session->peer);
}
