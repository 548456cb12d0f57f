/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The parts of the collector ask each other here: a Unix stream socket in DATA/run/, one JSON
 * object as a line each way, then the connection ends. {"request": "stats"} is answered by every
 * part; store also knows "flush" and "checkpoint", intake "trim". An error is {"error": "a
 * sentence"}.
 *
 * A program with a server ignores SIGPIPE: an asker may be gone before it is answered.
 *
 * Threads: a server belongs to its loop's thread; control_ask blocks and may be called anywhere. */
#ifndef CONTROL_CONTROL_H
#define CONTROL_CONTROL_H

#include "common/stats.h"
#include <jansson.h>
#include <uv.h>

enum {
    CONTROL_LINE_MAX = 1024 * 1024,
    CONTROL_CONNECTIONS_MAX = 64, /* more are closed at once */
    CONTROL_IDLE_MS = 10000,      /* a connection that does not ask is closed */
};

struct control_server;

/* Answers a request: returns a new reference, never NULL. Called from the loop; must not close the
 * server. */
typedef json_t *control_handler(void *context, const json_t *request);

/* Replaces a stale socket file; mode 0660. The path may be longer than sun_path holds. 0 or -errno
 * (-EADDRINUSE: somebody answers there). */
int control_server_open(struct control_server **server, uv_loop_t *loop, const char *path,
                        control_handler *handler, void *context);
void control_server_close(struct control_server *server);

/* Ask and wait at most `timeout_ms` for the answer: a new reference in `*response`. 0;
 * -ECONNREFUSED or -ENOENT: nobody there; -ETIMEDOUT; -EBADMSG: no JSON object. */
int control_ask(const char *path, const json_t *request, int64_t timeout_ms, json_t **response);

/* {"stats": [{"name", "help", "type", "label_key", "label_value", "value"}]} and back. */
json_t *control_stats_encode(const struct stats *stats);
int control_stats_decode(const json_t *response, struct stats *stats); /* 0 or -EBADMSG; adds */

#endif
