/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support.h"

#include "common/log.h"
#include "common/xalloc.h"
#include "control/control.h"

#include <errno.h>
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

static struct batch_writer *new_batch(void)
{
    return batch_writer_new(BATCH_WIRE);
}

/* Definition of #1 "a" and its rows at 0, 10, 20 … s. */
static void append_rows(struct bed *bed, uint64_t sequence, size_t n)
{
    struct object object = make_object(1, "a", false);
    struct batch_writer *writer = new_batch();
    assert_int_equal(batch_add_definition(writer, &object), 0);
    for (size_t i = 0; i < n; i++) {
        add_row(writer, &object, (int64_t)i * 10000, i * 1000);
    }
    append(bed, position_of(0x11, 1, sequence), (int64_t)n * 10000, writer, true);
    batch_writer_free(writer);
}

static void expect_ok(struct bed *bed, const char *request)
{
    json_t *response = ask_store(bed, request);
    if (!json_is_true(json_object_get(response, "ok"))) {
        fail_msg("%s: %s", request, json_string_value(json_object_get(response, "error")));
    }
    json_decref(response);
}

/* --- what goes where --- */

static void rows_go_to_files_and_the_rest_to_the_ledger(void **state)
{
    struct bed *bed = *state;
    struct object object = make_object(1, "a", false);
    struct stream_position position = position_of(0x11, 1, 1);
    const struct gap gap = {.from = {START_MS}, .to = {START_MS + 5000}, .reason = GAP_WORKER_LOST};
    struct batch_writer *writer = new_batch();
    assert_int_equal(batch_add_definition(writer, &object), 0);
    add_row(writer, &object, 0, 5);
    add_row(writer, &object, 10000, 9);
    add_statement(writer, bed->keys, &position, 1, OUTCOME_UP, 0, 10000);
    assert_int_equal(batch_add_gap(writer, &gap), 0);
    append(bed, position, 10000, writer, true);
    batch_writer_free(writer);
    run_until_applied(bed, 1);
    assert_int_equal(last_of(bed, "a"), -1); /* not due yet */
    expect_ok(bed, "{\"request\": \"flush\", \"device\": \"hall\", \"kind\": \"interface\","
                   " \"object\": \"a\"}");
    assert_int_equal(last_of(bed, "a"), 10000);
    assert_int_equal(ask_int(bed, "SELECT results FROM run WHERE outcome = 1"), 2);
    assert_int_equal(ask_int(bed, "SELECT to_ms - from_ms FROM gap"), 5000);
    assert_int_equal(ask_int(bed, "SELECT last_ms - 1767225600000 FROM object"), 10000);
    assert_int_equal(ask_int(bed, "SELECT count(*) FROM stream JOIN agent ON agent_id = agent.id"
                                  " WHERE sequence = 1 AND name = 'agent-a'"),
                     1);
    assert_true(figure(bed, "beffroi_store_rows_total", NULL) == 2);
    assert_true(figure(bed, "beffroi_store_statements_total", NULL) == 1);
    assert_true(figure(bed, "beffroi_store_gaps_total", NULL) == 1);
    assert_true(figure(bed, "beffroi_store_failing", NULL) == 0);
    assert_true(figure(bed, "beffroi_store_journal_lag_seconds", NULL) == 0);
}

static void a_flush_sees_what_the_journal_holds_now(void **state)
{
    struct bed *bed = *state;
    append_rows(bed, 1, 3);
    expect_ok(bed, "{\"request\": \"flush\"}"); /* at once, without waiting for a turn */
    assert_int_equal(last_of(bed, "a"), 20000);
    assert_int_equal(ask_int(bed, "SELECT sequence FROM stream"), 1);
}

static void answers_only_what_it_knows(void **state)
{
    struct bed *bed = *state;
    json_t *response = ask_store(bed, "{\"request\": \"sing\"}");
    assert_non_null(json_string_value(json_object_get(response, "error")));
    json_decref(response);
    response = ask_store(bed, "{\"request\": \"stats\"}");
    struct stats stats = {0};
    assert_int_equal(control_stats_decode(response, &stats), 0);
    assert_true(stats.count > 20);
    stats_clear(&stats);
    json_decref(response);
}

static void goes_on_where_it_stopped(void **state)
{
    struct bed *bed = *state;
    append_rows(bed, 1, 3);
    run_until_applied(bed, 1);
    close_store(bed);
    assert_int_equal(last_of(bed, "a"), 20000); /* closing flushed */
    assert_int_equal(ask_int(bed, "SELECT applied_offset = watermark_offset AND"
                                  " applied_offset > 0 FROM state"),
                     1);
    open_store(bed);
    struct object object = make_object(1, "a", false);
    struct batch_writer *writer = new_batch();
    add_row(writer, &object, 30000, 9); /* its definition came before the restart */
    append(bed, position_of(0x11, 1, 2), 30000, writer, true);
    batch_writer_free(writer);
    run_until_applied(bed, 1);
    expect_ok(bed, "{\"request\": \"flush\"}");
    assert_int_equal(last_of(bed, "a"), 30000);
    assert_true(figure(bed, "beffroi_store_rows_total", NULL) == 1);
}

static bool journal_was_lost(struct bed *bed)
{
    return figure(bed, "beffroi_store_journals_lost_total", NULL) == 1;
}

/* Somebody deletes journal/ and keeps the ledger: what is acknowledged afterwards is applied. */
static void a_deleted_journal_is_read_from_its_start(void **state)
{
    struct bed *bed = *state;
    uint64_t damaged = 0;
    char reason[256] = "";
    append_rows(bed, 1, 3);
    run_until_applied(bed, 1);
    close_store(bed);
    journal_close(bed->journal);
    char *gone = xasprintf("%s.gone", bed->journal_directory);
    assert_int_equal(rename(bed->journal_directory, gone), 0);
    free(gone);
    assert_int_equal(journal_open(&bed->journal, bed->journal_directory, 1024 * 1024, &damaged,
                                  reason, sizeof reason),
                     0);
    open_store(bed);
    struct object object = make_object(1, "a", false);
    struct batch_writer *writer = new_batch();
    add_row(writer, &object, 30000, 9); /* shorter than what the old journal held */
    append(bed, position_of(0x11, 1, 2), 30000, writer, true);
    batch_writer_free(writer);
    for (int i = 0; i < 5; i++) {
        (void)uv_run(&bed->loop, UV_RUN_ONCE);
    }
    assert_false(journal_was_lost(bed)); /* it may still be a power cut's */
    move_clocks(bed, 11000);
    run_until(bed, journal_was_lost);
    run_until_applied(bed, 1);
    expect_ok(bed, "{\"request\": \"flush\"}");
    assert_int_equal(last_of(bed, "a"), 30000);
    assert_true(figure(bed, "beffroi_store_rows_total", NULL) == 1);
    expect_ok(bed, "{\"request\": \"checkpoint\"}");
    assert_int_equal(ask_int(bed, "SELECT applied_offset = watermark_offset AND"
                                  " applied_offset > 0 FROM state"),
                     1);
}

/* --- what is refused --- */

static void only_the_agents_own_statements_count(void **state)
{
    struct bed *bed = *state;
    struct keys *others = keys_generate();
    struct stream_position a = position_of(0x11, 1, 1);
    struct stream_position b = position_of(0x22, 1, 1);
    struct batch_writer *writer = new_batch();
    add_statement(writer, others, &a, 1, OUTCOME_DOWN, 0, 0); /* not a's key */
    add_statement(writer, bed->keys, &a, 2, OUTCOME_UP, 0, 0);
    add_statement(writer, bed->keys, &b, 3, OUTCOME_DOWN, 0, 0); /* b's stream */
    append(bed, a, 0, writer, true);
    add_statement(writer, others, &b, 1, OUTCOME_DEGRADED, 0, 0); /* b's key is not known */
    append(bed, b, 0, writer, true);
    batch_writer_free(writer);
    keys_free(others);
    run_until_applied(bed, 2);
    assert_int_equal(ask_int(bed, "SELECT group_concat(outcome, '') FROM run"), 12);
    assert_int_equal(ask_int(bed, "SELECT count(*) FROM statement"), 2);
    assert_true(figure(bed, "beffroi_store_statements_refused_total", "signature") == 1);
    assert_true(figure(bed, "beffroi_store_statements_refused_total", "foreign") == 1);
}

static void two_statements_of_one_number_are_told(void **state)
{
    struct bed *bed = *state;
    struct stream_position position = position_of(0x11, 1, 1);
    struct batch_writer *writer = new_batch();
    add_statement(writer, bed->keys, &position, 1, OUTCOME_UP, 0, 0);
    add_statement(writer, bed->keys, &position, 1, OUTCOME_UP, 0, 0);
    add_statement(writer, bed->keys, &position, 1, OUTCOME_DOWN, 0, 0);
    add_statement(writer, bed->keys, &position, 2, OUTCOME_UP, 0, 10000); /* previous: zeros */
    append(bed, position, 0, writer, true);
    batch_writer_free(writer);
    run_until_applied(bed, 1);
    assert_int_equal(ask_int(bed, "SELECT count(*) FROM statement"), 2);
    assert_true(figure(bed, "beffroi_store_statements_refused_total", "repeated") == 1);
    assert_true(figure(bed, "beffroi_store_statements_refused_total", "conflicting") == 1);
    assert_true(figure(bed, "beffroi_store_chain_breaks", NULL) == 1);
}

static void bad_rows_do_not_stop_good_ones(void **state)
{
    struct bed *bed = *state;
    struct object narrow = make_object(1, "a", false);
    struct object wide = make_object(1, "a", true);
    struct object unknown = make_object(77, "b", false);
    struct batch_writer *writer = new_batch();
    assert_int_equal(batch_add_definition(writer, &narrow), 0);
    add_row(writer, &narrow, 0, 1);
    add_row(writer, &unknown, 0, 1);
    add_row(writer, &wide, 1000, 1);       /* one value too many */
    add_row(writer, &narrow, 0, 1);        /* repeated */
    add_row(writer, &narrow, 86400000, 1); /* the agent's clock is a day ahead */
    add_row(writer, &narrow, 10000, 1);
    append(bed, position_of(0x11, 1, 1), 10000, writer, true);
    batch_writer_free(writer);
    run_until_applied(bed, 1);
    expect_ok(bed, "{\"request\": \"flush\"}");
    assert_int_equal(last_of(bed, "a"), 10000);
    assert_int_equal(ask_int(bed, "SELECT last_ms - 1767225600000 FROM object"), 10000);
    assert_true(figure(bed, "beffroi_store_rows_total", NULL) == 2);
    static const char *const reasons[] = {"undefined", "misfit", "repeated", "time"};
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        assert_true(figure(bed, "beffroi_store_rows_refused_total", reasons[i]) == 1);
    }
}

static void a_dead_batch_is_passed_over(void **state)
{
    struct bed *bed = *state;
    struct stream_position position = position_of(0x22, 1, 1);
    enum journal_verdict verdict;
    assert_int_equal(journal_append(bed->journal, "agent-b", (struct wall){START_MS}, &position, 1,
                                    (const uint8_t *)"rubbish", 7, &verdict),
                     0);
    append_rows(bed, 1, 1);
    run_until_applied(bed, 2);
    assert_true(figure(bed, "beffroi_store_batches_dead_total", NULL) == 1);
    assert_true(figure(bed, "beffroi_store_rows_total", NULL) == 1);
}

/* --- changed meanings --- */

static void a_changed_definition_gets_a_watermark_before_it(void **state)
{
    struct bed *bed = *state;
    struct object wide = make_object(1, "a", true);
    struct batch_writer *writer = new_batch();
    append_rows(bed, 1, 2);
    assert_int_equal(batch_add_definition(writer, &wide), 0);
    add_row(writer, &wide, 20000, 7);
    append(bed, position_of(0x11, 2, 2), 20000, writer, true);
    batch_writer_free(writer);
    run_until_applied(bed, 2);
    assert_true(figure(bed, "beffroi_store_checkpoints_total", NULL) == 1);
    assert_int_equal(ask_int(bed, "SELECT watermark_offset > 0 AND"
                                  " watermark_offset < applied_offset FROM state"),
                     1);
    /* Of the old epoch nothing comes after the watermark; of the new one all. */
    assert_int_equal(ask_int(bed, "SELECT count(*) FROM definition"), 2);
    assert_true(figure(bed, "beffroi_store_definitions", NULL) == 2);
    expect_ok(bed, "{\"request\": \"checkpoint\"}");
    assert_true(figure(bed, "beffroi_store_definitions", NULL) == 1);
    assert_int_equal(ask_int(bed, "SELECT count(*) FROM definition"), 1);
    assert_int_equal(ask_int(bed, "SELECT epoch FROM definition"), 2);
    assert_true(figure(bed, "beffroi_rrd_files_set_aside_total", NULL) == 1);
}

/* --- intake --- */

static json_t *note_request(void *context, const json_t *request)
{
    char *text = json_dumps(request, JSON_SORT_KEYS);
    int fd = *(const int *)context;
    if (text == NULL || write(fd, text, strlen(text) + 1) < 0) {
        _exit(1);
    }
    free(text);
    return json_pack("{s:b}", "ok", 1);
}

static void serve_as_intake(const struct bed *bed, int fd)
{
    uv_loop_t loop;
    struct control_server *server;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a failed test leaves nobody behind */
    if (uv_loop_init(&loop) != 0 ||
        control_server_open(&server, &loop, bed->intake_control_path, note_request, &fd) != 0 ||
        write(fd, "ready", 6) != 6) {
        _exit(1);
    }
    (void)uv_run(&loop, UV_RUN_DEFAULT); /* until it is killed */
    _exit(1);
}

static void a_watermark_is_told_to_intake(void **state)
{
    struct bed *bed = *state;
    int ends[2];
    char text[256] = "";
    append_rows(bed, 1, 2);
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        serve_as_intake(bed, ends[1]);
    }
    assert_int_equal(read(ends[0], text, sizeof text), 6);
    expect_ok(bed, "{\"request\": \"flush\"}");
    expect_ok(bed, "{\"request\": \"checkpoint\"}");
    assert_true(read(ends[0], text, sizeof text) > 0);
    char wanted[256];
    (void)snprintf(wanted, sizeof wanted,
                   "{\"offset\": %lld, \"request\": \"trim\", \"segment\": %lld}",
                   (long long)ask_int(bed, "SELECT watermark_offset FROM state"),
                   (long long)ask_int(bed, "SELECT watermark_segment FROM state"));
    assert_string_equal(text, wanted);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(close(ends[0]), 0);
    assert_int_equal(close(ends[1]), 0);
}

static void a_silent_intake_is_only_counted(void **state)
{
    struct bed *bed = *state;
    append_rows(bed, 1, 2);
    run_until_applied(bed, 1);
    expect_ok(bed, "{\"request\": \"checkpoint\"}");
    assert_true(figure(bed, "beffroi_store_trim_failures_total", NULL) == 1);
    assert_true(figure(bed, "beffroi_store_failing", NULL) == 0);
}

int main(void)
{
    log_open("test", LOG_LEVEL_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rows_go_to_files_and_the_rest_to_the_ledger, open_bed,
                                        close_bed),
        cmocka_unit_test_setup_teardown(a_flush_sees_what_the_journal_holds_now, open_bed,
                                        close_bed),
        cmocka_unit_test_setup_teardown(answers_only_what_it_knows, open_bed, close_bed),
        cmocka_unit_test_setup_teardown(goes_on_where_it_stopped, open_bed, close_bed),
        cmocka_unit_test_setup_teardown(a_deleted_journal_is_read_from_its_start, open_bed,
                                        close_bed),
        cmocka_unit_test_setup_teardown(only_the_agents_own_statements_count, open_bed, close_bed),
        cmocka_unit_test_setup_teardown(two_statements_of_one_number_are_told, open_bed, close_bed),
        cmocka_unit_test_setup_teardown(bad_rows_do_not_stop_good_ones, open_bed, close_bed),
        cmocka_unit_test_setup_teardown(a_dead_batch_is_passed_over, open_bed, close_bed),
        cmocka_unit_test_setup_teardown(a_changed_definition_gets_a_watermark_before_it, open_bed,
                                        close_bed),
        cmocka_unit_test_setup_teardown(a_watermark_is_told_to_intake, open_bed, close_bed),
        cmocka_unit_test_setup_teardown(a_silent_intake_is_only_counted, open_bed, close_bed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
