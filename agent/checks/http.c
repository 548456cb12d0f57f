/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "http.h"

#include "check_type.h"
#include "common/xalloc.h"
#include "http_loop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BODY_MAX = 1024 * 1024,
    HEADERS_MAX = 256 * 1024, /* more than any server means to send */
    RESOLVE_TEXT_SIZE = 1024, /* host, port, and four addresses of at most 48 bytes */
};

/* In the order of its metrics (config.c). */
enum {
    VALUE_TOTAL,
    VALUE_DNS,
    VALUE_CONNECT,
    VALUE_TLS,
    VALUE_FIRST_BYTE,
    VALUE_STATUS,
    VALUE_SIZE,
};

struct http {
    struct http_loop *http_loop;
    const char *ca_file;
};

struct http_probe {
    struct http *http;
    CURL *easy;
    struct curl_slist *addresses;
    struct target target;
    int64_t status;
    int64_t timeout_ms;
    size_t body_bytes;
    size_t header_bytes;
    struct wall sent;
    probe_done *done;
    void *context;
};

static void free_probe(struct http_probe *probe)
{
    curl_easy_cleanup(probe->easy);
    curl_slist_free_all(probe->addresses);
    free(probe);
}

/* --- what came back --- */

/* CURLOPT_WRITEFUNCTION, CURLOPT_HEADERFUNCTION: a short count ends the transfer. */
static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
    struct http_probe *probe = context;
    (void)bytes;
    probe->body_bytes += size * count;
    return probe->body_bytes > BODY_MAX ? 0 : size * count;
}

static size_t on_header(char *bytes, size_t size, size_t count, void *context)
{
    struct http_probe *probe = context;
    (void)bytes;
    probe->header_bytes += size * count;
    return probe->header_bytes > HEADERS_MAX ? 0 : size * count;
}

static double seconds(CURL *easy, CURLINFO what)
{
    curl_off_t us = 0;
    (void)curl_easy_getinfo(easy, what, &us);
    return (double)us / 1e6;
}

static void judge_status(const struct http_probe *probe, struct verdict *verdict)
{
    long status = 0;
    (void)curl_easy_getinfo(probe->easy, CURLINFO_RESPONSE_CODE, &status);
    verdict->values[VALUE_TOTAL] = seconds(probe->easy, CURLINFO_TOTAL_TIME_T);
    verdict->values[VALUE_CONNECT] = seconds(probe->easy, CURLINFO_CONNECT_TIME_T);
    verdict->values[VALUE_FIRST_BYTE] = seconds(probe->easy, CURLINFO_STARTTRANSFER_TIME_T);
    verdict->values[VALUE_STATUS] = (double)status;
    verdict->known = 1U << VALUE_TOTAL | 1U << VALUE_CONNECT | 1U << VALUE_FIRST_BYTE |
                     1U << VALUE_STATUS;
    if (probe->status != 0 && status != probe->status) {
        verdict_set(verdict, OUTCOME_DOWN, "http-status", "got %ld, expected %lld", status,
                    (long long)probe->status);
    } else if (probe->status == 0 && (status < 200 || status > 399)) {
        verdict_set(verdict, OUTCOME_DOWN, "http-status", "got %ld, expected 200 to 399", status);
    } else {
        verdict_set(verdict, OUTCOME_UP, "", "%s", "");
    }
}

static void judge_connect(const struct http_probe *probe, struct verdict *verdict)
{
    long error = 0;
    (void)curl_easy_getinfo(probe->easy, CURLINFO_OS_ERRNO, &error);
    switch (error) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case EADDRNOTAVAIL:
    case EACCES:
    case EPERM:
        verdict_local(verdict, (int)error);
        break;
    default:
        if (target_has_route(&probe->target)) {
            verdict_remote(verdict, (int)error);
        } else {
            verdict_local(verdict, ENETUNREACH);
        }
        break;
    }
}

static void judge_failure(const struct http_probe *probe, CURLcode code, struct verdict *verdict)
{
    long error = 0;
    /* Only libcurl's constant text: its longer one quotes the peer. */
    const char *text = curl_easy_strerror(code);
    switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
        verdict_set(verdict, OUTCOME_DOWN, "timeout", "no complete answer in %lld ms",
                    (long long)probe->timeout_ms);
        break;
    case CURLE_COULDNT_CONNECT:
        judge_connect(probe, verdict);
        break;
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
        (void)curl_easy_getinfo(probe->easy, CURLINFO_OS_ERRNO, &error);
        if (error == ECONNRESET || error == EPIPE) {
            verdict_remote(verdict, (int)error);
        } else {
            verdict_set(verdict, OUTCOME_DOWN, "protocol", "%s", text);
        }
        break;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_ISSUER_ERROR:
        verdict_set(verdict, OUTCOME_DOWN, "tls", "%s", text);
        break;
    case CURLE_SSL_CACERT_BADFILE: /* the agent's own list of authorities */
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_SSL_ENGINE_SETFAILED:
    case CURLE_SSL_ENGINE_INITFAILED:
    case CURLE_FAILED_INIT:
        verdict_set(verdict, OUTCOME_UNKNOWN, "resource", "%s", text);
        break;
    case CURLE_OUT_OF_MEMORY:
        /* libcurl says so too when a header line grows over its limit of 100 KiB. */
        if (seconds(probe->easy, CURLINFO_PRETRANSFER_TIME_T) > 0) {
            verdict_set(verdict, OUTCOME_DOWN, "protocol", "the answer breaks a limit");
        } else {
            verdict_set(verdict, OUTCOME_UNKNOWN, "resource", "%s", text);
        }
        break;
    default:
        verdict_set(verdict, OUTCOME_DOWN, "protocol", "%s", text);
        break;
    }
}

static void on_end(void *context, CURL *easy, CURLcode code)
{
    char *private = NULL;
    struct verdict verdict = {0};
    (void)context; /* the probe knows */
    (void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, &private);
    struct http_probe *probe = (struct http_probe *)(void *)private;
    verdict.time = probe->sent;
    /* We ended it ourselves after enough of the body: the answer was there. */
    bool is_capped = code == CURLE_WRITE_ERROR && probe->body_bytes > BODY_MAX;
    if (code == CURLE_OK || is_capped) {
        judge_status(probe, &verdict);
    } else {
        judge_failure(probe, code, &verdict);
    }
    probe_done *done = probe->done;
    void *done_context = probe->context;
    free_probe(probe);
    done(done_context, &verdict);
}

/* --- asking --- */

/* "host:port:address,address" for CURLOPT_RESOLVE. */
static struct curl_slist *list_addresses(const char *host, uint16_t port,
                                         const struct target *target)
{
    char text[RESOLVE_TEXT_SIZE];
    int n = snprintf(text, sizeof text, "%s:%u:", host, (unsigned)port);
    for (size_t i = 0; i < target->n_addresses && n > 0 && (size_t)n < sizeof text; i++) {
        const struct sockaddr_storage *address = &target->addresses[i];
        char name[INET6_ADDRSTRLEN] = "";
        bool is_v6 = address->ss_family == AF_INET6;
        const void *bytes = is_v6 ? (const void *)&((const struct sockaddr_in6 *)address)->sin6_addr
                                  : (const void *)&((const struct sockaddr_in *)address)->sin_addr;
        if (inet_ntop(address->ss_family, bytes, name, sizeof name) != NULL) {
            n += snprintf(text + n, sizeof text - (size_t)n, is_v6 ? "%s[%s]" : "%s%s",
                          i > 0 ? "," : "", name);
        }
    }
    return n > 0 && (size_t)n < sizeof text ? curl_slist_append(NULL, text) : NULL;
}

static CURLcode set_options(struct http_probe *probe, const char *url)
{
    const struct {
        CURLoption option;
        long value;
    } numbers[] = {
        {CURLOPT_NOSIGNAL, 1},
        {CURLOPT_FRESH_CONNECT, 1},
        {CURLOPT_FORBID_REUSE, 1},
        {CURLOPT_FOLLOWLOCATION, 0},
        {CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1},
        {CURLOPT_HTTP09_ALLOWED, 0},
        {CURLOPT_SSL_VERIFYPEER, 1},
        {CURLOPT_SSL_VERIFYHOST, 2},
        {CURLOPT_TIMEOUT_MS, (long)probe->timeout_ms},
        {CURLOPT_CONNECTTIMEOUT_MS, (long)probe->timeout_ms},
    };
    const struct {
        CURLoption option;
        const char *value;
    } texts[] = {
        {CURLOPT_URL, url},     {CURLOPT_PROTOCOLS_STR, "http,https"},
        {CURLOPT_PROXY, ""}, /* nor the environment's */
        {CURLOPT_NOPROXY, "*"}, {CURLOPT_USERAGENT, "beffroi/" BEFFROI_VERSION},
    };
    CURLcode code = CURLE_OK;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0] && code == CURLE_OK; i++) {
        code = curl_easy_setopt(probe->easy, numbers[i].option, numbers[i].value);
    }
    for (size_t i = 0; i < sizeof texts / sizeof texts[0] && code == CURLE_OK; i++) {
        code = curl_easy_setopt(probe->easy, texts[i].option, texts[i].value);
    }
    if (code == CURLE_OK && probe->http->ca_file != NULL) {
        code = curl_easy_setopt(probe->easy, CURLOPT_CAINFO, probe->http->ca_file);
    }
    if (code == CURLE_OK) {
        code = curl_easy_setopt(probe->easy, CURLOPT_RESOLVE, probe->addresses);
    }
    curl_easy_setopt(probe->easy, CURLOPT_PRIVATE, probe);
    curl_easy_setopt(probe->easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(probe->easy, CURLOPT_WRITEDATA, probe);
    curl_easy_setopt(probe->easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(probe->easy, CURLOPT_HEADERDATA, probe);
    return code;
}

struct http *http_new(uv_loop_t *loop, const char *ca_file)
{
    struct http *http = xcalloc(1, sizeof *http);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        free(http);
        return NULL;
    }
    http->http_loop = http_loop_new(loop, on_end, http);
    http->ca_file = ca_file;
    if (http->http_loop == NULL) {
        curl_global_cleanup();
        free(http);
        return NULL;
    }
    return http;
}

void http_free(struct http *http)
{
    if (http == NULL) {
        return;
    }
    http_loop_free(http->http_loop);
    curl_global_cleanup();
    free(http);
}

struct http_probe *http_start(struct http *http, const char *url, const char *host, uint16_t port,
                              const struct target *target, int64_t status, int64_t timeout_ms,
                              probe_done *done, void *context)
{
    struct http_probe *probe = xcalloc(1, sizeof *probe);
    probe->http = http;
    probe->target = *target;
    probe->status = status;
    probe->timeout_ms = timeout_ms > 0 ? timeout_ms : 1; /* 0 would be no limit */
    probe->sent = clock_wall();
    probe->done = done;
    probe->context = context;
    probe->easy = curl_easy_init();
    probe->addresses = list_addresses(host, port, target);
    if (probe->easy == NULL || probe->addresses == NULL || set_options(probe, url) != CURLE_OK ||
        http_loop_add(http->http_loop, probe->easy) != 0) {
        free_probe(probe);
        return NULL;
    }
    return probe;
}

void http_cancel(struct http_probe *probe)
{
    http_loop_remove(probe->http->http_loop, probe->easy);
    free_probe(probe);
}

/* --- as a type of check --- */

static void *open_shared(uv_loop_t *loop)
{
    return http_new(loop, NULL);
}

static void close_shared(void *shared)
{
    http_free(shared);
}

static void *start(void *shared, const struct probe_order *order)
{
    return http_start(shared, order->config->url, order->host, order->port, order->target,
                      order->config->status, order->timeout_ms, order->done, order->context);
}

static void cancel(void *probe)
{
    http_cancel(probe);
}

const struct check_type check_type_http = {
    .id = CHECK_HTTP, .open = open_shared, .close = close_shared, .start = start, .cancel = cancel};
