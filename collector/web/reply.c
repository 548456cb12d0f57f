/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reply.h"

#include "proto/model.h"

#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

struct header {
    const char *name;
    const char *value;
};

static const struct header protective[] = {
    /* Nothing from elsewhere, no inline script: a foreign name in a page can do nothing. */
    {"Content-Security-Policy", "default-src 'none'; img-src 'self'; style-src 'self'; "
                                "script-src 'self'; connect-src 'self'; form-action 'self'; "
                                "base-uri 'none'; frame-ancestors 'none'"},
    {"X-Content-Type-Options", "nosniff"},
    {"Referrer-Policy", "no-referrer"},
};

static int send_bytes(const struct web_request *request, unsigned status, void *bytes, size_t size,
                      enum MHD_ResponseMemoryMode mode, const char *content_type, const char *cache)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(size, bytes, mode);
    if (response == NULL) {
        if (mode == MHD_RESPMEM_MUST_FREE) {
            free(bytes);
        }
        return MHD_NO;
    }
    /* Each fails only without memory, and the answer is good without it as well. */
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, cache);
    for (size_t i = 0; i < sizeof protective / sizeof *protective; i++) {
        (void)MHD_add_response_header(response, protective[i].name, protective[i].value);
    }
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED) {
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    }
    enum MHD_Result rc = MHD_queue_response(request->connection, status, response);
    MHD_destroy_response(response);
    return (int)rc;
}

int reply_json(const struct web_request *request, unsigned status, json_t *answer)
{
    char *text = json_dumps(answer, JSON_COMPACT);
    json_decref(answer);
    if (text == NULL) {
        return MHD_NO;
    }
    return send_bytes(request, status, text, strlen(text), MHD_RESPMEM_MUST_FREE,
                      "application/json; charset=utf-8", "no-store");
}

int reply_html(const struct web_request *request, unsigned status, struct html *page)
{
    size_t size = 0;
    char *text = html_finish(page, &size);
    return send_bytes(request, status, text, size, MHD_RESPMEM_MUST_FREE,
                      "text/html; charset=utf-8", "no-store");
}

int reply_png(const struct web_request *request, void *png, size_t size)
{
    return send_bytes(request, MHD_HTTP_OK, png, size, MHD_RESPMEM_MUST_FREE, "image/png",
                      "no-store");
}

int reply_text(const struct web_request *request, char *text, size_t size, const char *content_type)
{
    return send_bytes(request, MHD_HTTP_OK, text, size, MHD_RESPMEM_MUST_FREE, content_type,
                      "no-store");
}

int reply_asset(const struct web_request *request, const void *bytes, size_t size,
                const char *content_type)
{
    return send_bytes(request, MHD_HTTP_OK, (void *)(uintptr_t)bytes, size, MHD_RESPMEM_PERSISTENT,
                      content_type, "max-age=300");
}

unsigned reply_status_of(enum query_error error)
{
    switch (error) {
    case QUERY_OK:
        return MHD_HTTP_OK;
    case QUERY_BAD_PARAMETER:
        return MHD_HTTP_BAD_REQUEST;
    case QUERY_NOT_FOUND:
        return MHD_HTTP_NOT_FOUND;
    case QUERY_UNAVAILABLE:
        return MHD_HTTP_SERVICE_UNAVAILABLE;
    }
    return MHD_HTTP_INTERNAL_SERVER_ERROR;
}

int reply_failure_json(const struct web_request *request)
{
    /* A reason may quote a path, which is any bytes. */
    char reason[3 * sizeof request->failure.reason];
    (void)text_sanitize((const uint8_t *)request->failure.reason, strlen(request->failure.reason),
                        reason, sizeof reason);
    return reply_json(request, reply_status_of(request->failure.error),
                      json_pack("{s:s}", "error", reason));
}
