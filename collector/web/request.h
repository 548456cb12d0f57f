/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One request as the handlers see it, and what they need of its parameters. The only files that
 * touch libmicrohttpd are request.c, reply.c and web.c.
 *
 * Threads: a request belongs to the thread that answers it. */
#ifndef WEB_REQUEST_H
#define WEB_REQUEST_H

#include "query/query.h"
#include "sla/calendar.h"
#include "words.h"

struct MHD_Connection;

struct web_request {
    struct MHD_Connection *connection;
    const char *path;
    struct wall now;
    enum language language;
    const struct query_sources *sources;
    const struct sla_zone *zone; /* the contract's, or UTC: times are shown in it */
    const char *program;         /* to start `--part draw` */
    struct query_failure failure;
};

/* Are all parameters text that may be asked for: UTF-8 without control characters, at most 1,024
 * bytes? false: the failure is filled in. To be asked before anything else. */
bool request_check(struct web_request *request);
/* The parameters in their order, for a link to the same page. */
void request_each(const struct web_request *request,
                  void (*each)(void *context, const char *name, const char *value), void *context);
/* NULL when it is absent or empty. Lives as long as the request. */
const char *request_text(const struct web_request *request, const char *name);
/* The same, but absent is a failure (QUERY_BAD_PARAMETER is filled in). */
const char *request_need(struct web_request *request, const char *name);
/* A time: ISO 8601, "now", "-90s", "-30m", "-6h", "-2d"; `fallback` (in the same words) when
 * absent. false: the failure is filled in. */
bool request_time(struct web_request *request, const char *name, const char *fallback,
                  struct wall *time);
/* A number within [min, max]. false: the failure is filled in. */
bool request_number(struct web_request *request, const char *name, int64_t fallback, int64_t min,
                    int64_t max, int64_t *number);
/* The language of `lang=`, or of Accept-Language. */
enum language request_language(struct MHD_Connection *connection);

#endif
