/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "link_pair.h"

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

struct link_pair *pair_new(void)
{
    struct link_pair *pair = calloc(1, sizeof *pair);
    assert_non_null(pair);
    assert_int_equal(keys_init(), 0);
    assert_int_equal(uv_loop_init(&pair->loop), 0);
    pair->server_keys = keys_generate();
    pair->agent_keys = keys_generate();
    pair->stranger_keys = keys_generate();
    pair->agent_is_known = true;
    pair->zmq_context = zmq_ctx_new();
    return pair;
}

void pair_free(struct link_pair *pair)
{
    link_client_close(pair->client);
    link_server_close(pair->server);
    for (int i = 0; i < 2; i++) {
        if (pair->raw[i] != NULL) {
            zmq_socket_monitor(pair->raw[i], NULL, 0);
            zmq_close(pair->raw[i]);
        }
    }
    zmq_ctx_term(pair->zmq_context);
    uint64_t before = pair->callbacks;
    uv_run(&pair->loop, UV_RUN_DEFAULT); /* ends by itself: nothing is left open */
    assert_int_equal(pair->callbacks, before);
    assert_int_equal(uv_loop_close(&pair->loop), 0);
    keys_free(pair->server_keys);
    keys_free(pair->agent_keys);
    keys_free(pair->stranger_keys);
    free(pair);
}

/* --- the server's call-backs --- */

static const char *authorize(void *context, const uint8_t curve_public[KEYS_CURVE_SIZE])
{
    struct link_pair *pair = context;
    uint8_t known[KEYS_CURVE_SIZE];
    assert_int_equal(keys_parse_curve_public(keys_curve_public(pair->agent_keys), known), 0);
    return pair->agent_is_known && memcmp(known, curve_public, sizeof known) == 0 ? "agent-1"
                                                                                  : NULL;
}

static void note(struct seen *seen, const uint8_t *bytes, size_t size)
{
    assert_true(size > 0);
    seen->messages++;
    seen->first = bytes[0];
    seen->last = bytes[size - 1];
    seen->size = size;
}

static void on_server_message(void *context, const struct link_peer *peer, const char *agent,
                              const uint8_t *bytes, size_t size)
{
    struct link_pair *pair = context;
    pair->callbacks++;
    assert_string_equal(agent, "agent-1");
    note(&pair->at_server, bytes, size);
    pair->peer = *peer;
    if (pair->echo) {
        assert_int_equal(link_server_send(pair->server, peer, bytes, size), 0);
    }
    if (pair->close_on_message) {
        link_server_close(pair->server);
        pair->server = NULL;
    }
}

static void on_refused(void *context, const char *address, const char *reason)
{
    struct link_pair *pair = context;
    pair->callbacks++;
    pair->refusals++;
    snprintf(pair->refusal, sizeof pair->refusal, "%s", reason);
    snprintf(pair->refused_address, sizeof pair->refused_address, "%s", address);
}

/* --- the client's --- */

static void on_client_message(void *context, const uint8_t *bytes, size_t size)
{
    struct link_pair *pair = context;
    pair->callbacks++;
    note(&pair->at_client, bytes, size);
    if (pair->close_on_message) {
        link_client_close(pair->client);
        pair->client = NULL;
    }
}

static void on_state(void *context, enum link_state state)
{
    struct link_pair *pair = context;
    pair->callbacks++;
    pair->state = state;
    pair->ups += state == LINK_UP;
}

static void on_writable(void *context)
{
    struct link_pair *pair = context;
    pair->callbacks++;
    assert_int_equal(pair->state, LINK_UP); /* never before on_state has said so */
    pair->writables++;
}

void pair_open_server(struct link_pair *pair, const char *endpoint)
{
    const struct link_server_options options = {
        .endpoint = endpoint != NULL ? endpoint : "tcp://127.0.0.1:*",
        .keys = pair->server_keys,
        .authorize = authorize,
        .on_message = on_server_message,
        .on_refused = on_refused,
        .context = pair,
    };
    assert_int_equal(link_server_open(&pair->server, &pair->loop, &options), 0);
    snprintf(pair->endpoint, sizeof pair->endpoint, "%s", link_server_endpoint(pair->server));
}

void pair_open_client(struct link_pair *pair, const struct keys *keys, const char *server_key)
{
    const struct link_client_options options = {
        .endpoint = pair->endpoint,
        .server_key = server_key,
        .keys = keys,
        .on_message = on_client_message,
        .on_state = on_state,
        .on_writable = on_writable,
        .context = pair,
    };
    assert_int_equal(link_client_open(&pair->client, &pair->loop, &options), 0);
}

void pair_close_client(struct link_pair *pair)
{
    link_client_close(pair->client);
    pair->client = NULL;
}

void pair_open_both(struct link_pair *pair)
{
    pair_open_server(pair, NULL);
    pair_open_client(pair, pair->agent_keys, keys_curve_public(pair->server_keys));
    pair_wait(pair, pair->state == LINK_UP && pair->writables > 0);
}

/* --- turning the loop --- */

static void on_turn(uv_timer_t *timer)
{
    (void)timer; /* it only ends the turn */
}

void pair_turn(struct link_pair *pair)
{
    uv_timer_t timer;
    uv_timer_init(&pair->loop, &timer);
    uv_timer_start(&timer, on_turn, 10, 0);
    uv_run(&pair->loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&pair->loop, UV_RUN_NOWAIT); /* lets go of the timer */
}

/* --- raw sockets --- */

void *raw_connect(struct link_pair *pair)
{
    void *raw = zmq_socket(pair->zmq_context, ZMQ_DEALER);
    assert_non_null(raw);
    pair->raw[0] = raw;
    int linger = 0;
    zmq_setsockopt(raw, ZMQ_LINGER, &linger, sizeof linger);
    zmq_setsockopt(raw, ZMQ_CURVE_SERVERKEY, keys_curve_public(pair->server_keys), 41);
    zmq_setsockopt(raw, ZMQ_CURVE_PUBLICKEY, keys_curve_public(pair->agent_keys), 41);
    zmq_setsockopt(raw, ZMQ_CURVE_SECRETKEY, keys_curve_secret(pair->agent_keys), 41);
    assert_int_equal(zmq_connect(raw, pair->endpoint), 0);
    return raw;
}

void raw_send(void *raw, const void *bytes, size_t size, bool more)
{
    /* Before the handshake is through, it waits in the socket's queue. */
    assert_int_equal(zmq_send(raw, bytes, size, ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0)), size);
}

int tcp_greet(const struct link_pair *pair, const char *mechanism, const void *then, size_t size)
{
    const char *port = strrchr(pair->endpoint, ':') + 1;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)strtoul(port, NULL, 10)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    uint8_t greeting[64] = {[0] = 0xff, [9] = 0x7f, [10] = 3, [11] = 1};
    memcpy(greeting + 12, mechanism, strlen(mechanism));
    assert_int_equal(send(fd, greeting, sizeof greeting, MSG_NOSIGNAL), sizeof greeting);
    /* The server may have hung up by now. */
    (void)send(fd, then, size, MSG_NOSIGNAL);
    return fd;
}

bool tcp_is_closed(int fd)
{
    char bytes[256];
    ssize_t n = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
    return n == 0 || (n < 0 && errno != EAGAIN);
}
