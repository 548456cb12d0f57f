/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "link_socket.h"

#include "common/xalloc.h"
#include "proto/limits.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    CURVE_OVERHEAD = 33,  /* of a frame: 8 command, 8 nonce, 16 MAC, 1 flags (ZeroMQ RFC 26) */
    HANDSHAKE_MS = 10000, /* who says nothing holds a descriptor no longer */
    HEARTBEAT_MS = 10000, /* a half-open connection is found within 40 s */
    HEARTBEAT_TIMEOUT_MS = 30000,
    HEARTBEAT_TTL_MS = 40000,
};

struct link_socket {
    void *zmq;
    uv_poll_t poll;
    uv_idle_t again;
    bool watched;
    bool closing;
    int handles; /* of libuv, not yet closed */
    link_socket_ready *ready;
    void *context;
    void (*closed)(void *context);
    void *closed_context;
};

int link_socket_error(void)
{
    int error = zmq_errno();
    return error == 0 || error >= ZMQ_HAUSNUMERO ? -EIO : -error;
}

static int set_options(void *zmq, const struct link_option *options, size_t n_options)
{
    for (size_t i = 0; i < n_options; i++) {
        int64_t wide = options[i].value;
        bool is_wide = options[i].name == ZMQ_MAXMSGSIZE;
        if (zmq_setsockopt(zmq, options[i].name,
                           is_wide ? (const void *)&wide : (const void *)&options[i].value,
                           is_wide ? sizeof wide : sizeof options[i].value) != 0) {
            return link_socket_error();
        }
    }
    return 0;
}

int link_socket_open(struct link_socket **sock, void *zmq_context, int type,
                     const struct link_option *options, size_t n_options)
{
    void *zmq = zmq_socket(zmq_context, type);
    if (zmq == NULL) {
        return link_socket_error();
    }
    int linger = 0; /* nothing of ours may hold up the end of the context */
    int rc = zmq_setsockopt(zmq, ZMQ_LINGER, &linger, sizeof linger) != 0 ? link_socket_error() : 0;
    if (rc == 0) {
        rc = set_options(zmq, options, n_options);
    }
    if (rc != 0) {
        (void)zmq_close(zmq); /* fails only for what is no socket */
        return rc;
    }
    *sock = xcalloc(1, sizeof **sock);
    (*sock)->zmq = zmq;
    return 0;
}

int link_socket_open_monitor(struct link_socket **monitor, struct link_socket *sock,
                             void *zmq_context, const char *name, int events)
{
    /* Events are sent by the I/O thread, blocking: with a limit here, a slow loop would stop all
     * traffic, and a close from that loop would wait for ever. */
    static const struct link_option unbounded[] = {{ZMQ_RCVHWM, 0}};
    int rc = link_socket_open(monitor, zmq_context, ZMQ_PAIR, unbounded, 1);
    if (rc != 0) {
        return rc;
    }
    if (zmq_socket_monitor(sock->zmq, name, events) != 0 ||
        zmq_connect((*monitor)->zmq, name) != 0) {
        rc = link_socket_error();
        link_socket_close(*monitor, NULL, NULL);
        *monitor = NULL;
    }
    return rc;
}

int link_socket_set_wire_options(struct link_socket *sock)
{
    static const struct link_option settings[] = {
        {ZMQ_MAXMSGSIZE, PROTO_MESSAGE_MAX + CURVE_OVERHEAD},
        {ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS},
        {ZMQ_HEARTBEAT_IVL, HEARTBEAT_MS},
        {ZMQ_HEARTBEAT_TIMEOUT, HEARTBEAT_TIMEOUT_MS},
        {ZMQ_HEARTBEAT_TTL, HEARTBEAT_TTL_MS},
        {ZMQ_TCP_KEEPALIVE, 1},
        {ZMQ_IPV6, 1},
    };
    return set_options(sock->zmq, settings, sizeof settings / sizeof settings[0]);
}

void *link_socket_zmq(const struct link_socket *sock)
{
    return sock->zmq;
}

static void run(struct link_socket *sock)
{
    bool more = sock->ready(sock->context);
    if (more && !sock->closing) {
        link_socket_kick(sock);
    }
}

static void on_again(uv_idle_t *again)
{
    struct link_socket *sock = again->data;
    (void)uv_idle_stop(again); /* cannot fail */
    run(sock);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    /* An error of the descriptor, too, is for ZeroMQ to find. */
    (void)status;
    (void)events;
    run(poll->data);
}

int link_socket_watch(struct link_socket *sock, uv_loop_t *loop, link_socket_ready *ready,
                      void *context)
{
    int fd = -1;
    size_t size = sizeof fd;
    if (zmq_getsockopt(sock->zmq, ZMQ_FD, &fd, &size) != 0) {
        return link_socket_error();
    }
    int rc = uv_poll_init(loop, &sock->poll, fd);
    if (rc != 0) {
        return rc;
    }
    (void)uv_idle_init(loop, &sock->again); /* cannot fail */
    sock->poll.data = sock;
    sock->again.data = sock;
    sock->handles = 2;
    sock->watched = true;
    sock->ready = ready;
    sock->context = context;
    rc = uv_poll_start(&sock->poll, UV_READABLE, on_readable);
    if (rc == 0) {
        link_socket_kick(sock); /* bind and connect may have swallowed the first news */
    }
    return rc;
}

void link_socket_kick(struct link_socket *sock)
{
    (void)uv_idle_start(&sock->again, on_again); /* fails only without a call-back */
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct link_socket *sock = handle->data;
    if (--sock->handles > 0) {
        return;
    }
    if (sock->closed != NULL) {
        sock->closed(sock->closed_context);
    }
    free(sock);
}

void link_socket_close(struct link_socket *sock, void (*closed)(void *context), void *context)
{
    if (sock == NULL) {
        return;
    }
    sock->closing = true;
    sock->closed = closed;
    sock->closed_context = context;
    if (sock->watched) {
        /* Takes the descriptor out of epoll before ZeroMQ closes it. */
        uv_close((uv_handle_t *)&sock->poll, on_handle_closed);
        uv_close((uv_handle_t *)&sock->again, on_handle_closed);
    }
    /* Both fail only for what is no socket. */
    (void)zmq_socket_monitor(sock->zmq, NULL, 0);
    (void)zmq_close(sock->zmq);
    sock->zmq = NULL;
    if (!sock->watched) {
        if (closed != NULL) {
            closed(context);
        }
        free(sock);
    }
}

int link_socket_receive(struct link_socket *sock, struct link_frames *frames)
{
    bool more = true;
    frames->kept = 0;
    frames->count = 0;
    while (more) {
        zmq_msg_t surplus;
        bool keep = frames->kept < LINK_FRAMES_MAX;
        zmq_msg_t *frame = keep ? &frames->frame[frames->kept] : &surplus;
        (void)zmq_msg_init(frame); /* always 0 */
        int rc;
        do {
            rc = zmq_msg_recv(frame, sock->zmq, ZMQ_DONTWAIT);
        } while (rc < 0 && zmq_errno() == EINTR);
        if (rc < 0) {
            rc = link_socket_error();
            (void)zmq_msg_close(frame); /* fails only for what is no message */
            link_frames_close(frames);
            return rc;
        }
        more = zmq_msg_more(frame) != 0;
        frames->count++;
        if (keep) {
            frames->kept++;
        } else {
            (void)zmq_msg_close(frame);
        }
    }
    return 0;
}

void link_frames_close(struct link_frames *frames)
{
    for (size_t i = 0; i < frames->kept; i++) {
        (void)zmq_msg_close(&frames->frame[i]); /* fails only for what is no message */
    }
    frames->kept = 0;
}

int link_frames_read_event(struct link_frames *frames, uint16_t *event, uint32_t *value)
{
    if (frames->count != 2 || zmq_msg_size(&frames->frame[0]) != sizeof *event + sizeof *value) {
        return -EBADMSG;
    }
    const uint8_t *bytes = zmq_msg_data(&frames->frame[0]);
    memcpy(event, bytes, sizeof *event);
    memcpy(value, bytes + sizeof *event, sizeof *value);
    return 0;
}

void link_socket_end_context(void *zmq_context)
{
    if (zmq_context == NULL) {
        return;
    }
    while (zmq_ctx_term(zmq_context) != 0 && zmq_errno() == EINTR) {
    }
}
