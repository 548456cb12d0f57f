/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Servers of the tests' own in the probe's loop, and a probe of any type asked against them. */
#ifndef TEST_CHECKS_NET_SUPPORT_H
#define TEST_CHECKS_NET_SUPPORT_H

#include "check_type.h"
#include "support.h"

enum { CONNECTIONS_MAX = 8 };

/* Says one thing to who connects, and writes down what it hears. */
struct tcp_server {
    uv_tcp_t listener;
    uint16_t port;
    const void *says;
    size_t says_size;
    bool is_dripping;   /* a byte per millisecond */
    bool is_hanging_up; /* when all was said */
    bool is_resetting;  /* likewise, with a reset */
    bool is_answering;  /* speaks only once it was spoken to */
    char heard[2048];
    size_t heard_size;
    unsigned n_connections;
    unsigned n_ended; /* by the other side */
    struct tcp_connection *connections[CONNECTIONS_MAX];
};
void tcp_server_open(uv_loop_t *loop, struct tcp_server *server);
/* To the newest connection, at once. */
void tcp_server_say(struct tcp_server *server, const void *bytes, size_t size);
void tcp_server_close(struct tcp_server *server);

/* Calls back for every datagram; who is called answers with udp_server_say. */
struct udp_server {
    uv_udp_t socket;
    uint16_t port;
    void (*on_request)(struct udp_server *server, const uint8_t *bytes, size_t size,
                       const struct sockaddr *from);
    void *context;
    unsigned n_requests;
    uint8_t buffer[4096];
};
void udp_server_open(uv_loop_t *loop, struct udp_server *server);
void udp_server_open_at(uv_loop_t *loop, struct udp_server *server, uint16_t port);
void udp_server_say(struct udp_server *server, const void *bytes, size_t size,
                    const struct sockaddr *to);
void udp_server_close(struct udp_server *server);

struct answer {
    int n;
    struct verdict verdict;
};
struct target loopback_target(uint16_t port);
/* Prepares, asks, waits, releases. The verdict is dated within that time. */
struct verdict ask(uv_loop_t *loop, const struct check_type *type,
                   const struct check_config *config, const struct target *target,
                   int64_t timeout_ms);
/* Starts one, runs the loop a few times, cancels it: nobody is called. */
void ask_and_cancel(uv_loop_t *loop, const struct check_type *type,
                    const struct check_config *config, const struct target *target);

void check_verdict(const struct verdict *verdict, enum outcome outcome, const char *reason,
                   const char *file, int line);
#define assert_verdict(given, outcome, reason)                                                     \
    do {                                                                                           \
        const struct verdict checked = (given);                                                    \
        check_verdict(&checked, outcome, reason, __FILE__, __LINE__);                              \
    } while (0)

#endif
