/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Conditions on what others measure: each row that passes is judged, and one that stays away too.
 */
#include "../checks/support.h"
#include "checks/config.h"
#include "value_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { START_MS = 1700000000, CHECKS_MAX = 8 };

static int64_t now_ms;

static struct mono fake_mono(void *context)
{
    (void)context;
    return (struct mono){now_ms * 1000000};
}

static struct wall fake_wall(void *context)
{
    (void)context;
    return (struct wall){now_ms};
}

static const struct clock_source fake_clock = {fake_mono, fake_wall, NULL};

/* Real ones, once now_ms of them have passed at once. */
static struct mono later_mono(void *context)
{
    struct timespec time;
    (void)context;
    assert_int_equal(clock_gettime(CLOCK_BOOTTIME, &time), 0);
    return (struct mono){time.tv_sec * 1000000000 + time.tv_nsec + now_ms * 1000000};
}

static struct wall later_wall(void *context)
{
    struct timespec time;
    (void)context;
    assert_int_equal(clock_gettime(CLOCK_REALTIME, &time), 0);
    return (struct wall){time.tv_sec * 1000 + time.tv_nsec / 1000000 + now_ms};
}

static const struct clock_source later_clock = {later_mono, later_wall, NULL};

static const struct metric port_metrics[] = {{"in", "octets", METRIC_COUNTER},
                                             {"busy", "ms", METRIC_COUNTER},
                                             {"temp", "Cel", METRIC_GAUGE}};

static const struct object port = {.device = "sw1",
                                   .kind = "interface",
                                   .name = "port 1",
                                   .interval_ms = 10000,
                                   .metrics = port_metrics,
                                   .n_metrics = 3};

struct fixture {
    uv_loop_t loop;
    struct recorder *recorder;
    struct value_checks *checks;
    const struct sample_sink *sink;
    struct object known; /* what find finds */
    struct check_config items[CHECKS_MAX];
    char *conditions[CHECKS_MAX];
    size_t n;
};

static const struct object *find(void *context, const char *device, const char *kind,
                                 const char *name)
{
    const struct fixture *f = context;
    const struct object *known = &f->known;
    return known->number != 0 && strcmp(known->device, device) == 0 &&
                   strcmp(known->kind, kind) == 0 && strcmp(known->name, name) == 0
               ? known
               : NULL;
}

/* One on sw1's port 1, down unless the condition holds. */
static struct check_config *add(struct fixture *f, const char *name, const char *metric,
                                const char *condition)
{
    struct check_config *item = &f->items[f->n];
    f->conditions[f->n] = (char *)(uintptr_t)condition;
    *item = (struct check_config){.name = (char *)(uintptr_t)name,
                                  .device = (char *)"sw1",
                                  .type = CHECK_VALUE,
                                  .interval_ms = 10000,
                                  .timeout_ms = 5000,
                                  .record = CHECK_RECORD_A,
                                  .kind = (char *)"interface",
                                  .object = (char *)"port 1",
                                  .metric = (char *)(uintptr_t)metric,
                                  .down_unless = {1, &f->conditions[f->n]}};
    f->n++;
    return item;
}

static struct fixture *fixture_new(void)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->recorder = recorder_new();
    assert_int_equal(uv_loop_init(&f->loop), 0);
    return f;
}

static void fixture_open(struct fixture *f)
{
    const struct config_list list = {f->n, f->items};
    const struct value_checks_options options = {
        .device = "self", .next = &f->recorder->sink, .find = find, .context = f};
    f->checks = value_checks_open(&f->loop, &list, &options);
    f->sink = value_checks_sink(f->checks);
}

static void fixture_free(struct fixture *f)
{
    value_checks_close(f->checks);
    value_checks_close(NULL);
    finish_loop(&f->loop);
    recorder_free(f->recorder);
    clock_replace(NULL);
    free(f);
}

static uint32_t define(struct fixture *f, const struct object *object)
{
    uint32_t number = f->sink->define(f->sink->context, object);
    assert_true(number > 0);
    f->known = *object;
    f->known.number = number;
    return number;
}

/* A row of port 1 that arrives as it is dated. */
static void feed(struct fixture *f, uint32_t number, uint64_t in, uint64_t busy, double temp,
                 uint64_t unknown, uint64_t discontinuity)
{
    const union value values[3] = {{.counter = in}, {.counter = busy}, {.gauge = temp}};
    const struct row row = {.object = number,
                            .time = {now_ms},
                            .status = ROW_OK,
                            .unknown_mask = unknown,
                            .discontinuity_mask = discontinuity,
                            .values = values};
    f->sink->row(f->sink->context, &row);
}

static const struct recorded_result *last_result(const struct fixture *f)
{
    assert_true(f->recorder->n_results > 0);
    return &f->recorder->results[f->recorder->n_results - 1];
}

static const struct recorded_row *last_row(const struct fixture *f)
{
    return &f->recorder->rows[f->recorder->n_rows - 1];
}

static void gauge_is_judged_as_it_comes(void **state)
{
    struct fixture *f = fixture_new();
    (void)state;
    struct check_config *item = add(f, "temp", "temp", "value < 60");
    char *degraded[] = {(char *)"value < 40"};
    item->degraded_unless = (struct config_strings){1, degraded};
    item->confirm = (char *)"2 of 2";
    clock_replace(&fake_clock);
    now_ms = START_MS;
    fixture_open(f);
    assert_int_equal(f->recorder->n_objects, 1);
    assert_string_equal(f->recorder->objects[0].kind, "check");
    assert_string_equal(f->recorder->objects[0].device, "sw1");
    assert_string_equal(f->recorder->objects[0].label,
                        "type=value target=interface port 1 temp confirm=2 of 2");
    uint32_t number = define(f, &port);
    static const struct {
        double temp;
        enum outcome outcome;
        const char *reason;
        const char *detail;
        int confirmed;
    } cases[] = {
        {30, OUTCOME_UP, "", "", 0},
        {41.5, OUTCOME_DEGRADED, "condition", "value is 41.5 Cel, not value < 40", 0},
        {60, OUTCOME_DOWN, "condition", "value is 60 Cel, not value < 60", 1},
        {39, OUTCOME_UP, "", "", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        now_ms += 10000;
        feed(f, number, 1, 1, cases[i].temp, 0, 0);
        assert_int_equal(f->recorder->n_rows, 2 * (i + 1));
        assert_int_equal(f->recorder->rows[2 * i].row.object, number); /* it went on first */
        const struct recorded_result *result = last_result(f);
        assert_int_equal(f->recorder->n_results, i + 1);
        assert_int_equal(result->result.outcome, cases[i].outcome);
        assert_int_equal(result->result.object, 1);
        assert_true(result->result.time.ms == now_ms);
        assert_string_equal(result->reason, cases[i].reason);
        assert_string_equal(result->detail, cases[i].detail);
        assert_int_equal(last_row(f)->row.unknown_mask, 0);
        assert_true(last_row(f)->row.time.ms == now_ms);
        assert_true((int)(last_row(f)->values[0].gauge * 10) == (int)(cases[i].temp * 10));
        assert_int_equal((int)last_row(f)->values[2].gauge, cases[i].confirmed);
    }
    /* Not measured. */
    now_ms += 10000;
    feed(f, number, 1, 1, 0, 4, 0);
    assert_int_equal(last_result(f)->result.outcome, OUTCOME_UNKNOWN);
    assert_string_equal(last_result(f)->reason, "no-value");
    assert_int_equal(last_row(f)->row.unknown_mask, 1);
    fixture_free(f);
}

static void counter_is_a_rate(void **state)
{
    struct fixture *f = fixture_new();
    (void)state;
    add(f, "in", "in", "value < 8 Mbit/s");
    clock_replace(&fake_clock);
    now_ms = START_MS;
    fixture_open(f);
    uint32_t number = define(f, &port);
    static const struct {
        int64_t step_ms; /* of the clock that dates, beyond the steady one */
        uint64_t in;
        uint64_t discontinuity;
        int results; /* in all */
        enum outcome outcome;
        const char *reason;
        double rate; /* octets/s */
    } cases[] = {
        {0, 5000, 0, 0, 0, "", 0}, /* no rate of one */
        {0, 5000 + 9990000, 0, 1, OUTCOME_UP, "", 999000},
        {0, 5000 + 9990000 + 10010000, 0, 2, OUTCOME_DOWN, "condition", 1001000},
        {0, 3000, 0, 3, OUTCOME_UNKNOWN, "discontinuity", 0},
        {0, 4000, 0, 4, OUTCOME_UP, "", 100},
        {0, 5000, 1, 5, OUTCOME_UNKNOWN, "discontinuity", 0},
        {0, 6000, 2, 6, OUTCOME_UP, "", 100}, /* another's */
        {3600000, 7000, 0, 7, OUTCOME_UNKNOWN, "discontinuity", 0},
        {0, 8000, 0, 8, OUTCOME_UP, "", 100},
        {-3600000, 9000, 0, 9, OUTCOME_UNKNOWN, "discontinuity", 0},
        {0, 10000, 0, 10, OUTCOME_UP, "", 100},
    };
    int64_t apart_ms = 0;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        now_ms += 10000;
        apart_ms += cases[i].step_ms;
        const union value values[3] = {{.counter = cases[i].in}, {.counter = 1}, {.gauge = 1}};
        const struct row row = {.object = number,
                                .time = {now_ms + apart_ms},
                                .status = ROW_OK,
                                .discontinuity_mask = cases[i].discontinuity,
                                .values = values};
        f->sink->row(f->sink->context, &row);
        assert_int_equal(f->recorder->n_results, cases[i].results);
        if (cases[i].results > 0) {
            assert_int_equal(last_result(f)->result.outcome, cases[i].outcome);
            assert_string_equal(last_result(f)->reason, cases[i].reason);
            double error = last_row(f)->values[0].gauge - cases[i].rate;
            assert_true(cases[i].outcome == OUTCOME_UNKNOWN || (error < 1e-6 && error > -1e-6));
        }
        if (i == 2) {
            assert_string_equal(last_result(f)->detail,
                                "value is 1.001e+06 octets/s, not value < 8 Mbit/s");
        }
    }
    fixture_free(f);
}

static void counter_of_time_is_a_share(void **state)
{
    struct fixture *f = fixture_new();
    (void)state;
    add(f, "busy", "busy", "value <= 50 %");
    clock_replace(&fake_clock);
    now_ms = START_MS;
    fixture_open(f);
    uint32_t number = define(f, &port);
    feed(f, number, 1, 1000, 1, 0, 0);
    now_ms += 10000;
    feed(f, number, 1, 6000, 1, 0, 0);
    assert_int_equal(last_result(f)->result.outcome, OUTCOME_UP);
    now_ms += 10000;
    feed(f, number, 1, 11100, 1, 0, 0);
    assert_int_equal(last_result(f)->result.outcome, OUTCOME_DOWN);
    assert_string_equal(last_result(f)->detail, "value is 0.51 ratio, not value <= 50 %");
    fixture_free(f);
}

static void one_row_of_an_interval_is_judged(void **state)
{
    struct fixture *f = fixture_new();
    (void)state;
    add(f, "slow", "temp", "value < 60")->interval_ms = 60000;
    add(f, "fast", "temp", "value < 60")->interval_ms = 1000;
    f->items[1].timeout_ms = 500;
    clock_replace(&fake_clock);
    now_ms = START_MS;
    fixture_open(f);
    uint32_t number = define(f, &port);
    for (int i = 0; i < 60; i++) {
        now_ms += 10000 + (i % 3 - 1) * 900; /* polls are not that even */
        feed(f, number, 1, 1, 30, 0, 0);
    }
    size_t n[3] = {0};
    for (size_t i = 0; i < f->recorder->n_results; i++) {
        n[f->recorder->results[i].result.object]++;
    }
    assert_int_equal(n[1], 10);
    assert_int_equal(n[2], 60);
    fixture_free(f);
}

static void new_definition_is_followed(void **state)
{
    struct fixture *f = fixture_new();
    const struct label label = {"alias", "Mairie"};
    struct object other = port;
    (void)state;
    add(f, "in", "in", "value < 8 Mbit/s");
    clock_replace(&fake_clock);
    now_ms = START_MS;
    fixture_open(f);
    uint32_t first = define(f, &port);
    feed(f, first, 1000, 1, 1, 0, 0);
    other.labels = &label;
    other.n_labels = 1;
    uint32_t second = define(f, &other);
    assert_int_not_equal(first, second);
    now_ms += 10000;
    feed(f, second, 2000, 1, 1, 0, 0); /* its rate goes on */
    assert_int_equal(f->recorder->n_results, 1);
    assert_int_equal(last_result(f)->result.outcome, OUTCOME_UP);
    other.name = "port 2";
    uint32_t third = define(f, &other);
    now_ms += 10000;
    feed(f, third, 0, 0, 0, 0, 0);
    assert_int_equal(f->recorder->n_results, 1); /* is none of ours */
    fixture_free(f);
}

static void reload_keeps_what_stays(void **state)
{
    struct fixture *f = fixture_new();
    (void)state;
    add(f, "stays", "in", "value < 8 Mbit/s");
    add(f, "goes", "temp", "value < 60");
    add(f, "web", "temp", "value < 60")->type = CHECK_HTTP; /* another's */
    clock_replace(&fake_clock);
    now_ms = START_MS;
    fixture_open(f);
    uint32_t number = define(f, &port);
    feed(f, number, 1000, 1, 1, 0, 0);
    assert_int_equal(f->recorder->n_results, 1);

    struct check_config items[2] = {f->items[0], f->items[1]};
    items[1].name = (char *)"comes";
    const struct config_list list = {2, items};
    value_checks_reload(f->checks, &list, "self");
    memset(f->items, 0, sizeof f->items); /* the old list is gone */
    now_ms += 10000;
    feed(f, number, 2000, 1, 70, 0, 0);
    assert_int_equal(f->recorder->n_results, 3);
    const struct recorded_result *kept = &f->recorder->results[1];
    const struct recorded_result *new = &f->recorder->results[2];
    if (kept->result.object != 1) {
        kept = &f->recorder->results[2];
        new = &f->recorder->results[1];
    }
    assert_int_equal(kept->result.object, 1); /* has a rate at once */
    assert_int_equal(kept->result.outcome, OUTCOME_UP);
    assert_string_equal(f->recorder->objects[new->result.object - 1].name, "comes");
    assert_int_equal(new->result.outcome, OUTCOME_DOWN);
    const struct config_list none = {0, NULL};
    value_checks_reload(f->checks, &none, "self");
    now_ms += 10000;
    feed(f, number, 3000, 1, 70, 0, 0);
    assert_int_equal(f->recorder->n_results, 3);
    fixture_free(f);
}

static bool has_all_words(void *context)
{
    static const char *const reasons[] = {"no-object", "no-metric", "unit-mismatch", "stale"};
    const struct fixture *f = context;
    size_t n_found = 0;
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        for (size_t j = 0; j < f->recorder->n_results; j++) {
            if (strcmp(f->recorder->results[j].reason, reasons[i]) == 0) {
                n_found++;
                break;
            }
        }
    }
    return n_found == sizeof reasons / sizeof reasons[0];
}

static bool has_turned(void *context)
{
    const struct fixture *f = context;
    return f->recorder->n_results >= 4;
}

static void what_is_not_there_is_unknown(void **state)
{
    struct fixture *f = fixture_new();
    struct object quick = port;
    (void)state;
    add(f, "nowhere", "in", "value < 1")->object = (char *)"port 9";
    add(f, "misnamed", "inn", "value < 1");
    add(f, "misread", "in", "value < 800 ms");
    add(f, "silent", "temp", "value < 60");
    for (size_t i = 0; i < f->n; i++) {
        f->items[i].interval_ms = 1000;
        f->items[i].timeout_ms = 500;
    }
    clock_replace(&later_clock);
    now_ms = 0;
    fixture_open(f);
    quick.interval_ms = 100;
    uint32_t number = define(f, &quick);
    const union value values[3] = {{.counter = 1}, {.counter = 1}, {.gauge = 30}};
    struct row row = {.object = number, .time = clock_wall(), .status = ROW_OK, .values = values};
    f->sink->row(f->sink->context, &row);
    assert_int_equal(f->recorder->n_results, 1); /* it was not silent yet */
    assert_true(run_until(&f->loop, has_turned, f, 10000));
    assert_false(has_all_words(f)); /* not yet: no-object */
    now_ms = 61000;
    assert_true(run_until(&f->loop, has_all_words, f, 10000));
    bool is_age_known = false;
    for (size_t i = 1; i < f->recorder->n_results; i++) {
        assert_int_equal(f->recorder->results[i].result.outcome, OUTCOME_UNKNOWN);
        const struct recorded_row *told = &f->recorder->rows[i + 1];
        assert_int_equal(told->row.unknown_mask & 1, 1);
        is_age_known = is_age_known || (told->row.unknown_mask == 1 && told->values[1].gauge > 1.2);
    }
    assert_true(is_age_known);
    fixture_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gauge_is_judged_as_it_comes),
        cmocka_unit_test(counter_is_a_rate),
        cmocka_unit_test(counter_of_time_is_a_share),
        cmocka_unit_test(one_row_of_an_interval_is_judged),
        cmocka_unit_test(new_definition_is_followed),
        cmocka_unit_test(reload_keeps_what_stays),
        cmocka_unit_test(what_is_not_there_is_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
