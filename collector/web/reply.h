/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Answers on their way out, all with the same protective headers.
 *
 * Threads: as request.h. */
#ifndef WEB_REPLY_H
#define WEB_REPLY_H

#include "html.h"
#include "request.h"

/* Each sends the answer and takes over what it is given. Returns what libmicrohttpd wants: 1, or 0
 * to close the connection. */
int reply_json(const struct web_request *request, unsigned status, json_t *answer);
int reply_html(const struct web_request *request, unsigned status, struct html *page);
int reply_png(const struct web_request *request, void *png, size_t size); /* malloc'ed */
int reply_text(const struct web_request *request, char *text, size_t size,
               const char *content_type); /* malloc'ed */
/* Constant bytes, which a browser may keep for five minutes. */
int reply_asset(const struct web_request *request, const void *bytes, size_t size,
                const char *content_type);
/* The request's failure, as JSON. */
int reply_failure_json(const struct web_request *request);
unsigned reply_status_of(enum query_error error);

#endif
