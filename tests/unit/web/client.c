/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "client.h"

#include "common/xalloc.h"

#include <curl/curl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

static size_t on_body(char *from, size_t one, size_t count, void *context)
{
    struct answer *answer = context;
    answer->body = xrealloc(answer->body, answer->size + one * count + 1);
    memcpy(answer->body + answer->size, from, one * count);
    answer->size += one * count;
    answer->body[answer->size] = '\0';
    return one * count;
}

static size_t on_header(char *line, size_t one, size_t count, void *context)
{
    struct answer *answer = context;
    struct {
        const char *name;
        char *value;
        size_t size;
    } wanted[] = {{"Content-Type:", answer->type, sizeof answer->type},
                  {"Content-Security-Policy:", answer->policy, sizeof answer->policy},
                  {"X-Content-Type-Options:", answer->sniff, sizeof answer->sniff},
                  {"Allow:", answer->allow, sizeof answer->allow}};
    size_t size = one * count;
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        size_t name = strlen(wanted[i].name);
        if (size > name + 2 && strncasecmp(line, wanted[i].name, name) == 0) {
            (void)snprintf(wanted[i].value, wanted[i].size, "%.*s", (int)(size - name - 3),
                           line + name + 1);
        }
    }
    return size;
}

struct answer client_ask(const struct request *request)
{
    struct answer answer = {.length = -1, .body = xcalloc(1, 1)};
    CURL *curl = curl_easy_init();
    char *url = xasprintf("http://127.0.0.1:%u%s", (unsigned)request->port, request->path);
    struct curl_slist *headers = NULL;
    assert_non_null(curl);
    if (request->language != NULL) {
        char *line = xasprintf("Accept-Language: %s", request->language);
        headers = curl_slist_append(headers, line);
        free(line);
    }
    headers = curl_slist_append(headers, "Expect:");
    (void)curl_easy_setopt(curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT, 30L);
    (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
    (void)curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    (void)curl_easy_setopt(curl, CURLOPT_HEADERDATA, &answer);
    if (request->post != NULL) {
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->post);
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)request->post_size);
    }
    if (request->method != NULL && strcmp(request->method, "HEAD") == 0) {
        (void)curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    } else if (request->method != NULL) {
        (void)curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
    }
    if (curl_easy_perform(curl) == CURLE_OK) {
        curl_off_t length = -1;
        (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer.status);
        (void)curl_easy_getinfo(curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
        answer.length = length;
    }
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    free(url);
    return answer;
}

struct answer client_get(uint16_t port, const char *path, long status)
{
    struct answer answer = client_ask(&(struct request){.port = port, .path = path});
    if (answer.status != status) {
        fail_msg("%.200s: status %ld, not %ld: %.300s", path, answer.status, status, answer.body);
    }
    return answer;
}

void answer_clear(struct answer *answer)
{
    free(answer->body);
    *answer = (struct answer){0};
}

/* --- well-formedness --- */

enum { DEPTH_MAX = 64, NAME_MAX_BYTES = 32 };

struct nesting {
    size_t depth;
    char names[DEPTH_MAX][NAME_MAX_BYTES];
};

static bool is_void(const char *name)
{
    static const char *const names[] = {"meta", "link", "img", "input", "br"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

/* Behind the attributes and the '>'; NULL: they are wrong. */
static const char *skip_attributes(const char *at)
{
    while (*at != '>') {
        if (*at != ' ') {
            return NULL;
        }
        at += strspn(at, " ");
        size_t name = strspn(at, "abcdefghijklmnopqrstuvwxyz-");
        at += name;
        if (name == 0) {
            return NULL;
        }
        if (*at == '=') {
            const char *end = at[1] == '"' ? strpbrk(at + 2, "\"<") : NULL;
            if (end == NULL || *end != '"') {
                return NULL;
            }
            at = end + 1;
        }
    }
    return at + 1;
}

static const char *read_tag(struct nesting *nesting, const char *at)
{
    bool closes = at[1] == '/';
    const char *start = at + 1 + closes;
    size_t size = strspn(start, "abcdefghijklmnopqrstuvwxyz0123456789");
    char name[NAME_MAX_BYTES];
    if (size == 0 || size >= sizeof name) {
        return NULL;
    }
    memcpy(name, start, size);
    name[size] = '\0';
    if (closes) {
        bool fits = nesting->depth > 0 && strcmp(nesting->names[nesting->depth - 1], name) == 0;
        nesting->depth -= fits;
        return fits && start[size] == '>' ? start + size + 1 : NULL;
    }
    if (!is_void(name)) {
        if (nesting->depth == DEPTH_MAX) {
            return NULL;
        }
        memcpy(nesting->names[nesting->depth++], name, size + 1);
    }
    return skip_attributes(start + size);
}

void html_must_be_well_formed(const char *text)
{
    static const char doctype[] = "<!doctype html>\n";
    struct nesting nesting = {0};
    const char *at = text + sizeof doctype - 1;
    assert_int_equal(strncmp(text, doctype, sizeof doctype - 1), 0);
    for (;;) {
        at += strcspn(at, "<");
        if (*at == '\0') {
            break;
        }
        const char *next = read_tag(&nesting, at);
        if (next == NULL) {
            fail_msg("at \"%.100s\", within %s", at,
                     nesting.depth > 0 ? nesting.names[nesting.depth - 1] : "nothing");
        }
        at = next;
    }
    assert_int_equal(nesting.depth, 0);
}
