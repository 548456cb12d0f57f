/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The link: ZeroMQ DEALER (agent) to ROUTER (collector), CURVE always on, driven by a libuv loop.
 * Who speaks is the CURVE public key that the ZAP handler proved, never a name or a routing id;
 * an unknown key, NULL or PLAIN mechanism never gets through the handshake.
 *
 * Threads: a handle belongs to its loop's thread; call-backs come from the loop, never from inside
 * a call. After x_close no call-back comes; a close may be called from within one. */
#ifndef PROTO_LINK_H
#define PROTO_LINK_H

#include "proto/keys.h"
#include "proto/model.h"
#include <uv.h>

/* --- collector's side --- */
struct link_server;

/* An opaque address of a connected peer, to answer to. */
struct link_peer {
    uint8_t bytes[256];
    size_t size;
};

struct link_server_stats {
    uint64_t accepted;          /* handshakes that the ZAP handler let in */
    uint64_t refused_key;       /* unknown or malformed key */
    uint64_t refused_mechanism; /* not CURVE */
    uint64_t handshake_failed;  /* as the socket monitor counts them */
    uint64_t messages;
    uint64_t bad_frames;   /* wrong frame count, empty, too large, without identity */
    uint64_t send_dropped; /* the peer was gone or did not read */
};

struct link_server_options {
    const char *endpoint; /* "tcp://0.0.0.0:8461", "tcp://[::]:8461", "ipc:///run/x" */
    const struct keys *keys;
    /* The agent's name for a CURVE public key, or NULL: refuse. Asked at the handshake and again
     * for every message, so that a revocation bites at once. The text lives until the next call. */
    const char *(*authorize)(void *context, const uint8_t curve_public[KEYS_CURVE_SIZE]);
    void (*on_message)(void *context, const struct link_peer *peer, const char *agent,
                       const uint8_t *bytes, size_t size);
    /* A connection was refused; `reason` names it. May be NULL. */
    void (*on_refused)(void *context, const char *address, const char *reason);
    void *context;
};

/* The options' texts and keys must outlive the handle. 0, or -EADDRINUSE, -EINVAL … */
int link_server_open(struct link_server **server, uv_loop_t *loop,
                     const struct link_server_options *options);
/* Queue one message for a peer. 0; -EHOSTUNREACH when it is gone; -EAGAIN when its queue is full:
 * the message is dropped and counted (an ACK is repeated by the next one). */
int link_server_send(struct link_server *server, const struct link_peer *peer, const uint8_t *bytes,
                     size_t size);
/* The endpoint it is bound to, with the port that the system chose for ":0". */
const char *link_server_endpoint(const struct link_server *server);
const struct link_server_stats *link_server_stats(const struct link_server *server);
void link_server_close(struct link_server *server);

/* --- agent's side --- */
struct link_client;

enum link_state {
    LINK_CONNECTING = 0,
    LINK_UP = 1,      /* the handshake succeeded: messages may be sent */
    LINK_REFUSED = 2, /* the peer refused our key, or is not who we expect; it is tried again */
};
const char *link_state_name(enum link_state state);

struct link_client_options {
    const char *endpoint;
    const char *server_key; /* Z85 */
    const struct keys *keys;
    void (*on_message)(void *context, const uint8_t *bytes, size_t size);
    void (*on_state)(void *context, enum link_state state);
    /* There is room to send again after -EAGAIN, or the link came up. */
    void (*on_writable)(void *context);
    void *context;
};

int link_client_open(struct link_client **client, uv_loop_t *loop,
                     const struct link_client_options *options);
/* Hand one message to the link. 0; -EAGAIN: not now, on_writable will say when. What was accepted
 * may still be lost with the connection: only the peer's answer counts. */
int link_client_send(struct link_client *client, const uint8_t *bytes, size_t size);
enum link_state link_client_state(const struct link_client *client);
/* Drop the connection and dial anew after `delay_ms` (the peer answers no more). */
void link_client_restart(struct link_client *client, int64_t delay_ms);
uint64_t link_client_reconnects(const struct link_client *client);
void link_client_close(struct link_client *client);

#endif
