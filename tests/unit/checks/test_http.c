/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * HTTP probes against a small server that misbehaves in every way, and against nginx with TLS. */
#include "http.h"
#include "resolve.h"
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { PIECE = 64 * 1024 };

/* A server in the test's own loop: sends `text` to whoever asks, then what `then` says. */
enum then { THEN_CLOSE, THEN_HANG, THEN_MORE };
struct server {
    uv_tcp_t listener;
    uint16_t port;
    const char *text; /* NULL: not a byte */
    enum then then;
    int n_connections;
    uint64_t n_bytes;
    char request[2048];
    char piece[PIECE];
    char read_buffer[2048];
};
struct peer {
    uv_tcp_t tcp;
    uv_write_t write;
    struct server *server;
};

static void on_peer_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void end_peer(struct peer *peer)
{
    if (!uv_is_closing((uv_handle_t *)&peer->tcp)) {
        uv_close((uv_handle_t *)&peer->tcp, on_peer_closed);
    }
}

static void on_written(uv_write_t *write, int status)
{
    struct peer *peer = write->data;
    struct server *server = peer->server;
    if (status < 0 || server->then == THEN_CLOSE) {
        end_peer(peer);
    } else if (server->then == THEN_MORE) {
        uv_buf_t more = uv_buf_init(server->piece, PIECE);
        server->n_bytes += PIECE;
        uv_write(&peer->write, (uv_stream_t *)&peer->tcp, &more, 1, on_written);
    }
}

static void on_alloc(uv_handle_t *handle, size_t wanted, uv_buf_t *buffer)
{
    struct peer *peer = handle->data;
    (void)wanted;
    *buffer = uv_buf_init(peer->server->read_buffer, sizeof peer->server->read_buffer);
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buffer)
{
    struct peer *peer = stream->data;
    struct server *server = peer->server;
    if (got < 0) {
        end_peer(peer);
        return;
    }
    size_t used = strlen(server->request);
    snprintf(server->request + used, sizeof server->request - used, "%.*s", (int)got, buffer->base);
    if (strstr(server->request, "\r\n\r\n") == NULL) {
        return;
    }
    if (server->text == NULL) {
        if (server->then == THEN_CLOSE) {
            end_peer(peer);
        }
        return;
    }
    uv_buf_t text = uv_buf_init((char *)server->text, (unsigned)strlen(server->text));
    peer->write.data = peer;
    uv_write(&peer->write, stream, &text, 1, on_written);
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct server *server = listener->data;
    struct peer *peer = calloc(1, sizeof *peer);
    assert_int_equal(status, 0);
    assert_non_null(peer);
    peer->server = server;
    server->n_connections++;
    uv_tcp_init(listener->loop, &peer->tcp);
    peer->tcp.data = peer;
    assert_int_equal(uv_accept(listener, (uv_stream_t *)&peer->tcp), 0);
    uv_read_start((uv_stream_t *)&peer->tcp, on_alloc, on_read);
}

static void start_server(uv_loop_t *loop, struct server *server)
{
    int fd = listen_on_loopback(8, &server->port);
    memset(server->piece, 'x', sizeof server->piece);
    uv_tcp_init(loop, &server->listener);
    server->listener.data = server;
    assert_int_equal(uv_tcp_open(&server->listener, fd), 0);
    assert_int_equal(uv_listen((uv_stream_t *)&server->listener, 8, on_connection), 0);
}

struct answer {
    int n;
    struct verdict verdict;
};

static void on_done(void *context, const struct verdict *verdict)
{
    struct answer *answer = context;
    answer->n++;
    answer->verdict = *verdict;
}

static bool answered(void *context)
{
    return ((const struct answer *)context)->n > 0;
}

static struct answer get(uv_loop_t *loop, const char *ca_file, const char *url, const char *host,
                         uint16_t port, int64_t status, int64_t timeout_ms)
{
    struct answer answer = {0};
    struct target target;
    struct http *http = http_new(loop, ca_file);
    assert_non_null(http);
    assert_int_equal(resolve_literal("127.0.0.1", port, &target), 0);
    assert_non_null(
        http_start(http, url, host, port, &target, status, timeout_ms, on_done, &answer));
    assert_int_equal(answer.n, 0);
    assert_true(run_until(loop, answered, &answer, timeout_ms + 3000));
    http_free(http);
    assert_int_equal(answer.n, 1);
    return answer;
}

/* One probe of a server that answers so. */
static struct answer ask(struct server *server, int64_t status, int64_t timeout_ms)
{
    char url[128];
    uv_loop_t loop;
    uv_loop_init(&loop);
    start_server(&loop, server);
    snprintf(url, sizeof url, "http://service.example:%u/path?q=1", server->port);
    struct answer answer =
        get(&loop, NULL, url, "service.example", server->port, status, timeout_ms);
    uv_close((uv_handle_t *)&server->listener, NULL);
    finish_loop(&loop);
    return answer;
}

static struct answer ask_for(const char *text, enum then then, int64_t status, int64_t timeout_ms)
{
    static struct server server;
    memset(&server, 0, sizeof server);
    server.text = text;
    server.then = then;
    return ask(&server, status, timeout_ms);
}

static void assert_down(const struct answer *answer, const char *reason)
{
    assert_string_equal(answer->verdict.reason, reason);
    assert_int_equal(answer->verdict.outcome, OUTCOME_DOWN);
}

static void good_answer_is_up(void **state)
{
    static struct server server;
    (void)state;
    memset(&server, 0, sizeof server);
    server.text = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    setenv("http_proxy", "http://127.0.0.1:1/", 1); /* must not be asked */
    struct answer answer = ask(&server, 0, 3000);
    unsetenv("http_proxy");
    assert_string_equal(answer.verdict.reason, "");
    assert_int_equal(answer.verdict.outcome, OUTCOME_UP);
    assert_int_equal(answer.verdict.known & 0x35, 0x35);
    const double *values = answer.verdict.values;
    assert_true(values[2] > 0 && values[2] <= values[4] && values[4] <= values[0] && values[0] < 3);
    assert_true(values[5] == 200);
    assert_memory_equal(server.request, "GET /path?q=1 HTTP/1.1\r\nHost: service.example:", 44);
}

static void status_decides(void **state)
{
    (void)state;
    struct answer answer =
        ask_for("HTTP/1.1 503 Sorry\r\nContent-Length: 0\r\n\r\n", THEN_HANG, 200, 3000);
    assert_down(&answer, "http-status");
    assert_string_equal(answer.verdict.detail, "got 503, expected 200");
    assert_true(answer.verdict.values[5] == 503);
    answer = ask_for("HTTP/1.1 503 Sorry\r\nContent-Length: 0\r\n\r\n", THEN_HANG, 503, 3000);
    assert_int_equal(answer.verdict.outcome, OUTCOME_UP);
    answer = ask_for("HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", THEN_HANG, 0, 3000);
    assert_string_equal(answer.verdict.detail, "got 404, expected 200 to 399");
    answer = ask_for("HTTP/1.1 204 Empty\r\n\r\n", THEN_HANG, 200, 3000);
    assert_string_equal(answer.verdict.detail, "got 204, expected 200");
}

static void redirect_is_not_followed(void **state)
{
    (void)state;
    struct answer answer = ask_for("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n"
                                   "Content-Length: 0\r\n\r\n",
                                   THEN_HANG, 0, 3000);
    assert_int_equal(answer.verdict.outcome, OUTCOME_UP);
    assert_true(answer.verdict.values[5] == 302);
}

static void silence_times_out(void **state)
{
    (void)state;
    struct wall start = clock_wall();
    struct answer answer = ask_for(NULL, THEN_HANG, 0, 200);
    assert_down(&answer, "timeout");
    assert_int_equal(answer.verdict.known, 0);
    assert_in_range(answer.verdict.time.ms, start.ms, start.ms + 100);
    answer = ask_for("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", THEN_HANG, 0, 200);
    assert_down(&answer, "timeout");
}

static void garbage_is_a_protocol_error(void **state)
{
    (void)state;
    struct answer answer = ask_for("SSH-2.0-OpenSSH_9.2\r\n\r\n", THEN_CLOSE, 0, 3000);
    assert_down(&answer, "protocol");
    answer = ask_for("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", THEN_CLOSE, 0, 3000);
    assert_down(&answer, "protocol");
    answer = ask_for(NULL, THEN_CLOSE, 0, 3000);
    assert_down(&answer, "protocol");
}

static void endless_body_is_cut_off(void **state)
{
    static struct server server;
    (void)state;
    memset(&server, 0, sizeof server);
    server.text = "HTTP/1.1 200 OK\r\n\r\n";
    server.then = THEN_MORE;
    struct answer answer = ask(&server, 0, 10000);
    assert_int_equal(answer.verdict.outcome, OUTCOME_UP);
    assert_true(server.n_bytes < 16 * 1024 * 1024); /* 1 MiB and what the sockets hold */
    server = (struct server){.text = "HTTP/1.1 500 No\r\n\r\n", .then = THEN_MORE};
    answer = ask(&server, 0, 10000);
    assert_down(&answer, "http-status");
}

static void endless_headers_are_cut_off(void **state)
{
    static struct server server;
    (void)state;
    memset(&server, 0, sizeof server);
    server.text = "HTTP/1.1 200 OK\r\nA: b\r\n";
    server.then = THEN_MORE; /* one header line without an end */
    struct answer answer = ask(&server, 0, 10000);
    assert_int_equal(answer.verdict.outcome, OUTCOME_DOWN);
    assert_string_not_equal(answer.verdict.reason, "timeout");
}

static void closed_port_is_refused(void **state)
{
    uint16_t port;
    char url[64];
    uv_loop_t loop;
    (void)state;
    uv_loop_init(&loop);
    close(listen_on_loopback(1, &port));
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", port);
    struct answer answer = get(&loop, NULL, url, "127.0.0.1", port, 0, 3000);
    assert_down(&answer, "connection-refused");
    finish_loop(&loop);
}

static void cancel_calls_nobody(void **state)
{
    static struct server server;
    struct answer answer = {0};
    struct target target;
    char url[64];
    uv_loop_t loop;
    (void)state;
    memset(&server, 0, sizeof server);
    server.then = THEN_HANG;
    uv_loop_init(&loop);
    start_server(&loop, &server);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", server.port);
    assert_int_equal(resolve_literal("127.0.0.1", server.port, &target), 0);
    struct http *http = http_new(&loop, NULL);
    struct http_probe *probe =
        http_start(http, url, "127.0.0.1", server.port, &target, 0, 5000, on_done, &answer);
    while (server.request[0] == '\0') {
        uv_run(&loop, UV_RUN_ONCE);
    }
    http_cancel(probe);
    http_free(http);
    http_free(NULL);
    uv_close((uv_handle_t *)&server.listener, NULL);
    finish_loop(&loop);
    assert_int_equal(answer.n, 0);
}

/* --- nginx --- */

/* Ends with the test, also with one that fails. */
static pid_t start_program(const char *const argv[])
{
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_WRONLY);
        if (null < 0 || dup2(null, 2) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 ||
            getppid() != parent) {
            _exit(126);
        }
        execv(argv[0], (char *const *)argv);
        _exit(127);
    }
    return pid;
}

static void write_file(const char *directory, const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* A key and a certificate of "localhost" that it signs itself. */
static bool make_certificate(const char *directory)
{
    char key[256];
    char certificate[256];
    int status = 1;
    snprintf(key, sizeof key, "%s/key.pem", directory);
    snprintf(certificate, sizeof certificate, "%s/cert.pem", directory);
    const char *const argv[] = {"/usr/bin/openssl",
                                "req",
                                "-x509",
                                "-newkey",
                                "ec",
                                "-pkeyopt",
                                "ec_paramgen_curve:prime256v1",
                                "-nodes",
                                "-days",
                                "2",
                                "-subj",
                                "/CN=localhost",
                                "-addext",
                                "subjectAltName=DNS:localhost",
                                "-keyout",
                                key,
                                "-out",
                                certificate,
                                NULL};
    pid_t pid = start_program(argv);
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

static bool can_connect(void *context)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(*(const uint16_t *)context),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    bool connected = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return connected;
}

static void remove_files(const char *directory)
{
    static const char *const names[] = {"key.pem", "cert.pem", "nginx.conf", "pid"};
    char path[256];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", directory, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(directory);
}

static pid_t start_nginx(uv_loop_t *loop, const char *directory, uint16_t port, uint16_t plain)
{
    char config[2048];
    char path[256];
    snprintf(config, sizeof config,
             "daemon off; master_process off; pid %s/pid; error_log stderr crit;\n"
             "events {}\n"
             "http { access_log off; client_body_temp_path %s/b; proxy_temp_path %s/p;\n"
             " fastcgi_temp_path %s/f; uwsgi_temp_path %s/u; scgi_temp_path %s/s;\n"
             " server { listen 127.0.0.1:%u ssl; listen 127.0.0.1:%u; server_name localhost;\n"
             "  ssl_certificate %s/cert.pem; ssl_certificate_key %s/key.pem;\n"
             "  location = /good { return 200 fine; } location / { return 404; } } }\n",
             directory, directory, directory, directory, directory, directory, port, plain,
             directory, directory);
    write_file(directory, "nginx.conf", config);
    snprintf(path, sizeof path, "%s/nginx.conf", directory);
    const char *const argv[] = {"/usr/sbin/nginx", "-c", path, NULL};
    pid_t pid = start_program(argv);
    assert_true(pid > 0);
    assert_true(run_until(loop, can_connect, &port, 5000));
    return pid;
}

static void nginx_with_tls(void **state)
{
    char directory[] = "/tmp/beffroi-test-XXXXXX";
    char ca_file[256];
    char url[64];
    char named[64];
    uint16_t port;
    uint16_t plain;
    uv_loop_t loop;
    (void)state;
    if (access("/usr/sbin/nginx", X_OK) != 0 || access("/usr/bin/openssl", X_OK) != 0) {
        skip();
    }
    assert_non_null(mkdtemp(directory));
    assert_true(make_certificate(directory));
    uv_loop_init(&loop);
    int first = listen_on_loopback(1, &port);
    close(listen_on_loopback(1, &plain));
    close(first);
    pid_t pid = start_nginx(&loop, directory, port, plain);
    snprintf(ca_file, sizeof ca_file, "%s/cert.pem", directory);
    snprintf(named, sizeof named, "https://localhost:%u/good", port);

    struct answer answer = get(&loop, ca_file, named, "localhost", port, 200, 5000);
    assert_string_equal(answer.verdict.detail, "");
    assert_int_equal(answer.verdict.outcome, OUTCOME_UP);
    snprintf(url, sizeof url, "https://localhost:%u/missing", port);
    answer = get(&loop, ca_file, url, "localhost", port, 0, 5000);
    assert_down(&answer, "http-status");
    /* Nobody vouches for it; it is another's; it speaks no TLS. */
    answer = get(&loop, NULL, named, "localhost", port, 200, 5000);
    assert_down(&answer, "tls");
    snprintf(url, sizeof url, "https://127.0.0.1:%u/good", port);
    answer = get(&loop, ca_file, url, "127.0.0.1", port, 200, 5000);
    assert_down(&answer, "tls");
    snprintf(url, sizeof url, "https://localhost:%u/good", plain);
    answer = get(&loop, ca_file, url, "localhost", plain, 200, 5000);
    assert_down(&answer, "tls");
    snprintf(url, sizeof url, "http://localhost:%u/good", plain);
    answer = get(&loop, NULL, url, "localhost", plain, 200, 5000);
    assert_int_equal(answer.verdict.outcome, OUTCOME_UP);
    /* Our own list of authorities is missing: says nothing of the service. */
    answer = get(&loop, "/nonexistent.pem", named, "localhost", port, 200, 5000);
    assert_int_equal(answer.verdict.outcome, OUTCOME_UNKNOWN);
    assert_string_equal(answer.verdict.reason, "resource");

    finish_loop(&loop);
    kill(pid, SIGTERM);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    static const char *const temporary[] = {"b", "p", "f", "u", "s"};
    for (size_t i = 0; i < 5; i++) {
        char path[256];
        snprintf(path, sizeof path, "%s/%s", directory, temporary[i]);
        (void)rmdir(path);
    }
    remove_files(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_answer_is_up),           cmocka_unit_test(status_decides),
        cmocka_unit_test(redirect_is_not_followed),    cmocka_unit_test(silence_times_out),
        cmocka_unit_test(garbage_is_a_protocol_error), cmocka_unit_test(endless_body_is_cut_off),
        cmocka_unit_test(endless_headers_are_cut_off), cmocka_unit_test(closed_port_is_refused),
        cmocka_unit_test(cancel_calls_nobody),         cmocka_unit_test(nginx_with_tls),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
