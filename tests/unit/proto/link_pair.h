/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A collector's and an agent's end of the link on one loop, and a raw ZeroMQ socket that behaves as
 * no agent of ours would. */
#ifndef TEST_PROTO_LINK_PAIR_H
#define TEST_PROTO_LINK_PAIR_H

#include "proto/link.h"
#include <zmq.h>

struct seen {
    uint64_t messages;
    uint8_t first, last; /* bytes of the last message */
    size_t size;
};

struct link_pair {
    uv_loop_t loop;
    struct keys *server_keys, *agent_keys, *stranger_keys;
    struct link_server *server;
    struct link_client *client;
    char endpoint[256];
    bool agent_is_known; /* may be changed at any time */
    bool echo;           /* the server answers every message with itself */
    bool close_on_message;
    struct seen at_server, at_client;
    struct link_peer peer; /* of the last message */
    uint64_t refusals;
    char refusal[128]; /* the last one's reason */
    char refused_address[64];
    uint64_t ups, writables, callbacks;
    enum link_state state;
    void *zmq_context; /* of raw sockets */
    void *raw[2];      /* closed by pair_free, also when a test failed half way */
};

struct link_pair *pair_new(void);
void pair_free(struct link_pair *pair);
/* With port 0 unless `endpoint` says where. */
void pair_open_server(struct link_pair *pair, const char *endpoint);
void pair_open_client(struct link_pair *pair, const struct keys *keys, const char *server_key);
void pair_close_client(struct link_pair *pair);
/* A server and a client with the right keys, shaken hands. */
void pair_open_both(struct link_pair *pair);

/* Runs the loop until the condition holds; fails after ten seconds. */
#define pair_wait(pair, condition)                                                                 \
    do {                                                                                           \
        uint64_t deadline = uv_hrtime() + UINT64_C(10000000000);                                   \
        while (!(condition)) {                                                                     \
            pair_turn(pair);                                                                       \
            if (uv_hrtime() > deadline) {                                                          \
                fail_msg("waited too long for: %s", #condition);                                   \
            }                                                                                      \
        }                                                                                          \
    } while (0)
/* One turn of the loop, at most 10 ms long. */
void pair_turn(struct link_pair *pair);

/* A DEALER connected to the server with the agent's keys: pair->raw[0]. */
void *raw_connect(struct link_pair *pair);
/* Queues one frame of a message; more of it follows or not. */
void raw_send(void *raw, const void *bytes, size_t size, bool more);

/* A TCP connection that greets like a ZMTP 3.1 peer (ZeroMQ RFC 37) with that mechanism and then
 * says what it is told to say; libzmq's own would hang up as soon as it sees the server's. */
int tcp_greet(const struct link_pair *pair, const char *mechanism, const void *then, size_t size);
/* Has the other end hung up? What came until then is thrown away. */
bool tcp_is_closed(int fd);

#endif
