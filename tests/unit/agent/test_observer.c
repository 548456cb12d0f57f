/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From results to signed statements: when one is made, what it claims, and that they form a chain.
 */
#include "support.h"

#include "observer.h"
#include "proto/statement.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { SAID_MAX = 64, INTERVAL_MS = 10000 };

struct said {
    struct statement statement;
    bool urgent;
};

struct world {
    struct keys *keys;
    struct observer *observer;
    struct spool_chain chain; /* as verified */
    size_t n_said;
    struct said said[SAID_MAX];
};

/* Whoever gets the statements can do this. */
static void on_observation(void *context, const struct observation *observation, bool urgent)
{
    struct world *world = context;
    assert_true(world->n_said < SAID_MAX);
    struct said *said = &world->said[world->n_said++];
    assert_int_equal(statement_verify(observation->statement, observation->statement_size,
                                      observation->signature, keys_sign_public_bytes(world->keys)),
                     0);
    assert_int_equal(
        statement_decode(observation->statement, observation->statement_size, &said->statement), 0);
    assert_int_equal(said->statement.number, world->chain.number + 1);
    assert_int_equal(said->statement.has_previous, world->chain.number > 0);
    if (said->statement.has_previous) {
        assert_memory_equal(said->statement.previous, world->chain.hash, KEYS_HASH_SIZE);
    }
    world->chain.number++;
    statement_hash(observation->statement, observation->statement_size, world->chain.hash);
    said->urgent = urgent;
}

/* What the wall clock says while a test asks. */
static int64_t now_ms;

static struct wall fake_wall(void *context)
{
    (void)context;
    return (struct wall){TEST_TIME + now_ms};
}

static struct mono fake_mono(void *context)
{
    (void)context;
    return (struct mono){0};
}

static void define(struct world *world, uint32_t number, const char *name, int64_t interval_ms)
{
    struct object object = {.number = number,
                            .device = "web-1",
                            .kind = "check",
                            .name = name,
                            .interval_ms = interval_ms};
    observer_define(world->observer, &object);
}

static void begin(struct world *world)
{
    static const struct clock_source source = {.mono = fake_mono, .wall = fake_wall};
    *world = (struct world){0};
    now_ms = 0;
    clock_replace(&source);
    assert_int_equal(keys_init(), 0);
    world->keys = keys_generate();
    struct observer_options options = {.keys = world->keys,
                                       .stream = {1, 2, 3},
                                       .repeat_ms = 60000,
                                       .on_observation = on_observation,
                                       .context = world};
    world->observer = observer_new(&options);
    define(world, 1, "http", INTERVAL_MS);
}

static void end(struct world *world)
{
    struct spool_chain chain = observer_chain(world->observer);
    assert_memory_equal(&chain, &world->chain, sizeof chain);
    observer_free(world->observer);
    keys_free(world->keys);
    clock_replace(NULL);
}

static void result(struct world *world, uint32_t object, int64_t ms, enum outcome outcome,
                   const char *reason)
{
    struct result result = {.object = object,
                            .time = {TEST_TIME + ms},
                            .outcome = outcome,
                            .reason = reason,
                            .detail = ""};
    observer_result(world->observer, &result);
}

static void assert_said(const struct said *said, int64_t first_ms, int64_t last_ms,
                        enum outcome outcome, uint64_t results)
{
    assert_int_equal(said->statement.first.ms - TEST_TIME, first_ms);
    assert_int_equal(said->statement.last.ms - TEST_TIME, last_ms);
    assert_int_equal(said->statement.outcome, outcome);
    assert_int_equal(said->statement.results, results);
}

static void change_is_said_at_once_and_closes_the_run(void **state)
{
    struct world world;
    (void)state;
    begin(&world);
    result(&world, 1, 0, OUTCOME_UP, "");
    assert_int_equal(world.n_said, 1);
    assert_true(world.said[0].urgent);
    assert_string_equal(world.said[0].statement.device, "web-1");
    assert_string_equal(world.said[0].statement.check, "http");
    assert_int_equal(world.said[0].statement.interval_ms, INTERVAL_MS);
    assert_said(&world.said[0], 0, 0, OUTCOME_UP, 1);
    result(&world, 1, 10000, OUTCOME_UP, "");
    result(&world, 1, 20000, OUTCOME_UP, "");
    assert_int_equal(world.n_said, 1);
    result(&world, 1, 30000, OUTCOME_DOWN, "timeout");
    assert_int_equal(world.n_said, 3);
    assert_said(&world.said[1], 0, 20000, OUTCOME_UP, 3);
    assert_false(world.said[1].urgent);
    assert_said(&world.said[2], 30000, 30000, OUTCOME_DOWN, 1);
    assert_true(world.said[2].urgent);
    result(&world, 1, 40000, OUTCOME_DOWN, "connection-refused"); /* another reason: another run */
    assert_int_equal(world.n_said, 4);
    assert_true(world.said[3].urgent);
    assert_string_equal(world.said[3].statement.reason, "connection-refused");
    end(&world);
}

static void what_holds_is_repeated(void **state)
{
    struct world world;
    (void)state;
    begin(&world);
    result(&world, 1, 0, OUTCOME_UP, "");
    observer_repeat(world.observer, (struct wall){TEST_TIME + 60000});
    assert_int_equal(world.n_said, 1); /* nothing new to say */
    for (int i = 1; i <= 7; i++) {
        result(&world, 1, i * INTERVAL_MS, OUTCOME_UP, "");
        observer_repeat(world.observer, (struct wall){TEST_TIME + i * INTERVAL_MS});
    }
    assert_int_equal(world.n_said, 2);
    assert_said(&world.said[1], 0, 60000, OUTCOME_UP, 7);
    assert_false(world.said[1].urgent);
    observer_flush(world.observer);
    assert_int_equal(world.n_said, 3);
    assert_said(&world.said[2], 0, 70000, OUTCOME_UP, 8);
    observer_flush(world.observer);
    assert_int_equal(world.n_said, 3);
    end(&world);
}

static void missing_results_break_the_run(void **state)
{
    struct world world;
    (void)state;
    begin(&world);
    result(&world, 1, 0, OUTCOME_UP, "");
    result(&world, 1, 21000, OUTCOME_UP, ""); /* two intervals and the slack: still one run */
    assert_int_equal(world.n_said, 1);
    result(&world, 1, 21000 + 21001, OUTCOME_UP, "");
    assert_int_equal(world.n_said, 3);
    assert_said(&world.said[1], 0, 21000, OUTCOME_UP, 2);
    assert_said(&world.said[2], 42001, 42001, OUTCOME_UP, 1);
    end(&world);
}

static void small_step_back_is_skipped_and_a_large_one_begins_anew(void **state)
{
    struct world world;
    (void)state;
    begin(&world);
    result(&world, 1, 100000, OUTCOME_UP, "");
    result(&world, 1, 110000, OUTCOME_UP, "");
    result(&world, 1, 110000, OUTCOME_DOWN, "timeout"); /* the same moment */
    result(&world, 1, 95000, OUTCOME_DOWN, "timeout");  /* within two intervals */
    assert_int_equal(world.n_said, 1);
    result(&world, 1, 10000, OUTCOME_DOWN, "timeout"); /* the clock was set right */
    assert_int_equal(world.n_said, 3);
    assert_said(&world.said[1], 100000, 110000, OUTCOME_UP, 2);
    assert_said(&world.said[2], 10000, 10000, OUTCOME_DOWN, 1);
    result(&world, 1, 20000, OUTCOME_DOWN, "timeout");
    observer_flush(world.observer);
    assert_said(&world.said[3], 10000, 20000, OUTCOME_DOWN, 2);
    end(&world);
}

/* The watch says so before the first result after it. */
static void change_clock(struct world *world, int64_t before_ms, int64_t stepped_ms,
                         int64_t slept_ms)
{
    const struct clock_change change = {
        .stepped_ms = stepped_ms,
        .slept_ms = slept_ms,
        .before = {TEST_TIME + before_ms},
        .after = {TEST_TIME + before_ms + stepped_ms + slept_ms},
    };
    now_ms = change.after.ms - TEST_TIME;
    observer_clock_changed(world->observer, &change);
}

static void a_sleep_ends_every_run(void **state)
{
    enum { SLEPT_MS = 6 * 3600000 };
    struct world world;
    (void)state;
    begin(&world);
    define(&world, 2, "ping", INTERVAL_MS);
    result(&world, 1, 0, OUTCOME_UP, "");
    result(&world, 2, 100, OUTCOME_DOWN, "timeout");
    result(&world, 1, 10000, OUTCOME_UP, "");
    assert_int_equal(world.n_said, 2);
    change_clock(&world, 10500, 0, SLEPT_MS);
    assert_int_equal(world.n_said, 3); /* how far they came, where that was not said */
    assert_said(&world.said[2], 0, 10000, OUTCOME_UP, 2);
    result(&world, 2, 10400, OUTCOME_DOWN, "timeout"); /* nobody was there to hear the answer */
    result(&world, 1, 10450, OUTCOME_UP, "");
    assert_int_equal(world.n_said, 3);
    result(&world, 1, 10500 + SLEPT_MS + 50, OUTCOME_UP, "");
    result(&world, 2, 10500 + SLEPT_MS + 60, OUTCOME_UP, "");
    assert_int_equal(world.n_said, 5);
    assert_said(&world.said[3], 10500 + SLEPT_MS + 50, 10500 + SLEPT_MS + 50, OUTCOME_UP, 1);
    assert_false(world.said[3].urgent); /* it was up before */
    assert_true(world.said[4].urgent);
    end(&world);
}

static void even_a_short_sleep_is_not_bridged(void **state)
{
    struct world world;
    (void)state;
    begin(&world);
    result(&world, 1, 0, OUTCOME_UP, "");
    change_clock(&world, 5000, 0, 6000);
    result(&world, 1, 11500, OUTCOME_UP, "");
    assert_int_equal(world.n_said, 2);
    assert_said(&world.said[1], 11500, 11500, OUTCOME_UP, 1);
    end(&world);
}

static void a_step_ahead_is_not_bridged(void **state)
{
    struct world world;
    (void)state;
    begin(&world);
    result(&world, 1, 0, OUTCOME_UP, "");
    result(&world, 1, 10000, OUTCOME_UP, "");
    change_clock(&world, 10200, 5000, 0);
    result(&world, 1, 10100, OUTCOME_DOWN, "timeout"); /* dated by the clock that was wrong */
    assert_int_equal(world.n_said, 2);
    assert_said(&world.said[1], 0, 10000, OUTCOME_UP, 2);
    result(&world, 1, 25000, OUTCOME_UP, "");
    assert_int_equal(world.n_said, 3);
    assert_said(&world.said[2], 25000, 25000, OUTCOME_UP, 1);
    result(&world, 1, 35000, OUTCOME_DOWN, "timeout"); /* the first failure counts at once */
    assert_said(&world.said[3], 35000, 35000, OUTCOME_DOWN, 1);
    end(&world);
}

static void a_step_back_loses_no_result(void **state)
{
    struct world world;
    (void)state;
    begin(&world);
    result(&world, 1, 0, OUTCOME_UP, "");
    result(&world, 1, 10000, OUTCOME_UP, "");
    change_clock(&world, 10100, -5000, 0);
    assert_int_equal(world.n_said, 2);
    now_ms = 5250;
    result(&world, 1, 5200, OUTCOME_DOWN, "timeout"); /* though that time had its word already */
    assert_int_equal(world.n_said, 3);
    assert_said(&world.said[2], 5200, 5200, OUTCOME_DOWN, 1);
    assert_true(world.said[2].urgent);
    end(&world);
}

/* As a leap second is by POSIX: a step back of a second. */
static void a_leap_second_breaks_the_run_and_no_more(void **state)
{
    struct world world;
    (void)state;
    begin(&world);
    define(&world, 2, "fast", 1000);
    result(&world, 2, 0, OUTCOME_UP, "");
    result(&world, 2, 1000, OUTCOME_UP, "");
    change_clock(&world, 1500, -1000, 0);
    now_ms = 2000;
    result(&world, 2, 1000, OUTCOME_UP, "");
    result(&world, 2, 2000, OUTCOME_UP, "");
    observer_flush(world.observer);
    assert_int_equal(world.n_said, 4);
    assert_said(&world.said[1], 0, 1000, OUTCOME_UP, 2);
    assert_said(&world.said[3], 1000, 2000, OUTCOME_UP, 2);
    end(&world);
}

static void the_old_clocks_future_is_not_believed(void **state)
{
    const int64_t hour_ms = 3600000;
    struct world world;
    (void)state;
    begin(&world);
    result(&world, 1, hour_ms, OUTCOME_UP, "");
    change_clock(&world, hour_ms + 500, -hour_ms, 0);
    result(&world, 1, hour_ms + 400, OUTCOME_DOWN, "timeout"); /* asked before */
    assert_int_equal(world.n_said, 1);
    now_ms = 10000;
    result(&world, 1, 9900, OUTCOME_UP, "");
    assert_int_equal(world.n_said, 2);
    assert_said(&world.said[1], 9900, 9900, OUTCOME_UP, 1);
    end(&world);
}

/* What a consumer needs of an outage: the last good result and the first bad one, both signed, the
 * one before the other, though nothing was due to be said between them. */
static void bounds_of_an_outage_travel(void **state)
{
    struct world world;
    (void)state;
    begin(&world);
    for (int i = 0; i < 5; i++) {
        result(&world, 1, i * INTERVAL_MS + i, OUTCOME_UP, ""); /* never quite on time */
    }
    result(&world, 1, 50777, OUTCOME_DOWN, "timeout");
    result(&world, 1, 60000, OUTCOME_DOWN, "connection-refused");
    result(&world, 1, 70123, OUTCOME_UP, "");
    assert_int_equal(world.n_said, 5);
    assert_said(&world.said[1], 0, 40004, OUTCOME_UP, 5); /* last good */
    assert_said(&world.said[2], 50777, 50777, OUTCOME_DOWN,
                1); /* first bad, dated as it was sent */
    assert_said(&world.said[3], 60000, 60000, OUTCOME_DOWN, 1); /* last bad */
    assert_said(&world.said[4], 70123, 70123, OUTCOME_UP, 1);   /* first good */
    assert_int_equal(world.said[2].statement.number, world.said[1].statement.number + 1);
    end(&world);
}

static void redefinition_keeps_the_run_unless_its_interval_changes(void **state)
{
    struct world world;
    (void)state;
    begin(&world);
    result(&world, 1, 0, OUTCOME_UP, "");
    result(&world, 1, 10000, OUTCOME_UP, "");
    define(&world, 7, "http", INTERVAL_MS);            /* other labels, say */
    result(&world, 1, 15000, OUTCOME_DOWN, "timeout"); /* of the old number: nobody's */
    assert_int_equal(world.n_said, 1);
    result(&world, 7, 20000, OUTCOME_UP, "");
    assert_int_equal(world.n_said, 1);
    define(&world, 200, "http", 5000);
    assert_int_equal(world.n_said, 2);
    assert_said(&world.said[1], 0, 20000, OUTCOME_UP, 3);
    assert_int_equal(world.said[1].statement.interval_ms, INTERVAL_MS);
    result(&world, 200, 25000, OUTCOME_UP, "");
    assert_int_equal(world.n_said, 3);
    assert_said(&world.said[2], 25000, 25000, OUTCOME_UP, 1);
    assert_int_equal(world.said[2].statement.interval_ms, 5000);
    end(&world);
}

static void checks_share_one_chain(void **state)
{
    struct world world;
    (void)state;
    begin(&world);
    define(&world, 2, "ping", INTERVAL_MS);
    result(&world, 1, 0, OUTCOME_UP, "");
    result(&world, 2, 1, OUTCOME_UP, "");
    result(&world, 2, 10001, OUTCOME_UP, "");
    result(&world, 1, 10000, OUTCOME_UP, "");
    result(&world, 9, 10000, OUTCOME_UP, ""); /* never defined */
    observer_flush(world.observer);
    assert_int_equal(world.n_said, 4);
    assert_string_equal(world.said[2].statement.check, "http");
    assert_string_equal(world.said[3].statement.check, "ping");
    end(&world);
}

static void foreign_text_makes_one_run_all_the_same(void **state)
{
    struct world world;
    char longest[PROTO_REASON_MAX + 20];
    (void)state;
    begin(&world);
    memset(longest, 'a', sizeof longest);
    longest[sizeof longest - 1] = '\0'; /* longer than a statement may hold */
    result(&world, 1, 0, OUTCOME_DOWN, longest);
    result(&world, 1, 10000, OUTCOME_DOWN, longest);
    assert_int_equal(world.n_said, 1);
    end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(change_is_said_at_once_and_closes_the_run),
        cmocka_unit_test(what_holds_is_repeated),
        cmocka_unit_test(missing_results_break_the_run),
        cmocka_unit_test(small_step_back_is_skipped_and_a_large_one_begins_anew),
        cmocka_unit_test(a_sleep_ends_every_run),
        cmocka_unit_test(even_a_short_sleep_is_not_bridged),
        cmocka_unit_test(a_step_ahead_is_not_bridged),
        cmocka_unit_test(a_step_back_loses_no_result),
        cmocka_unit_test(a_leap_second_breaks_the_run_and_no_more),
        cmocka_unit_test(the_old_clocks_future_is_not_believed),
        cmocka_unit_test(bounds_of_an_outage_travel),
        cmocka_unit_test(redefinition_keeps_the_run_unless_its_interval_changes),
        cmocka_unit_test(checks_share_one_chain),
        cmocka_unit_test(foreign_text_makes_one_run_all_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
