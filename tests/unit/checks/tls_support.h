/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Certificates made to order, and a TLS server in a process of its own that shows them. */
#ifndef TEST_CHECKS_TLS_SUPPORT_H
#define TEST_CHECKS_TLS_SUPPORT_H

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct identity {
    gnutls_x509_crt_t certificate;
    gnutls_x509_privkey_t key;
};

/* What a certificate is to say; days count from now. */
struct identity_wish {
    const char *common_name;
    size_t common_name_size; /* 0: strlen; for a name with NULs */
    const char *dns_name;    /* NULL: none */
    size_t dns_name_size;    /* likewise */
    bool is_for_loopback;    /* the address 127.0.0.1 */
    bool is_authority;
    bool is_for_clients;           /* only */
    const struct identity *issuer; /* NULL: signs itself */
    double from_days;
    double to_days;
};
void identity_make(struct identity *identity, const struct identity_wish *wish);
void identity_free(struct identity *identity);
/* As PEM into a file. */
void identity_write(const struct identity *identity, const char *path);

struct tls_server {
    pid_t pid;
    uint16_t port;
    int *n_requests; /* what it read after the handshakes; shared with the process */
};
/* Shows the chain, the first one's key being its own; speaks what `priority` says (GnuTLS's
 * notation). NULL chain: answers every connection with a line of another protocol. */
void tls_server_start(struct tls_server *server, const struct identity *const chain[],
                      unsigned n_chain, const char *priority);
void tls_server_stop(struct tls_server *server);

#endif
