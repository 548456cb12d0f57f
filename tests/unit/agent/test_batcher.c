/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From samples to batches in the spool: numbers of objects, when a batch is closed, and that every
 * segment stands alone. */
#include "support.h"

#include "batcher.h"
#include "proto/statement.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

struct world {
    struct scene scene;
    uv_loop_t loop;
    struct keys *keys;
    struct batcher *batcher;
    const struct sample_sink *sink;
    size_t n_woken;
};

static const struct metric metrics[] = {{"octets", "octets", METRIC_COUNTER},
                                        {"level", "1", METRIC_GAUGE}};

static void on_batch(void *context)
{
    struct world *world = context;
    world->n_woken++;
}

static void open_batcher(struct world *world)
{
    struct batcher_options options = {.spool = world->scene.spool,
                                      .keys = world->keys,
                                      .chain = world->scene.chain,
                                      .repeat_ms = 60000,
                                      .batch_age_ms = 1000,
                                      .on_batch = on_batch,
                                      .context = world};
    world->batcher = batcher_new(&world->loop, &options);
    world->sink = batcher_sink(world->batcher);
}

static void begin(struct world *world)
{
    memset(world, 0, sizeof *world);
    assert_int_equal(keys_init(), 0);
    world->keys = keys_generate();
    uv_loop_init(&world->loop);
    scene_make(&world->scene);
    world->scene.segment_bytes = 100000;
    scene_open(&world->scene);
    open_batcher(world);
}

static void end(struct world *world)
{
    batcher_free(world->batcher);
    finish_loop(&world->loop);
    scene_remove(&world->scene);
    keys_free(world->keys);
}

static struct object make_object(const char *kind, const char *name)
{
    return (struct object){.device = "d",
                           .kind = kind,
                           .name = name,
                           .interval_ms = 10000,
                           .metrics = metrics,
                           .n_metrics = 2};
}

static uint32_t define(struct world *world, const struct object *object)
{
    return world->sink->define(world->sink->context, object);
}

static void row(struct world *world, uint32_t number, int64_t ms)
{
    union value values[] = {{.counter = 1}, {.gauge = 0.5}};
    struct row row = {
        .object = number, .time = {TEST_TIME + ms}, .status = ROW_OK, .values = values};
    world->sink->row(world->sink->context, &row);
}

static struct batch *next_batch(struct world *world)
{
    const uint8_t *bytes = NULL;
    size_t size = 0;
    struct stream_position position;
    char reason[128];
    if (spool_read(world->scene.spool, &bytes, &size, &position) == 0) {
        return NULL;
    }
    struct batch *batch = batch_decode(BATCH_WIRE, bytes, size, reason, sizeof reason);
    if (batch == NULL) {
        fail_msg("%s", reason);
    }
    return batch;
}

static bool was_woken(void *context)
{
    return ((struct world *)context)->n_woken > 0;
}

static void talkers(struct world *world, uint32_t number, uint64_t error_bytes)
{
    const struct talker_item items[] = {{"192.0.2.0/24", 10, 1, error_bytes}};
    const struct talker_report report = {.object = number,
                                         .from = {TEST_TIME},
                                         .to = {TEST_TIME + 60000},
                                         .list = TALKERS_PREFIXES,
                                         .total_ip_bytes = 10,
                                         .n_items = 1,
                                         .items = items};
    world->sink->talkers(world->sink->context, &report);
}

static void talkers_go_into_the_batch_or_are_counted(void **state)
{
    struct world world;
    (void)state;
    begin(&world);
    struct object traffic = make_object("traffic", "eth0");
    struct object other = make_object("interface", "eth0");
    assert_int_equal(define(&world, &traffic), 1);
    assert_int_equal(define(&world, &other), 2);
    talkers(&world, 0, 0); /* of a refused object: nothing */
    talkers(&world, 1, 10);
    assert_int_equal(batcher_refused(world.batcher), 0);
    talkers(&world, 1, 11); /* an error beyond what it is of */
    talkers(&world, 2, 0);  /* not of what was metered */
    talkers(&world, 3, 0);
    assert_int_equal(batcher_refused(world.batcher), 3);
    batcher_flush(world.batcher, false);
    struct batch *batch = next_batch(&world);
    assert_non_null(batch);
    assert_int_equal(batch->n_talkers, 1);
    assert_int_equal(batch->talkers[0].object, 1);
    assert_string_equal(batch->talkers[0].items[0].key, "192.0.2.0/24");
    assert_int_equal(batch->n_gaps, 3);
    assert_int_equal(batch->gaps[0].from.ms, TEST_TIME);
    assert_int_equal(batch->gaps[0].to.ms, TEST_TIME + 60000);
    assert_int_equal(batch->gaps[0].rows, 1);
    assert_int_equal(batch->gaps[0].reason, GAP_ENCODE);
    batch_free(batch);
    end(&world);
}

static void objects_are_numbered_densely_and_once(void **state)
{
    struct world world;
    (void)state;
    begin(&world);
    struct object a = make_object("interface", "a");
    struct object b = make_object("interface", "b");
    struct object bad = make_object("interface", "");
    assert_int_equal(define(&world, &a), 1);
    assert_int_equal(define(&world, &bad), 0);
    assert_int_equal(define(&world, &b), 2);
    assert_int_equal(define(&world, &a), 1);
    a.interval_ms = 5000;
    assert_int_equal(define(&world, &a), 3);
    assert_int_equal(define(&world, &a), 3);
    row(&world, 0, 0); /* of a refused object: nothing */
    row(&world, 2, 1);
    row(&world, 3, 2);
    assert_int_equal(batcher_rows(world.batcher), 2);
    assert_int_equal(batcher_refused(world.batcher), 1);
    row(&world, 1, 3); /* of the old shape: lost, and said so */
    assert_int_equal(batcher_refused(world.batcher), 2);
    batcher_flush(world.batcher, false);
    struct batch *first = next_batch(&world); /* closed when "a" changed */
    struct batch *second = next_batch(&world);
    assert_int_equal(first->n_definitions, 2);
    assert_int_equal(first->n_rows, 0);
    assert_int_equal(second->n_definitions, 1);
    assert_int_equal(second->definitions[0].number, 3);
    assert_int_equal(second->definitions[0].interval_ms, 5000);
    assert_int_equal(second->n_rows, 2);
    assert_int_equal(second->n_gaps, 1);
    assert_int_equal(second->gaps[0].reason, GAP_ENCODE);
    assert_int_equal(second->gaps[0].from.ms, TEST_TIME + 3);
    assert_null(next_batch(&world));
    batch_free(first);
    batch_free(second);
    end(&world);
}

static void batch_is_closed_when_it_is_a_second_old(void **state)
{
    struct world world;
    (void)state;
    begin(&world);
    struct object a = make_object("interface", "a");
    row(&world, define(&world, &a), 0);
    assert_null(next_batch(&world));
    assert_int_equal(world.n_woken, 0);
    clock_move_ms(999);
    uv_run(&world.loop, UV_RUN_ONCE); /* one turn of the timer: not yet */
    assert_null(next_batch(&world));
    world.n_woken = 0;
    clock_move_ms(1);
    run_until(&world.loop, was_woken, &world, 5000);
    struct batch *batch = next_batch(&world);
    assert_non_null(batch);
    assert_int_equal(batch->n_rows, 1);
    batch_free(batch);
    end(&world);
}

static void change_of_state_goes_out_at_once(void **state)
{
    struct world world;
    struct statement statement;
    (void)state;
    begin(&world);
    struct object check = make_object("check", "http");
    check.n_metrics = 0;
    struct result result = {.object = define(&world, &check),
                            .time = {TEST_TIME},
                            .outcome = OUTCOME_UP,
                            .reason = "",
                            .detail = ""};
    world.sink->result(world.sink->context, &result);
    assert_int_equal(world.n_woken, 1);
    struct batch *batch = next_batch(&world); /* durable: it may be sent */
    assert_int_equal(batch->n_definitions, 1);
    assert_int_equal(batch->n_observations, 1);
    batch_free(batch);
    result.time.ms += 10000;
    world.sink->result(world.sink->context, &result);
    assert_null(next_batch(&world));
    batcher_flush(world.batcher, false);
    assert_null(next_batch(&world)); /* nothing to say yet */
    batcher_flush(world.batcher, true);
    batch = next_batch(&world);
    assert_int_equal(batch->n_observations, 1);
    assert_int_equal(statement_decode(batch->observations[0].statement,
                                      batch->observations[0].statement_size, &statement),
                     0);
    assert_int_equal(statement.results, 2);
    batch_free(batch);
    end(&world);
}

/* So long the machine has slept. */
static int64_t slept_ms;

struct clock_reading __real_clock_read(void);
struct clock_reading __wrap_clock_read(void);

struct clock_reading __wrap_clock_read(void)
{
    struct clock_reading reading = __real_clock_read();
    reading.awake.ns -= slept_ms * 1000000;
    return reading;
}

static uint32_t define_check(struct world *world)
{
    struct object check = make_object("check", "http");
    check.n_metrics = 0;
    return define(world, &check);
}

static void good_result(struct world *world, uint32_t object, int64_t ms)
{
    const struct result result = {.object = object,
                                  .time = {TEST_TIME + ms},
                                  .outcome = OUTCOME_UP,
                                  .reason = "",
                                  .detail = ""};
    world->sink->result(world->sink->context, &result);
}

/* What the batch says of the check, in order; returns how much. */
static size_t statements_of(const struct batch *batch, struct statement statements[4])
{
    assert_true(batch->n_observations <= 4);
    for (size_t i = 0; i < batch->n_observations; i++) {
        assert_int_equal(statement_decode(batch->observations[i].statement,
                                          batch->observations[i].statement_size, &statements[i]),
                         0);
    }
    return batch->n_observations;
}

static void a_sleep_is_a_gap_and_ends_the_run(void **state)
{
    enum { SLEPT_MS = 7200000 };
    struct world world;
    struct statement said[4];
    (void)state;
    begin(&world);
    uint32_t check = define_check(&world);
    int64_t now_ms = clock_wall().ms - TEST_TIME;
    good_result(&world, check, now_ms);
    batch_free(next_batch(&world));
    clock_move_ms(1000);
    good_result(&world, check, now_ms + 1000);
    clock_move_ms(SLEPT_MS); /* both go on, and we were not there */
    slept_ms = SLEPT_MS;
    good_result(&world, check, now_ms + 1000 + SLEPT_MS + 1);
    batcher_flush(world.batcher, false);
    struct batch *batch = next_batch(&world);
    assert_int_equal(batch->n_gaps, 1);
    assert_int_equal(batch->gaps[0].reason, GAP_SUSPENDED);
    assert_int_equal(batch->gaps[0].from.ms - TEST_TIME, now_ms + 1000);
    assert_int_equal(batch->gaps[0].to.ms - batch->gaps[0].from.ms, SLEPT_MS);
    assert_int_equal(statements_of(batch, said), 2);
    assert_int_equal(said[0].last.ms - TEST_TIME, now_ms + 1000);
    assert_int_equal(said[1].first.ms - TEST_TIME, now_ms + 1000 + SLEPT_MS + 1);
    assert_int_equal(batcher_clock(world.batcher)->slept_ms, SLEPT_MS);
    batch_free(batch);
    slept_ms = 0;
    end(&world);
}

static void a_step_ends_the_run_before_the_next_result_counts(void **state)
{
    struct world world;
    struct statement said[4];
    (void)state;
    begin(&world);
    uint32_t check = define_check(&world);
    int64_t now_ms = clock_wall().ms - TEST_TIME;
    good_result(&world, check, now_ms);
    batch_free(next_batch(&world));
    clock_step_ms(5000);
    good_result(&world, check, now_ms + 5001); /* within two intervals */
    batcher_flush(world.batcher, false);
    struct batch *batch = next_batch(&world);
    assert_int_equal(batch->n_gaps, 0); /* nothing was lost */
    assert_int_equal(statements_of(batch, said), 1);
    assert_int_equal(said[0].results, 1);
    assert_int_equal(batcher_clock(world.batcher)->steps, 1);
    assert_int_equal(batcher_clock(world.batcher)->stepped_ms, 5000);
    batch_free(batch);
    end(&world);
}

/* Rows until the log has begun another segment; returns the sequence that began it. */
static uint64_t fill_a_segment(struct world *world, uint32_t number)
{
    size_t segments = scene_segments(&world->scene);
    uint64_t sequence = 0;
    for (int i = 0; scene_segments(&world->scene) == segments; i++) {
        assert_true(i < 100);
        sequence = spool_next_position(world->scene.spool).sequence;
        for (int j = 0; j < 1000; j++) {
            row(world, number, i * 1000 + j);
        }
        batcher_flush(world->batcher, false);
    }
    return sequence;
}

static void every_segment_begins_with_all_definitions(void **state)
{
    struct world world;
    (void)state;
    begin(&world);
    struct object a = make_object("interface", "a");
    struct object b = make_object("interface", "b");
    define(&world, &a);
    uint32_t number = define(&world, &b);
    a.interval_ms = 5000;
    define(&world, &a); /* number 1 is history */
    batcher_flush(world.batcher, false);
    uint64_t began = fill_a_segment(&world, number);
    struct batch *batch;
    size_t checked = 0;
    while ((batch = next_batch(&world)) != NULL) {
        if (batch->position.sequence == began) {
            assert_int_equal(batch->n_rows, 0);
            assert_int_equal(batch->n_definitions, 2);
            assert_int_equal(batch->definitions[0].number, 2);
            assert_string_equal(batch->definitions[0].name, "b");
            assert_int_equal(batch->definitions[1].number, 3);
            assert_string_equal(batch->definitions[1].name, "a");
            assert_int_equal(batch->definitions[1].interval_ms, 5000);
            checked++;
        } else if (batch->position.sequence == began + 1) {
            assert_true(batch->n_rows > 0);
            checked++;
        }
        batch_free(batch);
    }
    assert_int_equal(checked, 2);
    end(&world);
}

/* The definitions that begin a segment are a batch before the one with the statements: a crash
 * between the two must not make the chain jump. */
static void chain_of_the_spool_is_never_ahead_of_its_batches(void **state)
{
    struct world world;
    (void)state;
    begin(&world);
    struct object check = make_object("check", "http");
    check.n_metrics = 0;
    uint32_t number = define(&world, &check);
    struct object a = make_object("interface", "a");
    uint32_t filler = define(&world, &a);
    for (int i = 0; i < 40; i++) {
        struct result result = {.object = number,
                                .time = {TEST_TIME + i * 10000},
                                .outcome = i % 2 == 0 ? OUTCOME_UP : OUTCOME_DOWN,
                                .reason = i % 2 == 0 ? "" : "timeout",
                                .detail = ""};
        for (int j = 0; j < 1000; j++) {
            row(&world, filler, i * 10000 + j);
        }
        world.sink->result(world.sink->context, &result);
    }
    assert_true(scene_segments(&world.scene) > 2);
    uint64_t stated = 0;
    struct batch *batch;
    while ((batch = next_batch(&world)) != NULL) {
        for (size_t i = 0; i < batch->n_observations; i++) {
            struct statement statement;
            assert_int_equal(statement_decode(batch->observations[i].statement,
                                              batch->observations[i].statement_size, &statement),
                             0);
            assert_int_equal(statement.number, ++stated);
        }
        batch_free(batch);
    }
    assert_int_equal(stated, 40);
    batcher_free(world.batcher);
    scene_crash(&world.scene);
    scene_open(&world.scene);
    assert_int_equal(world.scene.chain.number, stated);
    open_batcher(&world);
    end(&world);
}

static void gap_goes_into_the_next_batch_and_closes_none(void **state)
{
    struct world world;
    (void)state;
    begin(&world);
    struct gap gap = {.from = {TEST_TIME}, .to = {TEST_TIME + 5}, .reason = GAP_SPOOL_FULL};
    for (int i = 0; i < 20000; i++) {
        batcher_gap(world.batcher, &gap); /* beyond the size that closes a batch */
    }
    assert_int_equal(world.n_woken, 0);
    batcher_flush(world.batcher, false);
    struct batch *batch = next_batch(&world);
    assert_int_equal(batch->n_gaps, 20000);
    batch_free(batch);
    end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(talkers_go_into_the_batch_or_are_counted),
        cmocka_unit_test(objects_are_numbered_densely_and_once),
        cmocka_unit_test(batch_is_closed_when_it_is_a_second_old),
        cmocka_unit_test(change_of_state_goes_out_at_once),
        cmocka_unit_test(a_sleep_is_a_gap_and_ends_the_run),
        cmocka_unit_test(a_step_ends_the_run_before_the_next_result_counts),
        cmocka_unit_test(every_segment_begins_with_all_definitions),
        cmocka_unit_test(chain_of_the_spool_is_never_ahead_of_its_batches),
        cmocka_unit_test(gap_goes_into_the_next_batch_and_closes_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
