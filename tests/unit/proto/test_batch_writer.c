/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The writer refuses what breaks a bound and is as it was; a full batch is still a good one. */
#include "proto/batch.h"

#include "proto/statement.h"
#include "support.h"
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TIME_MAX_MS INT64_C(253402300799999)

static char letters_256[257];

/* One good thing of each kind, to be broken. */
struct things {
    struct object object;
    struct metric metrics[PROTO_METRICS_MAX + 1];
    struct label labels[PROTO_LABELS_MAX + 1];
    struct row row;
    union value values[PROTO_METRICS_MAX];
    struct result result;
    struct observation observation;
    struct gap gap;
};

static void make_things(struct things *t)
{
    static char names[PROTO_METRICS_MAX + 1][4];
    memset(t, 0, sizeof *t);
    for (size_t i = 0; i <= PROTO_METRICS_MAX; i++) {
        names[i][0] = 'm';
        names[i][1] = (char)('a' + i / 26);
        names[i][2] = (char)('a' + i % 26);
        t->metrics[i] = (struct metric){names[i], "1", METRIC_GAUGE};
        if (i <= PROTO_LABELS_MAX) {
            t->labels[i] = (struct label){names[i], ""};
        }
    }
    t->object = (struct object){.number = 1,
                                .device = "d",
                                .kind = "cpu",
                                .name = "n",
                                .interval_ms = 1000,
                                .metrics = t->metrics,
                                .n_metrics = 2,
                                .labels = t->labels,
                                .n_labels = 1};
    t->row = (struct row){.object = 1, .time = {1}, .status = ROW_OK, .values = t->values};
    t->result = (struct result){.object = 1, .outcome = OUTCOME_UP, .reason = "", .detail = ""};
    t->observation = (struct observation){.statement = (const uint8_t *)"s", .statement_size = 1};
    t->gap = (struct gap){.to = {1}, .reason = GAP_ENCODE};
}

enum kind { DEFINITION, ROW, RESULT, OBSERVATION, GAP };

static int add(struct batch_writer *writer, enum kind kind, const struct things *t)
{
    switch (kind) {
    case DEFINITION:
        return batch_add_definition(writer, &t->object);
    case ROW:
        return batch_add_row(writer, &t->object, &t->row);
    case RESULT:
        return batch_add_result(writer, &t->result);
    case OBSERVATION:
        return batch_add_observation(writer, &t->observation);
    case GAP:
        return batch_add_gap(writer, &t->gap);
    }
    return 0;
}

#define CASES(X)                                                                                   \
    X(number_0, DEFINITION, t->object.number = 0)                                                  \
    X(number_over, DEFINITION, t->object.number = PROTO_OBJECTS_MAX + 1)                           \
    X(device_empty, DEFINITION, t->object.device = "")                                             \
    X(device_long, DEFINITION, t->object.device = letters_256)                                     \
    X(kind_control, DEFINITION, t->object.kind = "a\x7f")                                          \
    X(name_broken, DEFINITION, t->object.name = "\x80")                                            \
    X(interval_short, DEFINITION, t->object.interval_ms = PROTO_INTERVAL_MIN_MS - 1)               \
    X(interval_long, DEFINITION, t->object.interval_ms = PROTO_INTERVAL_MAX_MS + 1)                \
    X(metrics_over, DEFINITION, t->object.n_metrics = PROTO_METRICS_MAX + 1)                       \
    X(metric_name, DEFINITION, t->metrics[1].name = "Octets")                                      \
    X(metric_unit, DEFINITION, t->metrics[1].unit = "")                                            \
    X(metric_type, DEFINITION, t->metrics[1].type = (enum metric_type)0)                           \
    X(metric_twice, DEFINITION, t->metrics[1].name = t->metrics[0].name)                           \
    X(labels_over, DEFINITION, t->object.n_labels = PROTO_LABELS_MAX + 1)                          \
    X(label_key, DEFINITION, t->labels[0].key = "")                                                \
    X(label_value, DEFINITION, t->labels[0].value = "\n")                                          \
    X(label_twice, DEFINITION, (t->object.n_labels = 2, t->labels[1].key = t->labels[0].key))      \
    X(row_other, ROW, t->row.object = 2)                                                           \
    X(row_number_0, ROW, t->row.object = t->object.number = 0)                                     \
    X(row_early, ROW, t->row.time.ms = -1)                                                         \
    X(row_late, ROW, t->row.time.ms = TIME_MAX_MS + 1)                                             \
    X(row_status, ROW, t->row.status = (enum row_status)5)                                         \
    X(row_unknown, ROW, t->row.unknown_mask = 4)                                                   \
    X(row_discontinuity, ROW, t->row.discontinuity_mask = UINT64_C(1) << 63)                       \
    X(row_nan, ROW, t->values[1].gauge = (double)NAN)                                              \
    X(row_infinite, ROW, t->values[0].gauge = (double)INFINITY)                                    \
    X(row_metrics, ROW, t->object.n_metrics = PROTO_METRICS_MAX + 1)                               \
    X(result_object, RESULT, t->result.object = 0)                                                 \
    X(result_time, RESULT, t->result.time.ms = -1)                                                 \
    X(result_outcome, RESULT, t->result.outcome = (enum outcome)0)                                 \
    X(result_reason, RESULT, t->result.reason = letters_256)                                       \
    X(result_detail, RESULT, t->result.detail = "\x1b")                                            \
    X(statement_empty, OBSERVATION, t->observation.statement_size = 0)                             \
    X(statement_long, OBSERVATION, t->observation.statement_size = STATEMENT_SIZE_MAX + 1)         \
    X(gap_backwards, GAP, t->gap.from.ms = 2)                                                      \
    X(gap_early, GAP, t->gap.from.ms = -1)                                                         \
    X(gap_late, GAP, t->gap.to.ms = TIME_MAX_MS + 1)                                               \
    X(gap_reason, GAP, t->gap.reason = (enum gap_reason)0)

#define DEFINE_BREAK(name, kind, change)                                                           \
    static void break_##name(struct things *t)                                                     \
    {                                                                                              \
        (void)(change);                                                                            \
    }
CASES(DEFINE_BREAK)

static const struct {
    const char *name;
    enum kind kind;
    void (*change)(struct things *t);
} cases[] = {
#define LIST_CASE(name, kind, change) {#name, kind, break_##name},
    CASES(LIST_CASE)};

static void test_writer_bounds(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct things t;
        make_things(&t);
        enum batch_form form = cases[i].kind == RESULT ? BATCH_WORKER_REPORT : BATCH_WIRE;
        struct batch_writer *writer = batch_writer_new(form);
        assert_int_equal(add(writer, cases[i].kind, &t), 0); /* good as it is */
        size_t size = batch_writer_size(writer);
        cases[i].change(&t);
        if (add(writer, cases[i].kind, &t) != -EINVAL || batch_writer_size(writer) != size ||
            batch_writer_items(writer) != 1) {
            fail_msg("case %s was added", cases[i].name);
        }
        batch_writer_free(writer);
    }
}

/* A refused first row does not set the base time, an unknown gauge may hold anything. */
static void test_base_time(void **state)
{
    (void)state;
    struct things t;
    make_things(&t);
    struct batch_writer *writer = batch_writer_new(BATCH_WIRE);
    struct stream_position position = {.sequence = 1};
    t.row.time.ms = 5000;
    t.values[1].gauge = (double)NAN;
    assert_int_equal(batch_add_row(writer, &t.object, &t.row), -EINVAL);
    t.row.unknown_mask = 2;
    t.row.time.ms = TIME_MAX_MS;
    assert_int_equal(batch_add_row(writer, &t.object, &t.row), 0);
    t.row.time.ms = 0;
    assert_int_equal(batch_add_row(writer, &t.object, &t.row), 0);
    size_t size;
    const uint8_t *bytes = batch_writer_finish(writer, &position, &size);
    char reason[128];
    struct batch *batch = batch_decode(BATCH_WIRE, bytes, size, reason, sizeof reason);
    assert_non_null(batch);
    assert_true(batch->rows[0].time.ms == TIME_MAX_MS && batch->rows[1].time.ms == 0);
    batch_free(batch);

    /* What was before leaves no trace: a used writer encodes as a new one does. */
    struct batch_writer *fresh = batch_writer_new(BATCH_WIRE);
    size_t fresh_size;
    assert_int_equal(batch_add_gap(writer, &t.gap), 0);
    assert_int_equal(batch_add_gap(fresh, &t.gap), 0);
    bytes = batch_writer_finish(writer, &position, &size);
    const uint8_t *fresh_bytes = batch_writer_finish(fresh, &position, &fresh_size);
    assert_int_equal(size, fresh_size);
    assert_memory_equal(bytes, fresh_bytes, size);
    batch_writer_free(fresh);
    batch_writer_free(writer);
}

static void test_full(void **state)
{
    (void)state;
    static const size_t limits[] = {
        [BATCH_WIRE] = PROTO_MESSAGE_MAX, [BATCH_WORKER_REPORT] = PROTO_REPORT_MAX};
    struct things t;
    make_things(&t);
    t.object.name = letters_256 + 1;
    t.object.n_metrics = PROTO_METRICS_MAX;
    struct stream_position position = {.epoch = UINT64_MAX, .sequence = UINT64_MAX};
    for (enum batch_form form = BATCH_WIRE; form <= BATCH_WORKER_REPORT; form++) {
        struct batch_writer *writer = batch_writer_new(form);
        size_t count = 0;
        while (batch_add_definition(writer, &t.object) == 0) {
            count++;
        }
        size_t size;
        const uint8_t *bytes = batch_writer_finish(writer, &position, &size);
        assert_in_range(size, limits[form] - 1500, limits[form]);
        char reason[128];
        struct batch *batch = batch_decode(form, bytes, size, reason, sizeof reason);
        assert_non_null(batch);
        assert_int_equal(batch->n_definitions, count);
        batch_free(batch);
        assert_int_equal(batch_add_definition(writer, &t.object), 0); /* empty again */
        batch_writer_free(writer);
    }
    struct batch_writer *writer = batch_writer_new(BATCH_WIRE);
    for (size_t i = 0; i < PROTO_BATCH_ITEMS_MAX; i++) {
        assert_int_equal(batch_add_gap(writer, &t.gap), 0);
    }
    assert_int_equal(batch_add_gap(writer, &t.gap), -EINVAL);
    batch_writer_free(writer);
}

/* The largest definition of all fits a worker's report. */
static void test_largest_definition(void **state)
{
    (void)state;
    struct things t;
    char value[PROTO_LABEL_MAX + 1];
    char metric_names[PROTO_METRICS_MAX][PROTO_METRIC_NAME_MAX + 1];
    char keys[PROTO_LABELS_MAX][PROTO_NAME_MAX + 1];
    make_things(&t);
    memset(value, 'v', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    t.object.number = PROTO_OBJECTS_MAX;
    t.object.device = t.object.kind = t.object.name = letters_256 + 1;
    t.object.interval_ms = PROTO_INTERVAL_MAX_MS;
    t.object.n_metrics = PROTO_METRICS_MAX;
    t.object.n_labels = PROTO_LABELS_MAX;
    for (size_t i = 0; i < PROTO_METRICS_MAX; i++) {
        memset(metric_names[i], 'a' + (int)i % 26, PROTO_METRIC_NAME_MAX);
        metric_names[i][0] = (char)('a' + i / 26);
        metric_names[i][PROTO_METRIC_NAME_MAX] = '\0';
        t.metrics[i] = (struct metric){metric_names[i], letters_256 + 1, METRIC_COUNTER};
    }
    for (size_t i = 0; i < PROTO_LABELS_MAX; i++) {
        memset(keys[i], 'A' + (int)i, PROTO_NAME_MAX);
        keys[i][PROTO_NAME_MAX] = '\0';
        t.labels[i] = (struct label){keys[i], value};
    }
    struct batch_writer *writer = batch_writer_new(BATCH_WORKER_REPORT);
    assert_int_equal(batch_add_definition(writer, &t.object), 0);
    batch_writer_free(writer);
}

static void test_refuses_bad_talkers(void **state)
{
    (void)state;
    struct talker_item items[PROTO_TALKERS_MAX + 1] = {{.key = "h", .ip_bytes = 5}};
    const struct talker_report good = {.object = 1,
                                       .from = {1},
                                       .to = {2},
                                       .list = TALKERS_SERVICES,
                                       .n_items = 1,
                                       .items = items};
    struct batch_writer *writer = batch_writer_new(BATCH_WIRE);
    assert_int_equal(batch_add_talkers(writer, &good), 0);
    struct talker_report bad = good;
    bad.to.ms = 1;
    assert_int_equal(batch_add_talkers(writer, &bad), -EINVAL);
    bad = good;
    bad.list = (enum talker_list)4;
    assert_int_equal(batch_add_talkers(writer, &bad), -EINVAL);
    bad = good;
    bad.object = 0;
    assert_int_equal(batch_add_talkers(writer, &bad), -EINVAL);
    bad = good;
    bad.n_items = PROTO_TALKERS_MAX + 1;
    assert_int_equal(batch_add_talkers(writer, &bad), -EINVAL);
    items[0].error_bytes = 6;
    assert_int_equal(batch_add_talkers(writer, &good), -EINVAL);
    items[0] = (struct talker_item){.key = "a\nb"};
    assert_int_equal(batch_add_talkers(writer, &good), -EINVAL);
    assert_int_equal(batch_writer_items(writer), 1);
    batch_writer_free(writer);
}

int main(void)
{
    memset(letters_256, 'a', 256);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refuses_bad_talkers), cmocka_unit_test(test_writer_bounds),
        cmocka_unit_test(test_base_time),           cmocka_unit_test(test_full),
        cmocka_unit_test(test_largest_definition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
