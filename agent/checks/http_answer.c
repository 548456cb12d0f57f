/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "http_answer.h"

#include "common/xalloc.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_ROOM = 8 * 1024 };

void http_answer_begin(struct http_answer *answer, const struct http_wanted *wanted)
{
    *answer = (struct http_answer){.wanted = wanted};
}

void http_answer_end(struct http_answer *answer)
{
    free(answer->body);
    answer->body = NULL;
}

static bool starts_with(const char *line, size_t size, const char *start)
{
    size_t length = strlen(start);
    return size >= length && memcmp(line, start, length) == 0;
}

bool http_answer_take_header(struct http_answer *answer, const char *line, size_t size)
{
    const struct pattern *pattern = answer->wanted->header_match;
    answer->header_bytes += size; /* of all answers: "100 Continue" may come without end too */
    if (answer->header_bytes > HTTP_HEADER_MAX) {
        return false;
    }
    if (starts_with(line, size, "HTTP/")) {
        answer->is_header_matched = false;
    } else if (pattern != NULL && !answer->is_header_matched) {
        while (size > 0 && (line[size - 1] == '\n' || line[size - 1] == '\r')) {
            size--;
        }
        char *text = xstrndup(line, size);
        answer->is_header_matched = size > 0 && pattern_matches(pattern, text);
        free(text);
    }
    return true;
}

/* What a pattern sees; a NUL, which would end it, becomes a blank. */
static void keep(struct http_answer *answer, const char *bytes, size_t size)
{
    size_t left = HTTP_BODY_MAX - answer->kept;
    size = size < left ? size : left;
    if (answer->kept + size >= answer->room) {
        size_t room = answer->room > 0 ? answer->room : FIRST_ROOM;
        while (room <= answer->kept + size) {
            room *= 2;
        }
        answer->body = xrealloc(answer->body, room);
        answer->room = room;
    }
    for (size_t i = 0; i < size; i++) {
        answer->body[answer->kept + i] = bytes[i] != '\0' ? bytes[i] : ' ';
    }
    answer->kept += size;
    answer->body[answer->kept] = '\0';
}

bool http_answer_take_body(struct http_answer *answer, const char *bytes, size_t size)
{
    const struct http_wanted *wanted = answer->wanted;
    answer->body_bytes += size;
    if (wanted->body_match != NULL) {
        keep(answer, bytes, size);
    }
    answer->is_cut = answer->body_bytes > (wanted->size_max > 0 ? wanted->size_max : HTTP_BODY_MAX);
    return !answer->is_cut;
}

static bool is_status_right(long status, int64_t wanted)
{
    return wanted != 0 ? status == wanted : status >= 200 && status <= 399;
}

void http_answer_judge(const struct http_answer *answer, long status, struct verdict *verdict)
{
    const struct http_wanted *wanted = answer->wanted;
    if (answer->header_bytes > HTTP_HEADER_MAX) {
        verdict_set(verdict, OUTCOME_DOWN, "header-size", "more than 256 KiB of header lines");
    } else if (!is_status_right(status, wanted->status)) {
        if (wanted->status != 0) {
            verdict_set(verdict, OUTCOME_DOWN, "http-status", "got %ld, expected %lld", status,
                        (long long)wanted->status);
        } else {
            verdict_set(verdict, OUTCOME_DOWN, "http-status", "got %ld, expected 200 to 399",
                        status);
        }
    } else if (wanted->header_match != NULL && !answer->is_header_matched) {
        verdict_set(verdict, OUTCOME_DOWN, "http-header", "no header line matches");
    } else if (answer->is_cut && wanted->size_max > 0) {
        verdict_set(verdict, OUTCOME_DOWN, "body-size", "more than %llu bytes",
                    (unsigned long long)wanted->size_max);
    } else if (wanted->body_match != NULL &&
               !pattern_matches(wanted->body_match, answer->kept > 0 ? answer->body : "")) {
        verdict_set(verdict, OUTCOME_DOWN, "http-body", "%s",
                    answer->body_bytes > HTTP_BODY_MAX ? "the first MiB of the body does not match"
                                                       : "the body does not match");
    } else {
        verdict_set(verdict, OUTCOME_UP, "", "%s", "");
    }
}
