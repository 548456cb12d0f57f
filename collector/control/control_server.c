/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/control.h"

#include "common/clock.h"
#include "common/xalloc.h"
#include "unix_path.h"
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    BACKLOG = 64,
    CHUNK = 4096,   /* a request is hardly ever longer */
    WATCH_MS = 200, /* between two looks for connections that sleep */
    SOCKET_MODE = 0660,
};

struct connection {
    uv_pipe_t pipe;
    uv_write_t write;
    struct control_server *server;
    struct connection *next;
    struct mono deadline; /* to have asked, then to have read the answer */
    char *line;
    size_t used;
    size_t room;
    char *answer;
    bool answering;
};

struct control_server {
    uv_pipe_t pipe;
    uv_timer_t watch;
    int handles; /* that the loop still holds */
    bool closing;
    char *path;
    control_handler *handler;
    void *context;
    struct connection *connections;
    size_t n_connections;
};

static void free_server(struct control_server *server)
{
    if (server->closing && server->handles == 0 && server->connections == NULL) {
        free(server->path);
        free(server);
    }
}

/* --- a connection --- */

static void on_connection_closed(uv_handle_t *handle)
{
    struct connection *connection = handle->data;
    struct control_server *server = connection->server;
    struct connection **link = &server->connections;
    while (*link != connection) {
        link = &(*link)->next;
    }
    *link = connection->next;
    server->n_connections--;
    free(connection->line);
    free(connection->answer);
    free(connection);
    free_server(server);
}

static void end(struct connection *connection)
{
    if (!uv_is_closing((uv_handle_t *)&connection->pipe)) {
        uv_close((uv_handle_t *)&connection->pipe, on_connection_closed);
    }
}

static void on_written(uv_write_t *write, int status)
{
    (void)status; /* whoever did not read has no answer */
    end(write->data);
}

static json_t *error_answer(const char *sentence)
{
    return json_pack("{s:s}", "error", sentence);
}

static json_t *answer(const struct control_server *server, const char *line, size_t size)
{
    json_t *request = json_loadb(line, size, JSON_REJECT_DUPLICATES, NULL);
    json_t *response = json_is_object(request)
                           ? server->handler(server->context, request)
                           : error_answer("a request is one JSON object on one line");
    json_decref(request);
    return response;
}

static void respond(struct connection *connection, json_t *response)
{
    char *text = json_dumps(response, JSON_COMPACT);
    size_t size = text == NULL ? 0 : strlen(text);
    json_decref(response);
    if (text == NULL || size >= CONTROL_LINE_MAX) {
        free(text);
        text = xstrdup("{\"error\":\"the answer is too long\"}");
        size = strlen(text);
    }
    text[size] = '\n'; /* in place of its NUL: it travels with its size */
    connection->answer = text;
    connection->answering = true;
    connection->deadline = mono_add_ms(clock_mono(), CONTROL_IDLE_MS);
    (void)uv_read_stop((uv_stream_t *)&connection->pipe); /* always succeeds */
    uv_buf_t buffer = uv_buf_init(text, (unsigned)size + 1);
    connection->write.data = connection;
    if (uv_write(&connection->write, (uv_stream_t *)&connection->pipe, &buffer, 1, on_written) !=
        0) {
        end(connection);
    }
}

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct connection *connection = handle->data;
    (void)suggested; /* 64 KiB for a request of 30 bytes */
    if (connection->room - connection->used < CHUNK) {
        connection->room = connection->room == 0 ? CHUNK : connection->room * 2;
        connection->line = xrealloc(connection->line, connection->room);
    }
    *buffer = uv_buf_init(connection->line + connection->used,
                          (unsigned)(connection->room - connection->used));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer)
{
    struct connection *connection = stream->data;
    (void)buffer; /* points into the line */
    if (n < 0) {
        end(connection);
        return;
    }
    const char *newline = memchr(connection->line + connection->used, '\n', (size_t)n);
    connection->used += (size_t)n;
    if (newline != NULL && newline - connection->line < CONTROL_LINE_MAX) {
        size_t size = (size_t)(newline - connection->line);
        respond(connection, answer(connection->server, connection->line, size));
    } else if (newline != NULL || connection->used >= CONTROL_LINE_MAX) {
        respond(connection, error_answer("the request is too long"));
    }
}

static void on_connect(uv_stream_t *stream, int status)
{
    struct control_server *server = stream->data;
    if (status != 0) {
        return; /* it was gone again, or no descriptor is left: the next one may come through */
    }
    struct connection *connection = xcalloc(1, sizeof *connection);
    connection->server = server;
    connection->deadline = mono_add_ms(clock_mono(), CONTROL_IDLE_MS);
    (void)uv_pipe_init(stream->loop, &connection->pipe, 0); /* always succeeds */
    connection->pipe.data = connection;
    connection->next = server->connections;
    server->connections = connection;
    server->n_connections++;
    if (uv_accept(stream, (uv_stream_t *)&connection->pipe) != 0 ||
        server->n_connections > CONTROL_CONNECTIONS_MAX ||
        uv_read_start((uv_stream_t *)&connection->pipe, on_room, on_read) != 0) {
        end(connection);
    }
}

static void on_watch(uv_timer_t *timer)
{
    const struct control_server *server = timer->data;
    struct mono now = clock_mono();
    for (struct connection *connection = server->connections; connection != NULL;
         connection = connection->next) {
        if (mono_elapsed_ms(now, connection->deadline) <= 0) {
            end(connection);
        }
    }
}

/* --- the door --- */

/* Is somebody there? -EADDRINUSE; or 0 when the way is free, a stale socket taken away. */
static int clear_way(const char *path, const struct sockaddr_un *address)
{
    struct stat status;
    if (lstat(path, &status) != 0) {
        return errno == ENOENT ? 0 : -errno;
    }
    if (!S_ISSOCK(status.st_mode)) {
        return -EEXIST;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return -errno;
    }
    int rc = connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 ? 0 : -errno;
    (void)close(fd);
    if (rc != -ECONNREFUSED && rc != -ENOENT) {
        return -EADDRINUSE;
    }
    return unlink(path) == 0 || errno == ENOENT ? 0 : -errno;
}

/* A bound socket, or -errno. */
static int bind_to(const char *path)
{
    struct sockaddr_un address;
    int folder;
    int rc = unix_path_address(path, &address, &folder);
    if (rc != 0) {
        return rc;
    }
    int fd = -1;
    rc = clear_way(path, &address);
    if (rc == 0) {
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        /* The mode before the name: at no moment may others connect. */
        if (fd < 0 || fchmod(fd, SOCKET_MODE) != 0 ||
            bind(fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
            chmod(path, SOCKET_MODE) != 0) {
            rc = -errno;
        }
    }
    if (folder >= 0) {
        (void)close(folder);
    }
    if (rc != 0 && fd >= 0) {
        (void)close(fd);
    }
    return rc != 0 ? rc : fd;
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct control_server *server = handle->data;
    server->handles--;
    free_server(server);
}

int control_server_open(struct control_server **out, uv_loop_t *loop, const char *path,
                        control_handler *handler, void *context)
{
    int fd = bind_to(path);
    if (fd < 0) {
        return fd;
    }
    struct control_server *server = xcalloc(1, sizeof *server);
    server->path = xstrdup(path);
    server->handler = handler;
    server->context = context;
    server->handles = 2;
    (void)uv_pipe_init(loop, &server->pipe, 0); /* always succeeds */
    (void)uv_timer_init(loop, &server->watch);  /* likewise */
    server->pipe.data = server;
    server->watch.data = server;
    int rc = uv_pipe_open(&server->pipe, fd);
    if (rc != 0) {
        (void)close(fd);
    } else {
        rc = uv_listen((uv_stream_t *)&server->pipe, BACKLOG, on_connect);
    }
    if (rc == 0) {
        rc = uv_timer_start(&server->watch, on_watch, WATCH_MS, WATCH_MS);
    }
    if (rc != 0) {
        control_server_close(server);
        return rc;
    }
    *out = server;
    return 0;
}

void control_server_close(struct control_server *server)
{
    if (server == NULL) {
        return;
    }
    server->closing = true;
    (void)unlink(server->path); /* whoever comes next clears a stale one */
    for (struct connection *connection = server->connections; connection != NULL;
         connection = connection->next) {
        end(connection);
    }
    uv_close((uv_handle_t *)&server->pipe, on_handle_closed);
    uv_close((uv_handle_t *)&server->watch, on_handle_closed);
}
