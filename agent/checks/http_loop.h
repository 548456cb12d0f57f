/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * libcurl's transfers driven by a libuv loop (curl_multi_socket_action).
 *
 * Threads: the loop's thread. */
#ifndef CHECKS_HTTP_LOOP_H
#define CHECKS_HTTP_LOOP_H

#include <curl/curl.h>
#include <uv.h>

struct http_loop;

/* `on_connected` is called once its connection stands (which libcurl keeps to itself until the TLS
 * handshake is done), perhaps from within libcurl; `on_end` from the loop when a transfer has ended
 * by itself; it has been removed. */
struct http_loop *http_loop_new(uv_loop_t *loop, void (*on_connected)(void *context, CURL *easy),
                                void (*on_end)(void *context, CURL *easy, CURLcode code),
                                void *context);
/* Starts a transfer; 0 or -ENOMEM. */
int http_loop_add(struct http_loop *http_loop, CURL *easy);
/* Ends one without a call-back. */
void http_loop_remove(struct http_loop *http_loop, CURL *easy);
/* After the last transfer was removed. NULL is allowed. */
void http_loop_free(struct http_loop *http_loop);

#endif
