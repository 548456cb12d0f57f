/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * TCP connections and name resolution against real sockets of this machine. */
#include "resolve.h"
#include "stream.h"
#include "support.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

struct answer {
    int n;
    struct verdict verdict;
    struct target target;
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

static struct stream *start(uv_loop_t *loop, const struct target *target, int64_t timeout_ms,
                            struct answer *answer)
{
    const struct stream_order order = {.loop = loop,
                                       .target = target,
                                       .timeout_ms = timeout_ms,
                                       .done = on_done,
                                       .context = answer};
    return stream_start(&order);
}

static struct answer probe_target(const struct target *target, int64_t timeout_ms)
{
    struct answer answer = {0};
    uv_loop_t loop;
    uv_loop_init(&loop);
    struct wall before = clock_wall();
    assert_non_null(start(&loop, target, timeout_ms, &answer));
    assert_int_equal(answer.n, 0); /* never from inside the start */
    assert_true(run_until(&loop, answered, &answer, timeout_ms + 3000));
    finish_loop(&loop);
    assert_int_equal(answer.n, 1);
    assert_in_range(answer.verdict.time.ms, before.ms, clock_wall().ms);
    return answer;
}

static struct answer probe(const char *host, uint16_t port, int64_t timeout_ms)
{
    struct target target;
    assert_int_equal(resolve_literal(host, port, &target), 0);
    return probe_target(&target, timeout_ms);
}

static void open_port_is_up(void **state)
{
    uint16_t port;
    int listener = listen_on_loopback(8, &port);
    (void)state;
    struct answer answer = probe("127.0.0.1", port, 2000);
    assert_int_equal(answer.verdict.outcome, OUTCOME_UP);
    assert_string_equal(answer.verdict.reason, "");
    assert_int_equal(answer.verdict.known, 1);
    assert_true(answer.verdict.values[0] > 0 && answer.verdict.values[0] < 1);
    close(listener);
}

static void closed_port_is_refused(void **state)
{
    uint16_t port;
    (void)state;
    close(listen_on_loopback(1, &port));
    struct answer answer = probe("127.0.0.1", port, 2000);
    assert_int_equal(answer.verdict.outcome, OUTCOME_DOWN);
    assert_string_equal(answer.verdict.reason, "connection-refused");
    assert_int_equal(answer.verdict.known, 0);
}

/* A listener that accepts nothing, its backlog filled up: no more requests are answered. */
struct full_listener {
    int listener;
    int fill[16];
    uint16_t port;
};

static void fill_listener(struct full_listener *full)
{
    full->listener = listen_on_loopback(1, &full->port);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(full->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    for (size_t i = 0; i < 16; i++) {
        full->fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)connect(full->fill[i], (struct sockaddr *)&address, sizeof address);
    }
}

static void empty_listener(struct full_listener *full)
{
    for (size_t i = 0; i < 16; i++) {
        close(full->fill[i]);
    }
    close(full->listener);
}

static void full_backlog_times_out(void **state)
{
    struct full_listener full;
    (void)state;
    fill_listener(&full);
    struct mono start = clock_mono();
    struct wall start_wall = clock_wall();
    struct answer answer = probe("127.0.0.1", full.port, 300);
    int64_t took_ms = mono_elapsed_ms(start, clock_mono());
    assert_int_equal(answer.verdict.outcome, OUTCOME_DOWN);
    assert_string_equal(answer.verdict.reason, "timeout");
    assert_in_range(took_ms, 290, 1500);
    /* Dated by when it was asked, not by when we gave up. */
    assert_in_range(answer.verdict.time.ms, start_wall.ms, start_wall.ms + 100);
    empty_listener(&full);
}

static void second_address_is_tried(void **state)
{
    struct full_listener full;
    struct target target;
    struct target second;
    uint16_t port;
    int listener = listen_on_loopback(8, &port);
    (void)state;
    fill_listener(&full);
    assert_int_equal(resolve_literal("127.0.0.1", full.port, &target), 0);
    assert_int_equal(resolve_literal("127.0.0.1", port, &second), 0);
    target.addresses[target.n_addresses++] = second.addresses[0];
    struct wall start = clock_wall();
    struct answer answer = probe_target(&target, 600);
    assert_int_equal(answer.verdict.outcome, OUTCOME_UP);
    assert_true(answer.verdict.values[0] < 0.25);
    assert_true(answer.verdict.time.ms >= start.ms + 290); /* of the attempt that succeeded */
    empty_listener(&full);
    close(listener);
}

static void without_descriptors_it_is_unknown(void **state)
{
    struct answer answer = {0};
    struct target target;
    struct rlimit old;
    uv_loop_t loop;
    (void)state;
    uv_loop_init(&loop);
    assert_int_equal(resolve_literal("127.0.0.1", 9, &target), 0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    struct rlimit none = {.rlim_cur = 0, .rlim_max = old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    start(&loop, &target, 500, &answer);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    assert_true(run_until(&loop, answered, &answer, 2000));
    finish_loop(&loop);
    assert_int_equal(answer.verdict.outcome, OUTCOME_UNKNOWN);
    assert_string_equal(answer.verdict.reason, "resource");
}

static void cancel_calls_nobody(void **state)
{
    struct full_listener full;
    struct answer answer = {0};
    struct target target;
    uv_loop_t loop;
    (void)state;
    uv_loop_init(&loop);
    fill_listener(&full);
    assert_int_equal(resolve_literal("127.0.0.1", full.port, &target), 0);
    struct stream *waiting = start(&loop, &target, 50, &answer);
    uv_run(&loop, UV_RUN_NOWAIT);
    stream_cancel(waiting);
    /* One that has its answer but has not told it yet. */
    target.n_addresses = 0;
    stream_cancel(start(&loop, &target, 50, &answer));
    finish_loop(&loop);
    assert_int_equal(answer.n, 0);
    empty_listener(&full);
}

static void literals_are_told_from_names(void **state)
{
    struct target target;
    (void)state;
    assert_int_equal(resolve_literal("::1", 80, &target), 0);
    assert_int_equal(target.n_addresses, 1);
    assert_int_equal(target.addresses[0].ss_family, AF_INET6);
    assert_int_equal(((struct sockaddr_in6 *)&target.addresses[0])->sin6_port, htons(80));
    assert_int_equal(resolve_literal("localhost", 80, &target), -EINVAL);
    assert_int_equal(resolve_literal("", 80, &target), -EINVAL);
}

static void on_resolved(void *context, const struct target *target, const struct verdict *failure)
{
    struct answer *answer = context;
    answer->n++;
    if (target != NULL) {
        answer->target = *target;
    } else {
        answer->verdict = *failure;
    }
}

static void names_are_resolved(void **state)
{
    struct answer answer = {0};
    uv_loop_t loop;
    (void)state;
    uv_loop_init(&loop);
    assert_non_null(resolve_start(&loop, "localhost", 4711, on_resolved, &answer));
    assert_true(run_until(&loop, answered, &answer, 5000));
    assert_true(answer.target.n_addresses >= 1);

    answer.n = 0; /* a label of 64 bytes cannot exist: no query is needed to know */
    char longest[80];
    memset(longest, 'a', sizeof longest);
    memcpy(longest + 64, ".invalid", 9);
    assert_non_null(resolve_start(&loop, longest, 80, on_resolved, &answer));
    assert_true(run_until(&loop, answered, &answer, 30000));
    assert_int_equal(answer.verdict.outcome, OUTCOME_UNKNOWN);
    assert_memory_equal(answer.verdict.reason, "dns-", 4);

    answer.n = 0;
    struct resolve *cancelled = resolve_start(&loop, "localhost", 80, on_resolved, &answer);
    assert_non_null(cancelled);
    resolve_cancel(cancelled);
    resolve_cancel(NULL);
    finish_loop(&loop);
    assert_int_equal(answer.n, 0);
}

static void causes_are_told_apart(void **state)
{
    struct verdict verdict = {0};
    struct verdict second = {0};
    (void)state;
    verdict_local(&verdict, ENETUNREACH);
    assert_int_equal(verdict.outcome, OUTCOME_UNKNOWN);
    assert_string_equal(verdict.reason, "no-route");
    verdict_remote(&second, ENETUNREACH);
    assert_int_equal(second.outcome, OUTCOME_DOWN);
    assert_string_equal(second.reason, "network-unreachable");
    verdict_merge(&verdict, &second);
    assert_int_equal(verdict.outcome, OUTCOME_DOWN);
    verdict_local(&second, EMFILE);
    verdict_merge(&verdict, &second);
    assert_string_equal(verdict.reason, "network-unreachable");
    verdict_remote(&verdict, EHOSTUNREACH);
    assert_string_equal(verdict.reason, "host-unreachable");
    verdict_set(&verdict, OUTCOME_DOWN, "x", "%s", "a\nb\xff");
    assert_string_equal(verdict.detail, "a?b?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(open_port_is_up),
        cmocka_unit_test(closed_port_is_refused),
        cmocka_unit_test(full_backlog_times_out),
        cmocka_unit_test(second_address_is_tried),
        cmocka_unit_test(without_descriptors_it_is_unknown),
        cmocka_unit_test(cancel_calls_nobody),
        cmocka_unit_test(literals_are_told_from_names),
        cmocka_unit_test(names_are_resolved),
        cmocka_unit_test(causes_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
