/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One ZeroMQ socket on a libuv loop. ZMQ_FD tells only that something changed, once: whoever
 * reads ZMQ_EVENTS, sends or receives may have swallowed the news. So the owner's function runs
 * when the descriptor is readable and in the turn after every kick, until nothing is left.
 *
 * Threads: all of this belongs to the loop's thread. */
#ifndef PROTO_LINK_SOCKET_H
#define PROTO_LINK_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>
#include <zmq.h>

/* libzmq 4.3.4 has these (RFC 27; its documentation of zmq_setsockopt and zmq_msg_gets), but its
 * header shows them only to who asks for drafts. */
#ifndef ZMQ_ZAP_ENFORCE_DOMAIN
#define ZMQ_ZAP_ENFORCE_DOMAIN 93
#endif
#ifndef ZMQ_MSG_PROPERTY_USER_ID
#define ZMQ_MSG_PROPERTY_USER_ID "User-Id"
#endif
#ifndef ZMQ_MSG_PROPERTY_PEER_ADDRESS
#define ZMQ_MSG_PROPERTY_PEER_ADDRESS "Peer-Address"
#endif

enum {
    LINK_TURN_BUDGET = 64, /* messages of one socket a turn, so that others get theirs */
    LINK_FRAMES_MAX = 8,   /* kept of a message: a ZAP request has 7 */
};

struct link_socket;

struct link_option {
    int name;
    int value;
};

/* Must receive until -EAGAIN; true: the turn's budget ran out first, call again. */
typedef bool link_socket_ready(void *context);

/* A new socket with LINGER 0 and the options. 0 or -errno. The context outlives it. */
int link_socket_open(struct link_socket **sock, void *zmq_context, int type,
                     const struct link_option *options, size_t n_options);
/* A PAIR on which the socket's events arrive, unbounded, so that the I/O thread never waits on it;
 * `name` is unique within the context. Close the socket before its monitor: the I/O thread waits
 * for a reader. */
int link_socket_open_monitor(struct link_socket **monitor, struct link_socket *sock,
                             void *zmq_context, const char *name, int events);
/* What both ends of the wire share: bounds, time-outs, heartbeats, IPv6. 0 or -errno. */
int link_socket_set_wire_options(struct link_socket *sock);
void *link_socket_zmq(const struct link_socket *sock);
/* From now on the loop calls `ready`; also a first time without being asked. */
int link_socket_watch(struct link_socket *sock, uv_loop_t *loop, link_socket_ready *ready,
                      void *context);
/* To be called after a send outside of `ready`. */
void link_socket_kick(struct link_socket *sock);
/* Closes the ZeroMQ socket at once; `ready` is not called again. The loop frees the rest and then
 * calls `closed` (may be NULL); a socket that was never watched is freed within the call. */
void link_socket_close(struct link_socket *sock, void (*closed)(void *context), void *context);

/* One received message: `count` frames, of which the first `kept` are here. */
struct link_frames {
    zmq_msg_t frame[LINK_FRAMES_MAX];
    size_t kept;
    size_t count;
};

/* 0: the caller closes the frames; -EAGAIN: nothing there; or another -errno. */
int link_socket_receive(struct link_socket *sock, struct link_frames *frames);
void link_frames_close(struct link_frames *frames);
/* A monitor's message. 0, or -EBADMSG. */
int link_frames_read_event(struct link_frames *frames, uint16_t *event, uint32_t *value);

/* zmq_errno() as -errno; an errno of ZeroMQ's own becomes -EIO. */
int link_socket_error(void);
/* Ends a context whose sockets are closed. */
void link_socket_end_context(void *zmq_context);

#endif
