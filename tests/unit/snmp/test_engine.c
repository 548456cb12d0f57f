/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What sessions share: addresses, the rate, a socket that refuses, descriptors above 1,023, and
 * closing at any moment. */
#include "session_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

enum { PATIENCE_MS = 2000 };

/* Two sessions for one address: what belongs to neither for certain is the engine's. */
static void shared_address(void **state)
{
    static char other[] = "other";
    static char secret[] = "secret";
    static char *const communities[] = {secret, other};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct rig rig;
        struct asker second = {.access = {.version = SNMP_CONFIG_V2C, .community = communities[i]}};
        rig_open(&rig, V2C, AF_INET);
        asker_open(&second, rig.engine, AF_INET, responder_port(rig.responder));
        rig.agent->get_trick = TRICK_THRICE;
        assert_int_equal(rig_get(&rig, PATIENCE_MS), REPLY_ANSWERED);
        rig.agent->get_trick = TRICK_GARBAGE_FIRST;
        assert_int_equal(rig_get(&rig, PATIENCE_MS), REPLY_ANSWERED);
        const struct snmp_counts *counts = engine_counts(rig.engine);
        assert_int_equal(rig_count(&rig, COUNT_LATE), i == 0 ? 0 : 2);
        assert_int_equal(counts->n[COUNT_LATE], i == 0 ? 2 : 0);
        assert_int_equal(counts->n[COUNT_MALFORMED], 1);
        assert_int_equal(second.counts.n[COUNT_LATE], 0);
        session_close(second.session);
        rig_close(&rig);
    }
}

/* A stranger who sends is told from a device that answers late. */
static void strangers_are_the_engines(void **state)
{
    struct rig rig;
    (void)state;
    rig_open(&rig, V2C, AF_INET);
    rig.agent->get_trick = TRICK_WRONG_SOURCE_FIRST;
    assert_int_equal(rig_get(&rig, PATIENCE_MS), REPLY_ANSWERED);
    assert_int_equal(rig_count(&rig, COUNT_WRONG_SOURCE), 1); /* its id is known */
    /* Silent to the second, so that the lie comes when nobody waits any more. */
    assert_int_equal(engine_counts(rig.engine)->n[COUNT_LATE], 0);
    struct responder *stranger = responder_new(&rig.loop, AF_INET);
    responder_fill(stranger, 1, RIG_UPTIME_TICKS);
    struct asker gone = {.access = rig_access(V2C)};
    asker_open(&gone, rig.engine, AF_INET, responder_port(stranger));
    responder_state(stranger)->get_trick = TRICK_THRICE;
    assert_int_equal(asker_get(&rig.loop, &gone, PATIENCE_MS), REPLY_ANSWERED);
    session_close(gone.session); /* what else it sent finds nobody */
    assert_int_equal(rig_get(&rig, PATIENCE_MS), REPLY_ANSWERED);
    assert_int_equal(gone.counts.n[COUNT_LATE] + engine_counts(rig.engine)->n[COUNT_LATE], 2);
    responder_close(stranger);
    rig_close(&rig);
}

/* One message of a batch cannot be sent: the others are, and nobody else hears of it. */
static void unsendable_is_its_own_trouble(void **state)
{
    static const char *const uptime[] = {"1.3.6.1.2.1.1.3.0", NULL};
    struct rig rig;
    struct sockaddr_storage broadcast;
    (void)state;
    rig_open(&rig, V2C, AF_INET);
    struct asker bad = {.access = rig_access(V2C)};
    struct asker after = {.access = rig_access(V2C)};
    rig_address(&broadcast, AF_INET, 9);
    ((struct sockaddr_in *)&broadcast)->sin_addr.s_addr = htonl(INADDR_BROADCAST);
    bad.session = session_open(rig.engine, &broadcast, &bad.access, &bad.counts);
    assert_non_null(bad.session);
    asker_open(&after, rig.engine, AF_INET, responder_port(rig.responder));
    for (size_t n = 1; n <= 3; n++) {
        asker_ask(&rig.asker, REQUEST_GET, 0, PATIENCE_MS, uptime);
        asker_ask(&bad, REQUEST_GET, 0, PATIENCE_MS, uptime);
        asker_ask(&after, REQUEST_GET, 0, PATIENCE_MS, uptime);
        asker_run(&rig.loop, &rig.asker, n);
        asker_run(&rig.loop, &after, n);
        asker_run(&rig.loop, &bad, n);
        rig_assert_answer(&rig);
        assert_int_equal(after.reply.status, REPLY_ANSWERED);
        assert_int_equal(bad.reply.status, REPLY_NOT_SENT);
        assert_int_equal(bad.reply.error, EACCES); /* no SO_BROADCAST */
    }
    assert_int_equal(bad.counts.n[COUNT_NOT_SENT], 3);
    assert_int_equal(rig_count(&rig, COUNT_NOT_SENT), 0);
    session_close(bad.session);
    session_close(after.session);
    rig_close(&rig);
}

enum { CROWD = 12, SLOW_RATE = 50 };

/* Twelve that want to go at once, at fifty in a second. */
static void rate_is_kept_in_turn(void **state)
{
    static const char *const uptime[] = {"1.3.6.1.2.1.1.3.0", NULL};
    struct rig rig;
    struct asker crowd[CROWD];
    uint64_t paced = 0;
    (void)state;
    rig_open(&rig, V2C, AF_INET);
    engine_set_rate(rig.engine, SLOW_RATE);
    int64_t begin_ns = rig_now_ns();
    for (size_t i = 0; i < CROWD; i++) {
        crowd[i] = (struct asker){.access = rig_access(V2C)};
        asker_open(&crowd[i], rig.engine, AF_INET, responder_port(rig.responder));
        asker_ask(&crowd[i], REQUEST_GET, 0, PATIENCE_MS, uptime);
    }
    for (size_t i = 0; i < CROWD; i++) {
        asker_run(&rig.loop, &crowd[i], 1);
        assert_int_equal(crowd[i].reply.status, REPLY_ANSWERED);
        paced += crowd[i].counts.n[COUNT_PACED];
        /* Everyone in the order of asking, none waits for its answer longer for it. */
        assert_true(i == 0 || crowd[i].done_ns > crowd[i - 1].done_ns);
    }
    int64_t took_ms = (rig_now_ns() - begin_ns) / 1000000;
    assert_in_range(took_ms, (CROWD - 1) * 1000 / SLOW_RATE - 2, 2000);
    assert_int_equal(paced, CROWD - 1);
    for (size_t i = 0; i < CROWD; i++) {
        session_close(crowd[i].session);
    }
    rig_close(&rig);
}

enum { DESCRIPTORS = 1100 };

static void high_descriptors_work(void **state)
{
    static int fds[DESCRIPTORS];
    struct rlimit limit;
    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max < 2 * DESCRIPTORS ? limit.rlim_max : 2 * DESCRIPTORS;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    for (size_t i = 0; i < DESCRIPTORS; i++) {
        fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
        assert_true(fds[i] >= 0);
    }
    assert_true(fds[DESCRIPTORS - 1] >= 1024);
    for (enum rig_version version = 0; version < VERSIONS; version++) {
        struct rig rig;
        rig_open(&rig, version, AF_INET);
        assert_int_equal(rig_get(&rig, PATIENCE_MS), REPLY_ANSWERED);
        rig_assert_answer(&rig);
        rig_close(&rig);
    }
    for (size_t i = 0; i < DESCRIPTORS; i++) {
        close(fds[i]);
    }
}

static void closing_at_any_moment(void **state)
{
    static const char *const uptime[] = {"1.3.6.1.2.1.1.3.0", NULL};
    (void)state;
    for (enum rig_version version = 0; version < VERSIONS; version++) {
        for (size_t turns = 0; turns < 6; turns++) {
            struct rig rig;
            rig_open(&rig, version, AF_INET);
            engine_set_rate(rig.engine, turns % 2 == 0 ? RIG_RATE : 10);
            asker_ask(&rig.asker, REQUEST_GET, 0, PATIENCE_MS, uptime);
            for (size_t i = 0; i < turns; i++) {
                uv_run(&rig.loop, UV_RUN_NOWAIT);
            }
            rig_close(&rig);
            assert_true(rig.asker.n_done <= 1);
        }
    }
}

static void impossible_access_is_refused(void **state)
{
    static char short_one[] = "seven77";
    static char good[] = "long enough";
    static const struct {
        struct snmp_access_config access;
        int error;
    } cases[] = {
        {{.version = SNMP_CONFIG_V2C}, EINVAL},
        {{.version = SNMP_CONFIG_V3}, EINVAL},
        {{.version = SNMP_CONFIG_V3,
          .user = good,
          .priv = {.present = true, .protocol = SNMP_PRIV_AES128, .passphrase = good}},
         EINVAL},
        {{.version = SNMP_CONFIG_V3,
          .user = good,
          .auth = {.present = true, .protocol = SNMP_AUTH_SHA256, .passphrase = short_one}},
         EINVAL},
        {{.version = SNMP_CONFIG_V3,
          .user = good,
          .auth = {.present = true, .protocol = 99, .passphrase = good}},
         ENOTSUP},
    };
    struct rig rig;
    struct sockaddr_storage address;
    (void)state;
    rig_open(&rig, V2C, AF_INET);
    rig_address(&address, AF_INET, 161);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct snmp_counts counts;
        errno = 0;
        assert_null(session_open(rig.engine, &address, &cases[i].access, &counts));
        assert_int_equal(errno, cases[i].error);
    }
    rig_close(&rig);
}

/* Many devices behind one address: at most eight are asked at a time, all get their turn, and who
 * waits for it does not wait out of its own time. */
static void one_address_is_asked_in_turns(void **state)
{
    enum { ASKERS = 20, AT_A_TIME = 8, WAIT_MS = 60 };
    static const char *const uptime[] = {"1.3.6.1.2.1.1.3.0", NULL};
    struct rig rig;
    struct asker askers[ASKERS];
    (void)state;
    rig_open(&rig, V2C, AF_INET);
    memset(askers, 0, sizeof askers);
    rig.agent->get_trick = TRICK_SILENT;
    for (size_t i = 0; i < ASKERS; i++) {
        askers[i].access = rig_access(V2C);
        asker_open(&askers[i], rig.engine, AF_INET, responder_port(rig.responder));
        asker_ask(&askers[i], REQUEST_GET, 0, WAIT_MS, uptime);
    }
    asker_run(&rig.loop, &askers[0], 1);
    assert_int_equal(askers[0].reply.status, REPLY_TIMED_OUT);
    assert_true(rig.agent->n_gets >= AT_A_TIME);
    size_t n_first = rig.agent->n_gets;
    assert_true(n_first <= 2 * AT_A_TIME); /* the second eight may have begun */
    rig.agent->get_trick = TRICK_NONE;
    for (size_t i = 0; i < ASKERS; i++) {
        asker_run(&rig.loop, &askers[i], 1);
        assert_int_equal(askers[i].reply.status, i < n_first ? REPLY_TIMED_OUT : REPLY_ANSWERED);
        session_close(askers[i].session);
    }
    assert_int_equal(askers[AT_A_TIME - 1].counts.n[COUNT_PACED], 0);
    assert_int_equal(askers[ASKERS - 1].counts.n[COUNT_PACED], 1);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_address_is_asked_in_turns),
        cmocka_unit_test(shared_address),
        cmocka_unit_test(strangers_are_the_engines),
        cmocka_unit_test(unsendable_is_its_own_trouble),
        cmocka_unit_test(rate_is_kept_in_turn),
        cmocka_unit_test(high_descriptors_work),
        cmocka_unit_test(closing_at_any_moment),
        cmocka_unit_test(impossible_access_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
