/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * SNMPv3 against an agent without authentication: discovery, reports, engines that change or are
 * shared. (Keys and ciphers: test_snmpd.) */
#include "responder.h"
#include "session_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TIMEOUT_MS = 12, PATIENCE_MS = 2000, RATE = 100000, UPTIME_TICKS = 100000 };

static char user[] = "watchman";
static char context[] = "elsewhere";
static const struct snmp_access_config access_v3 = {
    .version = SNMP_CONFIG_V3, .user = user, .context = context};

struct fixture {
    uv_loop_t loop;
    struct engine *engine;
    struct responder *responder;
    struct responder_state *agent;
    struct asker asker;
};

static struct responder_state *open_agent(struct fixture *fixture, struct responder **responder,
                                          struct asker *asker)
{
    *responder = responder_new(&fixture->loop, AF_INET);
    responder_fill(*responder, 1, UPTIME_TICKS);
    *asker = (struct asker){.access = access_v3};
    asker_open(asker, fixture->engine, AF_INET, responder_port(*responder));
    return responder_state(*responder);
}

static void open_fixture(struct fixture *fixture)
{
    memset(fixture, 0, sizeof *fixture);
    engine_library_init();
    assert_int_equal(uv_loop_init(&fixture->loop), 0);
    fixture->engine = engine_open(&fixture->loop, RATE);
    fixture->agent = open_agent(fixture, &fixture->responder, &fixture->asker);
}

static void close_fixture(struct fixture *fixture)
{
    session_close(fixture->asker.session);
    engine_close(fixture->engine);
    responder_close(fixture->responder);
    rig_finish(&fixture->loop);
}

static enum reply_status get(struct fixture *fixture, int64_t wait_ms)
{
    return asker_get(&fixture->loop, &fixture->asker, wait_ms);
}

static uint64_t count(const struct fixture *fixture, enum snmp_count which)
{
    return asker_count(&fixture->asker, which);
}

static void discovered_once_and_spoken_to_in_its_time(void **state)
{
    struct fixture fixture;
    (void)state;
    open_fixture(&fixture);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(get(&fixture, PATIENCE_MS), REPLY_ANSWERED);
        assert_int_equal(fixture.asker.number, UPTIME_TICKS);
    }
    assert_int_equal(fixture.agent->engine.n_discoveries, 1);
    assert_int_equal(fixture.agent->engine.last_boots, 7);
    assert_in_range(fixture.agent->engine.last_time_s, 1000, 1010);
    assert_string_equal(fixture.agent->engine.last_context, context);
    assert_int_equal(count(&fixture, COUNT_DISCOVERIES), 1);
    assert_int_equal(count(&fixture, COUNT_REQUESTS), 3);
    assert_int_equal(session_engine_boots(fixture.asker.session), 0); /* not authentic */
    close_fixture(&fixture);
}

static void reports_end_the_request(void **state)
{
    static const struct {
        unsigned long report;
        const char *refusal;
    } cases[] = {
        {REPORT_LEVEL, "unsupported-level"},  {REPORT_USER, "unknown-user"},
        {REPORT_DIGEST, "wrong-key"},         {REPORT_DECRYPTION, "wrong-privacy-key"},
        {REPORT_ENGINE_ID, "unknown-engine"}, {99, "unknown-report"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture fixture;
        open_fixture(&fixture);
        fixture.agent->engine.report = cases[i].report;
        assert_int_equal(get(&fixture, PATIENCE_MS), REPLY_REFUSED);
        assert_string_equal(fixture.asker.reply.refusal, cases[i].refusal);
        assert_int_equal(count(&fixture, COUNT_REFUSED), 1);
        assert_int_equal(fixture.asker.n_done, 1);
        /* Nothing of it is remembered. */
        fixture.agent->engine.report = 0;
        assert_int_equal(get(&fixture, PATIENCE_MS), REPLY_ANSWERED);
        assert_int_equal(count(&fixture, COUNT_DISCOVERIES), 1);
        close_fixture(&fixture);
    }
}

/* RFC 3412 section 7.2.12: an answer has all of it from the question. */
static void answers_to_something_else_are_passed_over(void **state)
{
    (void)state;
    for (enum foreign foreign = FOREIGN_NONE; foreign < FOREIGN_N; foreign++) {
        struct fixture fixture;
        bool is_good = foreign == FOREIGN_NONE;
        open_fixture(&fixture);
        fixture.agent->engine.foreign = foreign;
        assert_int_equal(get(&fixture, is_good ? PATIENCE_MS : 100),
                         is_good ? REPLY_ANSWERED : REPLY_TIMED_OUT);
        assert_int_equal(count(&fixture, COUNT_NOT_AUTHENTIC), is_good ? 0 : 1);
        assert_int_equal(count(&fixture, COUNT_MALFORMED), 0);
        fixture.agent->engine.foreign = FOREIGN_NONE;
        assert_int_equal(get(&fixture, PATIENCE_MS), REPLY_ANSWERED);
        close_fixture(&fixture);
    }
}

static void report_of_time_is_answered_once(void **state)
{
    struct fixture fixture;
    (void)state;
    open_fixture(&fixture);
    assert_int_equal(get(&fixture, PATIENCE_MS), REPLY_ANSWERED);
    fixture.agent->engine.boots = 8;
    fixture.agent->engine.n_time_reports = 1;
    size_t n_gets = fixture.agent->n_gets;
    assert_int_equal(get(&fixture, PATIENCE_MS), REPLY_ANSWERED);
    assert_int_equal(fixture.agent->n_gets, n_gets + 2); /* sent again by itself */
    assert_int_equal(fixture.agent->engine.last_boots, 8);
    assert_int_equal(count(&fixture, COUNT_NOT_SENT), 0);
    /* An engine that is never content is left. */
    fixture.agent->engine.report = REPORT_TIME;
    assert_int_equal(get(&fixture, PATIENCE_MS), REPLY_REFUSED);
    assert_string_equal(fixture.asker.reply.refusal, "not-in-time-window");
    assert_int_equal(fixture.agent->n_gets, n_gets + 4);
    close_fixture(&fixture);
}

static void replaced_device_is_discovered_anew(void **state)
{
    struct fixture fixture;
    (void)state;
    open_fixture(&fixture);
    assert_int_equal(get(&fixture, PATIENCE_MS), REPLY_ANSWERED);
    fixture.agent->engine.id = "\x80\0\0\x01 another";
    fixture.agent->engine.id_size = 12;
    fixture.agent->engine.boots = 3;
    assert_int_equal(get(&fixture, PATIENCE_MS), REPLY_ANSWERED);
    assert_int_equal(fixture.asker.n_done, 2);
    assert_int_equal(fixture.agent->engine.last_boots, 3);
    assert_int_equal(count(&fixture, COUNT_DISCOVERIES), 2);
    assert_int_equal(count(&fixture, COUNT_ENGINE_RESETS), 0);
    assert_int_equal(get(&fixture, PATIENCE_MS), REPLY_ANSWERED);
    assert_int_equal(count(&fixture, COUNT_DISCOVERIES), 2);
    close_fixture(&fixture);
}

static void impossible_engine_is_no_engine(void **state)
{
    static const char long_id[40] = "longer than any engine ID may be";
    struct fixture fixture;
    (void)state;
    open_fixture(&fixture);
    fixture.agent->engine.id = long_id;
    fixture.agent->engine.id_size = sizeof long_id;
    assert_int_equal(get(&fixture, TIMEOUT_MS), REPLY_TIMED_OUT);
    assert_int_equal(count(&fixture, COUNT_MALFORMED), 1);
    assert_int_equal(count(&fixture, COUNT_REQUESTS), 0);
    close_fixture(&fixture);
}

/* Two requests without an answer: the engine is asked again who it is. When it has gone back in
 * time it is believed, once in ten minutes. */
static void boots_that_went_back_are_believed_once(void **state)
{
    struct fixture fixture;
    (void)state;
    open_fixture(&fixture);
    assert_int_equal(get(&fixture, PATIENCE_MS), REPLY_ANSWERED);
    for (uint64_t round = 1; round <= 2; round++) {
        fixture.agent->get_trick = TRICK_SILENT;
        assert_int_equal(get(&fixture, TIMEOUT_MS), REPLY_TIMED_OUT);
        assert_int_equal(count(&fixture, COUNT_DISCOVERIES), round);
        assert_int_equal(get(&fixture, TIMEOUT_MS), REPLY_TIMED_OUT);
        fixture.agent->get_trick = TRICK_NONE;
        fixture.agent->engine.boots = round == 1 ? 2 : 1;
        assert_int_equal(get(&fixture, PATIENCE_MS), REPLY_ANSWERED);
        assert_int_equal(count(&fixture, COUNT_DISCOVERIES), round + 1);
        assert_int_equal(count(&fixture, COUNT_ENGINE_RESETS), 1);
        assert_int_equal(fixture.agent->engine.last_boots, 2);
    }
    close_fixture(&fixture);
}

/* Lost answers alone are no reason to believe less. */
static void boots_that_stand_are_kept(void **state)
{
    struct fixture fixture;
    (void)state;
    open_fixture(&fixture);
    assert_int_equal(get(&fixture, PATIENCE_MS), REPLY_ANSWERED);
    fixture.agent->get_trick = TRICK_SILENT;
    assert_int_equal(get(&fixture, TIMEOUT_MS), REPLY_TIMED_OUT);
    assert_int_equal(get(&fixture, TIMEOUT_MS), REPLY_TIMED_OUT);
    assert_int_equal(get(&fixture, TIMEOUT_MS), REPLY_TIMED_OUT); /* also the discovery */
    fixture.agent->get_trick = TRICK_NONE;
    assert_int_equal(get(&fixture, PATIENCE_MS), REPLY_ANSWERED);
    assert_int_equal(count(&fixture, COUNT_ENGINE_RESETS), 0);
    assert_int_equal(count(&fixture, COUNT_TIMEOUTS), 3);
    close_fixture(&fixture);
}

enum { CROWD = 20 };

/* One device that is silent during its discovery delays none of twenty others. */
static void silent_engine_delays_nobody(void **state)
{
    static const char *const uptime[] = {"1.3.6.1.2.1.1.3.0", NULL};
    enum { WAIT_MS = 400 };
    static struct asker crowd[CROWD];
    static struct responder *agents[CROWD];
    struct fixture fixture;
    int64_t slowest_ns[2] = {0, 0};
    (void)state;
    open_fixture(&fixture);
    for (size_t i = 0; i < CROWD; i++) {
        open_agent(&fixture, &agents[i], &crowd[i]);
    }
    fixture.agent->get_trick = TRICK_SILENT;
    for (size_t round = 0; round < 2; round++) {
        int64_t begin_ns = rig_now_ns();
        if (round == 1) {
            asker_ask(&fixture.asker, REQUEST_GET, 0, WAIT_MS, uptime);
        }
        for (size_t i = 0; i < CROWD; i++) {
            asker_ask(&crowd[i], REQUEST_GET, 0, WAIT_MS, uptime);
        }
        for (size_t i = 0; i < CROWD; i++) {
            asker_run(&fixture.loop, &crowd[i], round + 1);
            assert_int_equal(crowd[i].reply.status, REPLY_ANSWERED);
            int64_t took_ns = crowd[i].done_ns - begin_ns;
            slowest_ns[round] = took_ns > slowest_ns[round] ? took_ns : slowest_ns[round];
        }
    }
    assert_int_equal(fixture.asker.n_done, 0); /* still waiting for it */
    print_message("slowest of %d: alone %ld us, beside a silent one %ld us\n", CROWD,
                  (long)(slowest_ns[0] / 1000), (long)(slowest_ns[1] / 1000));
    assert_true(slowest_ns[1] < (int64_t)WAIT_MS * 1000000 / 2);
    asker_run(&fixture.loop, &fixture.asker, 1);
    assert_int_equal(fixture.asker.reply.status, REPLY_TIMED_OUT);
    assert_int_equal(count(&fixture, COUNT_DISCOVERIES), 1);
    for (size_t i = 0; i < CROWD; i++) {
        session_close(crowd[i].session);
        responder_close(agents[i]);
    }
    close_fixture(&fixture);
}

static void twins_keep_their_own_time(void **state)
{
    struct fixture fixture;
    struct responder *responder;
    struct asker twin;
    (void)state;
    open_fixture(&fixture);
    struct responder_state *agent = open_agent(&fixture, &responder, &twin);
    agent->engine.boots = 90;
    agent->engine.time_s = 5;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(get(&fixture, PATIENCE_MS), REPLY_ANSWERED);
        assert_int_equal(asker_get(&fixture.loop, &twin, PATIENCE_MS), REPLY_ANSWERED);
        assert_int_equal(fixture.agent->engine.last_boots, 7);
        assert_int_equal(agent->engine.last_boots, 90);
        assert_in_range(agent->engine.last_time_s, 5, 15);
    }
    session_close(twin.session);
    responder_close(responder);
    close_fixture(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(discovered_once_and_spoken_to_in_its_time),
        cmocka_unit_test(reports_end_the_request),
        cmocka_unit_test(answers_to_something_else_are_passed_over),
        cmocka_unit_test(report_of_time_is_answered_once),
        cmocka_unit_test(replaced_device_is_discovered_anew),
        cmocka_unit_test(impossible_engine_is_no_engine),
        cmocka_unit_test(boots_that_went_back_are_believed_once),
        cmocka_unit_test(boots_that_stand_are_kept),
        cmocka_unit_test(silent_engine_delays_nobody),
        cmocka_unit_test(twins_keep_their_own_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
