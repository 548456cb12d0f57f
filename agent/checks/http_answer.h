/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * An answer as it comes, as far as a check looks at it: header lines and at most 1 MiB of the body,
 * whatever the server sends.
 *
 * Pure. */
#ifndef CHECKS_HTTP_ANSWER_H
#define CHECKS_HTTP_ANSWER_H

#include "pattern.h"
#include "verdict.h"

#include <stdint.h>

enum {
    HTTP_HEADER_MAX = 256 * 1024, /* of all header lines: more than any server means to send */
    HTTP_BODY_MAX = 1024 * 1024,
};

/* What is wanted of it; the patterns may be NULL. */
struct http_wanted {
    int64_t status; /* 0: any of 200 to 399 */
    struct pattern *header_match;
    struct pattern *body_match;
    uint64_t size_max; /* 0: what is longer than HTTP_BODY_MAX is left */
};

struct http_answer {
    const struct http_wanted *wanted;
    size_t header_bytes;
    bool is_header_matched;
    uint64_t body_bytes;
    bool is_cut; /* more came than was wanted */
    size_t kept; /* of the body, for the pattern */
    size_t room;
    char *body;
};

void http_answer_begin(struct http_answer *answer, const struct http_wanted *wanted);
void http_answer_end(struct http_answer *answer);
/* One header line, or the status line that begins an answer, with its end; and bytes of the body.
 * false: enough has come. */
bool http_answer_take_header(struct http_answer *answer, const char *line, size_t size);
bool http_answer_take_body(struct http_answer *answer, const char *bytes, size_t size);
/* Sets outcome, reason and detail: up, or down by the first of "header-size", "http-status",
 * "http-header", "body-size", "http-body". */
void http_answer_judge(const struct http_answer *answer, long status, struct verdict *verdict);

#endif
