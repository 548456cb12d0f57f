/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transfer_options.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

enum { RESOLVE_TEXT_SIZE = 1024 }; /* host, port, and four addresses of at most 48 bytes */

static CURLcode set_numbers(CURL *easy, long timeout_ms, bool is_http)
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
        {CURLOPT_SSL_ENABLE_ALPN, is_http}, /* another protocol's server may not like HTTP's */
        /* certificate_judge does that, with one store for all; a resumed session shows none. */
        {CURLOPT_SSL_VERIFYPEER, 0},
        {CURLOPT_SSL_VERIFYHOST, 0},
        {CURLOPT_SSL_SESSIONID_CACHE, 0},
        {CURLOPT_TIMEOUT_MS, timeout_ms},
        {CURLOPT_CONNECTTIMEOUT_MS, timeout_ms},
    };
    CURLcode code = CURLE_OK;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0] && code == CURLE_OK; i++) {
        code = curl_easy_setopt(easy, numbers[i].option, numbers[i].value);
    }
    return code;
}

static CURLcode set_texts(CURL *easy, const char *url)
{
    const struct {
        CURLoption option;
        const char *value;
    } texts[] = {
        {CURLOPT_URL, url},     {CURLOPT_PROTOCOLS_STR, "http,https"},
        {CURLOPT_PROXY, ""}, /* nor the environment's */
        {CURLOPT_NOPROXY, "*"}, {CURLOPT_USERAGENT, "beffroi/" BEFFROI_VERSION},
        {CURLOPT_CAINFO, NULL}, {CURLOPT_CAPATH, NULL},
    };
    CURLcode code = CURLE_OK;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0] && code == CURLE_OK; i++) {
        code = curl_easy_setopt(easy, texts[i].option, texts[i].value);
    }
    return code;
}

static CURLcode set_method(CURL *easy, enum check_method method, const char *body)
{
    CURLcode code = CURLE_OK;
    switch (method) {
    case CHECK_GET:
        break;
    case CHECK_HEAD:
        code = curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
        break;
    case CHECK_POST:
        code = curl_easy_setopt(easy, CURLOPT_POST, 1L);
        if (code == CURLE_OK) {
            code = curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body != NULL ? body : "");
        }
        break;
    }
    return code;
}

/* "+host:port:address,address" for CURLOPT_RESOLVE: good for a minute, so that names that servers
 * send us to do not pile up. */
struct curl_slist *transfer_list_addresses(const char *host, uint16_t port,
                                           const struct target *target)
{
    char text[RESOLVE_TEXT_SIZE];
    size_t host_size = strlen(host);
    host_size -= host_size > 0 && host[host_size - 1] == '.' ? 1 : 0; /* as libcurl does */
    int n = snprintf(text, sizeof text, "+%.*s:%u:", (int)host_size, host, (unsigned)port);
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

CURLcode transfer_set_options(CURL *easy, const struct transfer_order *order)
{
    CURLcode code = set_numbers(easy, (long)order->timeout_ms, !order->only_connect);
    code = code == CURLE_OK ? set_texts(easy, order->url) : code;
    return code == CURLE_OK ? set_method(easy, order->method, order->body) : code;
}
