/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Probes of the web, one at a time, and a server for them that does whatever it is told. */
#ifndef TEST_CHECKS_WEB_SUPPORT_H
#define TEST_CHECKS_WEB_SUPPORT_H

#include "check_type.h"

enum { SERVER_TEXTS_MAX = 4, SERVER_PIECE = 64 * 1024 };

/* A server in the test's own loop: sends the n-th text to the n-th connection that asks (the last
 * one to all others), then what `then` says. */
enum then { THEN_CLOSE, THEN_HANG, THEN_MORE, THEN_DRIP };
struct server {
    uv_tcp_t listener;
    uint16_t port;
    const char *texts[SERVER_TEXTS_MAX]; /* none: not a byte */
    size_t text_size;                    /* of one that holds NULs; 0: strlen */
    enum then then;
    const char *more; /* what MORE repeats, one byte of which DRIP sends each 10 ms; NULL: "xxx…" */
    int n_connections;
    uint64_t n_bytes;
    char request[4096]; /* of all connections */
    char piece[SERVER_PIECE];
    char read_buffer[2048];
};
void server_start(struct server *server, uv_loop_t *loop);
/* The loop closes what is left. */
void server_stop(struct server *server);

struct answer {
    int n;
    struct verdict verdict;
};

/* One probe as the room would start it, of a name that is said to stand for `address`. Fails the
 * test when none comes within the time-out and three seconds. */
struct answer ask_type(uv_loop_t *loop, const struct check_type *type,
                       const struct check_config *config, const char *address, double resolved_s);

void assert_verdict(const struct answer *answer, enum outcome outcome, const char *reason);

#endif
