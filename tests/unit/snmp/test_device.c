/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A device that answers badly, over real sockets: what is believed, counted and delivered. */
#include "device.h"
#include "responder.h"
#include "snmp/profile.h"
#include "support.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { INTERVAL_MS = 150, TIMEOUT_MS = 25, RETRIES = 1, LIMIT_MS = 8000, PORTS = 2 };
/* As the profile "if-mib" has them. */
enum {
    IN_OCTETS,
    OUT_OCTETS,
    IN_UCAST,
    IN_DISCARDS = 8,
    OUT_DISCARDS,
    IN_ERRORS,
    OUT_ERRORS,
    COUNTERS,
};

struct fixture {
    uv_loop_t loop;
    struct recorder *recorder;
    struct responder *responder;
    struct responder_state *agent;
    struct engine *engine;
    struct config_list profiles;
    struct plans *plans;
    struct device *device;
    struct snmp_device_config config;
    enum snmp_status status; /* of the last report */
    size_t n_reports;
    char address[64];
    size_t goal; /* results */
};

static void open_fixture(struct fixture *fixture, int family)
{
    memset(fixture, 0, sizeof *fixture);
    assert_int_equal(uv_loop_init(&fixture->loop), 0);
    fixture->recorder = recorder_new();
    fixture->responder = responder_new(&fixture->loop, family);
    fixture->agent = responder_state(fixture->responder);
    responder_fill(fixture->responder, PORTS, 100000);
    snprintf(fixture->address, sizeof fixture->address,
             family == AF_INET6 ? "[::1]:%u" : "127.0.0.1:%u", responder_port(fixture->responder));
    fixture->config = (struct snmp_device_config){.name = "sw-1",
                                                  .address = fixture->address,
                                                  .snmp = {.present = true,
                                                           .community = "secret",
                                                           .interval_ms = INTERVAL_MS,
                                                           .timeout_ms = TIMEOUT_MS,
                                                           .retries = RETRIES,
                                                           .repetitions = 10,
                                                           .version = SNMP_CONFIG_V2C,
                                                           .profile = "if-mib"}};
    const struct config_strings none = {0};
    struct config_errors errors = {0};
    assert_int_equal(snmp_profiles_load(&none, "/", &fixture->profiles, &errors), 0);
    fixture->plans = plans_new(&fixture->profiles);
    assert_non_null(fixture->plans);
    engine_library_init();
    fixture->engine = engine_open(&fixture->loop, 100000);
    assert_non_null(fixture->engine);
}

static void on_report(void *context, const struct snmp_report *report)
{
    struct fixture *fixture = context;
    fixture->status = report->status;
    fixture->n_reports++;
}

static void start(struct fixture *fixture)
{
    const struct device_options options = {.loop = &fixture->loop,
                                           .engine = fixture->engine,
                                           .plans = fixture->plans,
                                           .sink = &fixture->recorder->sink,
                                           .on_report = on_report,
                                           .context = fixture};
    fixture->device = device_start(&options, &fixture->config);
}

static void close_fixture(struct fixture *fixture)
{
    device_stop(fixture->device);
    engine_close(fixture->engine);
    responder_close(fixture->responder);
    finish_loop(&fixture->loop);
    plans_free(fixture->plans);
    snmp_profiles_free(&fixture->profiles);
    recorder_free(fixture->recorder);
}

static uint64_t count(const struct fixture *fixture, enum snmp_count which)
{
    return device_counts(fixture->device)->n[which];
}

static bool has_results(void *context)
{
    const struct fixture *fixture = context;
    return fixture->recorder->n_results >= fixture->goal;
}

static bool has_last_port(void *context)
{
    const struct fixture *fixture = context;
    return recorder_rows(fixture->recorder, "interface", "port2") >= fixture->goal;
}

static void run_results(struct fixture *fixture, size_t n)
{
    fixture->goal = n;
    assert_true(run_until(&fixture->loop, has_results, fixture, LIMIT_MS));
}

/* Until the last port has so many rows: a cycle delivers it last. */
static void run_cycles(struct fixture *fixture, size_t n)
{
    fixture->goal = n;
    assert_true(run_until(&fixture->loop, has_last_port, fixture, LIMIT_MS));
}

static const struct recorded_result *last_result(const struct fixture *fixture)
{
    assert_true(fixture->recorder->n_results > 0);
    return &fixture->recorder->results[fixture->recorder->n_results - 1];
}

static void assert_good_rows(const struct fixture *fixture)
{
    for (unsigned i = 1; i <= PORTS; i++) {
        char name[16];
        snprintf(name, sizeof name, "port%u", i);
        const struct row *row = recorder_row(fixture->recorder, "interface", name);
        assert_non_null(row);
        assert_int_equal(row->status, ROW_OK);
        assert_int_equal(row->values[IN_OCTETS].counter, 1000 * i);
        assert_int_equal(row->values[OUT_OCTETS].counter, 2000 * i);
        assert_int_equal(row->values[IN_UCAST].counter, 10 * i);
    }
}

static void assert_system(const struct fixture *fixture)
{
    const struct object *system = recorder_object(fixture->recorder, "device", "system");
    assert_non_null(system);
    assert_string_equal(object_label(system, "sys_name"), "sw-1");
    assert_string_equal(object_label(system, "sys_descr"), "A switch");
    assert_string_equal(object_label(system, "sys_object_id"), "1.3.6.1.4.1.8072");
    assert_string_equal(object_label(system, "address"), fixture->address);
    assert_string_equal(object_label(system, "profile"), "if-mib");
    assert_float_equal(recorder_row(fixture->recorder, "device", "system")->values[0].gauge, 1000,
                       0.001);
}

static void good_device_is_read_whole(void **state)
{
    static const int families[] = {AF_INET, AF_INET6};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct fixture fixture;
        open_fixture(&fixture, families[i]);
        start(&fixture);
        run_cycles(&fixture, 2);
        assert_good_rows(&fixture);
        assert_system(&fixture);
        assert_int_equal(last_result(&fixture)->result.outcome, OUTCOME_UP);
        assert_string_equal(last_result(&fixture)->reason, "");
        const struct row *rtt = recorder_row(fixture.recorder, "check", "snmp");
        assert_int_equal(rtt->status, ROW_OK);
        assert_true(rtt->values[0].gauge > 0 && rtt->values[0].gauge < 1);
        assert_int_equal(count(&fixture, COUNT_TIMEOUTS), 0);
        assert_int_equal(count(&fixture, COUNT_WALKS_CUT), 0);
        /* It is left in peace for 10 ms between two requests (timers count whole ones). */
        assert_true(fixture.agent->shortest_gap_ns > 8000000);
        /* All ports have 64-bit counters: the 32-bit columns are left alone. */
        assert_true(fixture.agent->n_bulks <= 2 * 8 + 8);
        close_fixture(&fixture);
    }
}

/* SNMPv1 has no 64-bit counters, and no way to say that one of several names is missing but an
 * error: what is there is read all the same. */
static void v1_device_is_read_whole(void **state)
{
    static const char *const missing[] = {NULL, "1.3.6.1.2.1.1.3.0", "1.3.6.1.2.1.1.5.0"};
    (void)state;
    for (size_t i = 0; i < sizeof missing / sizeof missing[0]; i++) {
        struct fixture fixture;
        open_fixture(&fixture, AF_INET);
        fixture.config.snmp.version = SNMP_CONFIG_V1;
        fixture.config.snmp.interval_ms = 400;
        responder_set_number(fixture.responder, "1.3.6.1.2.1.2.2.1.10.2", TAG_COUNTER32, 77);
        if (missing[i] != NULL) {
            responder_remove(fixture.responder, missing[i]);
        }
        start(&fixture);
        run_cycles(&fixture, 2);
        assert_int_equal(fixture.agent->n_bulks, 0);
        assert_int_equal(fixture.status, SNMP_STATUS_OK);
        assert_int_equal(last_result(&fixture)->result.outcome, OUTCOME_UP);
        const struct row *row = recorder_row(fixture.recorder, "interface", "port2");
        assert_int_equal(row->values[IN_OCTETS].counter, 77);
        assert_int_equal(row->unknown_mask & 1U << IN_OCTETS, 0);
        const struct object *system = recorder_object(fixture.recorder, "device", "system");
        assert_string_equal(object_label(system, "sys_object_id"), "1.3.6.1.4.1.8072");
        assert_string_equal(object_label(system, "sys_name"), i == 2 ? "" : "sw-1");
        assert_int_equal(recorder_row(fixture.recorder, "device", "system")->unknown_mask,
                         i == 1 ? 1 : 0);
        assert_int_equal(count(&fixture, COUNT_ERROR_STATUS), 0);
        close_fixture(&fixture);
    }
}

/* Tricks that must change nothing but a counter. */
static void liars_are_passed_over(void **state)
{
    static const struct {
        enum trick trick;
        enum snmp_count count;
    } cases[] = {
        {TRICK_WRONG_SOURCE_FIRST, COUNT_WRONG_SOURCE},
        {TRICK_WRONG_COMMUNITY_FIRST, COUNT_WRONG_COMMUNITY},
        {TRICK_GARBAGE_FIRST, COUNT_MALFORMED},
        {TRICK_WRONG_ID_FIRST, COUNT_LATE},
        {TRICK_THRICE, COUNT_LATE},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture fixture;
        open_fixture(&fixture, AF_INET);
        fixture.agent->get_trick = cases[i].trick;
        fixture.agent->walk_trick = cases[i].trick;
        start(&fixture);
        run_cycles(&fixture, 1);
        assert_good_rows(&fixture);
        assert_system(&fixture);
        assert_true(count(&fixture, cases[i].count) > 3);
        assert_int_equal(count(&fixture, COUNT_TIMEOUTS), 0);
        assert_int_equal(recorder_rows(fixture.recorder, "interface", "port1"), 1);
        assert_int_equal(fixture.recorder->n_results, 1);
        close_fixture(&fixture);
    }
}

/* Tricks that leave the device without an answer. */
static void no_true_answer_is_down(void **state)
{
    static const struct {
        enum trick trick;
        const char *reason;
        enum snmp_count count;
    } cases[] = {
        {TRICK_SILENT, "timeout", COUNT_TIMEOUTS},
        {TRICK_WRONG_SOURCE_ONLY, "timeout", COUNT_WRONG_SOURCE},
        {TRICK_WRONG_COMMUNITY_ONLY, "timeout", COUNT_WRONG_COMMUNITY},
        {TRICK_VERSION_1, "timeout", COUNT_MALFORMED},
        {TRICK_TRAP, "timeout", COUNT_WRONG_PDU},
        {TRICK_OTHER_OID, "protocol", COUNT_OID_MISMATCH},
        {TRICK_EMPTY, "protocol", COUNT_EMPTY},
        {TRICK_ERROR_INDEX_99, "error", COUNT_ERROR_STATUS},
        {TRICK_ERROR_INDEX_NEGATIVE, "error", COUNT_ERROR_STATUS},
        {TRICK_ERROR_STATUS_250, "error", COUNT_ERROR_STATUS},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture fixture;
        open_fixture(&fixture, AF_INET);
        fixture.agent->get_trick = cases[i].trick;
        struct wall before = clock_wall();
        start(&fixture);
        run_results(&fixture, 1);
        const struct recorded_result *result = last_result(&fixture);
        assert_int_equal(result->result.outcome, OUTCOME_DOWN);
        assert_string_equal(result->reason, cases[i].reason);
        assert_true(count(&fixture, cases[i].count) >= 1);
        /* Dated by the first attempt: each of them waited for a time-out. */
        assert_true(result->result.time.ms >= before.ms);
        int64_t age_ms = clock_wall().ms - result->result.time.ms;
        assert_true(strcmp(result->reason, "timeout") != 0 || age_ms >= (RETRIES + 1) * TIMEOUT_MS);
        assert_int_equal(recorder_row(fixture.recorder, "check", "snmp")->status, ROW_FAILED);
        /* It gets the probe and nothing more. */
        assert_int_equal(fixture.agent->n_bulks, 0);
        assert_true(fixture.agent->n_gets <= RETRIES + 2);
        assert_int_equal(recorder_names(fixture.recorder, "interface"), 0);
        close_fixture(&fixture);
    }
}

static void dead_device_comes_back(void **state)
{
    struct fixture fixture;
    (void)state;
    open_fixture(&fixture, AF_INET);
    start(&fixture);
    run_cycles(&fixture, 1);
    fixture.agent->get_trick = TRICK_SILENT;
    run_results(&fixture, fixture.recorder->n_results + 2);
    assert_int_equal(last_result(&fixture)->result.outcome, OUTCOME_DOWN);
    fixture.agent->get_trick = TRICK_NONE;
    run_results(&fixture, fixture.recorder->n_results + 2);
    assert_int_equal(last_result(&fixture)->result.outcome, OUTCOME_UP);
    close_fixture(&fixture);
}

/* The answer to the first attempt comes during the second: it is not the second's. */
static void late_answer_is_no_sample(void **state)
{
    struct fixture fixture;
    (void)state;
    open_fixture(&fixture, AF_INET);
    fixture.agent->get_trick = TRICK_LATE;
    start(&fixture);
    run_cycles(&fixture, 1);
    assert_int_equal(fixture.recorder->n_results, 1);
    assert_int_equal(last_result(&fixture)->result.outcome, OUTCOME_UP);
    assert_int_equal(count(&fixture, COUNT_TIMEOUTS), 1);
    assert_int_equal(count(&fixture, COUNT_LATE), 1);
    const struct row *rtt = recorder_row(fixture.recorder, "check", "snmp");
    assert_true(rtt->values[0].gauge * 1000 < TIMEOUT_MS);
    assert_int_equal(recorder_rows(fixture.recorder, "check", "snmp"), 1);
    assert_good_rows(&fixture);
    close_fixture(&fixture);
}

static void extra_varbinds_change_nothing(void **state)
{
    struct fixture fixture;
    (void)state;
    open_fixture(&fixture, AF_INET);
    fixture.agent->get_trick = TRICK_EXTRA;
    fixture.agent->walk_trick = TRICK_EXTRA;
    start(&fixture);
    run_cycles(&fixture, 1);
    assert_good_rows(&fixture);
    assert_true(count(&fixture, COUNT_EXTRA_VARBINDS) > 3);
    close_fixture(&fixture);
}

/* Broken walks end, and what they could not read is unknown: the check stays up. */
static void broken_walks_end(void **state)
{
    static const struct {
        enum trick trick;
        enum snmp_count count;
    } cases[] = {
        {TRICK_SAME_NAME, COUNT_NON_INCREASING},
        {TRICK_DECREASING, COUNT_NON_INCREASING},
        {TRICK_EMPTY, COUNT_EMPTY},
        {TRICK_ERROR_STATUS_250, COUNT_ERROR_STATUS},
        {TRICK_ERROR_INDEX_99, COUNT_ERROR_INDEX},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture fixture;
        open_fixture(&fixture, AF_INET);
        fixture.agent->walk_trick = cases[i].trick;
        start(&fixture);
        run_results(&fixture, 2);
        assert_int_equal(last_result(&fixture)->result.outcome, OUTCOME_UP);
        assert_true(count(&fixture, cases[i].count) > 0);
        assert_int_equal(count(&fixture, COUNT_TIMEOUTS), 0);
        for (size_t j = 0; j < fixture.recorder->n_rows; j++) {
            const struct row *row = &fixture.recorder->rows[j].row;
            const struct object *object = &fixture.recorder->objects[row->object - 1];
            assert_true(strcmp(object->kind, "interface") != 0 || row->status != ROW_OK);
        }
        assert_true(fixture.agent->n_bulks <= 40);
        close_fixture(&fixture);
    }
}

/* No more than six varbinds fit: found out once, remembered, and everything is read. */
static void too_big_halves_the_request(void **state)
{
    static const enum trick tricks[] = {TRICK_TOO_BIG, TRICK_TOO_BIG_SILENT};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct fixture fixture;
        open_fixture(&fixture, AF_INET);
        fixture.config.snmp.retries = 0;       /* shrink at the first time-out */
        fixture.config.snmp.interval_ms = 600; /* not slow, for all that */
        fixture.agent->walk_trick = tricks[i];
        fixture.agent->most = 6;
        start(&fixture);
        run_cycles(&fixture, 1);
        assert_good_rows(&fixture);
        size_t refused = (size_t)(count(&fixture, COUNT_TOO_BIG) + count(&fixture, COUNT_TIMEOUTS));
        assert_in_range(refused, 2, 4);
        assert_int_equal(fixture.agent->n_getnexts, 0); /* it stays capable of GETBULK */
        run_cycles(&fixture, 2);
        size_t later = (size_t)(count(&fixture, COUNT_TOO_BIG) + count(&fixture, COUNT_TIMEOUTS));
        assert_int_equal(later, refused);
        close_fixture(&fixture);
    }
}

static void bulk_that_never_works_becomes_getnext(void **state)
{
    struct fixture fixture;
    (void)state;
    open_fixture(&fixture, AF_INET);
    fixture.config.snmp.interval_ms = 400;
    fixture.agent->walk_trick = TRICK_NO_BULK;
    start(&fixture);
    run_cycles(&fixture, 1);
    assert_good_rows(&fixture);
    assert_int_equal(fixture.agent->last_names, 1);
    assert_int_equal(count(&fixture, COUNT_COLUMNS_DENIED), 0);
    /* Remembered: the next cycle does not try again. */
    size_t n_bulks = fixture.agent->n_bulks;
    size_t n_getnexts = fixture.agent->n_getnexts;
    assert_in_range(n_bulks, 4, 8);
    while (fixture.agent->n_getnexts < n_getnexts + 5) {
        uv_run(&fixture.loop, UV_RUN_ONCE);
    }
    assert_int_equal(fixture.agent->n_bulks, n_bulks);
    close_fixture(&fixture);
}

/* The library drops the whole answer for one value: the column is found and left out. */
static void malformed_column_is_found(void **state)
{
    struct fixture fixture;
    (void)state;
    open_fixture(&fixture, AF_INET);
    fixture.config.snmp.retries = 0;
    fixture.config.snmp.interval_ms = 600;
    fixture.agent->walk_trick = TRICK_MALFORMED_VALUE;
    fixture.agent->bad_prefix = "1.3.6.1.2.1.2.2.1.14"; /* ifInErrors */
    start(&fixture);
    run_cycles(&fixture, 1);
    const struct row *row = recorder_row(fixture.recorder, "interface", "port1");
    assert_int_equal(row->status, ROW_PARTIAL);
    assert_int_equal(row->unknown_mask, 1U << IN_ERRORS);
    assert_int_equal(row->values[IN_OCTETS].counter, 1000);
    assert_int_equal(row->values[OUT_ERRORS].counter, 4);
    /* Nor can the end of ifInDiscards be seen, as the bad one is next; its rows can. */
    assert_int_equal(count(&fixture, COUNT_COLUMNS_DENIED), 2);
    assert_int_equal(row->values[IN_DISCARDS].counter, 1);
    assert_in_range(count(&fixture, COUNT_TIMEOUTS), 2, 16);
    uint64_t timeouts = count(&fixture, COUNT_TIMEOUTS);
    run_cycles(&fixture, 2);
    assert_int_equal(count(&fixture, COUNT_TIMEOUTS), timeouts);
    close_fixture(&fixture);
}

static void device_that_dies_in_the_walk(void **state)
{
    struct fixture fixture;
    (void)state;
    open_fixture(&fixture, AF_INET);
    start(&fixture);
    run_cycles(&fixture, 1);
    size_t n_bulks = fixture.agent->n_bulks;
    while (fixture.agent->n_bulks < n_bulks + 2) { /* in the middle of the second cycle */
        uv_run(&fixture.loop, UV_RUN_ONCE);
    }
    fixture.agent->get_trick = TRICK_SILENT;
    fixture.agent->walk_trick = TRICK_SILENT;
    run_cycles(&fixture, 2);
    const struct row *row = recorder_row(fixture.recorder, "interface", "port1");
    assert_int_equal(row->status, ROW_PARTIAL);
    assert_true(row->unknown_mask != 0);
    run_results(&fixture, fixture.recorder->n_results + 1);
    assert_int_equal(last_result(&fixture)->result.outcome, OUTCOME_DOWN);
    close_fixture(&fixture);
}

static void restart_breaks_the_counters(void **state)
{
    struct fixture fixture;
    (void)state;
    open_fixture(&fixture, AF_INET);
    start(&fixture);
    run_cycles(&fixture, 2);
    assert_int_equal(recorder_row(fixture.recorder, "interface", "port1")->discontinuity_mask, 0);
    /* 20 minutes up become 10 s, and the octets are higher than before. */
    responder_set_number(fixture.responder, "1.3.6.1.2.1.1.3.0", TAG_TIMETICKS, 1000);
    responder_set_number(fixture.responder, "1.3.6.1.2.1.31.1.1.1.6.1", TAG_COUNTER64, 900000);
    bool broke = false;
    for (size_t n = 3; !broke && n < 6; n++) {
        run_cycles(&fixture, n);
        broke = recorder_row(fixture.recorder, "interface", "port1")->discontinuity_mask ==
                (1U << COUNTERS) - 1;
    }
    assert_true(broke);
    assert_int_equal(count(&fixture, COUNT_RESTARTS), 1);
    close_fixture(&fixture);
}

/* sysUpTime passes 2^32 ticks between two cycles. */
static void uptime_wrap_is_no_restart(void **state)
{
    struct fixture fixture;
    (void)state;
    open_fixture(&fixture, AF_INET);
    responder_set_number(fixture.responder, "1.3.6.1.2.1.1.3.0", TAG_TIMETICKS, 4294967290);
    start(&fixture);
    run_cycles(&fixture, 1);
    responder_set_number(fixture.responder, "1.3.6.1.2.1.1.3.0", TAG_TIMETICKS, 9);
    run_cycles(&fixture, 3);
    assert_int_equal(count(&fixture, COUNT_RESTARTS), 0);
    assert_int_equal(recorder_row(fixture.recorder, "interface", "port1")->discontinuity_mask, 0);
    assert_true(recorder_row(fixture.recorder, "device", "system")->values[0].gauge > 42949672);
    close_fixture(&fixture);
}

static void address_of_nobody_is_unknown(void **state)
{
    struct fixture fixture;
    (void)state;
    open_fixture(&fixture, AF_INET);
    fixture.config.address = "255.255.255.255:9"; /* refused by the kernel: no SO_BROADCAST */
    start(&fixture);
    run_results(&fixture, 1);
    assert_int_equal(last_result(&fixture)->result.outcome, OUTCOME_UNKNOWN);
    assert_string_equal(last_result(&fixture)->reason, "resource");
    assert_true(count(&fixture, COUNT_NOT_SENT) >= 1);
    close_fixture(&fixture);
}

static bool is_stretched(void *context)
{
    const struct fixture *fixture = context;
    return device_stretch(fixture->device) == fixture->goal;
}

/* Each answer takes most of its time-out, and a cycle more than two intervals: no request overlaps
 * another, no cycle another one, the device is read less often, and is heard all the same. */
static void slow_device_is_read_less_often(void **state)
{
    enum { SLOW_INTERVAL_MS = 400, SLOW_TIMEOUT_MS = 100, DELAY_MS = 60 };
    struct fixture fixture;
    (void)state;
    open_fixture(&fixture, AF_INET);
    fixture.config.snmp.interval_ms = SLOW_INTERVAL_MS;
    fixture.config.snmp.timeout_ms = SLOW_TIMEOUT_MS;
    fixture.agent->delay_ms = DELAY_MS;
    start(&fixture);
    fixture.goal = 4;
    assert_true(run_until(&fixture.loop, is_stretched, &fixture, LIMIT_MS));
    assert_int_equal(fixture.agent->n_overlaps, 0);
    assert_true(count(&fixture, COUNT_OVERRUN) > 0);
    assert_int_equal(count(&fixture, COUNT_TIMEOUTS), 0);
    assert_int_equal(fixture.status, SNMP_STATUS_OK);
    size_t n_results = fixture.recorder->n_results;
    size_t n_reports = fixture.n_reports;
    run_results(&fixture, n_results + 8);
    assert_true(fixture.n_reports <= n_reports + 3); /* of 8 turns */
    for (size_t i = 1; i < fixture.recorder->n_results; i++) {
        const struct result *result = &fixture.recorder->results[i].result;
        assert_int_equal(result->outcome, OUTCOME_UP);
        int64_t apart_ms = result->time.ms - fixture.recorder->results[i - 1].result.time.ms;
        assert_in_range(apart_ms, 1, 2 * SLOW_INTERVAL_MS);
    }
    close_fixture(&fixture);
}

static void closing_in_the_middle_is_clean(void **state)
{
    (void)state;
    for (size_t stop = 0; stop < 12; stop += 3) {
        struct fixture fixture;
        open_fixture(&fixture, AF_INET);
        start(&fixture);
        while (fixture.agent->n_gets + fixture.agent->n_bulks < stop) {
            uv_run(&fixture.loop, UV_RUN_ONCE);
        }
        close_fixture(&fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_device_is_read_whole),
        cmocka_unit_test(v1_device_is_read_whole),
        cmocka_unit_test(liars_are_passed_over),
        cmocka_unit_test(no_true_answer_is_down),
        cmocka_unit_test(dead_device_comes_back),
        cmocka_unit_test(late_answer_is_no_sample),
        cmocka_unit_test(extra_varbinds_change_nothing),
        cmocka_unit_test(broken_walks_end),
        cmocka_unit_test(too_big_halves_the_request),
        cmocka_unit_test(bulk_that_never_works_becomes_getnext),
        cmocka_unit_test(malformed_column_is_found),
        cmocka_unit_test(device_that_dies_in_the_walk),
        cmocka_unit_test(restart_breaks_the_counters),
        cmocka_unit_test(uptime_wrap_is_no_restart),
        cmocka_unit_test(address_of_nobody_is_unknown),
        cmocka_unit_test(slow_device_is_read_less_often),
        cmocka_unit_test(closing_in_the_middle_is_clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
