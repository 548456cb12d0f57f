/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One HTTP request over a connection of its own, or only the TLS handshake of one: what the types
 * http and tls have in common, and the one place that knows libcurl. Without proxy, cookies,
 * redirects, compression or resumed sessions; a certificate is judged before the request leaves.
 *
 * Threads: the loop's thread. */
#ifndef CHECKS_TRANSFER_H
#define CHECKS_TRANSFER_H

#include "certificate.h"
#include "checks/config.h"
#include "verdict.h"

#include <uv.h>

struct transfers;
struct transfer;

/* All of a loop share one, with the authorities that they trust. NULL when libcurl cannot start, or
 * is not built on GnuTLS. */
struct transfers *transfers_open(uv_loop_t *loop);
/* As often as it was opened, after the last transfer. NULL is allowed. */
void transfers_close(struct transfers *transfers);

/* What was measured; a time is in s, and 0 where it did not come to that. */
struct transfer_end {
    struct verdict failure; /* outcome 0: none; then there is a status, or only_connect was asked */
    double connect_s;       /* from the start to the TCP connection */
    double tls_s;           /* from there to the end of the handshake */
    double first_byte_s;    /* from there to the first byte of the answer */
    double total_s;
    long status;          /* 0: no answer */
    int64_t size_bytes;   /* as the answer states it; -1: it does not */
    const char *redirect; /* absolute address that the answer sends us to; NULL: none */
    bool is_secure;       /* there was a handshake: `certificate` says with whom */
    struct certificate_verdict certificate;
};

/* The texts, the list and the context live until the transfer has ended or is cancelled. */
struct transfer_order {
    const char *url;              /* of which url_split says: */
    const char *host;             /* also the name that the certificate must be for, but for: */
    const char *certificate_name; /* NULL: host */
    const struct target *target;  /* what the host stands for; libcurl asks no resolver */
    uint16_t port;
    enum check_method method;
    const char *body;                     /* of a POST; NULL: empty */
    const struct config_strings *headers; /* NULL: none */
    const char *ca_file;                  /* NULL: the system's */
    int tls_min;                          /* enum check_tls_version */
    bool only_connect;
    int64_t timeout_ms;
    /* Each header line with its end, and the body as it comes; false: that is enough. */
    bool (*on_header)(void *context, const char *line, size_t size);
    bool (*on_body)(void *context, const char *bytes, size_t size);
    /* From the loop, never from within transfer_start; the transfer is gone then. */
    void (*on_end)(void *context, const struct transfer_end *end);
    void *context;
};

/* NULL: out of memory or descriptors. */
struct transfer *transfer_start(struct transfers *transfers, const struct transfer_order *order);
/* No call-back after it. */
void transfer_cancel(struct transfer *transfer);

#endif
