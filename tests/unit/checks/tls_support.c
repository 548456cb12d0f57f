/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tls_support.h"

#include "support.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { SERIAL_SIZE = 8, CHAIN_MAX = 20 };

/* --- certificates --- */

/* GnuTLS would end it at a NUL. SubjectAltName with one dNSName, RFC 5280 section 4.2.1.6. */
static void set_raw_dns_name(gnutls_x509_crt_t certificate, const char *name, size_t size)
{
    unsigned char bytes[128] = {0x30, (unsigned char)(size + 2), 0x82, (unsigned char)size};
    assert_true(size < 120); /* its length takes one byte */
    memcpy(bytes + 4, name, size);
    assert_int_equal(gnutls_x509_crt_set_extension_by_oid(certificate, "2.5.29.17", bytes,
                                                          (unsigned)size + 4, 0),
                     0);
}

static void set_names(gnutls_x509_crt_t certificate, const struct identity_wish *wish)
{
    static const unsigned char loopback[] = {127, 0, 0, 1};
    size_t size = wish->common_name_size > 0 ? wish->common_name_size : strlen(wish->common_name);
    assert_int_equal(gnutls_x509_crt_set_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME, 0,
                                                   wish->common_name, (unsigned)size),
                     0);
    if (wish->dns_name != NULL && wish->dns_name_size > 0) {
        set_raw_dns_name(certificate, wish->dns_name, wish->dns_name_size);
    } else if (wish->dns_name != NULL) {
        assert_int_equal(gnutls_x509_crt_set_subject_alt_name(
                             certificate, GNUTLS_SAN_DNSNAME, wish->dns_name,
                             (unsigned)strlen(wish->dns_name), GNUTLS_FSAN_APPEND),
                         0);
    }
    if (wish->is_for_loopback) {
        assert_int_equal(gnutls_x509_crt_set_subject_alt_name(certificate, GNUTLS_SAN_IPADDRESS,
                                                              loopback, sizeof loopback,
                                                              GNUTLS_FSAN_APPEND),
                         0);
    }
}

static void set_uses(gnutls_x509_crt_t certificate, const struct identity_wish *wish)
{
    const char *purpose =
        wish->is_for_clients ? GNUTLS_KP_TLS_WWW_CLIENT : GNUTLS_KP_TLS_WWW_SERVER;
    unsigned usage = wish->is_authority ? GNUTLS_KEY_KEY_CERT_SIGN : GNUTLS_KEY_DIGITAL_SIGNATURE;
    assert_int_equal(gnutls_x509_crt_set_basic_constraints(certificate, wish->is_authority, -1), 0);
    assert_int_equal(gnutls_x509_crt_set_key_usage(certificate, usage), 0);
    if (!wish->is_authority) {
        assert_int_equal(gnutls_x509_crt_set_key_purpose_oid(certificate, purpose, 0), 0);
    }
}

/* As it comes out of a file: what GnuTLS remembers of one that it made itself is not whole. */
static void read_again(struct identity *identity)
{
    gnutls_datum_t bytes;
    assert_int_equal(gnutls_x509_crt_export2(identity->certificate, GNUTLS_X509_FMT_DER, &bytes),
                     0);
    gnutls_x509_crt_deinit(identity->certificate);
    assert_int_equal(gnutls_x509_crt_init(&identity->certificate), 0);
    assert_int_equal(gnutls_x509_crt_import(identity->certificate, &bytes, GNUTLS_X509_FMT_DER), 0);
    gnutls_free(bytes.data);
}

void identity_make(struct identity *identity, const struct identity_wish *wish)
{
    static unsigned char serial[SERIAL_SIZE] = {1};
    time_t now = time(NULL);
    assert_int_equal(gnutls_x509_privkey_init(&identity->key), 0);
    assert_int_equal(gnutls_x509_privkey_generate(identity->key, GNUTLS_PK_ECDSA,
                                                  GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1),
                                                  0),
                     0);
    assert_int_equal(gnutls_x509_crt_init(&identity->certificate), 0);
    gnutls_x509_crt_t certificate = identity->certificate;
    serial[SERIAL_SIZE - 1]++;
    assert_int_equal(gnutls_x509_crt_set_version(certificate, 3), 0);
    assert_int_equal(gnutls_x509_crt_set_serial(certificate, serial, sizeof serial), 0);
    assert_int_equal(
        gnutls_x509_crt_set_activation_time(certificate, now + (time_t)(wish->from_days * 86400)),
        0);
    assert_int_equal(
        gnutls_x509_crt_set_expiration_time(certificate, now + (time_t)(wish->to_days * 86400)), 0);
    assert_int_equal(gnutls_x509_crt_set_key(certificate, identity->key), 0);
    set_names(certificate, wish);
    set_uses(certificate, wish);
    const struct identity *issuer = wish->issuer != NULL ? wish->issuer : identity;
    assert_int_equal(
        gnutls_x509_crt_sign2(certificate, issuer->certificate, issuer->key, GNUTLS_DIG_SHA256, 0),
        0);
    read_again(identity);
}

void identity_free(struct identity *identity)
{
    gnutls_x509_crt_deinit(identity->certificate);
    gnutls_x509_privkey_deinit(identity->key);
}

void identity_write(const struct identity *identity, const char *path)
{
    gnutls_datum_t text;
    assert_int_equal(gnutls_x509_crt_export2(identity->certificate, GNUTLS_X509_FMT_PEM, &text), 0);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text.data, 1, text.size, file), text.size);
    assert_int_equal(fclose(file), 0);
    gnutls_free(text.data);
}

/* --- the server --- */

static void serve_tls(int fd, gnutls_certificate_credentials_t credentials, const char *priority,
                      int *n_requests)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    char request[4096];
    gnutls_session_t session;
    int rc = gnutls_init(&session, GNUTLS_SERVER);
    if (rc == 0 && gnutls_priority_set_direct(session, priority, NULL) == 0 &&
        gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials) == 0) {
        gnutls_transport_set_int(session, fd);
        do {
            rc = gnutls_handshake(session);
        } while (rc < 0 && !gnutls_error_is_fatal(rc));
        if (rc == 0 && gnutls_record_recv(session, request, sizeof request) > 0) {
            ++*n_requests;
            (void)gnutls_record_send(session, answer, sizeof answer - 1);
            (void)gnutls_bye(session, GNUTLS_SHUT_WR);
        } else if (rc < 0) {
            (void)gnutls_alert_send_appropriate(session, rc);
        }
    }
    gnutls_deinit(session);
}

static void serve(int listener, gnutls_certificate_credentials_t credentials, const char *priority,
                  int *n_requests)
{
    static const char line[] = "220 mail.example ESMTP\r\n";
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0) {
            _exit(1);
        }
        if (credentials != NULL) {
            serve_tls(fd, credentials, priority, n_requests);
        } else {
            (void)!write(fd, line, sizeof line - 1);
        }
        close(fd);
    }
}

static gnutls_certificate_credentials_t load(const struct identity *const chain[], unsigned n_chain)
{
    gnutls_certificate_credentials_t credentials;
    gnutls_x509_crt_t certificates[CHAIN_MAX];
    assert_true(n_chain <= CHAIN_MAX);
    for (unsigned i = 0; i < n_chain; i++) {
        certificates[i] = chain[i]->certificate;
    }
    assert_int_equal(gnutls_certificate_allocate_credentials(&credentials), 0);
    assert_true(gnutls_certificate_set_x509_key(credentials, certificates, (int)n_chain,
                                                chain[0]->key) >= 0);
    return credentials;
}

void tls_server_start(struct tls_server *server, const struct identity *const chain[],
                      unsigned n_chain, const char *priority)
{
    int listener = listen_on_loopback(8, &server->port);
    gnutls_certificate_credentials_t credentials = chain != NULL ? load(chain, n_chain) : NULL;
    pid_t parent = getpid();
    server->n_requests = mmap(NULL, sizeof *server->n_requests, PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(server->n_requests != MAP_FAILED);
    server->pid = fork();
    if (server->pid == 0) {
        /* Ends with the test, also with one that fails. */
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent) {
            _exit(126);
        }
        serve(listener, credentials, priority, server->n_requests);
    }
    assert_true(server->pid > 0);
    close(listener);
    if (credentials != NULL) {
        gnutls_certificate_free_credentials(credentials);
    }
}

void tls_server_stop(struct tls_server *server)
{
    assert_int_equal(kill(server->pid, SIGKILL), 0);
    assert_int_equal(waitpid(server->pid, NULL, 0), server->pid);
    (void)munmap(server->n_requests, sizeof *server->n_requests);
}
