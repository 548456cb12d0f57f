/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "web_support.h"

#include "resolve.h"
#include "support.h"
#include "url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { DRIP_MS = 10 };

struct peer {
    uv_tcp_t tcp;
    uv_timer_t timer;
    uv_write_t write;
    struct server *server;
    const char *text;
    size_t dripped;
    int n_open; /* handles */
    bool is_answered;
};

static void on_peer_closed(uv_handle_t *handle)
{
    struct peer *peer = handle->data;
    if (--peer->n_open == 0) {
        free(peer);
    }
}

static void end_peer(struct peer *peer)
{
    if (!uv_is_closing((uv_handle_t *)&peer->tcp)) {
        uv_close((uv_handle_t *)&peer->tcp, on_peer_closed);
        uv_close((uv_handle_t *)&peer->timer, on_peer_closed);
    }
}

static void on_written(uv_write_t *write, int status);

static void send_bytes(struct peer *peer, const char *bytes, size_t size)
{
    uv_buf_t buffer = uv_buf_init((char *)bytes, (unsigned)size);
    peer->server->n_bytes += size;
    peer->write.data = peer;
    uv_write(&peer->write, (uv_stream_t *)&peer->tcp, &buffer, 1, on_written);
}

static void on_drip(uv_timer_t *timer)
{
    struct peer *peer = timer->data;
    send_bytes(peer, peer->server->piece + peer->dripped++ % SERVER_PIECE, 1);
}

static void on_written(uv_write_t *write, int status)
{
    struct peer *peer = write->data;
    struct server *server = peer->server;
    if (status < 0 || server->then == THEN_CLOSE) {
        end_peer(peer);
    } else if (server->then == THEN_MORE) {
        size_t period = server->more != NULL ? strlen(server->more) : 1;
        send_bytes(peer, server->piece, SERVER_PIECE - SERVER_PIECE % period);
    } else if (server->then == THEN_DRIP && !uv_is_closing((uv_handle_t *)&peer->timer)) {
        uv_timer_start(&peer->timer, on_drip, DRIP_MS, 0);
    }
}

static void on_alloc(uv_handle_t *handle, size_t wanted, uv_buf_t *buffer)
{
    struct peer *peer = handle->data;
    (void)wanted;
    *buffer = uv_buf_init(peer->server->read_buffer, sizeof peer->server->read_buffer);
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buffer)
{
    struct peer *peer = stream->data;
    struct server *server = peer->server;
    if (got < 0) {
        end_peer(peer);
        return;
    }
    size_t used = strlen(server->request);
    snprintf(server->request + used, sizeof server->request - used, "%.*s", (int)got, buffer->base);
    if (peer->is_answered || strstr(server->request, "\r\n\r\n") == NULL) {
        return;
    }
    peer->is_answered = true;
    if (peer->text != NULL) {
        send_bytes(peer, peer->text,
                   server->text_size > 0 ? server->text_size : strlen(peer->text));
    } else if (server->then == THEN_CLOSE) {
        end_peer(peer);
    }
}

static const char *next_text(struct server *server)
{
    int n = server->n_connections++;
    n = n < SERVER_TEXTS_MAX ? n : SERVER_TEXTS_MAX - 1;
    while (n > 0 && server->texts[n] == NULL) {
        n--;
    }
    return server->texts[n];
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct server *server = listener->data;
    struct peer *peer = calloc(1, sizeof *peer);
    assert_int_equal(status, 0);
    assert_non_null(peer);
    peer->server = server;
    peer->text = next_text(server);
    peer->n_open = 2;
    uv_tcp_init(listener->loop, &peer->tcp);
    uv_timer_init(listener->loop, &peer->timer);
    peer->tcp.data = peer;
    peer->timer.data = peer;
    assert_int_equal(uv_accept(listener, (uv_stream_t *)&peer->tcp), 0);
    uv_read_start((uv_stream_t *)&peer->tcp, on_alloc, on_read);
}

void server_start(struct server *server, uv_loop_t *loop)
{
    int fd = listen_on_loopback(8, &server->port);
    const char *more = server->more != NULL ? server->more : "x";
    for (size_t i = 0; i < SERVER_PIECE; i++) {
        server->piece[i] = more[i % strlen(more)];
    }
    uv_tcp_init(loop, &server->listener);
    server->listener.data = server;
    assert_int_equal(uv_tcp_open(&server->listener, fd), 0);
    assert_int_equal(uv_listen((uv_stream_t *)&server->listener, 8, on_connection), 0);
}

void server_stop(struct server *server)
{
    uv_close((uv_handle_t *)&server->listener, NULL);
}

static void on_done(void *context, const struct verdict *verdict)
{
    struct answer *answer = context;
    answer->n++;
    answer->verdict = *verdict;
}

static bool answered(void *context)
{
    return ((const struct answer *)context)->n > 0;
}

struct answer ask_type(uv_loop_t *loop, const struct check_type *type,
                       const struct check_config *config, const char *address, double resolved_s)
{
    struct answer answer = {0};
    struct target target;
    char reason[128];
    char host[URL_HOST_MAX + 1] = "";
    uint16_t port = (uint16_t)config->port;
    if (config->url != NULL) {
        assert_int_equal(url_split(config->url, host, &port, reason, sizeof reason), 0);
    } else {
        snprintf(host, sizeof host, "%s", config->host);
    }
    assert_int_equal(resolve_literal(address, port, &target), 0);
    void *shared = type->open(loop);
    void *prepared = type->prepare(config);
    assert_non_null(shared);
    assert_non_null(prepared);
    const struct probe_order order = {
        .loop = loop,
        .config = config,
        .prepared = prepared,
        .host = host,
        .port = port,
        .target = &target,
        .resolved_s = resolved_s,
        .timeout_ms = config->timeout_ms,
        .done = on_done,
        .context = &answer,
    };
    assert_non_null(type->start(shared, &order));
    assert_int_equal(answer.n, 0);
    assert_true(run_until(loop, answered, &answer, config->timeout_ms + 3000));
    type->release(prepared);
    type->close(shared);
    assert_int_equal(answer.n, 1);
    return answer;
}

void assert_verdict(const struct answer *answer, enum outcome outcome, const char *reason)
{
    if (answer->verdict.outcome != outcome || strcmp(answer->verdict.reason, reason) != 0) {
        fail_msg("got %s, %s (%s); expected %s, %s", outcome_name(answer->verdict.outcome),
                 answer->verdict.reason, answer->verdict.detail, outcome_name(outcome), reason);
    }
}
