/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A browser for the tests: libcurl, one answer at a time, and a reader that sees whether a page is
 * well formed. */
#ifndef TEST_WEB_CLIENT_H
#define TEST_WEB_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct answer {
    long status; /* 0: there was none */
    char type[128];
    char policy[512]; /* Content-Security-Policy */
    char sniff[64];   /* X-Content-Type-Options */
    char allow[64];
    long long length; /* Content-Length; -1: none */
    char *body;       /* ended with NUL */
    size_t size;
};

struct request {
    uint16_t port;
    const char *path;     /* as it goes over the wire: with escaped parameters */
    const char *method;   /* NULL: GET */
    const char *language; /* Accept-Language; NULL: none */
    const char *post;     /* a body; NULL: none */
    size_t post_size;
};

struct answer client_ask(const struct request *request);
/* GET; the status must be that. */
struct answer client_get(uint16_t port, const char *path, long status);
void answer_clear(struct answer *answer);

/* Do all elements nest, are all attributes quoted, is it one document? Fails the test with the
 * place where not. */
void html_must_be_well_formed(const char *text);

#endif
