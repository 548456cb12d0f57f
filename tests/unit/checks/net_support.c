/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net_support.h"

#include "resolve.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* --- TCP --- */

struct tcp_connection {
    uv_tcp_t stream;
    uv_timer_t timer;
    struct tcp_server *server;
    size_t said;
    int n_handles;
    char buffer[1024];
};

static void on_connection_closed(uv_handle_t *handle)
{
    struct tcp_connection *connection = handle->data;
    if (--connection->n_handles == 0) {
        free(connection);
    }
}

static void close_connection(struct tcp_connection *connection)
{
    if (!uv_is_closing((uv_handle_t *)&connection->timer)) {
        uv_close((uv_handle_t *)&connection->timer, on_connection_closed);
        if (!uv_is_closing((uv_handle_t *)&connection->stream)) {
            uv_close((uv_handle_t *)&connection->stream, on_connection_closed);
        }
    }
}

static void say(uv_timer_t *timer)
{
    struct tcp_connection *connection = timer->data;
    struct tcp_server *server = connection->server;
    size_t size = server->says_size - connection->said;
    if (server->is_dripping && size > 1) {
        size = 1;
    }
    if (size > 0) {
        uv_buf_t buf = uv_buf_init((char *)server->says + connection->said, (unsigned)size);
        int sent = uv_try_write((uv_stream_t *)&connection->stream, &buf, 1);
        connection->said += sent > 0 ? (size_t)sent : 0;
    }
    if (connection->said < server->says_size) {
        uv_timer_start(timer, say, 1, 0);
    } else if (server->is_resetting) {
        assert_int_equal(uv_tcp_close_reset(&connection->stream, on_connection_closed), 0);
        uv_close((uv_handle_t *)timer, on_connection_closed);
        connection->server = NULL;
    } else if (server->is_hanging_up) {
        close_connection(connection);
        connection->server = NULL;
    }
}

static void on_buffer(uv_handle_t *handle, size_t wanted, uv_buf_t *buf)
{
    struct tcp_connection *connection = handle->data;
    (void)wanted;
    *buf = uv_buf_init(connection->buffer, sizeof connection->buffer);
}

static void on_heard(uv_stream_t *stream, ssize_t got, const uv_buf_t *buf)
{
    struct tcp_connection *connection = stream->data;
    struct tcp_server *server = connection->server;
    if (server == NULL) {
        return;
    }
    if (got < 0) {
        server->n_ended++;
        uv_read_stop(stream);
        uv_timer_stop(&connection->timer);
        return;
    }
    if (server->heard_size + (size_t)got < sizeof server->heard) {
        memcpy(server->heard + server->heard_size, buf->base, (size_t)got);
        server->heard_size += (size_t)got;
    }
    if (server->is_answering && connection->said == 0) {
        say(&connection->timer);
    }
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct tcp_server *server = listener->data;
    struct tcp_connection *connection = calloc(1, sizeof *connection);
    assert_int_equal(status, 0);
    assert_non_null(connection);
    assert_true(server->n_connections < CONNECTIONS_MAX);
    connection->server = server;
    connection->n_handles = 2;
    uv_tcp_init(listener->loop, &connection->stream);
    uv_timer_init(listener->loop, &connection->timer);
    connection->stream.data = connection;
    connection->timer.data = connection;
    assert_int_equal(uv_accept(listener, (uv_stream_t *)&connection->stream), 0);
    uv_read_start((uv_stream_t *)&connection->stream, on_buffer, on_heard);
    bool ends_itself = server->is_hanging_up || server->is_resetting;
    server->connections[server->n_connections++] = ends_itself ? NULL : connection;
    if (!server->is_answering) {
        say(&connection->timer);
    }
}

void tcp_server_open(uv_loop_t *loop, struct tcp_server *server)
{
    int fd = listen_on_loopback(8, &server->port);
    uv_tcp_init(loop, &server->listener);
    server->listener.data = server;
    assert_int_equal(uv_tcp_open(&server->listener, fd), 0);
    assert_int_equal(uv_listen((uv_stream_t *)&server->listener, 8, on_connection), 0);
}

void tcp_server_say(struct tcp_server *server, const void *bytes, size_t size)
{
    assert_true(server->n_connections > 0);
    struct tcp_connection *newest = server->connections[server->n_connections - 1];
    uv_buf_t buf = uv_buf_init((char *)bytes, (unsigned)size);
    assert_int_equal(uv_try_write((uv_stream_t *)&newest->stream, &buf, 1), (int)size);
}

void tcp_server_close(struct tcp_server *server)
{
    uv_close((uv_handle_t *)&server->listener, NULL);
    for (unsigned i = 0; i < server->n_connections; i++) {
        if (server->connections[i] != NULL) {
            close_connection(server->connections[i]);
        }
    }
}

/* --- UDP --- */

static void on_datagram_buffer(uv_handle_t *handle, size_t wanted, uv_buf_t *buf)
{
    struct udp_server *server = handle->data;
    (void)wanted;
    *buf = uv_buf_init((char *)server->buffer, sizeof server->buffer);
}

static void on_datagram(uv_udp_t *socket, ssize_t got, const uv_buf_t *buf,
                        const struct sockaddr *from, unsigned flags)
{
    struct udp_server *server = socket->data;
    (void)flags;
    if (got > 0 && from != NULL) {
        server->n_requests++;
        if (server->on_request != NULL) {
            server->on_request(server, (const uint8_t *)buf->base, (size_t)got, from);
        }
    }
}

void udp_server_open_at(uv_loop_t *loop, struct udp_server *server, uint16_t port)
{
    struct sockaddr_in address;
    int size = sizeof address;
    uv_ip4_addr("127.0.0.1", port, &address);
    uv_udp_init(loop, &server->socket);
    server->socket.data = server;
    assert_int_equal(uv_udp_bind(&server->socket, (struct sockaddr *)&address, 0), 0);
    assert_int_equal(uv_udp_getsockname(&server->socket, (struct sockaddr *)&address, &size), 0);
    server->port = ntohs(address.sin_port);
    uv_udp_recv_start(&server->socket, on_datagram_buffer, on_datagram);
}

void udp_server_open(uv_loop_t *loop, struct udp_server *server)
{
    udp_server_open_at(loop, server, 0);
}

void udp_server_say(struct udp_server *server, const void *bytes, size_t size,
                    const struct sockaddr *to)
{
    uv_buf_t buf = uv_buf_init((char *)bytes, (unsigned)size);
    assert_int_equal(uv_udp_try_send(&server->socket, &buf, 1, to), (int)size);
}

void udp_server_close(struct udp_server *server)
{
    uv_close((uv_handle_t *)&server->socket, NULL);
}

/* --- probes --- */

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

struct target loopback_target(uint16_t port)
{
    struct target target;
    assert_int_equal(resolve_literal("127.0.0.1", port, &target), 0);
    return target;
}

static void *start(uv_loop_t *loop, const struct check_type *type,
                   const struct check_config *config, void *prepared, const struct target *target,
                   int64_t timeout_ms, struct answer *answer)
{
    struct target copy = *target; /* gone before the probe is */
    const struct probe_order order = {.loop = loop,
                                      .config = config,
                                      .prepared = prepared,
                                      .host = "127.0.0.1",
                                      .target = &copy,
                                      .timeout_ms = timeout_ms,
                                      .done = on_done,
                                      .context = answer};
    void *probe = type->start(NULL, &order);
    memset(&copy, 0xff, sizeof copy);
    assert_non_null(probe);
    assert_int_equal(answer->n, 0); /* never from inside the start */
    return probe;
}

static void *prepare(const struct check_type *type, const struct check_config *config)
{
    void *prepared = type->prepare != NULL ? type->prepare(config) : NULL;
    assert_true(type->prepare == NULL || prepared != NULL);
    return prepared;
}

struct verdict ask(uv_loop_t *loop, const struct check_type *type,
                   const struct check_config *config, const struct target *target,
                   int64_t timeout_ms)
{
    struct answer answer = {0};
    void *prepared = prepare(type, config);
    struct wall before = clock_wall();
    (void)start(loop, type, config, prepared, target, timeout_ms, &answer);
    assert_true(run_until(loop, answered, &answer, timeout_ms + 3000));
    assert_int_equal(answer.n, 1);
    assert_in_range(answer.verdict.time.ms, before.ms, clock_wall().ms);
    if (prepared != NULL) {
        type->release(prepared);
    }
    return answer.verdict;
}

void ask_and_cancel(uv_loop_t *loop, const struct check_type *type,
                    const struct check_config *config, const struct target *target)
{
    struct answer answer = {0};
    void *prepared = prepare(type, config);
    void *probe = start(loop, type, config, prepared, target, 1000, &answer);
    for (int i = 0; i < 5; i++) {
        uv_run(loop, UV_RUN_NOWAIT);
    }
    assert_int_equal(answer.n, 0);
    type->cancel(probe);
    if (prepared != NULL) {
        type->release(prepared);
    }
    for (int i = 0; i < 5; i++) {
        uv_run(loop, UV_RUN_NOWAIT);
    }
    assert_int_equal(answer.n, 0);
}

void check_verdict(const struct verdict *verdict, enum outcome outcome, const char *reason,
                   const char *file, int line)
{
    if (verdict->outcome != outcome || strcmp(verdict->reason, reason) != 0) {
        print_message("%s is \"%s\", not %s \"%s\": %s\n", outcome_name(verdict->outcome),
                      verdict->reason, outcome_name(outcome), reason, verdict->detail);
        _fail(file, line);
    }
}
