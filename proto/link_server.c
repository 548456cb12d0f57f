/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proto/link.h"

#include "common/xalloc.h"
#include "link_socket.h"
#include "link_zap.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    QUEUE_PER_PEER = 64, /* messages, each way: ACKs one way, batches the other */
    BACKLOG = 1024,      /* every agent of a city comes back at once after an outage */
};

struct link_server {
    struct link_server_options options;
    void *zmq_context; /* our own: the ZAP endpoint is one per context */
    struct link_socket *router;
    struct link_socket *zap;
    struct link_socket *monitor;
    struct link_server_stats stats;
    bool closed; /* from within a call-back: touch no socket any more */
    char endpoint[256];
};

static void refuse(struct link_server *server, const char *address, const char *reason)
{
    if (server->options.on_refused != NULL && !server->closed) {
        server->options.on_refused(server->options.context, address, reason);
    }
}

static struct link_part frame_part(struct link_frames *frames, size_t i)
{
    return (struct link_part){zmq_msg_data(&frames->frame[i]), zmq_msg_size(&frames->frame[i])};
}

/* --- the doorman --- */

static void admit(struct link_server *server, struct link_frames *frames)
{
    struct link_part parts[LINK_FRAMES_MAX];
    for (size_t i = 0; i < frames->kept; i++) {
        parts[i] = frame_part(frames, i);
    }
    struct link_zap_request request;
    enum link_zap_form form = link_zap_read(parts, frames->kept, &request);
    if (frames->count > frames->kept) {
        form = LINK_ZAP_MALFORMED;
    }
    int status = 500;
    const char *reason = "malformed authentication request";
    switch (form) {
    case LINK_ZAP_CURVE:
        status = 400;
        reason = "unknown key";
        if (server->options.authorize(server->options.context, request.key) != NULL) {
            status = 200;
            reason = NULL;
        }
        break;
    case LINK_ZAP_OTHER_MECHANISM:
        status = 400;
        reason = "not CURVE";
        break;
    case LINK_ZAP_MALFORMED:
        break;
    }
    /* Fails only when the asker is gone already. */
    (void)link_zap_answer(server->zap, &request, status);
    if (status == 200) {
        server->stats.accepted++;
        return;
    }
    if (form == LINK_ZAP_OTHER_MECHANISM) {
        server->stats.refused_mechanism++;
    } else {
        server->stats.refused_key++;
    }
    refuse(server, request.address, reason);
}

static bool on_zap(void *context)
{
    struct link_server *server = context;
    for (int i = 0; i < LINK_TURN_BUDGET; i++) {
        struct link_frames frames;
        if (link_socket_receive(server->zap, &frames) != 0) {
            return false;
        }
        admit(server, &frames);
        link_frames_close(&frames);
        if (server->closed) {
            return false;
        }
    }
    return true;
}

/* --- handshakes that failed without asking the doorman --- */

static bool on_monitor(void *context)
{
    struct link_server *server = context;
    for (int i = 0; i < LINK_TURN_BUDGET; i++) {
        struct link_frames frames;
        if (link_socket_receive(server->monitor, &frames) != 0) {
            return false;
        }
        uint16_t event = 0;
        uint32_t value = 0;
        int rc = link_frames_read_event(&frames, &event, &value);
        link_frames_close(&frames);
        if (rc != 0) {
            continue;
        }
        server->stats.handshake_failed++;
        if (event == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL) {
            /* The event names our address, not the peer's. */
            const char *reason = "broken handshake";
            if (value == ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH) {
                server->stats.refused_mechanism++;
                reason = "not CURVE";
            } else if (value == ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC) {
                reason = "expects another server key";
            }
            refuse(server, "unknown", reason);
        }
        if (server->closed) {
            return false;
        }
    }
    return true;
}

/* --- messages --- */

static void take(struct link_server *server, struct link_frames *frames)
{
    struct link_peer peer;
    struct link_part id = frame_part(frames, 0);
    if (frames->count != 2 || id.size > sizeof peer.bytes) {
        server->stats.bad_frames++;
        return;
    }
    zmq_msg_t *payload = &frames->frame[1];
    size_t size = zmq_msg_size(payload);
    /* Of a polled ROUTER's message only the payload keeps its properties (libzmq 4.3.4). */
    const char *user_id = zmq_msg_gets(payload, ZMQ_MSG_PROPERTY_USER_ID);
    uint8_t key[KEYS_CURVE_SIZE];
    if (size == 0 || size > PROTO_MESSAGE_MAX || user_id == NULL ||
        link_zap_read_user_id(user_id, key) != 0) {
        server->stats.bad_frames++;
        return;
    }
    const char *agent = server->options.authorize(server->options.context, key);
    if (server->closed) {
        return;
    }
    if (agent == NULL) {
        char address[LINK_ADDRESS_SIZE];
        const char *text = zmq_msg_gets(payload, ZMQ_MSG_PROPERTY_PEER_ADDRESS);
        link_zap_copy_address(text, text != NULL ? strlen(text) : 0, address);
        server->stats.refused_key++;
        refuse(server, address, "revoked key");
        return;
    }
    memset(&peer, 0, sizeof peer);
    memcpy(peer.bytes, id.bytes, id.size);
    peer.size = id.size;
    server->stats.messages++;
    server->options.on_message(server->options.context, &peer, agent, zmq_msg_data(payload), size);
}

static bool on_router(void *context)
{
    struct link_server *server = context;
    for (int i = 0; i < LINK_TURN_BUDGET; i++) {
        struct link_frames frames;
        if (link_socket_receive(server->router, &frames) != 0) {
            return false;
        }
        take(server, &frames);
        link_frames_close(&frames);
        if (server->closed) {
            return false;
        }
    }
    return true;
}

/* --- opening and closing --- */

static int open_router(struct link_server *server)
{
    static const struct link_option settings[] = {
        {ZMQ_CURVE_SERVER, 1},        {ZMQ_ZAP_ENFORCE_DOMAIN, 1}, /* without: no working ZAP
                                                                      handler means everyone gets in
                                                                    */
        {ZMQ_ROUTER_MANDATORY, 1}, /* say so when a message cannot be sent */
        {ZMQ_RCVHWM, QUEUE_PER_PEER}, {ZMQ_SNDHWM, QUEUE_PER_PEER}, {ZMQ_BACKLOG, BACKLOG},
    };
    int rc = link_socket_open(&server->router, server->zmq_context, ZMQ_ROUTER, settings,
                              sizeof settings / sizeof settings[0]);
    if (rc == 0) {
        rc = link_socket_set_wire_options(server->router);
    }
    if (rc != 0) {
        return rc;
    }
    void *router = link_socket_zmq(server->router);
    if (zmq_setsockopt(router, ZMQ_ZAP_DOMAIN, LINK_ZAP_DOMAIN, strlen(LINK_ZAP_DOMAIN)) != 0 ||
        zmq_setsockopt(router, ZMQ_CURVE_SECRETKEY, keys_curve_secret(server->options.keys),
                       KEYS_CURVE_TEXT_SIZE) != 0) {
        return link_socket_error();
    }
    rc = link_socket_open_monitor(
        &server->monitor, server->router, server->zmq_context, "inproc://router-events",
        ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
            ZMQ_EVENT_HANDSHAKE_FAILED_AUTH);
    if (rc != 0) {
        return rc;
    }
    size_t size = sizeof server->endpoint;
    if (zmq_bind(router, server->options.endpoint) != 0 ||
        zmq_getsockopt(router, ZMQ_LAST_ENDPOINT, server->endpoint, &size) != 0) {
        return link_socket_error();
    }
    return 0;
}

static int open_zap(struct link_server *server)
{
    int rc = link_socket_open(&server->zap, server->zmq_context, ZMQ_REP, NULL, 0);
    if (rc == 0 && zmq_bind(link_socket_zmq(server->zap), LINK_ZAP_ENDPOINT) != 0) {
        rc = link_socket_error();
    }
    return rc;
}

int link_server_open(struct link_server **out, uv_loop_t *loop,
                     const struct link_server_options *options)
{
    struct link_server *server = xcalloc(1, sizeof *server);
    server->options = *options;
    server->zmq_context = zmq_ctx_new();
    int rc = server->zmq_context == NULL ? link_socket_error() : 0;
    /* The doorman stands at the door before it opens. */
    if (rc == 0) {
        rc = open_zap(server);
    }
    if (rc == 0) {
        rc = open_router(server);
    }
    if (rc == 0) {
        rc = link_socket_watch(server->zap, loop, on_zap, server);
    }
    if (rc == 0) {
        rc = link_socket_watch(server->monitor, loop, on_monitor, server);
    }
    if (rc == 0) {
        rc = link_socket_watch(server->router, loop, on_router, server);
    }
    if (rc != 0) {
        link_server_close(server);
        return rc;
    }
    *out = server;
    return 0;
}

int link_server_send(struct link_server *server, const struct link_peer *peer, const uint8_t *bytes,
                     size_t size)
{
    if (size == 0 || size > PROTO_MESSAGE_MAX || peer->size > sizeof peer->bytes) {
        return -EINVAL;
    }
    /* The payload first: once the peer's frame is out, the next frame is its payload. */
    zmq_msg_t payload;
    if (zmq_msg_init_size(&payload, size) != 0) {
        server->stats.send_dropped++;
        return link_socket_error();
    }
    memcpy(zmq_msg_data(&payload), bytes, size);
    void *router = link_socket_zmq(server->router);
    int rc = 0;
    if (zmq_send(router, peer->bytes, peer->size, ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0 ||
        zmq_msg_send(&payload, router, ZMQ_DONTWAIT) < 0) {
        rc = link_socket_error();
        (void)zmq_msg_close(&payload); /* fails only for what is no message */
        server->stats.send_dropped++;
    }
    link_socket_kick(server->router);
    return rc;
}

const char *link_server_endpoint(const struct link_server *server)
{
    return server->endpoint;
}

const struct link_server_stats *link_server_stats(const struct link_server *server)
{
    return &server->stats;
}

void link_server_close(struct link_server *server)
{
    if (server == NULL) {
        return;
    }
    server->closed = true;
    void *zmq_context = server->zmq_context;
    struct link_socket *router = server->router;
    struct link_socket *monitor = server->monitor;
    struct link_socket *zap = server->zap;
    if (router != NULL) {
        /* The functions that called us may still look at `closed`: freed when they have returned.
         * Before its monitor: an event without a reader would stop the I/O thread for ever. */
        link_socket_close(router, free, server);
    } else {
        free(server);
    }
    link_socket_close(monitor, NULL, NULL);
    link_socket_close(zap, NULL, NULL);
    link_socket_end_context(zmq_context);
}
