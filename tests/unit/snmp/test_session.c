/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Sessions of every version over real sockets against an agent that answers well, badly or not at
 * all: how each request ends, and what is counted. */
#include "session_rig.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TIMEOUT_MS = 12, PATIENCE_MS = 2000 };

static void every_version_is_answered(void **state)
{
    static const int families[] = {AF_INET, AF_INET6};
    static const char *const three[] = {"1.3.6.1.2.1.1.5.0", "1.3.6.1.2.1.1.2.0",
                                        "1.3.6.1.2.1.1.3.0", NULL};
    (void)state;
    for (enum rig_version version = 0; version < VERSIONS; version++) {
        for (size_t i = 0; i < 2; i++) {
            struct rig rig;
            rig_open(&rig, version, families[i]);
            assert_int_equal(rig_get(&rig, PATIENCE_MS), REPLY_ANSWERED);
            rig_assert_answer(&rig);
            asker_ask(&rig.asker, REQUEST_GET, 0, PATIENCE_MS, three);
            asker_run(&rig.loop, &rig.asker, 2);
            assert_int_equal(rig.asker.reply.n_varbinds, 3);
            assert_string_equal(rig.asker.text, "sw-1");
            assert_int_equal(rig_count(&rig, COUNT_REQUESTS), 2);
            assert_int_equal(rig_count(&rig, COUNT_DISCOVERIES), version == V3 ? 1 : 0);
            for (enum snmp_count which = 0; which < COUNT_N; which++) {
                assert_true(!snmp_count_is_trouble(which) || rig_count(&rig, which) == 0);
            }
            /* It is left in peace for 10 ms between two requests (timers count whole ones). */
            assert_true(version == V3 || rig.agent->shortest_gap_ns > 8000000);
            rig_close(&rig);
        }
    }
}

static void many_varbinds_come_in_order(void **state)
{
    static const char *const columns[] = {"1.3.6.1.2.1.2.2.1.2",     "1.3.6.1.2.1.2.2.1.13",
                                          "1.3.6.1.2.1.31.1.1.1.6",  "1.3.6.1.2.1.31.1.1.1.7",
                                          "1.3.6.1.2.1.31.1.1.1.10", NULL};
    static const enum rig_version bulk_versions[] = {V2C, V3};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct rig rig;
        rig_open(&rig, bulk_versions[i], AF_INET);
        assert_true(session_has_bulk(rig.asker.session));
        assert_false(session_is_v1(rig.asker.session));
        asker_ask(&rig.asker, REQUEST_GETBULK, 2, PATIENCE_MS, columns);
        asker_run(&rig.loop, &rig.asker, 1);
        assert_int_equal(rig.agent->last_repetitions, 2);
        assert_int_equal(rig.asker.reply.n_varbinds, 10);
        assert_string_equal(rig.asker.text, "Ethernet 1");
        assert_int_equal(rig.asker.last_id, 1);
        /* More than fit: the rest is only counted. */
        asker_ask(&rig.asker, REQUEST_GETBULK, 60, PATIENCE_MS, columns);
        asker_run(&rig.loop, &rig.asker, 2);
        assert_int_equal(rig.asker.reply.n_varbinds, REPLY_VARBINDS_MAX);
        assert_int_equal(rig.asker.reply.n_dropped, 300 - REPLY_VARBINDS_MAX);
        rig_close(&rig);
    }
}

/* SNMPv1 has error statuses where the others have exceptions. */
static void missing_name(void **state)
{
    static const char *const names[] = {"1.3.6.1.2.1.1.3.0", "1.3.6.1.2.1.1.99.0", NULL};
    (void)state;
    for (enum rig_version version = 0; version < VERSIONS; version++) {
        struct rig rig;
        rig_open(&rig, version, AF_INET);
        assert_int_equal(session_is_v1(rig.asker.session), version == V1);
        assert_int_equal(session_has_bulk(rig.asker.session), version != V1);
        asker_ask(&rig.asker, REQUEST_GET, 0, PATIENCE_MS, names);
        asker_run(&rig.loop, &rig.asker, 1);
        assert_int_equal(rig.asker.reply.status, REPLY_ANSWERED);
        assert_int_equal(rig.asker.reply.error_status,
                         version == V1 ? ERROR_STATUS_NO_SUCH_NAME : ERROR_STATUS_NONE);
        assert_int_equal(rig.asker.reply.error_index, version == V1 ? 2 : 0);
        assert_int_equal(rig.asker.reply.n_varbinds, 2);
        rig_close(&rig);
    }
}

/* What is not the device's answer is passed over, and the answer is still taken. */
static void liars_are_passed_over(void **state)
{
    static const struct {
        enum trick trick;
        enum snmp_count count;
        bool also_v3;
    } cases[] = {
        {TRICK_WRONG_SOURCE_FIRST, COUNT_WRONG_SOURCE, true},
        {TRICK_WRONG_COMMUNITY_FIRST, COUNT_WRONG_COMMUNITY, false},
        {TRICK_GARBAGE_FIRST, COUNT_MALFORMED, true},
        {TRICK_WRONG_ID_FIRST, COUNT_LATE, true},
        {TRICK_THRICE, COUNT_LATE, true},
    };
    (void)state;
    for (enum rig_version version = 0; version < VERSIONS; version++) {
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            struct rig rig;
            if (version == V3 && !cases[i].also_v3) {
                continue;
            }
            rig_open(&rig, version, AF_INET);
            rig.agent->get_trick = cases[i].trick;
            for (size_t n = 0; n < 2; n++) {
                assert_int_equal(rig_get(&rig, PATIENCE_MS), REPLY_ANSWERED);
                rig_assert_answer(&rig);
            }
            assert_true(rig_count(&rig, cases[i].count) >= 2);
            assert_int_equal(rig_count(&rig, COUNT_TIMEOUTS), 0);
            assert_int_equal(rig.asker.n_done, 2);
            rig_close(&rig);
        }
    }
}

static void no_true_answer_is_a_timeout(void **state)
{
    static const struct {
        enum trick trick;
        enum snmp_count count;
        enum rig_version first;
        enum rig_version last;
    } cases[] = {
        {TRICK_SILENT, COUNT_TIMEOUTS, V1, V3},
        {TRICK_WRONG_SOURCE_ONLY, COUNT_WRONG_SOURCE, V1, V3},
        {TRICK_WRONG_COMMUNITY_ONLY, COUNT_WRONG_COMMUNITY, V1, V2C},
        {TRICK_VERSION_1, COUNT_MALFORMED, V1, V2C},
        {TRICK_TRAP, COUNT_WRONG_PDU, V1, V2C},
        {TRICK_TRUNCATED, COUNT_MALFORMED, V1, V3},
        {TRICK_BAD_LENGTH, COUNT_MALFORMED, V1, V3},
        {TRICK_MALFORMED_VALUE, COUNT_MALFORMED, V1, V3},
        {TRICK_EMPTY_INTEGER, COUNT_MALFORMED, V1, V3},
        {TRICK_UNKNOWN_TAG, COUNT_MALFORMED, V1, V3},
        {TRICK_LONG_OID, COUNT_MALFORMED, V1, V3},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (enum rig_version version = cases[i].first; version <= cases[i].last; version++) {
            struct rig rig;
            rig_open(&rig, version, AF_INET);
            assert_int_equal(rig_get(&rig, PATIENCE_MS), REPLY_ANSWERED); /* and discovered */
            rig.agent->get_trick = cases[i].trick;
            assert_int_equal(rig_get(&rig, TIMEOUT_MS), REPLY_TIMED_OUT);
            int64_t waited_ms = (rig.asker.done_ns - rig.asker.reply.sent_mono.ns) / 1000000;
            assert_in_range(waited_ms, TIMEOUT_MS, 1000);
            assert_int_equal(rig_count(&rig, cases[i].count), 1);
            assert_int_equal(rig_count(&rig, COUNT_TIMEOUTS), 1);
            rig.agent->get_trick = TRICK_NONE;
            assert_int_equal(rig_get(&rig, PATIENCE_MS), REPLY_ANSWERED);
            rig_assert_answer(&rig);
            rig_close(&rig);
        }
    }
}

/* Judged by whoever asked. */
static void odd_replies_are_handed_on(void **state)
{
    (void)state;
    for (enum rig_version version = 0; version < VERSIONS; version++) {
        struct rig rig;
        rig_open(&rig, version, AF_INET);
        rig.agent->get_trick = TRICK_ERROR_INDEX_99;
        assert_int_equal(rig_get(&rig, PATIENCE_MS), REPLY_ANSWERED);
        assert_int_equal(rig.asker.reply.error_status, 5);
        assert_int_equal(rig.asker.reply.error_index, 99);
        rig.agent->get_trick = TRICK_ERROR_INDEX_NEGATIVE;
        assert_int_equal(rig_get(&rig, PATIENCE_MS), REPLY_ANSWERED);
        assert_true(rig.asker.reply.error_index == -1);
        rig.agent->get_trick = TRICK_ERROR_STATUS_250;
        assert_int_equal(rig_get(&rig, PATIENCE_MS), REPLY_ANSWERED);
        assert_int_equal(rig.asker.reply.error_status, 250);
        rig.agent->get_trick = TRICK_EMPTY;
        assert_int_equal(rig_get(&rig, PATIENCE_MS), REPLY_ANSWERED);
        assert_int_equal(rig.asker.reply.n_varbinds, 0);
        rig_close(&rig);
    }
}

/* The first answer comes during the second request: it is not the second's. */
static void late_answer_is_nobodys(void **state)
{
    (void)state;
    for (enum rig_version version = 0; version < VERSIONS; version++) {
        struct rig rig;
        rig_open(&rig, version, AF_INET);
        assert_int_equal(rig_get(&rig, PATIENCE_MS), REPLY_ANSWERED);
        rig.agent->get_trick = TRICK_LATE;
        assert_int_equal(rig_get(&rig, TIMEOUT_MS), REPLY_TIMED_OUT);
        assert_int_equal(rig_get(&rig, PATIENCE_MS), REPLY_ANSWERED);
        rig_assert_answer(&rig);
        assert_int_equal(rig_count(&rig, COUNT_LATE), 1);
        int64_t rtt_ms = mono_elapsed_ms(rig.asker.reply.sent_mono, rig.asker.reply.arrived_mono);
        assert_true(rtt_ms < TIMEOUT_MS);
        rig_close(&rig);
    }
}

static void any_source_takes_any_source(void **state)
{
    (void)state;
    for (enum rig_version version = 0; version < VERSIONS; version++) {
        struct rig rig;
        rig_open(&rig, version, AF_INET);
        session_close(rig.asker.session);
        rig.asker.access.any_source = true;
        asker_open(&rig.asker, rig.engine, AF_INET, responder_port(rig.responder));
        rig.agent->get_trick = TRICK_WRONG_SOURCE_ONLY;
        assert_int_equal(rig_get(&rig, PATIENCE_MS), REPLY_ANSWERED);
        assert_string_equal(rig.asker.text, "lie");
        assert_int_equal(rig_count(&rig, COUNT_WRONG_SOURCE), 0);
        rig_close(&rig);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_version_is_answered),
        cmocka_unit_test(many_varbinds_come_in_order),
        cmocka_unit_test(missing_name),
        cmocka_unit_test(liars_are_passed_over),
        cmocka_unit_test(no_true_answer_is_a_timeout),
        cmocka_unit_test(odd_replies_are_handed_on),
        cmocka_unit_test(late_answer_is_nobodys),
        cmocka_unit_test(any_source_takes_any_source),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
