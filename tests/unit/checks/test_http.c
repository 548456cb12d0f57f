/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * HTTP probes against a small server that misbehaves in every way. */
#include "support.h"
#include "web_support.h"

#include "resolve.h"

#include <arpa/inet.h>
#include <malloc.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { TOTAL, DNS, CONNECT, TLS, FIRST_BYTE, STATUS, SIZE };

#define OK "HTTP/1.1 200 OK\r\n"

static struct server server; /* each test's own, zeroed by setup */
static struct check_config config;

static int setup(void **state)
{
    (void)state;
    memset(&server, 0, sizeof server);
    config = (struct check_config){.type = CHECK_HTTP, .timeout_ms = 3000};
    return 0;
}

/* One probe of the server, by `config`. */
static struct answer ask(void)
{
    char url[128];
    uv_loop_t loop;
    uv_loop_init(&loop);
    server_start(&server, &loop);
    snprintf(url, sizeof url, "http://service.example:%u/path?q=1", server.port);
    config.url = url;
    struct answer answer = ask_type(&loop, &check_type_http, &config, "127.0.0.1", 0.25);
    server_stop(&server);
    finish_loop(&loop);
    return answer;
}

static struct answer ask_for(const char *text, enum then then)
{
    memset(&server, 0, sizeof server);
    server.texts[0] = text;
    server.then = then;
    return ask();
}

static bool knows(const struct answer *answer, unsigned value)
{
    return (answer->verdict.known >> value & 1) != 0;
}

static void good_answer_is_up(void **state)
{
    (void)state;
    setenv("http_proxy", "http://127.0.0.1:1/", 1); /* must not be asked */
    struct answer answer = ask_for(OK "Content-Length: 2\r\n\r\nok", THEN_CLOSE);
    unsetenv("http_proxy");
    assert_verdict(&answer, OUTCOME_UP, "");
    assert_int_equal(answer.verdict.known, 0x7f & ~(1U << TLS));
    const double *values = answer.verdict.values;
    assert_true(values[DNS] == 0.25);
    assert_true(values[CONNECT] > 0 && values[FIRST_BYTE] > 0);
    assert_true(values[TOTAL] >= 0.25 + values[CONNECT] + values[FIRST_BYTE] && values[TOTAL] < 3);
    assert_true(values[STATUS] == 200);
    assert_true(values[SIZE] == 2);
    assert_memory_equal(server.request, "GET /path?q=1 HTTP/1.1\r\nHost: service.example:", 44);
    assert_null(strstr(server.request, "Accept-Encoding"));
}

static void status_decides(void **state)
{
    const char *sorry = "HTTP/1.1 503 Sorry\r\nContent-Length: 0\r\n\r\n";
    (void)state;
    config.status = 200;
    struct answer answer = ask_for(sorry, THEN_HANG);
    assert_verdict(&answer, OUTCOME_DOWN, "http-status");
    assert_string_equal(answer.verdict.detail, "got 503, expected 200");
    assert_true(answer.verdict.values[STATUS] == 503);
    answer = ask_for("HTTP/1.1 204 Empty\r\n\r\n", THEN_HANG);
    assert_string_equal(answer.verdict.detail, "got 204, expected 200");
    config.status = 503;
    answer = ask_for(sorry, THEN_HANG);
    assert_verdict(&answer, OUTCOME_UP, "");
    config.status = 0;
    answer = ask_for("HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", THEN_HANG);
    assert_string_equal(answer.verdict.detail, "got 404, expected 200 to 399");
}

static void request_is_as_configured(void **state)
{
    char *headers[] = {(char *)"X-Key: secret", (char *)"Accept: text/html"};
    (void)state;
    config.headers = (struct config_strings){2, headers};
    config.method = CHECK_POST;
    config.body = (char *)"name=value";
    struct answer answer = ask_for(OK "Content-Length: 0\r\n\r\n", THEN_CLOSE);
    assert_verdict(&answer, OUTCOME_UP, "");
    assert_memory_equal(server.request, "POST /path?q=1 ", 15);
    assert_non_null(strstr(server.request, "\r\nX-Key: secret\r\n"));
    assert_non_null(strstr(server.request, "\r\nAccept: text/html\r\n"));
    assert_non_null(strstr(server.request, "\r\nContent-Length: 10\r\n"));
    config.method = CHECK_HEAD;
    config.body = NULL;
    answer = ask_for(OK "Content-Length: 123456\r\n\r\n", THEN_HANG);
    assert_verdict(&answer, OUTCOME_UP, "");
    assert_memory_equal(server.request, "HEAD /path?q=1 ", 15);
    assert_true(answer.verdict.values[SIZE] == 123456);
}

static void body_must_match(void **state)
{
    (void)state;
    config.body_match = (char *)"^<title>.*(Mairie|Ville)</p>\n$";
    struct answer answer = ask_for(OK "\r\n<title>\n<p>Mairie</p>\n", THEN_CLOSE);
    assert_verdict(&answer, OUTCOME_UP, "");
    answer = ask_for(OK "\r\n<title>\n<p>Maison</p>\n", THEN_CLOSE);
    assert_verdict(&answer, OUTCOME_DOWN, "http-body");
    assert_string_equal(answer.verdict.detail, "the body does not match");
    assert_true(answer.verdict.values[STATUS] == 200);
    answer = ask_for(OK "Content-Length: 0\r\n\r\n", THEN_CLOSE);
    assert_verdict(&answer, OUTCOME_DOWN, "http-body");
    config.body_match = (char *)"tail";
    static const char with_nul[] = OK "\r\nhead\0tail";
    memset(&server, 0, sizeof server);
    server.texts[0] = with_nul;
    server.text_size = sizeof with_nul - 1;
    answer = ask();
    assert_verdict(&answer, OUTCOME_UP, "");
    assert_true(answer.verdict.values[SIZE] == 9);
}

static void header_must_match(void **state)
{
    (void)state;
    config.header_match = (char *)"^Server: good$";
    struct answer answer = ask_for("HTTP/1.1 100 Continue\r\nA: b\r\n\r\n" OK
                                   "Server: good\r\nContent-Length: 0\r\n\r\n",
                                   THEN_CLOSE);
    assert_verdict(&answer, OUTCOME_UP, "");
    /* Not in the line before the answer, nor in the status line. */
    answer = ask_for("HTTP/1.1 100 Continue\r\nServer: good\r\n\r\n" OK
                     "Server: goodish\r\nContent-Length: 0\r\n\r\n",
                     THEN_CLOSE);
    assert_verdict(&answer, OUTCOME_DOWN, "http-header");
    config.header_match = (char *)"OK";
    answer = ask_for(OK "Content-Length: 0\r\n\r\n", THEN_CLOSE);
    assert_verdict(&answer, OUTCOME_DOWN, "http-header");
}

static void silence_times_out(void **state)
{
    (void)state;
    struct wall start = clock_wall();
    config.timeout_ms = 200;
    struct answer answer = ask_for(NULL, THEN_HANG);
    assert_verdict(&answer, OUTCOME_DOWN, "timeout");
    assert_memory_equal(answer.verdict.detail, "no answer in ", 13);
    assert_int_equal(answer.verdict.known, 1U << DNS | 1U << CONNECT);
    assert_in_range(answer.verdict.time.ms, start.ms, start.ms + 100);
    answer = ask_for(OK "Content-Length: 9\r\n\r\nhalf", THEN_HANG);
    assert_verdict(&answer, OUTCOME_DOWN, "timeout");
    assert_memory_equal(answer.verdict.detail, "no complete answer in ", 22);
}

/* A byte now and then, for ever: the time counts, not that something comes. */
static void slow_loris_times_out(void **state)
{
    (void)state;
    config.timeout_ms = 200;
    struct answer answer = ask_for(OK "A: b", THEN_DRIP);
    assert_verdict(&answer, OUTCOME_DOWN, "timeout");
    assert_true(server.n_bytes > strlen(OK "A: b"));
    answer = ask_for(OK "\r\n", THEN_DRIP);
    assert_verdict(&answer, OUTCOME_DOWN, "timeout");
}

static void garbage_is_a_protocol_error(void **state)
{
    static const char *const answers[] = {
        "SSH-2.0-OpenSSH_9.2\r\n\r\n",
        OK "Content-Length: 9\r\n\r\nhalf",
        OK "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        OK "Content-Length: -5\r\n\r\n",
        NULL,
    };
    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        struct answer answer = ask_for(answers[i], THEN_CLOSE);
        assert_verdict(&answer, OUTCOME_DOWN, "protocol");
    }
}

static void endless_body_is_cut_off(void **state)
{
    (void)state;
    config.timeout_ms = 10000;
    struct answer answer = ask_for(OK "Content-Length: 1073741824\r\n\r\n", THEN_MORE);
    assert_verdict(&answer, OUTCOME_UP, "");
    assert_true(server.n_bytes < 16 * 1024 * 1024); /* 1 MiB and what the sockets hold */
    assert_true(answer.verdict.values[SIZE] == 1073741824);
    answer = ask_for(OK "\r\n", THEN_MORE);
    assert_verdict(&answer, OUTCOME_UP, "");
    assert_false(knows(&answer, SIZE)); /* nobody has seen it whole */
    config.size_max_bytes = 100000;
    answer = ask_for(OK "\r\n", THEN_MORE);
    assert_verdict(&answer, OUTCOME_DOWN, "body-size");
    assert_true(server.n_bytes < 16 * 1024 * 1024);
    answer = ask_for("HTTP/1.1 500 No\r\n\r\n", THEN_MORE);
    assert_verdict(&answer, OUTCOME_DOWN, "http-status");
    config.size_max_bytes = 2;
    answer = ask_for(OK "\r\nok", THEN_CLOSE);
    assert_verdict(&answer, OUTCOME_UP, "");
}

/* 1 MiB that looks like the beginning of a match at every third byte. */
static void hostile_body_costs_linear_time(void **state)
{
    (void)state;
    config.body_match = (char *)"foo.*fo+.*ba?r";
    memset(&server, 0, sizeof server);
    server.texts[0] = OK "\r\n";
    server.then = THEN_MORE;
    server.more = "foo";
    struct answer answer = ask();
    assert_verdict(&answer, OUTCOME_DOWN, "http-body");
    assert_string_equal(answer.verdict.detail, "the first MiB of the body does not match");
}

static void endless_headers_are_cut_off(void **state)
{
    (void)state;
    config.timeout_ms = 10000;
    /* One line without an end. */
    struct answer answer = ask_for(OK "A: b\r\n", THEN_MORE);
    assert_verdict(&answer, OUTCOME_DOWN, "header-size");
    static const char *const repeated[] = {"A: b\r\n", "HTTP/1.1 100 Continue\r\n\r\n"};
    for (size_t i = 0; i < 2; i++) {
        memset(&server, 0, sizeof server);
        server.texts[0] = i == 0 ? OK : "HTTP/1.1 100 Continue\r\n\r\n";
        server.then = THEN_MORE;
        server.more = repeated[i];
        answer = ask();
        assert_verdict(&answer, OUTCOME_DOWN, "header-size");
        assert_true(server.n_bytes < 16 * 1024 * 1024);
    }
}

/* 16 MiB of zeros in 16 KiB: deflate's longest repeat takes two bits, which are zeros. */
static char bomb[17000];

static size_t make_bomb(const char *field)
{
    static const unsigned char gzip[] = {0x1f, 0x8b, 8,    0,    0,    0,    0,    0,
                                         2,    3,    0xec, 0xc1, 0x01, 0x01, 0x00, 0x00,
                                         0x00, 0x80, 0x90, 0xfe, 0xaf, 0xee, 0x08, 0x0a};
    memset(bomb, 0, sizeof bomb);
    int n = snprintf(bomb, sizeof bomb, OK "%s\r\n\r\n", field);
    memcpy(bomb + n, gzip, sizeof gzip);
    return (size_t)n + sizeof gzip + 16384;
}

static void bomb_is_not_unpacked(void **state)
{
    (void)state;
    memset(&server, 0, sizeof server);
    server.text_size = make_bomb("Content-Encoding: gzip");
    server.texts[0] = bomb;
    struct answer answer = ask();
    assert_verdict(&answer, OUTCOME_UP, "");
    assert_true(answer.verdict.values[SIZE] == 16384 + 24);
    /* What the transfer itself is packed in: either not unpacked, or no further than is read. */
    config.size_max_bytes = 100000;
    config.body_match = (char *)"no such thing";
    size_t before = mallinfo2().uordblks;
    memset(&server, 0, sizeof server);
    server.text_size = make_bomb("Transfer-Encoding: gzip");
    server.texts[0] = bomb;
    answer = ask();
    assert_int_equal(answer.verdict.outcome, OUTCOME_DOWN);
    assert_true(strcmp(answer.verdict.reason, "body-size") == 0 ||
                strcmp(answer.verdict.reason, "protocol") == 0);
    assert_true(mallinfo2().uordblks < before + 1024 * 1024);
}

/* --- redirections --- */

static void redirect_is_not_followed_unasked(void **state)
{
    (void)state;
    struct answer answer = ask_for("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n"
                                   "Content-Length: 0\r\n\r\n",
                                   THEN_HANG);
    assert_verdict(&answer, OUTCOME_UP, "");
    assert_true(answer.verdict.values[STATUS] == 302);
}

static void redirects_are_followed(void **state)
{
    (void)state;
    config.redirects = 2;
    config.status = 200;
    memset(&server, 0, sizeof server);
    server.texts[0] = "HTTP/1.1 301 Moved\r\nLocation: /second\r\nContent-Length: 0\r\n\r\n";
    server.texts[1] = "HTTP/1.1 302 Moved\r\nLocation: third?a=b\r\nContent-Length: 0\r\n\r\n";
    server.texts[2] = OK "Content-Length: 4\r\n\r\nhere";
    struct answer answer = ask();
    assert_verdict(&answer, OUTCOME_UP, "");
    assert_int_equal(server.n_connections, 3);
    assert_non_null(strstr(server.request, "GET /second HTTP/1.1\r\nHost: service.example:"));
    assert_non_null(strstr(server.request, "GET /third?a=b HTTP/1.1\r\n"));
    assert_true(answer.verdict.values[SIZE] == 4);
    assert_true(answer.verdict.values[DNS] == 0.25);
}

static void redirect_loop_ends(void **state)
{
    (void)state;
    config.redirects = 5;
    struct answer answer = ask_for("HTTP/1.1 302 Found\r\nLocation: /again\r\n"
                                   "Content-Length: 0\r\n\r\n",
                                   THEN_HANG);
    assert_verdict(&answer, OUTCOME_DOWN, "redirects");
    assert_string_equal(answer.verdict.detail, "redirected more than 5 times");
    assert_int_equal(server.n_connections, 6);
    answer = ask_for("HTTP/1.1 302 Found\r\nLocation: ftp://a.example/\r\n\r\n", THEN_CLOSE);
    assert_verdict(&answer, OUTCOME_DOWN, "redirects");
    answer = ask_for("HTTP/1.1 302 Found\r\nLocation: http://u:p@a.example/\r\n\r\n", THEN_CLOSE);
    assert_verdict(&answer, OUTCOME_DOWN, "redirects");
}

/* To another host, which has to be resolved; what was meant for the first is not told to it. */
static void redirect_to_another_host(void **state)
{
    static struct server other;
    char location[256];
    char url[128];
    char *headers[] = {(char *)"Authorization: Basic c2VjcmV0"};
    uv_loop_t loop;
    (void)state;
    memset(&other, 0, sizeof other);
    other.texts[0] = OK "Content-Length: 0\r\n\r\n";
    config.redirects = 1;
    config.family = CHECK_FAMILY_IPV4;
    config.headers = (struct config_strings){1, headers};
    uv_loop_init(&loop);
    server_start(&server, &loop);
    server_start(&other, &loop);
    snprintf(location, sizeof location,
             "HTTP/1.1 302 Found\r\nLocation: http://localhost:%u/there\r\n\r\n", other.port);
    server.texts[0] = location;
    snprintf(url, sizeof url, "http://service.example:%u/", server.port);
    config.url = url;
    struct answer answer = ask_type(&loop, &check_type_http, &config, "127.0.0.1", 0.25);
    assert_verdict(&answer, OUTCOME_UP, "");
    assert_memory_equal(other.request, "GET /there HTTP/1.1\r\nHost: localhost:", 37);
    assert_non_null(strstr(server.request, "Authorization"));
    assert_null(strstr(other.request, "Authorization"));
    assert_true(answer.verdict.values[DNS] > 0.25);
    server_stop(&server);
    server_stop(&other);
    finish_loop(&loop);
}

static void post_is_redirected_as_it_should(void **state)
{
    (void)state;
    config.redirects = 1;
    config.method = CHECK_POST;
    config.body = (char *)"a=b";
    memset(&server, 0, sizeof server);
    server.texts[0] = "HTTP/1.1 303 See\r\nLocation: /seen\r\nContent-Length: 0\r\n\r\n";
    server.texts[1] = OK "Content-Length: 0\r\n\r\n";
    struct answer answer = ask();
    assert_verdict(&answer, OUTCOME_UP, "");
    assert_non_null(strstr(server.request, "GET /seen "));
    memset(&server, 0, sizeof server);
    server.texts[0] = "HTTP/1.1 307 Again\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n";
    server.texts[1] = OK "Content-Length: 0\r\n\r\n";
    answer = ask();
    assert_verdict(&answer, OUTCOME_UP, "");
    assert_non_null(strstr(server.request, "POST /again "));
    answer = ask_for("HTTP/1.1 307 Away\r\nLocation: http://127.0.0.1:1/\r\n\r\n", THEN_CLOSE);
    assert_verdict(&answer, OUTCOME_DOWN, "redirects");
    assert_string_equal(answer.verdict.detail, "asks to post elsewhere");
}

/* --- connections --- */

static void closed_port_is_refused(void **state)
{
    uint16_t port;
    char url[64];
    uv_loop_t loop;
    (void)state;
    uv_loop_init(&loop);
    close(listen_on_loopback(1, &port));
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", port);
    config.url = url;
    struct answer answer = ask_type(&loop, &check_type_http, &config, "127.0.0.1", 0);
    assert_verdict(&answer, OUTCOME_DOWN, "connection-refused");
    assert_int_equal(answer.verdict.known, 0);
    finish_loop(&loop);
}

static void ipv6_address_is_asked(void **state)
{
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    socklen_t size = sizeof address;
    char url[64];
    uv_loop_t loop;
    (void)state;
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        skip();
    }
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    close(fd); /* refused is an answer too: it was asked */
    snprintf(url, sizeof url, "http://[::1]:%u/", ntohs(address.sin6_port));
    uv_loop_init(&loop);
    config.url = url;
    struct answer answer = ask_type(&loop, &check_type_http, &config, "::1", 0);
    assert_verdict(&answer, OUTCOME_DOWN, "connection-refused");
    finish_loop(&loop);
}

static void count_done(void *context, const struct verdict *verdict)
{
    (void)verdict;
    ++*(int *)context;
}

static void cancel_calls_nobody(void **state)
{
    struct target target;
    char url[64];
    int n_done = 0;
    uv_loop_t loop;
    (void)state;
    server.then = THEN_HANG;
    uv_loop_init(&loop);
    server_start(&server, &loop);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", server.port);
    config.url = url;
    assert_int_equal(resolve_literal("127.0.0.1", server.port, &target), 0);
    void *shared = check_type_http.open(&loop);
    void *prepared = check_type_http.prepare(&config);
    const struct probe_order order = {.loop = &loop,
                                      .config = &config,
                                      .prepared = prepared,
                                      .host = "127.0.0.1",
                                      .port = server.port,
                                      .target = &target,
                                      .timeout_ms = 5000,
                                      .done = count_done,
                                      .context = &n_done};
    void *probe = check_type_http.start(shared, &order);
    assert_non_null(probe);
    while (server.request[0] == '\0') {
        uv_run(&loop, UV_RUN_ONCE);
    }
    check_type_http.cancel(probe);
    check_type_http.release(prepared);
    check_type_http.close(shared);
    server_stop(&server);
    finish_loop(&loop);
    assert_int_equal(n_done, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(good_answer_is_up, setup),
        cmocka_unit_test_setup(status_decides, setup),
        cmocka_unit_test_setup(request_is_as_configured, setup),
        cmocka_unit_test_setup(body_must_match, setup),
        cmocka_unit_test_setup(header_must_match, setup),
        cmocka_unit_test_setup(silence_times_out, setup),
        cmocka_unit_test_setup(slow_loris_times_out, setup),
        cmocka_unit_test_setup(garbage_is_a_protocol_error, setup),
        cmocka_unit_test_setup(endless_body_is_cut_off, setup),
        cmocka_unit_test_setup(hostile_body_costs_linear_time, setup),
        cmocka_unit_test_setup(endless_headers_are_cut_off, setup),
        cmocka_unit_test_setup(bomb_is_not_unpacked, setup),
        cmocka_unit_test_setup(redirect_is_not_followed_unasked, setup),
        cmocka_unit_test_setup(redirects_are_followed, setup),
        cmocka_unit_test_setup(redirect_loop_ends, setup),
        cmocka_unit_test_setup(redirect_to_another_host, setup),
        cmocka_unit_test_setup(post_is_redirected_as_it_should, setup),
        cmocka_unit_test_setup(closed_port_is_refused, setup),
        cmocka_unit_test_setup(ipv6_address_is_asked, setup),
        cmocka_unit_test_setup(cancel_calls_nobody, setup),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
