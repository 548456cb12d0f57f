/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Does a web address answer as it should? One GET over a fresh connection, without proxy, cookies
 * or redirects; certificates are verified; the body is thrown away, after 1 MiB together with the
 * connection. Values of the verdict: time in s to the end, to the connection, to the first byte of
 * the answer; the status code.
 *
 * Threads: the loop's thread. */
#ifndef CHECKS_HTTP_H
#define CHECKS_HTTP_H

#include "verdict.h"
#include <uv.h>

struct http;
struct http_probe;

/* `ca_file`: certificates to trust; NULL: the system's. It must outlive the handle. NULL when
 * libcurl cannot start. */
struct http *http_new(uv_loop_t *loop, const char *ca_file);
/* After its last probe. NULL is allowed. */
void http_free(struct http *http);

/* `url` names `host` and `port`, and `target` is what they stand for: libcurl asks no resolver (its
 * own would block the loop when a transfer ends before the answer). `status` as in struct
 * check_config. NULL: out of memory. */
struct http_probe *http_start(struct http *http, const char *url, const char *host, uint16_t port,
                              const struct target *target, int64_t status, int64_t timeout_ms,
                              probe_done *done, void *context);
/* No call-back after it. */
void http_cancel(struct http_probe *probe);

#endif
