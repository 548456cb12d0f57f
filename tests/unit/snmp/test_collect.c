/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Whole cycles over real sockets: what is asked when, what a device's answers teach, and what
 * becomes of tables that it does not have. */
#include "address.h"
#include "collect.h"
#include "responder.h"
#include "support.h"
#include "support_plan.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { INTERVAL_MS = 30000, TIMEOUT_MS = 30, LIMIT_MS = 8000, PORTS = 12, HOUR_MS = 3600000 };

struct fixture {
    uv_loop_t loop;
    struct recorder *recorder;
    struct responder *responder;
    struct responder_state *agent;
    struct snmp_counts counts;
    struct if_plan *plan;
    struct engine *engine;
    struct session *session;
    struct collect *collect;
    struct collect_turn turn;
    enum collect_end end;
    bool is_done;
};

/* --- a clock that can be put forward --- */

static int64_t ahead_ms;

static struct mono shifted_mono(void *context)
{
    struct timespec now;
    (void)context;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (struct mono){((int64_t)now.tv_sec * 1000 + ahead_ms) * 1000000 + now.tv_nsec};
}

static struct wall shifted_wall(void *context)
{
    struct timespec now;
    (void)context;
    clock_gettime(CLOCK_REALTIME, &now);
    return (struct wall){(int64_t)now.tv_sec * 1000 + ahead_ms + now.tv_nsec / 1000000};
}

/* --- cycles --- */

static void on_done(void *context, enum collect_end end)
{
    struct fixture *fixture = context;
    assert_false(fixture->is_done);
    fixture->is_done = true;
    fixture->end = end;
}

static void open_session(struct fixture *fixture, int version)
{
    char reason[128];
    char text[64];
    struct sockaddr_storage address;
    struct snmp_access_config access = {
        .present = true, .version = version, .community = "secret", .timeout_ms = TIMEOUT_MS};
    snprintf(text, sizeof text, "127.0.0.1:%u", responder_port(fixture->responder));
    assert_int_equal(address_parse(text, &address, reason, sizeof reason), 0);
    fixture->session = session_open(fixture->engine, &address, &access, &fixture->counts);
    assert_non_null(fixture->session);
}

static void begin_collect(struct fixture *fixture, unsigned repetitions)
{
    const struct collect_options options = {.device = "sw-1",
                                            .interval_ms = INTERVAL_MS,
                                            .timeout_ms = TIMEOUT_MS,
                                            .retries = 1,
                                            .repetitions = repetitions,
                                            .sink = &fixture->recorder->sink,
                                            .counts = &fixture->counts,
                                            .done = on_done,
                                            .context = fixture};
    collect_free(fixture->collect);
    fixture->collect = collect_new(&options);
    collect_set_plan(fixture->collect, &fixture->plan->plan);
}

static int setup(void **state)
{
    static const struct clock_source source = {shifted_mono, shifted_wall, NULL};
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    ahead_ms = 0;
    clock_replace(&source);
    assert_int_equal(uv_loop_init(&fixture->loop), 0);
    fixture->recorder = recorder_new();
    fixture->responder = responder_new(&fixture->loop, AF_INET);
    fixture->agent = responder_state(fixture->responder);
    responder_fill(fixture->responder, PORTS, 100000);
    fixture->plan = if_plan_new();
    engine_library_init();
    fixture->engine = engine_open(&fixture->loop, 100000);
    assert_non_null(fixture->engine);
    open_session(fixture, SNMP_CONFIG_V2C);
    fixture->turn.limit_ms = LIMIT_MS;
    begin_collect(fixture, 10);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    session_close(fixture->session);
    collect_free(fixture->collect);
    engine_close(fixture->engine);
    responder_close(fixture->responder);
    finish_loop(&fixture->loop);
    recorder_free(fixture->recorder);
    if_plan_free(fixture->plan);
    free(fixture);
    clock_replace(NULL);
    return 0;
}

static bool is_done(void *context)
{
    const struct fixture *fixture = context;
    return fixture->is_done;
}

static enum collect_end run_cycle(struct fixture *fixture)
{
    fixture->is_done = false;
    fixture->agent->n_bulks = 0;
    fixture->agent->n_getnexts = 0;
    fixture->agent->n_gets = 0;
    recorder_forget(fixture->recorder);
    ahead_ms += INTERVAL_MS;
    collect_start(fixture->collect, fixture->session, &fixture->turn);
    assert_false(fixture->is_done);
    assert_true(run_until(&fixture->loop, is_done, fixture, LIMIT_MS));
    return fixture->end;
}

static const struct row *row_of(const struct fixture *fixture, const char *name)
{
    return recorder_row(fixture->recorder, "interface", name);
}

static void set_bytes(struct fixture *fixture, const char *oid, const char *text)
{
    responder_set_bytes(fixture->responder, oid, text, strlen(text));
}

#define IF_NAME_OID  "1.3.6.1.2.1.31.1.1.1.1"
#define IF_ALIAS_OID "1.3.6.1.2.1.31.1.1.1.18"

/* --- tests --- */

static void cycles_read_a_table(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(run_cycle(fixture), COLLECT_COMPLETE);
    assert_int_equal(recorder_names(fixture->recorder, "interface"), PORTS);
    const struct row *row = row_of(fixture, "port12");
    assert_non_null(row);
    assert_int_equal(row->status, ROW_OK);
    assert_int_equal(row->unknown_mask, 0);
    assert_int_equal(row->values[M_IN_OCTETS].counter, 12000);
    assert_int_equal(row->values[M_OUT_BCAST].counter, 720);
    assert_int_equal(row->values[M_OUT_ERRORS].counter, 48);
    assert_true(row->values[M_SPEED].gauge == 1e9);
    assert_string_equal(
        object_label(recorder_object(fixture->recorder, "interface", "port12"), "if_alias"),
        "to room 12");
    const struct collect_answer *answer = collect_last_answer(fixture->collect);
    assert_true(answer->any && answer->rtt_s > 0 && answer->rtt_s < 1);
    size_t first = fixture->agent->n_bulks;
    for (int i = 0; i < 3; i++) { /* only names and values, in requests that fit the rows */
        assert_int_equal(run_cycle(fixture), COLLECT_COMPLETE);
        assert_int_equal(row_of(fixture, "port12")->discontinuity_mask, 0);
    }
    assert_int_equal(fixture->recorder->n_objects, PORTS);
    assert_true(fixture->agent->n_bulks + 5 <= first);
}

/* Columns that the device does not have cost nothing until they are due again. */
static void missing_columns_are_not_asked_each_time(void **state)
{
    struct fixture *fixture = *state;
    run_cycle(fixture);
    run_cycle(fixture);
    size_t before = fixture->agent->n_bulks;
    responder_remove(fixture->responder, "1.3.6.1.2.1.2.2.1.13");
    responder_remove(fixture->responder, "1.3.6.1.2.1.2.2.1.14");
    responder_remove(fixture->responder, "1.3.6.1.2.1.2.2.1.19");
    responder_remove(fixture->responder, "1.3.6.1.2.1.2.2.1.20");
    ahead_ms += HOUR_MS;
    run_cycle(fixture);
    run_cycle(fixture);
    assert_true(fixture->agent->n_bulks < before);
    assert_int_equal(row_of(fixture, "port1")->status, ROW_OK);
    assert_int_equal(row_of(fixture, "port1")->unknown_mask, UINT64_C(15) << M_IN_DISCARDS);
    responder_fill(fixture->responder, PORTS, 100000); /* they come, and are found */
    ahead_ms += HOUR_MS;
    run_cycle(fixture);
    assert_int_equal(row_of(fixture, "port1")->unknown_mask, 0);
}

static void renamed_rows_are_found_by_their_names(void **state)
{
    struct fixture *fixture = *state;
    run_cycle(fixture);
    set_bytes(fixture, IF_NAME_OID ".3", "other");
    set_bytes(fixture, IF_ALIAS_OID ".3", "elsewhere");
    assert_int_equal(run_cycle(fixture), COLLECT_COMPLETE);
    assert_null(row_of(fixture, "port3"));
    assert_non_null(row_of(fixture, "other"));
    /* What it counted before was not this one's. */
    assert_int_equal(row_of(fixture, "other")->discontinuity_mask, (1U << M_COUNTERS) - 1);
    assert_string_equal(
        object_label(recorder_object(fixture->recorder, "interface", "other"), "if_alias"),
        "elsewhere");
}

/* Where the device says when rows change, names are read only then. */
static void last_change_vouches_for_the_rows(void **state)
{
    struct fixture *fixture = *state;
    fixture->plan->table.last_change = 0;
    fixture->turn.watched_known = 1;
    fixture->turn.watched[0] = 500;
    run_cycle(fixture);
    run_cycle(fixture);
    size_t without_names = fixture->agent->n_bulks;
    set_bytes(fixture, IF_NAME_OID ".3", "other");
    run_cycle(fixture);
    assert_non_null(row_of(fixture, "port3"));
    fixture->turn.watched[0] = 600;
    run_cycle(fixture);
    assert_null(row_of(fixture, "port3"));
    assert_non_null(row_of(fixture, "other"));
    fixture->turn.watched_known = 0; /* it does not say it any more */
    run_cycle(fixture);
    assert_true(fixture->agent->n_bulks > without_names);
}

static void alias_is_read_again_in_time(void **state)
{
    struct fixture *fixture = *state;
    run_cycle(fixture);
    set_bytes(fixture, IF_ALIAS_OID ".1", "new");
    run_cycle(fixture);
    assert_int_equal(fixture->recorder->n_objects, PORTS);
    ahead_ms += HOUR_MS;
    run_cycle(fixture);
    assert_int_equal(fixture->recorder->n_objects, PORTS + 1);
}

static void absent_tables_are_asked_for_after_an_hour(void **state)
{
    struct fixture *fixture = *state;
    responder_remove(fixture->responder, "1.3.6.1.2.1.2");
    responder_remove(fixture->responder, "1.3.6.1.2.1.31");
    assert_int_equal(run_cycle(fixture), COLLECT_COMPLETE);
    assert_true(fixture->agent->n_bulks > 0);
    responder_fill(fixture->responder, PORTS, 100000);
    for (int i = 0; i < 2; i++) { /* only asks whether the device is there */
        assert_int_equal(run_cycle(fixture), COLLECT_COMPLETE);
        assert_int_equal(fixture->agent->n_bulks, 0);
        assert_int_equal(fixture->agent->n_gets, 1);
    }
    fixture->turn.restarted = true;
    run_cycle(fixture);
    fixture->turn.restarted = false;
    assert_int_equal(recorder_names(fixture->recorder, "interface"), PORTS);
    begin_collect(fixture, 10);
    responder_remove(fixture->responder, "1.3.6.1.2.1.2");
    responder_remove(fixture->responder, "1.3.6.1.2.1.31");
    run_cycle(fixture);
    responder_fill(fixture->responder, PORTS, 100000);
    run_cycle(fixture);
    assert_int_equal(fixture->recorder->n_rows, 0);
    ahead_ms += HOUR_MS;
    run_cycle(fixture);
    assert_int_equal(fixture->recorder->n_rows, PORTS);
}

static void silent_device_ends_the_cycle(void **state)
{
    struct fixture *fixture = *state;
    run_cycle(fixture);
    fixture->agent->walk_trick = TRICK_SILENT;
    fixture->agent->get_trick = TRICK_SILENT;
    assert_int_equal(run_cycle(fixture), COLLECT_INTERRUPTED);
    assert_int_equal(fixture->recorder->n_rows, 0);
    assert_int_equal(fixture->agent->n_gets, 2); /* and no more than that */
    fixture->agent->walk_trick = TRICK_NONE;
    fixture->agent->get_trick = TRICK_NONE;
    assert_int_equal(run_cycle(fixture), COLLECT_COMPLETE);
    assert_int_equal(row_of(fixture, "port1")->discontinuity_mask, 0);
    /* Likewise where nothing was due. */
    responder_remove(fixture->responder, "1.3.6.1.2.1.2");
    responder_remove(fixture->responder, "1.3.6.1.2.1.31");
    begin_collect(fixture, 10);
    run_cycle(fixture);
    fixture->agent->get_trick = TRICK_SILENT;
    assert_int_equal(run_cycle(fixture), COLLECT_INTERRUPTED);
}

static void requests_shrink_and_grow(void **state)
{
    struct fixture *fixture = *state;
    fixture->plan->table.n_groups = 3;
    begin_collect(fixture, 10);
    fixture->agent->walk_trick = TRICK_TOO_BIG;
    fixture->agent->most = 7;
    assert_int_equal(run_cycle(fixture), COLLECT_COMPLETE);
    assert_int_equal(fixture->recorder->n_rows, PORTS);
    uint64_t refusals = fixture->counts.n[COUNT_TOO_BIG];
    assert_true(refusals > 0);
    assert_int_equal(run_cycle(fixture), COLLECT_COMPLETE);
    assert_int_equal(fixture->counts.n[COUNT_TOO_BIG], refusals); /* it was learnt */
    size_t small = fixture->agent->n_bulks;
    fixture->agent->walk_trick = TRICK_NONE;
    for (int i = 0; i < 10; i++) {
        run_cycle(fixture);
    }
    assert_true(fixture->agent->n_bulks < small);
}

static void refused_bulk_becomes_getnext(void **state)
{
    struct fixture *fixture = *state;
    fixture->plan->table.n_groups = 3;
    begin_collect(fixture, 10);
    fixture->agent->walk_trick = TRICK_NO_BULK;
    assert_int_equal(run_cycle(fixture), COLLECT_COMPLETE);
    assert_true(fixture->agent->n_getnexts > PORTS);
    assert_int_equal(row_of(fixture, "port12")->values[M_OUT_OCTETS].counter, 24000);
    run_cycle(fixture);
    assert_int_equal(fixture->agent->n_bulks, 0);
    ahead_ms += 24 * (int64_t)HOUR_MS;
    fixture->agent->walk_trick = TRICK_NONE;
    run_cycle(fixture);
    assert_int_equal(fixture->agent->n_getnexts, 0);
}

/* One value that hides its PDU: its column is found, left alone for a day, and makes rows partial.
 */
static void unreadable_column_is_left_alone(void **state)
{
    struct fixture *fixture = *state;
    fixture->agent->walk_trick = TRICK_MALFORMED_VALUE;
    fixture->agent->bad_prefix = IF_ALIAS_OID;
    fixture->plan->table.n_groups = 3;
    begin_collect(fixture, 2);
    assert_int_equal(run_cycle(fixture), COLLECT_PARTIAL);
    assert_int_equal(fixture->counts.n[COUNT_COLUMNS_DENIED], 1);
    assert_int_equal(row_of(fixture, "port12")->status, ROW_PARTIAL);
    assert_int_equal(row_of(fixture, "port12")->values[M_IN_OCTETS].counter, 12000);
    const struct object *object = recorder_object(fixture->recorder, "interface", "port12");
    assert_string_equal(object_label(object, "if_alias"), "");
    assert_string_equal(object_label(object, "phys_address"), "00:00:5e:00:53:0c");
    uint64_t timeouts = fixture->counts.n[COUNT_TIMEOUTS];
    ahead_ms += HOUR_MS;
    assert_int_equal(run_cycle(fixture), COLLECT_PARTIAL);
    assert_int_equal(fixture->counts.n[COUNT_TIMEOUTS], timeouts);
    assert_int_equal(fixture->agent->n_getnexts, 0); /* the others are asked as before */
    fixture->agent->walk_trick = TRICK_NONE;
    ahead_ms += 24 * (int64_t)HOUR_MS;
    assert_int_equal(run_cycle(fixture), COLLECT_COMPLETE);
    object = recorder_object(fixture->recorder, "interface", "port12");
    assert_string_equal(object_label(object, "if_alias"), "to room 12");
}

static void broken_walks_are_partial(void **state)
{
    static const enum trick tricks[] = {TRICK_SAME_NAME, TRICK_DECREASING, TRICK_EMPTY,
                                        TRICK_ERROR_INDEX_99, TRICK_ERROR_STATUS_250};
    struct fixture *fixture = *state;
    run_cycle(fixture);
    for (size_t i = 0; i < sizeof tricks / sizeof tricks[0]; i++) {
        fixture->agent->walk_trick = tricks[i];
        assert_int_equal(run_cycle(fixture), COLLECT_PARTIAL);
        for (size_t j = 0; j < fixture->recorder->n_rows; j++) {
            assert_int_not_equal(fixture->recorder->rows[j].row.status, ROW_OK);
        }
    }
    fixture->agent->walk_trick = TRICK_NONE;
    assert_int_equal(run_cycle(fixture), COLLECT_COMPLETE);
    assert_int_equal(recorder_names(fixture->recorder, "interface"), PORTS);
    assert_int_equal(fixture->recorder->n_rows, PORTS);
}

/* The limit of a cycle ends it, with what there is. */
static void long_cycles_are_interrupted(void **state)
{
    struct fixture *fixture = *state;
    run_cycle(fixture);
    fixture->turn.limit_ms = 25;
    assert_int_equal(run_cycle(fixture), COLLECT_INTERRUPTED);
    for (size_t i = 0; i < fixture->recorder->n_rows; i++) {
        assert_int_not_equal(fixture->recorder->rows[i].row.status, ROW_OK);
    }
    fixture->turn.limit_ms = LIMIT_MS;
    assert_int_equal(run_cycle(fixture), COLLECT_COMPLETE);
    assert_int_equal(row_of(fixture, "port12")->status, ROW_OK);
}

static void oldest_version_is_walked_by_getnext(void **state)
{
    struct fixture *fixture = *state;
    session_close(fixture->session);
    open_session(fixture, SNMP_CONFIG_V1);
    responder_set_number(fixture->responder, "1.3.6.1.2.1.2.2.1.10.1", TAG_COUNTER32, 123);
    responder_set_number(fixture->responder, "1.3.6.1.2.1.2.2.1.5.1", TAG_GAUGE32, 100000000);
    responder_set_number(fixture->responder, "1.3.6.1.2.1.31.1.1.1.15.1", TAG_GAUGE32, 100);
    assert_int_equal(run_cycle(fixture), COLLECT_COMPLETE);
    assert_int_equal(fixture->agent->n_bulks, 0);
    assert_true(fixture->agent->n_getnexts > PORTS);
    assert_int_equal(recorder_names(fixture->recorder, "interface"), PORTS);
    assert_int_equal(row_of(fixture, "port1")->values[M_IN_OCTETS].counter, 123);
    /* No Counter64 exists in this version. */
    assert_int_equal(row_of(fixture, "port1")->unknown_mask,
                     ((1U << M_IN_DISCARDS) - 1) & ~(1U << M_IN_OCTETS));
    assert_int_equal(row_of(fixture, "port1")->status, ROW_OK);
    assert_int_equal(fixture->counts.n[COUNT_COLUMNS_DENIED], 0);
}

/* A value that the device cannot encode, and of which it says that nothing follows. */
static void columns_go_on_after_a_false_end(void **state)
{
    struct fixture *fixture = *state;
    responder_set_number(fixture->responder, "1.3.6.1.2.1.2.2.1.14.5", TAG_END_OF_MIB, 0);
    responder_set_number(fixture->responder, "1.3.6.1.2.1.2.2.1.14.9", TAG_END_OF_MIB, 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(run_cycle(fixture), COLLECT_COMPLETE);
        assert_int_equal(row_of(fixture, "port5")->unknown_mask, 1U << M_IN_ERRORS);
        assert_int_equal(row_of(fixture, "port9")->unknown_mask, 1U << M_IN_ERRORS);
        assert_int_equal(row_of(fixture, "port12")->unknown_mask, 0);
        assert_int_equal(row_of(fixture, "port12")->values[M_IN_ERRORS].counter, 24);
    }
}

/* --- scalars --- */

enum { SCALARS = 10 };

struct scalar_plan {
    struct plan plan;
    struct plan_table table;
    unsigned long oids[SCALARS][10];
    struct plan_column columns[SCALARS];
    struct plan_metric metrics[SCALARS];
    struct plan_group groups[2];
    char names[SCALARS][8];
};

static void make_scalar_plan(struct scalar_plan *plan)
{
    static const unsigned long prefix[] = {1, 3, 6, 1, 4, 1, 9999, 7, 0, 0};
    memset(plan, 0, sizeof *plan);
    for (uint8_t i = 0; i < SCALARS; i++) {
        memcpy(plan->oids[i], prefix, sizeof prefix);
        plan->oids[i][8] = i + 1;
        plan->columns[i] = (struct plan_column){.oid = {plan->oids[i], 10}, .text = "a scalar"};
        snprintf(plan->names[i], sizeof plan->names[i], "m%u", (unsigned)i);
        if_plan_metric(&plan->metrics[i], plan->names[i], "1", METRIC_GAUGE, i);
        plan->groups[i / 5].columns[i % 5] = i;
        plan->groups[i / 5].n_columns++;
    }
    plan->table = (struct plan_table){.name = "test/scalars",
                                      .kind = "thing",
                                      .is_scalar = true,
                                      .every_ms = 2 * INTERVAL_MS,
                                      .n_columns = SCALARS,
                                      .columns = plan->columns,
                                      .n_metrics = SCALARS,
                                      .metrics = plan->metrics,
                                      .n_names = 1,
                                      .names = {{"all", 0, {0}}},
                                      .n_groups = 2,
                                      .groups = plan->groups,
                                      .rate_metric = SIZE_MAX,
                                      .rate_column = PLAN_NO_COLUMN,
                                      .discontinuity = PLAN_NO_COLUMN,
                                      .last_change = SIZE_MAX};
    plan->plan = (struct plan){.name = "test", .n_tables = 1, .tables = &plan->table};
}

static void set_scalars(struct fixture *fixture, uint64_t present)
{
    for (unsigned i = 0; i < SCALARS; i++) {
        char oid[64];
        snprintf(oid, sizeof oid, "1.3.6.1.4.1.9999.7.%u.0", i + 1);
        responder_remove(fixture->responder, oid);
        if ((present >> i & 1) != 0) {
            responder_set_number(fixture->responder, oid, TAG_GAUGE32, 100 + i);
        }
    }
}

static void check_scalars(const struct fixture *fixture, uint64_t present)
{
    const struct row *row = recorder_row(fixture->recorder, "thing", "all");
    assert_non_null(row);
    assert_int_equal(row->unknown_mask, ((1U << SCALARS) - 1) & ~present);
    for (unsigned i = 0; i < SCALARS; i++) {
        assert_true((present >> i & 1) == 0 || row->values[i].gauge == 100 + i);
    }
}

static void scalars_are_read_by_get(void **state)
{
    static const int versions[] = {SNMP_CONFIG_V2C, SNMP_CONFIG_V1};
    struct fixture *fixture = *state;
    struct scalar_plan plan;
    make_scalar_plan(&plan);
    for (size_t i = 0; i < 2; i++) {
        session_close(fixture->session);
        open_session(fixture, versions[i]);
        set_scalars(fixture, 0x2f7);
        begin_collect(fixture, 10);
        collect_set_plan(fixture->collect, &plan.plan);
        assert_int_equal(run_cycle(fixture), COLLECT_COMPLETE);
        check_scalars(fixture, 0x2f7);
        assert_int_equal(recorder_row(fixture->recorder, "thing", "all")->status, ROW_OK);
        assert_int_equal(recorder_object(fixture->recorder, "thing", "all")->interval_ms,
                         2 * INTERVAL_MS);
        /* Its own interval is twice the cycles'. */
        run_cycle(fixture);
        assert_int_equal(fixture->recorder->n_rows, 0);
        set_scalars(fixture, 0x3ff);
        run_cycle(fixture);
        check_scalars(fixture, 0x2f7); /* those that were missing wait */
        ahead_ms += HOUR_MS;
        run_cycle(fixture);
        check_scalars(fixture, 0x3ff);
        set_scalars(fixture, 0);
        run_cycle(fixture);
        assert_int_equal(run_cycle(fixture), COLLECT_COMPLETE);
        assert_int_equal(fixture->recorder->n_rows, 0);
    }
    collect_set_plan(fixture->collect, &fixture->plan->plan); /* outlives this function's */
}

static void scalars_that_are_too_big_are_asked_in_smaller_parts(void **state)
{
    struct fixture *fixture = *state;
    struct scalar_plan plan;
    make_scalar_plan(&plan);
    set_scalars(fixture, 0x3ff);
    collect_set_plan(fixture->collect, &plan.plan);
    fixture->agent->get_trick = TRICK_TOO_BIG_SILENT;
    fixture->agent->most = 3;
    assert_int_equal(run_cycle(fixture), COLLECT_COMPLETE);
    check_scalars(fixture, 0x3ff);
    uint64_t timeouts = fixture->counts.n[COUNT_TIMEOUTS];
    run_cycle(fixture);
    run_cycle(fixture);
    check_scalars(fixture, 0x3ff);
    assert_int_equal(fixture->counts.n[COUNT_TIMEOUTS], timeouts);
    collect_set_plan(fixture->collect, &fixture->plan->plan);
}

static void unreadable_scalar_is_left_alone(void **state)
{
    struct fixture *fixture = *state;
    struct scalar_plan plan;
    make_scalar_plan(&plan);
    set_scalars(fixture, 0x3ff);
    collect_set_plan(fixture->collect, &plan.plan);
    fixture->agent->get_trick = TRICK_MALFORMED_VALUE;
    fixture->agent->bad_prefix = "1.3.6.1.4.1.9999.7.3";
    assert_int_equal(run_cycle(fixture), COLLECT_PARTIAL);
    check_scalars(fixture, 0x3fb);
    assert_int_equal(recorder_row(fixture->recorder, "thing", "all")->status, ROW_PARTIAL);
    assert_int_equal(fixture->counts.n[COUNT_COLUMNS_DENIED], 1);
    collect_set_plan(fixture->collect, &fixture->plan->plan);
}

static void other_plans_begin_anew(void **state)
{
    struct fixture *fixture = *state;
    struct if_plan *other = if_plan_new();
    other->table.kind = "port";
    run_cycle(fixture);
    collect_set_plan(fixture->collect, &other->plan);
    assert_int_equal(run_cycle(fixture), COLLECT_COMPLETE);
    assert_non_null(recorder_row(fixture->recorder, "port", "port1"));
    assert_null(row_of(fixture, "port1"));
    collect_set_interval(fixture->collect, 2 * INTERVAL_MS);
    run_cycle(fixture);
    assert_int_equal(recorder_object(fixture->recorder, "port", "port1")->interval_ms,
                     2 * INTERVAL_MS);
    collect_set_plan(fixture->collect, &fixture->plan->plan);
    if_plan_free(other);
}

static void freeing_in_the_middle_is_clean(void **state)
{
    struct fixture *fixture = *state;
    collect_start(fixture->collect, fixture->session, &fixture->turn);
    while (fixture->agent->n_bulks < 2) {
        uv_run(&fixture->loop, UV_RUN_ONCE);
    }
    assert_false(fixture->is_done); /* teardown closes the session, then frees */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(cycles_read_a_table),
        TEST(missing_columns_are_not_asked_each_time),
        TEST(renamed_rows_are_found_by_their_names),
        TEST(last_change_vouches_for_the_rows),
        TEST(alias_is_read_again_in_time),
        TEST(absent_tables_are_asked_for_after_an_hour),
        TEST(silent_device_ends_the_cycle),
        TEST(requests_shrink_and_grow),
        TEST(refused_bulk_becomes_getnext),
        TEST(unreadable_column_is_left_alone),
        TEST(broken_walks_are_partial),
        TEST(long_cycles_are_interrupted),
        TEST(oldest_version_is_walked_by_getnext),
        TEST(columns_go_on_after_a_false_end),
        TEST(scalars_are_read_by_get),
        TEST(scalars_that_are_too_big_are_asked_in_smaller_parts),
        TEST(unreadable_scalar_is_left_alone),
        TEST(other_plans_begin_anew),
        TEST(freeing_in_the_middle_is_clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
