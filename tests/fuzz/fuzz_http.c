/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any bytes as what a web server answers: as an address that it redirects to, as header lines and
 * as a body, in pieces whose size the first byte gives. What is kept stays within its bounds, and
 * an address that is taken names a host. */
#include "http_answer.h"
#include "url.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void split(const char *text)
{
    char host[URL_HOST_MAX + 1];
    char reason[128];
    uint16_t port = 0;
    if (url_split(text, host, &port, reason, sizeof reason) == 0) {
        assert(port > 0 && host[0] != '\0' && strlen(host) <= URL_HOST_MAX);
        assert(strpbrk(host, "/?#@\\ ") == NULL);
    }
}

static void answer(const struct http_wanted *wanted, const char *text, size_t size, size_t piece)
{
    struct http_answer answer;
    struct verdict verdict = {0};
    size_t at = 0;
    http_answer_begin(&answer, wanted);
    while (at < size) {
        size_t n = size - at < piece ? size - at : piece;
        if (!http_answer_take_header(&answer, text + at, n)) {
            break;
        }
        at += n;
    }
    for (at = 0; at < size; at += piece) {
        size_t n = size - at < piece ? size - at : piece;
        if (!http_answer_take_body(&answer, text + at, n)) {
            break;
        }
    }
    assert(answer.kept <= HTTP_BODY_MAX && answer.kept <= answer.body_bytes);
    assert(answer.kept == 0 || strlen(answer.body) == answer.kept);
    http_answer_judge(&answer, 200, &verdict);
    assert(verdict.outcome == OUTCOME_UP || verdict.outcome == OUTCOME_DOWN);
    assert(verdict.outcome == OUTCOME_UP || verdict.reason[0] != '\0');
    http_answer_end(&answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size == 0) {
        return 0;
    }
    char *text = malloc(size);
    assert(text != NULL);
    memcpy(text, bytes + 1, size - 1);
    text[size - 1] = '\0';
    split(text);
    static struct http_wanted wanted; /* the patterns are compiled once */
    if (wanted.body_match == NULL) {
        wanted.header_match = pattern_new("^Server: [a-z]*$");
        wanted.body_match = pattern_new("a+b|^c.*d$");
    }
    wanted.size_max = 0;
    answer(&wanted, text, size - 1, (size_t)bytes[0] + 1);
    wanted.size_max = 8;
    answer(&wanted, text, size - 1, (size_t)bytes[0] + 1);
    free(text);
    return 0;
}
