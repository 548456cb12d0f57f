/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The room as a whole: checks of each type in a loop, their rows, results and counters. */
#include "check_type.h"
#include "checks/checks.h"
#include "support.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static const struct check_type *const types[] = {&check_type_tcp, &check_type_http};

static struct checks *open_checks(uv_loop_t *loop, const struct config_list *list,
                                  const struct recorder *recorder)
{
    const struct checks_options options = {.device = "self",
                                           .sink = &recorder->sink,
                                           .types = types,
                                           .n_types = sizeof types / sizeof types[0]};
    return checks_open(loop, list, &options);
}

static bool two_results_each(void *context)
{
    const struct recorder *recorder = context;
    size_t n[8] = {0};
    for (size_t i = 0; i < recorder->n_results; i++) {
        n[recorder->results[i].result.object]++;
    }
    return n[1] >= 2 && n[2] >= 2 && n[3] >= 2;
}

static double stat_of(const struct stats *stats, const char *name, const char *label)
{
    for (size_t i = 0; i < stats->count; i++) {
        const struct stat_value *value = &stats->values[i];
        if (strcmp(value->name, name) == 0 &&
            (label == NULL || strcmp(value->label_value, label) == 0)) {
            return value->value;
        }
    }
    return -1;
}

static void checks_deliver_rows_and_results(void **state)
{
    uint16_t open_port;
    uint16_t closed_port;
    char url[64];
    uv_loop_t loop;
    struct stats stats = {0};
    struct recorder *recorder = recorder_new();
    int listener = listen_on_loopback(8, &open_port);
    (void)state;
    close(listen_on_loopback(1, &closed_port));
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", closed_port);
    struct check_config items[] = {
        {.name = "open", .type = CHECK_TCP, .host = "127.0.0.1", .port = open_port},
        {.name = "shut",
         .device = "switch",
         .type = CHECK_TCP,
         .host = "127.0.0.1",
         .port = closed_port},
        {.name = "web", .type = CHECK_HTTP, .url = url},
    };
    for (size_t i = 0; i < 3; i++) {
        items[i].interval_ms = 150;
        items[i].timeout_ms = 140;
    }
    const struct config_list list = {3, items};
    uv_loop_init(&loop);
    struct checks *checks = open_checks(&loop, &list, recorder);
    assert_int_equal(recorder->n_objects, 3);
    assert_true(run_until(&loop, two_results_each, recorder, 10000));
    checks_stats(checks, &stats);
    checks_close(checks);
    checks_close(NULL);
    finish_loop(&loop);

    assert_string_equal(recorder->objects[0].device, "self");
    assert_string_equal(recorder->objects[0].kind, "check");
    assert_string_equal(recorder->objects[1].device, "switch");
    assert_int_equal(recorder->objects[0].n_metrics, 2);
    assert_string_equal(recorder->objects[0].metrics[0], "rtt");
    assert_int_equal(recorder->objects[2].n_metrics, 7);
    assert_string_equal(recorder->objects[2].metrics[5], "status");
    assert_memory_equal(recorder->objects[0].label, "type=tcp target=127.0.0.1:", 26);

    assert_int_equal(recorder->n_rows, recorder->n_results);
    uint64_t up = 0;
    for (size_t i = 0; i < recorder->n_results; i++) {
        const struct recorded_result *result = &recorder->results[i];
        const struct recorded_row *row = &recorder->rows[i];
        assert_int_equal(row->row.object, result->result.object);
        if (result->result.object == 1) {
            up++;
            assert_int_equal(result->result.outcome, OUTCOME_UP);
            assert_string_equal(result->reason, "");
            assert_int_equal(row->row.status, ROW_OK);
            assert_int_equal(row->row.unknown_mask, 2); /* no banner was waited for */
            assert_true(row->values[0].gauge > 0);
        } else {
            assert_int_equal(result->result.outcome, OUTCOME_DOWN);
            assert_string_equal(result->reason, "connection-refused");
            assert_int_equal(row->row.status, ROW_FAILED);
            assert_int_equal(row->row.unknown_mask, result->result.object == 2 ? 3 : 0x7f);
        }
    }
    assert_true(stat_of(&stats, "beffroi_checks_results_total", "up") == (double)up);
    assert_true(stat_of(&stats, "beffroi_checks_results_total", "down") ==
                (double)(recorder->n_results - up));
    assert_true(stat_of(&stats, "beffroi_checks_results_total", "unknown") == 0);
    assert_true(stat_of(&stats, "beffroi_checks_missed_total", NULL) >= 0);
    stats_clear(&stats);
    close(listener);
    recorder_free(recorder);
}

static bool one_result(void *context)
{
    return ((const struct recorder *)context)->n_results > 0;
}

static void unresolved_name_is_unknown(void **state)
{
    uv_loop_t loop;
    struct recorder *recorder = recorder_new();
    struct check_config items[] = {
        {.name = "n",
         .type = CHECK_TCP,
         /* a label of 64 bytes is refused without a query */
         .host = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.invalid",
         .port = 80,
         .interval_ms = 200,
         .timeout_ms = 100},
    };
    const struct config_list list = {1, items};
    (void)state;
    uv_loop_init(&loop);
    struct checks *checks = open_checks(&loop, &list, recorder);
    assert_true(run_until(&loop, one_result, recorder, 5000));
    checks_close(checks);
    finish_loop(&loop);
    assert_int_equal(recorder->results[0].result.outcome, OUTCOME_UNKNOWN);
    assert_memory_equal(recorder->results[0].reason, "dns-", 4);
    assert_int_equal(recorder->rows[0].row.status, ROW_FAILED);
    recorder_free(recorder);
}

static void other_family_is_not_asked(void **state)
{
    uv_loop_t loop;
    uint16_t port;
    struct recorder *recorder = recorder_new();
    int listener = listen_on_loopback(8, &port);
    struct check_config items[] = {
        {.name = "n",
         .type = CHECK_TCP,
         .host = "127.0.0.1",
         .port = port,
         .family = CHECK_FAMILY_IPV6,
         .interval_ms = 200,
         .timeout_ms = 100},
    };
    const struct config_list list = {1, items};
    (void)state;
    uv_loop_init(&loop);
    struct checks *checks = open_checks(&loop, &list, recorder);
    assert_true(run_until(&loop, one_result, recorder, 5000));
    checks_close(checks);
    finish_loop(&loop);
    assert_int_equal(recorder->results[0].result.outcome, OUTCOME_UNKNOWN);
    assert_string_equal(recorder->results[0].reason, "dns-name");
    recorder_free(recorder);
    close(listener);
}

static double missed(const struct checks *checks)
{
    struct stats stats = {0};
    checks_stats(checks, &stats);
    double value = stat_of(&stats, "beffroi_checks_missed_total", NULL);
    stats_clear(&stats);
    return value;
}

static bool missed_two(void *context)
{
    return missed(context) >= 2;
}

static void closing_under_way_is_silent(void **state)
{
    uv_loop_t loop;
    uint16_t port;
    char url[64];
    struct recorder *recorder = recorder_new();
    int listener = listen_on_loopback(8, &port); /* accepts by its backlog, answers nothing */
    (void)state;
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", port);
    struct check_config items[] = {
        {.name = "h", .type = CHECK_HTTP, .url = url, .interval_ms = 100, .timeout_ms = 60000},
    };
    const struct config_list list = {1, items};
    uv_loop_init(&loop);
    struct checks *checks = open_checks(&loop, &list, recorder);
    /* Turns that find the one before still running are counted, not stacked. */
    assert_true(run_until(&loop, missed_two, checks, 10000));
    checks_close(checks);
    finish_loop(&loop);
    assert_int_equal(recorder->n_results, 0);
    struct pollfd waiting = {.fd = listener, .events = POLLIN};
    close(accept(listener, NULL, NULL));
    assert_int_equal(poll(&waiting, 1, 0), 0); /* there was one connection only */
    close(listener);
    recorder_free(recorder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checks_deliver_rows_and_results),
        cmocka_unit_test(unresolved_name_is_unknown),
        cmocka_unit_test(other_family_is_not_asked),
        cmocka_unit_test(closing_under_way_is_silent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
