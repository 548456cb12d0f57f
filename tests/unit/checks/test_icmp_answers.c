/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which answers an echo probe believes, and when it sends: a responder sees each request and sends
 * back what the test wants, true, forged, late, twice, or an error. */
#include "icmp_support.h"
#include "resolve.h"
#include "support.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static const char *own_address(const struct icmp_request *request)
{
    return request->is_v6 ? "::1" : "127.0.0.1";
}

static int64_t gap_ms(const struct icmp_responder *responder, int from, int to)
{
    return mono_elapsed_ms(responder->seen[from].time, responder->seen[to].time);
}

static void answer_all(struct icmp_responder *responder, const struct icmp_request *request)
{
    icmp_respond(responder, own_address(request), request);
}

static void answered_echoes_follow_at_once(void **state)
{
    struct icmp_responder responder;
    struct icmp_ignored ignored;
    icmp_need_namespace(state);
    for (int v6 = 0; v6 < 2; v6++) {
        struct icmp_answer answer =
            icmp_probe_script(answer_all, v6 == 1, 10000, 3, &responder, &ignored);
        assert_int_equal(answer.verdict.outcome, OUTCOME_UP);
        assert_int_equal(responder.n, 3);
        assert_in_range(gap_ms(&responder, 0, 2), 0, 600);
        assert_memory_not_equal(responder.seen[0].token, responder.seen[1].token, ICMP_TOKEN_SIZE);
        assert_int_not_equal(responder.seen[0].sequence, responder.seen[1].sequence);
        assert_int_equal(ignored.mismatched + ignored.late, 0);
    }
}

static void silent_echoes_are_spread_over_half_the_timeout(void **state)
{
    struct icmp_responder responder;
    struct icmp_ignored ignored;
    icmp_need_namespace(state);
    struct icmp_answer answer = icmp_probe_script(NULL, false, 800, 2, &responder, &ignored);
    assert_int_equal(answer.verdict.outcome, OUTCOME_DOWN);
    assert_int_equal(responder.n, 2);
    assert_in_range(gap_ms(&responder, 0, 1), 198, 380);
    assert_in_range(answer.took_ms, 800, 1500);
}

static void answer_second(struct icmp_responder *responder, const struct icmp_request *request)
{
    if (request->n == 1) {
        icmp_respond(responder, own_address(request), request);
    }
}

static void one_answer_is_up(void **state)
{
    struct icmp_responder responder;
    struct icmp_ignored ignored;
    icmp_need_namespace(state);
    struct wall start = clock_wall();
    struct icmp_answer answer =
        icmp_probe_script(answer_second, false, 640, 4, &responder, &ignored);
    assert_int_equal(responder.n, 4);
    assert_int_equal(answer.verdict.outcome, OUTCOME_UP);
    assert_int_equal(answer.verdict.known, 0x17);
    assert_true(answer.verdict.values[ICMP_LOSS] == 0.75);
    assert_in_range(answer.took_ms, 640, 1500); /* the others might still have been answered */
    /* Dated by the one that was answered: nobody knows more of the time after it. */
    assert_in_range(answer.verdict.time.ms, start.ms + 79, start.ms + 159);
}

/* Wrong in one way each, the last as another process would be answered. */
static void forge(struct icmp_responder *responder, const struct icmp_request *request)
{
    struct icmp_request forged = *request;
    forged.token[ICMP_TOKEN_SIZE - 1] ^= 1;
    icmp_respond(responder, own_address(request), &forged);
    forged = *request;
    forged.sequence = (uint16_t)(forged.sequence + 1000);
    icmp_respond(responder, own_address(request), &forged);
    forged = *request;
    forged.id ^= 1;
    icmp_respond(responder, own_address(request), &forged);
    if (!request->is_v6) {
        icmp_respond(responder, "127.0.0.9", request);
    }
}

static void assert_forgery_is_ignored(bool is_v6, bool is_raw)
{
    struct icmp_responder responder;
    struct icmp_ignored ignored;
    struct icmp_answer answer = icmp_probe_script(forge, is_v6, 120, 2, &responder, &ignored);
    assert_int_equal(responder.n, 2);
    assert_int_equal(answer.verdict.outcome, OUTCOME_DOWN);
    assert_string_equal(answer.verdict.reason, "timeout");
    assert_int_equal(ignored.mismatched, is_v6 ? 2 : 4);
    assert_int_equal(ignored.late, 2);
    /* A ping socket is not shown other identifiers. */
    assert_int_equal(ignored.foreign, is_raw ? 2 : 0);
}

static void forged_answers_are_ignored_and_counted(void **state)
{
    icmp_need_namespace(state);
    assert_forgery_is_ignored(false, true);
    assert_forgery_is_ignored(true, true);
    icmp_open_ping_sockets();
    assert_forgery_is_ignored(false, false);
    assert_forgery_is_ignored(true, false);
}

static void answer_twice(struct icmp_responder *responder, const struct icmp_request *request)
{
    icmp_respond(responder, own_address(request), request);
    icmp_respond(responder, own_address(request), request);
}

static void second_answer_counts_no_more(void **state)
{
    struct icmp_responder responder;
    struct icmp_ignored ignored;
    icmp_need_namespace(state);
    struct icmp_answer answer =
        icmp_probe_script(answer_twice, false, 10000, 3, &responder, &ignored);
    assert_int_equal(answer.verdict.outcome, OUTCOME_UP);
    assert_true(answer.verdict.values[ICMP_LOSS] == 0);
    assert_in_range(ignored.late, 2, 3);
}

/* --- errors --- */

static void refuse(struct icmp_responder *responder, const struct icmp_request *request)
{
    icmp_respond_error(responder, request->is_v6 ? 1 : 3, request->is_v6 ? 3 : 1,
                       own_address(request), request, ICMP_TOKEN_SIZE);
}

/* RFC 792 asks for eight bytes of the message, and no more. */
static void refuse_shortly(struct icmp_responder *responder, const struct icmp_request *request)
{
    icmp_respond_error(responder, 3, 0, own_address(request), request, 0);
}

static void errors_refuse_at_once(void **state)
{
    struct icmp_responder responder;
    struct icmp_ignored ignored;
    icmp_need_namespace(state);
    for (int v6 = 0; v6 < 2; v6++) {
        struct icmp_answer answer =
            icmp_probe_script(refuse, v6 == 1, 10000, 2, &responder, &ignored);
        assert_int_equal(answer.verdict.outcome, OUTCOME_DOWN);
        assert_string_equal(answer.verdict.reason, "host-unreachable");
        assert_string_equal(answer.verdict.detail, v6 == 1 ? "::1 says: host unreachable"
                                                           : "127.0.0.1 says: host unreachable");
        assert_in_range(answer.took_ms, 99, 3000);
    }
    icmp_open_ping_sockets();
    struct icmp_answer answer =
        icmp_probe_script(refuse_shortly, false, 10000, 1, &responder, &ignored);
    assert_string_equal(answer.verdict.reason, "network-unreachable");
}

static void refuse_then_answer(struct icmp_responder *responder, const struct icmp_request *request)
{
    if (request->n == 0) {
        refuse(responder, request);
    } else {
        answer_all(responder, request);
    }
}

static void answer_outweighs_an_error(void **state)
{
    struct icmp_responder responder;
    struct icmp_ignored ignored;
    icmp_need_namespace(state);
    struct icmp_answer answer =
        icmp_probe_script(refuse_then_answer, false, 10000, 2, &responder, &ignored);
    assert_int_equal(answer.verdict.outcome, OUTCOME_UP);
    assert_true(answer.verdict.values[ICMP_LOSS] == 0.5);
    assert_in_range(answer.took_ms, 99, 3000);
}

/* A wrong token, another destination, another process's request, and one that says nothing. */
static void refuse_falsely(struct icmp_responder *responder, const struct icmp_request *request)
{
    struct icmp_request forged = *request;
    forged.token[0] ^= 1;
    icmp_respond_error(responder, 3, 1, own_address(request), &forged, ICMP_TOKEN_SIZE);
    icmp_respond_error(responder, 3, 1, "127.0.0.9", request, ICMP_TOKEN_SIZE);
    forged = *request;
    forged.id ^= 1;
    icmp_respond_error(responder, 3, 1, own_address(request), &forged, ICMP_TOKEN_SIZE);
    icmp_respond_error(responder, 3, 3, own_address(request), request, ICMP_TOKEN_SIZE);
}

static void forged_errors_are_ignored_and_counted(void **state)
{
    struct icmp_responder responder;
    struct icmp_ignored ignored;
    icmp_need_namespace(state);
    struct icmp_answer answer =
        icmp_probe_script(refuse_falsely, false, 120, 2, &responder, &ignored);
    assert_int_equal(answer.verdict.outcome, OUTCOME_DOWN);
    assert_string_equal(answer.verdict.reason, "timeout");
    assert_int_equal(ignored.mismatched, 4);
    assert_int_equal(ignored.foreign, 2);
    icmp_open_ping_sockets();
    answer = icmp_probe_script(refuse_falsely, false, 120, 2, &responder, &ignored);
    assert_string_equal(answer.verdict.reason, "timeout");
    assert_int_equal(ignored.mismatched, 4);
}

/* --- a loop that stands still --- */

static void stand_still(int64_t ms)
{
    (void)poll(NULL, 0, (int)ms); /* what a slow neighbour on the loop does */
}

/* Between sending and reading: those that were started first run last. */
static void on_prepare(uv_prepare_t *prepare)
{
    stand_still(150);
    uv_prepare_stop(prepare);
}

/* The kernel's clock tells when an answer came, however late it is read. */
static void late_reading_is_no_late_answer(void **state)
{
    struct icmp_answer answer = {0};
    struct target target;
    uv_loop_t loop;
    icmp_need_namespace(state);
    uv_loop_init(&loop);
    struct icmp *icmp = icmp_new(&loop);
    assert_int_equal(resolve_literal("127.0.0.1", 0, &target), 0);
    /* The socket is made and warm. */
    icmp_start(icmp, &target, 1000, 1, icmp_on_done, &answer);
    assert_true(run_until(&loop, icmp_answered, &answer, 3000));
    answer = (struct icmp_answer){.begin = clock_mono()};
    uv_prepare_t prepare;
    uv_prepare_init(&loop, &prepare);
    uv_prepare_start(&prepare, on_prepare);
    icmp_start(icmp, &target, 60, 1, icmp_on_done, &answer);
    assert_true(run_until(&loop, icmp_answered, &answer, 3000));
    assert_int_equal(answer.verdict.outcome, OUTCOME_UP);
    assert_true(answer.took_ms >= 150);
    assert_true(answer.verdict.values[ICMP_RTT] < 0.06);
    uv_close((uv_handle_t *)&prepare, NULL);
    icmp_free(icmp);
    finish_loop(&loop);
}

/* An answer that comes after the timeout is none, though it is read before anybody decides. */
static void late_answer_is_none(void **state)
{
    struct icmp_answer answer = {0};
    struct icmp_responder responder;
    struct target target;
    uv_loop_t loop;
    icmp_need_namespace(state);
    uv_loop_init(&loop);
    icmp_responder_open(&responder, &loop, false, NULL);
    struct icmp *icmp = icmp_new(&loop);
    assert_int_equal(resolve_literal("127.0.0.1", 0, &target), 0);
    icmp_start(icmp, &target, 60, 1, icmp_on_done, &answer);
    while (responder.n == 0) {
        uv_run(&loop, UV_RUN_ONCE);
    }
    assert_int_equal(answer.n, 0);
    stand_still(70);
    icmp_respond(&responder, "127.0.0.1", &responder.seen[0]);
    assert_true(run_until(&loop, icmp_answered, &answer, 3000));
    assert_int_equal(answer.verdict.outcome, OUTCOME_DOWN);
    assert_int_equal(icmp_ignored(icmp).late, 1);
    icmp_responder_close(&responder);
    icmp_free(icmp);
    finish_loop(&loop);
}

/* More than the socket holds: nobody knows whether the answer was among what the kernel dropped. */
static void full_buffer_is_unknown(void **state)
{
    struct icmp_answer answer = {0};
    struct icmp_responder responder;
    struct target target;
    uv_loop_t loop;
    icmp_need_namespace(state);
    uv_loop_init(&loop);
    icmp_responder_open(&responder, &loop, false, NULL);
    struct icmp *icmp = icmp_new(&loop);
    assert_int_equal(resolve_literal("127.0.0.1", 0, &target), 0);
    icmp_start(icmp, &target, 400, 1, icmp_on_done, &answer);
    while (responder.n == 0) {
        uv_run(&loop, UV_RUN_ONCE);
    }
    struct icmp_request forged = responder.seen[0];
    forged.token[0] ^= 1;
    for (int i = 0; i < 6000; i++) {
        icmp_respond(&responder, "127.0.0.1", &forged);
    }
    assert_true(run_until(&loop, icmp_answered, &answer, 3000));
    assert_int_equal(answer.verdict.outcome, OUTCOME_UNKNOWN);
    assert_string_equal(answer.verdict.reason, "agent-overloaded");
    /* That was then. */
    answer = (struct icmp_answer){0};
    icmp_start(icmp, &target, 60, 1, icmp_on_done, &answer);
    assert_true(run_until(&loop, icmp_answered, &answer, 3000));
    assert_int_equal(answer.verdict.outcome, OUTCOME_DOWN);
    icmp_responder_close(&responder);
    icmp_free(icmp);
    finish_loop(&loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answered_echoes_follow_at_once),
        cmocka_unit_test(silent_echoes_are_spread_over_half_the_timeout),
        cmocka_unit_test(one_answer_is_up),
        cmocka_unit_test(forged_answers_are_ignored_and_counted),
        cmocka_unit_test(second_answer_counts_no_more),
        cmocka_unit_test(errors_refuse_at_once),
        cmocka_unit_test(answer_outweighs_an_error),
        cmocka_unit_test(forged_errors_are_ignored_and_counted),
        cmocka_unit_test(late_reading_is_no_late_answer),
        cmocka_unit_test(late_answer_is_none),
        cmocka_unit_test(full_buffer_is_unknown),
    };
    return cmocka_run_group_tests(tests, icmp_enter_namespace, NULL);
}
