/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Probes of type tls, and of type http over TLS, against servers with certificates of every kind.
 */
#include "support.h"
#include "tls_support.h"
#include "trust.h"
#include "web_support.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { TOTAL, CONNECT, DAYS_LEFT, VERSION, HANDSHAKE, CHAIN_DAYS_LEFT };
enum { HTTP_TLS = 3 };

static char folder[] = "/tmp/beffroi-test-XXXXXX";
static char ca_file[sizeof folder + 16];
static struct identity authority;
static struct check_config config; /* each test's own */

static int make_authority(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(ca_file, sizeof ca_file, "%s/ca.pem", folder);
    const struct identity_wish wish = {
        .common_name = "Lab CA", .is_authority = true, .from_days = -9, .to_days = 10};
    identity_make(&authority, &wish);
    identity_write(&authority, ca_file);
    return 0;
}

static int remove_authority(void **state)
{
    (void)state;
    identity_free(&authority);
    (void)unlink(ca_file);
    return rmdir(folder);
}

static int setup(void **state)
{
    (void)state;
    config = (struct check_config){
        .type = CHECK_TLS, .host = (char *)"localhost", .ca_file = ca_file, .timeout_ms = 3000};
    return 0;
}

static struct answer ask_tls(const struct tls_server *server)
{
    uv_loop_t loop;
    uv_loop_init(&loop);
    config.port = server->port;
    struct answer answer = ask_type(&loop, &check_type_tls, &config, "127.0.0.1", 0.25);
    finish_loop(&loop);
    return answer;
}

static struct answer ask_http(const struct tls_server *server)
{
    char url[128];
    uv_loop_t loop;
    uv_loop_init(&loop);
    snprintf(url, sizeof url, "https://%s:%u/", config.host, server->port);
    struct check_config http = config;
    http.type = CHECK_HTTP;
    http.url = url;
    http.host = NULL;
    struct answer answer = ask_type(&loop, &check_type_http, &http, "127.0.0.1", 0.25);
    finish_loop(&loop);
    return answer;
}

static struct identity_wish good_wish(void)
{
    return (struct identity_wish){.common_name = "lab server",
                                  .dns_name = "localhost",
                                  .issuer = &authority,
                                  .from_days = -2,
                                  .to_days = 30};
}

/* Both types say so of a server with this certificate, and nothing is asked of it in vain. */
static struct answer both_say(const struct identity_wish *wish, enum outcome outcome,
                              const char *reason)
{
    struct identity own;
    struct tls_server server;
    const struct identity *const chain[] = {&own};
    identity_make(&own, wish);
    tls_server_start(&server, chain, 1, "NORMAL");
    struct answer http = ask_http(&server);
    assert_verdict(&http, outcome, reason);
    assert_int_equal(*server.n_requests, outcome == OUTCOME_UP ? 1 : 0);
    struct answer answer = ask_tls(&server);
    assert_verdict(&answer, outcome, reason);
    assert_string_equal(answer.verdict.detail, http.verdict.detail);
    assert_int_equal(*server.n_requests, outcome == OUTCOME_UP ? 1 : 0);
    tls_server_stop(&server);
    identity_free(&own);
    return answer;
}

static void assert_near(double value, double wanted)
{
    if (value < wanted - 0.01 || value > wanted + 0.01) {
        fail_msg("%f, not %f", value, wanted);
    }
}

static void good_certificate_is_up(void **state)
{
    (void)state;
    const struct identity_wish wish = good_wish();
    struct answer answer = both_say(&wish, OUTCOME_UP, "");
    const double *values = answer.verdict.values;
    assert_int_equal(answer.verdict.known, 0x3f);
    assert_near(values[DAYS_LEFT], 30);
    assert_near(values[CHAIN_DAYS_LEFT], 10); /* the authority's */
    assert_true(values[VERSION] == 1.3);
    assert_true(values[CONNECT] > 0 && values[HANDSHAKE] > 0);
    assert_true(values[TOTAL] >= 0.25 + values[CONNECT] + values[HANDSHAKE] - 1e-9);
}

static void http_measures_the_handshake(void **state)
{
    struct identity own;
    struct tls_server server;
    const struct identity *const chain[] = {&own};
    (void)state;
    const struct identity_wish wish = good_wish();
    identity_make(&own, &wish);
    tls_server_start(&server, chain, 1, "NORMAL");
    struct answer answer = ask_http(&server);
    assert_verdict(&answer, OUTCOME_UP, "");
    assert_int_equal(answer.verdict.known, 0x7f);
    assert_true(answer.verdict.values[HTTP_TLS] > 0);
    tls_server_stop(&server);
    identity_free(&own);
}

static void dates_are_looked_at(void **state)
{
    (void)state;
    struct identity_wish wish = good_wish();
    wish.to_days = -1.5;
    struct answer answer = both_say(&wish, OUTCOME_DOWN, "tls-expired");
    assert_string_equal(answer.verdict.detail, "the certificate ended 1.5 days ago");
    assert_int_equal(answer.verdict.known, 0x3f);
    assert_near(answer.verdict.values[DAYS_LEFT], -1.5);
    wish = good_wish();
    wish.from_days = 1;
    answer = both_say(&wish, OUTCOME_DOWN, "tls-expired");
    assert_string_equal(answer.verdict.detail, "the certificate is not valid yet");
}

static void names_are_looked_at(void **state)
{
    (void)state;
    struct identity_wish wish = good_wish();
    wish.dns_name = "www.example.org";
    struct answer answer = both_say(&wish, OUTCOME_DOWN, "tls-name");
    assert_string_equal(answer.verdict.detail, "the certificate is not for localhost");
    assert_near(answer.verdict.values[DAYS_LEFT], 30);
    /* A name before a NUL is not the name. */
    wish = good_wish();
    wish.dns_name = "localhost\0.example.org";
    wish.dns_name_size = 22;
    (void)both_say(&wish, OUTCOME_DOWN, "tls-name");
    wish = good_wish();
    wish.dns_name = NULL;
    wish.common_name = "localhost\0.example.org";
    wish.common_name_size = 22;
    (void)both_say(&wish, OUTCOME_DOWN, "tls-name");
    wish.common_name = "localhost\0";
    wish.common_name_size = 10;
    (void)both_say(&wish, OUTCOME_DOWN, "tls-name");
}

static void addresses_are_names_too(void **state)
{
    (void)state;
    struct identity_wish wish = good_wish();
    config.host = (char *)"127.0.0.1";
    (void)both_say(&wish, OUTCOME_DOWN, "tls-name");
    wish.is_for_loopback = true;
    (void)both_say(&wish, OUTCOME_UP, "");
}

static void server_name_is_another(void **state)
{
    struct identity own;
    struct tls_server server;
    const struct identity *const chain[] = {&own};
    (void)state;
    struct identity_wish wish = good_wish();
    wish.dns_name = "*.example.org";
    wish.is_for_loopback = true;
    identity_make(&own, &wish);
    tls_server_start(&server, chain, 1, "NORMAL");
    static const char *const good[] = {"www.example.org", "WWW.example.org", "127.0.0.1"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        config.server_name = (char *)good[i];
        struct answer answer = ask_tls(&server);
        assert_verdict(&answer, OUTCOME_UP, "");
    }
    static const char *const bad[] = {"a.www.example.org", "example.org", "127.0.0.2"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        config.server_name = (char *)bad[i];
        struct answer answer = ask_tls(&server);
        assert_verdict(&answer, OUTCOME_DOWN, "tls-name");
    }
    tls_server_stop(&server);
    identity_free(&own);
}

static void chains_are_looked_at(void **state)
{
    (void)state;
    struct identity_wish wish = good_wish();
    wish.issuer = NULL;
    struct answer answer = both_say(&wish, OUTCOME_DOWN, "tls-chain");
    assert_string_equal(answer.verdict.detail, "nobody who is trusted signed the certificate");
    assert_near(answer.verdict.values[DAYS_LEFT], 30);
    wish = good_wish();
    wish.is_for_clients = true;
    (void)both_say(&wish, OUTCOME_DOWN, "tls-chain");
    wish = good_wish();
    config.ca_file = NULL; /* the system trusts others */
    if (access("/etc/ssl/certs/ca-certificates.crt", R_OK) == 0) {
        (void)both_say(&wish, OUTCOME_DOWN, "tls-chain");
    }
}

static struct answer ask_chain(const struct identity *const chain[], unsigned n_chain)
{
    struct tls_server server;
    tls_server_start(&server, chain, n_chain, "NORMAL");
    struct answer answer = ask_tls(&server);
    tls_server_stop(&server);
    return answer;
}

static void intermediates_are_looked_at(void **state)
{
    struct identity middle;
    struct identity old;
    struct identity own;
    struct identity of_old;
    (void)state;
    struct identity_wish wish = {.common_name = "Lab middle",
                                 .is_authority = true,
                                 .issuer = &authority,
                                 .from_days = -2,
                                 .to_days = 5};
    identity_make(&middle, &wish);
    wish.common_name = "Lab old";
    wish.to_days = -1;
    identity_make(&old, &wish);
    wish = good_wish();
    wish.issuer = &middle;
    identity_make(&own, &wish);
    wish.issuer = &old;
    identity_make(&of_old, &wish);

    struct answer answer = ask_chain((const struct identity *const[]){&own, &middle}, 2);
    assert_verdict(&answer, OUTCOME_UP, "");
    assert_near(answer.verdict.values[DAYS_LEFT], 30);
    assert_near(answer.verdict.values[CHAIN_DAYS_LEFT], 5);
    answer = ask_chain((const struct identity *const[]){&own}, 1); /* it was not sent along */
    assert_verdict(&answer, OUTCOME_DOWN, "tls-chain");
    answer = ask_chain((const struct identity *const[]){&of_old, &old}, 2);
    assert_verdict(&answer, OUTCOME_DOWN, "tls-expired");
    assert_string_equal(answer.verdict.detail, "the certificate of an issuer ended 1.0 days ago");
    /* One that is sent along and vouches for nobody. */
    answer = ask_chain((const struct identity *const[]){&own, &middle, &old}, 3);
    assert_near(answer.verdict.values[CHAIN_DAYS_LEFT], 5);
    identity_free(&middle);
    identity_free(&old);
    identity_free(&own);
    identity_free(&of_old);
}

static void old_protocol_is_down(void **state)
{
    struct identity own;
    struct tls_server server;
    const struct identity *const chain[] = {&own};
    (void)state;
    const struct identity_wish wish = good_wish();
    identity_make(&own, &wish);
    tls_server_start(&server, chain, 1, "NORMAL:-VERS-ALL:+VERS-TLS1.2");
    struct answer answer = ask_tls(&server);
    assert_verdict(&answer, OUTCOME_UP, "");
    assert_true(answer.verdict.values[VERSION] == 1.2);
    config.tls_min = CHECK_TLS_1_2;
    answer = ask_tls(&server);
    assert_verdict(&answer, OUTCOME_UP, "");
    config.tls_min = CHECK_TLS_1_3;
    answer = ask_tls(&server);
    assert_verdict(&answer, OUTCOME_DOWN, "tls-protocol");
    assert_string_equal(answer.verdict.detail, "got TLS 1.2, expected 1.3");
    assert_int_equal(answer.verdict.known, 0x3f);
    answer = ask_http(&server);
    assert_verdict(&answer, OUTCOME_DOWN, "tls-protocol");
    tls_server_stop(&server);
    identity_free(&own);
}

static void no_handshake_is_down(void **state)
{
    struct tls_server server;
    (void)state;
    tls_server_start(&server, NULL, 0, NULL);
    struct answer answer = ask_tls(&server);
    assert_verdict(&answer, OUTCOME_DOWN, "tls-handshake");
    assert_int_equal(answer.verdict.known, 1U << CONNECT);
    answer = ask_http(&server);
    assert_verdict(&answer, OUTCOME_DOWN, "tls-handshake");
    tls_server_stop(&server);
    answer = ask_tls(&server);
    assert_verdict(&answer, OUTCOME_DOWN, "connection-refused");
    assert_int_equal(answer.verdict.known, 0);
    /* It takes connections, and says nothing. */
    int listener = listen_on_loopback(8, &server.port);
    config.timeout_ms = 200;
    answer = ask_tls(&server);
    assert_verdict(&answer, OUTCOME_DOWN, "timeout");
    assert_memory_equal(answer.verdict.detail, "no end of the TLS handshake", 27);
    close(listener);
}

static void missing_authorities_are_our_fault(void **state)
{
    (void)state;
    const struct identity_wish wish = good_wish();
    config.ca_file = (char *)"/nonexistent.pem";
    struct answer answer = both_say(&wish, OUTCOME_UNKNOWN, "resource");
    assert_string_equal(answer.verdict.detail,
                        "no certificates to trust can be read from /nonexistent.pem");
}

static bool vouches(struct trusted *trusted, const struct identity *identity)
{
    gnutls_x509_crt_t issuer;
    gnutls_x509_trust_list_t list = trusted_for(trusted, &identity->certificate, 1);
    return gnutls_x509_trust_list_get_issuer(list, identity->certificate, &issuer, 0) == 0;
}

static void authorities_are_read_when_they_change(void **state)
{
    char path[sizeof folder + 16];
    struct identity other;
    (void)state;
    const struct identity_wish wish = {
        .common_name = "Other CA", .is_authority = true, .from_days = -9, .to_days = 9};
    identity_make(&other, &wish);
    snprintf(path, sizeof path, "%s/other.pem", folder);
    struct trust *trust = trust_new();
    assert_null(trust_of(trust, path));
    identity_write(&authority, path);
    struct trusted *trusted = trust_of(trust, path);
    assert_non_null(trusted);
    assert_ptr_equal(trust_of(trust, path), trusted);
    assert_true(vouches(trusted, &authority));
    assert_true(vouches(trusted, &authority)); /* unpacked by now */
    assert_false(vouches(trusted, &other));
    assert_int_equal(unlink(path), 0);
    assert_true(vouches(trust_of(trust, path), &authority));
    identity_write(&other, path); /* another file takes its place */
    assert_false(vouches(trust_of(trust, path), &authority));
    assert_true(vouches(trust_of(trust, path), &other));
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs("-----BEGIN CERTIFICATE-----\nnone\n-----END CERTIFICATE-----\n"
                      "-----BEGIN CERTIFICATE-----\n",
                      file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_true(vouches(trust_of(trust, path), &other)); /* none in it: as before */
    assert_ptr_not_equal(trust_of(trust, ca_file), trusted);
    trust_free(trust);
    trust_free(NULL);
    identity_free(&other);
    assert_int_equal(unlink(path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(good_certificate_is_up, setup),
        cmocka_unit_test_setup(http_measures_the_handshake, setup),
        cmocka_unit_test_setup(dates_are_looked_at, setup),
        cmocka_unit_test_setup(names_are_looked_at, setup),
        cmocka_unit_test_setup(addresses_are_names_too, setup),
        cmocka_unit_test_setup(server_name_is_another, setup),
        cmocka_unit_test_setup(chains_are_looked_at, setup),
        cmocka_unit_test_setup(intermediates_are_looked_at, setup),
        cmocka_unit_test_setup(old_protocol_is_down, setup),
        cmocka_unit_test_setup(no_handshake_is_down, setup),
        cmocka_unit_test_setup(missing_authorities_are_our_fault, setup),
        cmocka_unit_test_setup(authorities_are_read_when_they_change, setup),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, make_authority, remove_authority);
}
