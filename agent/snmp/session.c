/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session.h"

#include "address.h"
#include "common/xalloc.h"

#include <net-snmp/net-snmp-config.h>
/* The library's own headers need the line above first. */
#include <net-snmp/library/large_fd_set.h>
#include <net-snmp/net-snmp-includes.h>

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PAUSE_MIN_MS = 10,
    PAUSE_MAX_MS = 1000, /* a device that takes longer is limited by its own slowness already */
    /* The library calls a request expired only once its time is strictly over. */
    EXPIRY_SLACK_MS = 2,
};

enum state { SESSION_IDLE, SESSION_PAUSING, SESSION_WAITING };

struct session {
    void *library; /* net-snmp's handle */
    struct sockaddr_storage address;
    struct snmp_counts *counts;
    uv_poll_t poll;
    uv_timer_t timer; /* the pause, then the wait */
    unsigned n_open;
    enum state state;
    netsnmp_pdu *pdu; /* while pausing */
    long request_id;
    int64_t wait_ms;
    struct mono quiet_until;
    struct wall sent;
    struct mono sent_mono;
    session_done *done;
    void *context;
    struct varbind varbinds[REPLY_VARBINDS_MAX];
};

void session_library_init(void)
{
    static const int on[] = {NETSNMP_DS_LIB_DONT_PERSIST_STATE, NETSNMP_DS_LIB_DISABLE_CONFIG_LOAD,
                             NETSNMP_DS_LIB_DONT_LOAD_HOST_FILES,
                             NETSNMP_DS_LIB_DISABLE_PERSISTENT_LOAD};
    if (netsnmp_ds_get_boolean(NETSNMP_DS_LIBRARY_ID, on[0])) {
        return; /* set by nobody else: it was done already */
    }
    for (size_t i = 0; i < sizeof on / sizeof on[0]; i++) {
        netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, on[i], 1);
    }
    setenv("MIBS", "", 1);
    /* Without a handler the library writes on standard error what peers send it. */
    netsnmp_register_loghandler(NETSNMP_LOGHANDLER_NONE, LOG_DEBUG);
    init_snmp("beffroi");
}

/* --- decoding --- */

static enum value_type value_type(u_char type)
{
    switch (type) {
    case ASN_INTEGER:
        return VALUE_INTEGER;
    case ASN_COUNTER:
        return VALUE_COUNTER32;
    case ASN_GAUGE:
        return VALUE_GAUGE32;
    case ASN_TIMETICKS:
        return VALUE_TIMETICKS;
    case ASN_COUNTER64:
        return VALUE_COUNTER64;
    case ASN_OCTET_STR:
        return VALUE_OCTETS;
    case ASN_OBJECT_ID:
        return VALUE_OID;
    case SNMP_NOSUCHOBJECT:
    case SNMP_NOSUCHINSTANCE:
    case ASN_NULL:
        return VALUE_NO_SUCH;
    case SNMP_ENDOFMIBVIEW:
        return VALUE_END_OF_MIB;
    default:
        return VALUE_OTHER;
    }
}

/* A value without the length its type must have is of no type. */
static void decode_value(const netsnmp_variable_list *from, struct varbind *to)
{
    bool good = true;
    switch (to->type) {
    case VALUE_INTEGER:
        good = from->val.integer != NULL && from->val_len == sizeof *from->val.integer;
        to->number = good ? (uint64_t)*from->val.integer : 0;
        break;
    case VALUE_COUNTER32:
    case VALUE_GAUGE32:
    case VALUE_TIMETICKS:
        good = from->val.integer != NULL && from->val_len == sizeof *from->val.integer &&
               (u_long)*from->val.integer <= UINT32_MAX;
        to->number = good ? (uint64_t)*from->val.integer : 0;
        break;
    case VALUE_COUNTER64:
        good = from->val.counter64 != NULL && from->val_len == sizeof *from->val.counter64 &&
               from->val.counter64->high <= UINT32_MAX && from->val.counter64->low <= UINT32_MAX;
        to->number =
            good ? (uint64_t)from->val.counter64->high << 32 | from->val.counter64->low : 0;
        break;
    case VALUE_OCTETS:
        good = from->val.string != NULL || from->val_len == 0;
        to->bytes = from->val.string;
        to->n_bytes = from->val_len;
        break;
    case VALUE_OID:
        good = from->val.objid != NULL && from->val_len % sizeof *from->val.objid == 0 &&
               from->val_len <= OID_IDS_MAX * sizeof *from->val.objid;
        to->oid = good ? (struct oid_view){from->val.objid, from->val_len / sizeof *from->val.objid}
                       : (struct oid_view){0};
        break;
    case VALUE_NO_SUCH:
    case VALUE_END_OF_MIB:
    case VALUE_OTHER:
        break;
    }
    if (!good) {
        to->type = VALUE_OTHER;
    }
}

void session_decode(const netsnmp_pdu *pdu, struct varbind varbinds[REPLY_VARBINDS_MAX],
                    struct reply *reply)
{
    *reply = (struct reply){.status = REPLY_ANSWERED,
                            .error_status = pdu->errstat,
                            .error_index = pdu->errindex,
                            .varbinds = varbinds};
    for (const netsnmp_variable_list *from = pdu->variables; from != NULL;
         from = from->next_variable) {
        if (reply->n_varbinds == REPLY_VARBINDS_MAX) {
            reply->n_dropped++;
            continue;
        }
        struct varbind *to = &varbinds[reply->n_varbinds++];
        *to = (struct varbind){.name = {from->name, from->name_length},
                               .type = value_type(from->type)};
        decode_value(from, to);
    }
}

/* --- what the library asks us about each datagram --- */

static int check_source(netsnmp_session *library, struct netsnmp_transport_s *transport,
                        void *source, int source_size)
{
    struct session *session = library->myvoid;
    const struct sockaddr *from = source;
    (void)transport;
    if (source != NULL && source_size == (int)sizeof(netsnmp_indexed_addr_pair)) {
        from = &((const netsnmp_indexed_addr_pair *)source)->remote_addr.sa;
    }
    if (from != NULL && address_same(from, (const struct sockaddr *)&session->address)) {
        return 1;
    }
    session->counts->n[COUNT_WRONG_SOURCE]++;
    return 0;
}

/* Which fault of a message's head, or COUNT_N. */
static enum snmp_count judge_head(const struct session *session, const netsnmp_session *library,
                                  const netsnmp_pdu *pdu, int parse_error)
{
    if (parse_error != SNMP_ERR_NOERROR || pdu->version != SNMP_VERSION_2c) {
        return COUNT_MALFORMED;
    }
    if (pdu->command != SNMP_MSG_RESPONSE) {
        return COUNT_WRONG_PDU;
    }
    if (pdu->community_len != library->community_len ||
        memcmp(pdu->community, library->community, pdu->community_len) != 0) {
        return COUNT_WRONG_COMMUNITY;
    }
    if (session->state != SESSION_WAITING || pdu->reqid != session->request_id) {
        return COUNT_LATE;
    }
    return COUNT_N;
}

static int check_head(netsnmp_session *library, netsnmp_pdu *pdu, int parse_error)
{
    struct session *session = library->myvoid;
    enum snmp_count fault = judge_head(session, library, pdu, parse_error);
    if (fault == COUNT_N) {
        return 1;
    }
    session->counts->n[fault]++;
    return 0;
}

/* --- the end of a request --- */

static void finish(struct session *session, struct reply *reply)
{
    uv_timer_stop(&session->timer);
    session->state = SESSION_IDLE;
    reply->sent = session->sent;
    reply->sent_mono = session->sent_mono;
    session->done(session->context, reply);
}

static void answered(struct session *session, const netsnmp_pdu *pdu)
{
    struct reply reply;
    session_decode(pdu, session->varbinds, &reply);
    reply.arrived = clock_wall();
    reply.arrived_mono = clock_mono();
    int64_t pause_ms = mono_elapsed_ms(session->sent_mono, reply.arrived_mono);
    pause_ms = pause_ms < PAUSE_MIN_MS ? PAUSE_MIN_MS : pause_ms;
    pause_ms = pause_ms > PAUSE_MAX_MS ? PAUSE_MAX_MS : pause_ms;
    session->quiet_until = mono_add_ms(reply.arrived_mono, pause_ms);
    finish(session, &reply);
}

static int on_library(int operation, netsnmp_session *library, int request_id, netsnmp_pdu *pdu,
                      void *context)
{
    struct session *session = context;
    struct reply reply = {.status = REPLY_TIMED_OUT};
    (void)library;
    (void)request_id; /* check_head has matched it */
    if (session->state != SESSION_WAITING) {
        return 1; /* sending failed, which the return value told; or the session is closing */
    }
    if (operation == NETSNMP_CALLBACK_OP_RECEIVED_MESSAGE) {
        answered(session, pdu);
    } else if (operation == NETSNMP_CALLBACK_OP_TIMED_OUT) {
        session->counts->n[COUNT_TIMEOUTS]++;
        finish(session, &reply);
    }
    return 1;
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct session *session = poll->data;
    netsnmp_large_fd_set set;
    (void)events;
    if (status < 0) {
        /* An error waits on the socket, and libuv has stopped looking at it. Reading takes the
         * error away; the request under way ends by its time. */
        uv_poll_start(poll, UV_READABLE, on_readable);
    }
    netsnmp_large_fd_set_init(&set, FD_SETSIZE);
    NETSNMP_LARGE_FD_ZERO(&set);
    netsnmp_large_fd_setfd(snmp_sess_transport(session->library)->sock, &set);
    (void)snmp_sess_read2(session->library, &set); /* what it could not read is as if not sent */
    netsnmp_large_fd_set_cleanup(&set);
}

/* --- sending --- */

static void on_timer(uv_timer_t *timer);

static void start_timer(struct session *session, int64_t ms)
{
    uv_update_time(session->timer.loop);
    uv_timer_start(&session->timer, on_timer, ms > 0 ? (uint64_t)ms : 0, 0);
}

static void send_now(struct session *session)
{
    netsnmp_pdu *pdu = session->pdu;
    netsnmp_session *library = snmp_sess_session(session->library);
    session->pdu = NULL;
    session->sent = clock_wall();
    session->sent_mono = clock_mono();
    session->request_id = pdu->reqid;
    library->timeout = session->wait_ms * 1000;
    if (snmp_sess_async_send(session->library, pdu, on_library, session) != 0) {
        session->counts->n[COUNT_REQUESTS]++;
        session->state = SESSION_WAITING;
        start_timer(session, session->wait_ms + EXPIRY_SLACK_MS);
        return;
    }
    struct reply reply = {.status = REPLY_NOT_SENT,
                          .error = library->s_errno != 0 ? library->s_errno : EIO};
    snmp_free_pdu(pdu);
    session->counts->n[COUNT_NOT_SENT]++;
    finish(session, &reply);
}

static void on_timer(uv_timer_t *timer)
{
    struct session *session = timer->data;
    if (session->state == SESSION_PAUSING) {
        send_now(session);
        return;
    }
    snmp_sess_timeout(session->library);
    if (session->state == SESSION_WAITING) {
        start_timer(session, EXPIRY_SLACK_MS); /* not yet by the library's clock */
    }
}

void session_ask(struct session *session, const struct request *request, int64_t wait_ms,
                 session_done *done, void *context)
{
    static const int commands[] = {[REQUEST_GET] = SNMP_MSG_GET,
                                   [REQUEST_GETNEXT] = SNMP_MSG_GETNEXT,
                                   [REQUEST_GETBULK] = SNMP_MSG_GETBULK};
    assert(session->state == SESSION_IDLE);
    assert(request->n_names >= 1 && request->n_names <= REQUEST_NAMES_MAX);
    netsnmp_pdu *pdu = snmp_pdu_create(commands[request->type]);
    if (pdu == NULL) {
        abort(); /* as xalloc does */
    }
    if (request->type == REQUEST_GETBULK) {
        pdu->non_repeaters = 0;
        pdu->max_repetitions = request->repetitions;
    }
    for (size_t i = 0; i < request->n_names; i++) {
        snmp_add_null_var(pdu, request->names[i].ids, request->names[i].n);
    }
    session->pdu = pdu;
    session->state = SESSION_PAUSING;
    session->wait_ms = wait_ms;
    session->done = done;
    session->context = context;
    start_timer(session, mono_elapsed_ms(clock_mono(), session->quiet_until));
}

/* --- life --- */

static void *open_library(struct session *session, const char *community)
{
    char host[INET6_ADDRSTRLEN];
    char peer[INET6_ADDRSTRLEN + 32];
    netsnmp_session library;
    if (session->address.ss_family == AF_INET6) {
        const struct sockaddr_in6 *to = (const struct sockaddr_in6 *)&session->address;
        inet_ntop(AF_INET6, &to->sin6_addr, host, sizeof host);
        snprintf(peer, sizeof peer, "udp6:[%s]:%u", host, (unsigned)ntohs(to->sin6_port));
    } else {
        const struct sockaddr_in *to = (const struct sockaddr_in *)&session->address;
        inet_ntop(AF_INET, &to->sin_addr, host, sizeof host);
        snprintf(peer, sizeof peer, "udp:%s:%u", host, (unsigned)ntohs(to->sin_port));
    }
    snmp_sess_init(&library);
    library.version = SNMP_VERSION_2c;
    library.community = (u_char *)(uintptr_t)community; /* copied, never written to */
    library.community_len = strlen(community);
    library.retries = 0; /* a retry is a fresh request: an answer then belongs to one of them */
    library.myvoid = session;
    errno = 0;
    netsnmp_transport *transport = netsnmp_transport_open_client("snmp", peer);
    if (transport == NULL) {
        errno = errno != 0 ? errno : EIO;
        return NULL;
    }
    /* Takes the transport, also when it fails. */
    void *handle = snmp_sess_add(&library, transport, check_source, check_head);
    if (handle == NULL) {
        errno = ENOMEM;
    }
    return handle;
}

struct session *session_open(uv_loop_t *loop, const struct sockaddr_storage *address,
                             const char *community, struct snmp_counts *counts)
{
    struct session *session = xcalloc(1, sizeof *session);
    int error;
    session->address = *address;
    session->counts = counts;
    session->library = open_library(session, community);
    if (session->library == NULL) {
        error = errno;
        goto failed;
    }
    error = -uv_poll_init(loop, &session->poll, snmp_sess_transport(session->library)->sock);
    if (error != 0) {
        goto close_library;
    }
    uv_timer_init(loop, &session->timer);
    session->poll.data = session;
    session->timer.data = session;
    session->n_open = 2;
    uv_poll_start(&session->poll, UV_READABLE, on_readable);
    return session;
close_library:
    snmp_sess_close(session->library);
failed:
    free(session);
    errno = error;
    return NULL;
}

static void on_closed(uv_handle_t *handle)
{
    struct session *session = handle->data;
    if (--session->n_open == 0) {
        snmp_sess_close(session->library); /* the socket only now: libuv is done with it */
        free(session);
    }
}

void session_close(struct session *session)
{
    if (session == NULL) {
        return;
    }
    if (session->pdu != NULL) {
        snmp_free_pdu(session->pdu);
        session->pdu = NULL;
    }
    session->state = SESSION_IDLE;
    uv_close((uv_handle_t *)&session->poll, on_closed);
    uv_close((uv_handle_t *)&session->timer, on_closed);
}
