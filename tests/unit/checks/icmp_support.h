/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A network namespace of the test's own, whose kernel answers echo requests or keeps silent as
 * told; and a responder beside it, which sees every request and does what a test wants. */
#ifndef TEST_ICMP_SUPPORT_H
#define TEST_ICMP_SUPPORT_H

#include "icmp.h"
#include "icmp_packet.h"
#include "icmp_table.h"

#include <stdbool.h>

/* The group's setup: *state says whether there is a namespace. */
int icmp_enter_namespace(void **state);
/* Skips the test where there is none; else the kernel answers, and ping sockets are closed. */
void icmp_need_namespace(void **state);
void icmp_open_ping_sockets(void);
void icmp_silence_kernel(void);
void icmp_set_kernel(const char *path, const char *value);

struct icmp_answer {
    int n;
    struct verdict verdict;
    int64_t took_ms;
    struct mono begin;
};
probe_done icmp_on_done;
bool icmp_answered(void *context); /* a struct icmp_answer */

/* A probe as a whole; `other`: a second address, or NULL. */
struct icmp_answer icmp_probe_host(const char *host, const char *other, int64_t timeout_ms,
                                   unsigned echoes);

/* A request as it was seen, and what sends something back. */
struct icmp_request {
    bool is_v6;
    int n; /* how many were seen before */
    struct mono time;
    uint16_t id;
    uint16_t sequence;
    uint8_t token[ICMP_TOKEN_SIZE];
};

struct icmp_responder;
typedef void icmp_script(struct icmp_responder *responder, const struct icmp_request *request);

struct icmp_responder {
    uv_poll_t poll;
    int fd;
    bool is_v6;
    icmp_script *script;
    int n;
    struct icmp_request seen[32];
    bool closed;
};

/* Sees the requests on loopback; the kernel keeps silent. */
void icmp_responder_open(struct icmp_responder *responder, uv_loop_t *loop, bool is_v6,
                         icmp_script *script);
void icmp_responder_close(struct icmp_responder *responder);
/* An echo reply like `request` from an address ("127.0.0.1"). */
void icmp_respond(const struct icmp_responder *responder, const char *from,
                  const struct icmp_request *request);
/* An error of that type and code about `request` to an address, with so much of its token. */
void icmp_respond_error(const struct icmp_responder *responder, uint8_t type, uint8_t code,
                        const char *to, const struct icmp_request *request, size_t token_size);

/* One probe of 127.0.0.1 (or ::1) that a script answers. */
struct icmp_answer icmp_probe_script(icmp_script *script, bool is_v6, int64_t timeout_ms,
                                     unsigned echoes, struct icmp_responder *responder,
                                     struct icmp_ignored *ignored);

#endif
