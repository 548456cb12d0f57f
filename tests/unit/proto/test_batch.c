/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What goes into a batch comes out of it, whatever it is; and what the writer says of itself. */
#include "proto/batch.h"

#include "support.h"
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROUNDS = 60, OBJECTS = 6, ROWS = 40, OTHERS = 5 };

/* Everything that went into one batch. */
struct contents {
    struct stream_position position;
    size_t n_objects;
    struct object *objects[OBJECTS];
    size_t n_rows;
    struct row rows[ROWS];
    union value values[ROWS][PROTO_METRICS_MAX];
    size_t n_results, n_observations, n_gaps; /* and so many talker reports */
    struct result results[OTHERS];
    struct observation observations[OTHERS];
    uint8_t statements[OTHERS][64];
    struct gap gaps[OTHERS];
    struct talker_report talkers[OTHERS];
    struct talker_item *items[OTHERS];
};

/* Of an object that is not defined here. */
static struct talker_report random_report(struct dice *dice, struct talker_item **items)
{
    int64_t from_ms = INT64_C(1790000000000) + (int64_t)dice_below(dice, 600000);
    struct talker_report report = {
        .object = (uint32_t)(OBJECTS + 1 + dice_below(dice, 1000)),
        .from = {from_ms},
        .to = {from_ms + 1 + (int64_t)dice_below(dice, 600000)},
        .list = (enum talker_list)(TALKERS_HOSTS + dice_below(dice, 3)),
        .total_ip_bytes = dice_wild(dice) >> 1,
        .error_bound_bytes = dice_wild(dice) >> 1,
        .n_items = dice_below(dice, 4) == 0 ? PROTO_TALKERS_MAX : dice_below(dice, 5),
    };
    *items = calloc(report.n_items + 1, sizeof **items);
    assert_non_null(*items);
    for (size_t i = 0; i < report.n_items; i++) {
        char *text = random_text(dice, 0, 8);
        char *key = malloc(strlen(text) + 8);
        assert_non_null(key);
        (void)snprintf(key, strlen(text) + 8, "%zu:%s", i, text);
        free(text);
        uint64_t bytes = dice_wild(dice) >> 1;
        (*items)[i] = (struct talker_item){.key = key,
                                           .ip_bytes = bytes,
                                           .packets = dice_wild(dice) >> 1,
                                           .error_bytes = bytes >> dice_below(dice, 63)};
    }
    report.items = *items;
    return report;
}

static struct contents *make_contents(struct dice *dice)
{
    struct contents *contents = calloc(1, sizeof *contents);
    assert_non_null(contents);
    for (size_t i = 0; i < PROTO_STREAM_SIZE; i++) {
        contents->position.stream[i] = (uint8_t)dice_any(dice);
    }
    contents->position.epoch = dice_wild(dice);
    contents->position.sequence = dice_wild(dice) | 1;
    contents->n_objects = 1 + dice_below(dice, OBJECTS);
    for (size_t i = 0; i < contents->n_objects; i++) {
        uint32_t number = (uint32_t)(i == 0 ? PROTO_OBJECTS_MAX : i);
        contents->objects[i] = random_object(dice, number);
    }
    contents->n_rows = dice_below(dice, ROWS);
    for (size_t i = 0; i < contents->n_rows; i++) {
        const struct object *object = contents->objects[dice_below(dice, contents->n_objects)];
        contents->rows[i] = random_row(dice, object, random_time(dice), contents->values[i]);
    }
    contents->n_results = contents->n_observations = contents->n_gaps = dice_below(dice, OTHERS);
    for (size_t i = 0; i < contents->n_gaps; i++) {
        contents->results[i] = (struct result){
            .object = (uint32_t)(1 + dice_below(dice, PROTO_OBJECTS_MAX)),
            .time = random_time(dice),
            .outcome = (enum outcome)(OUTCOME_UP + dice_below(dice, 4)),
            .reason = random_text(dice, 0, PROTO_REASON_MAX + 1),
            .detail = random_text(dice, 0, PROTO_DETAIL_MAX + 1),
        };
        struct observation *observation = &contents->observations[i];
        observation->statement = contents->statements[i];
        observation->statement_size = 1 + dice_below(dice, sizeof contents->statements[i]);
        memset(contents->statements[i], (int)i + 1, sizeof contents->statements[i]);
        memset(observation->signature, (int)i + 7, sizeof observation->signature);
        contents->talkers[i] = random_report(dice, &contents->items[i]);
        struct wall from = random_time(dice);
        contents->gaps[i] = (struct gap){
            .from = from,
            .to = {from.ms +
                   (int64_t)dice_below(dice, (uint64_t)(INT64_C(253402300800000) - from.ms))},
            .rows = dice_wild(dice),
            .observations = dice_wild(dice),
            .reason = (enum gap_reason)(GAP_SPOOL_FULL + dice_below(dice, 6)),
        };
    }
    return contents;
}

static void free_contents(struct contents *contents)
{
    for (size_t i = 0; i < contents->n_objects; i++) {
        object_free(contents->objects[i]);
    }
    for (size_t i = 0; i < contents->n_results; i++) {
        free((void *)contents->results[i].reason);
        free((void *)contents->results[i].detail);
        for (size_t k = 0; k < contents->talkers[i].n_items; k++) {
            free((void *)contents->items[i][k].key);
        }
        free(contents->items[i]);
    }
    free(contents);
}

static const struct object *find_object(const struct contents *contents, uint32_t number)
{
    for (size_t i = 0; i < contents->n_objects; i++) {
        if (contents->objects[i]->number == number) {
            return contents->objects[i];
        }
    }
    return NULL;
}

/* Adds it all; rows and definitions alternate, so that the order of fields is mixed. */
static void write_contents(struct batch_writer *writer, enum batch_form form,
                           const struct contents *contents)
{
    size_t n = contents->n_rows > contents->n_objects ? contents->n_rows : contents->n_objects;
    for (size_t i = 0; i < n; i++) {
        if (i < contents->n_objects) {
            assert_int_equal(batch_add_definition(writer, contents->objects[i]), 0);
        }
        if (i < contents->n_rows) {
            const struct row *row = &contents->rows[i];
            assert_int_equal(batch_add_row(writer, find_object(contents, row->object), row), 0);
        }
    }
    for (size_t i = 0; i < contents->n_gaps; i++) {
        assert_int_equal(batch_add_gap(writer, &contents->gaps[i]), 0);
        assert_int_equal(batch_add_talkers(writer, &contents->talkers[i]), 0);
        bool wire = form == BATCH_WIRE;
        assert_int_equal(batch_add_result(writer, &contents->results[i]), wire ? -EINVAL : 0);
        assert_int_equal(batch_add_observation(writer, &contents->observations[i]),
                         wire ? 0 : -EINVAL);
    }
    assert_int_equal(batch_writer_rows(writer), contents->n_rows);
    assert_int_equal(batch_writer_items(writer),
                     contents->n_objects + contents->n_rows + 3 * contents->n_gaps);
}

static void compare_row(const struct packed_row *packed, const struct row *row,
                        const struct object *object)
{
    union value values[PROTO_METRICS_MAX];
    assert_int_equal(packed->object, row->object);
    assert_int_equal(packed->time.ms, row->time.ms);
    assert_int_equal(packed->status, row->status);
    assert_true(packed->unknown_mask == row->unknown_mask);
    assert_true(packed->discontinuity_mask == row->discontinuity_mask);
    assert_int_equal(packed_row_expand(packed, object->metrics, object->n_metrics, values), 0);
    for (size_t i = 0; i < object->n_metrics; i++) {
        if ((row->unknown_mask >> i & 1) == 0) {
            /* The same bits, be it a counter or a gauge. */
            assert_memory_equal(&values[i], &row->values[i], sizeof values[i]);
        } else {
            assert_true(values[i].counter == 0);
        }
    }
}

static void compare_report(const struct talker_report *got, const struct talker_report *want)
{
    assert_int_equal(got->object, want->object);
    assert_int_equal(got->from.ms, want->from.ms);
    assert_int_equal(got->to.ms, want->to.ms);
    assert_int_equal(got->list, want->list);
    assert_true(got->total_ip_bytes == want->total_ip_bytes);
    assert_true(got->error_bound_bytes == want->error_bound_bytes);
    assert_int_equal(got->n_items, want->n_items);
    for (size_t i = 0; i < got->n_items; i++) {
        assert_string_equal(got->items[i].key, want->items[i].key);
        assert_true(got->items[i].ip_bytes == want->items[i].ip_bytes);
        assert_true(got->items[i].packets == want->items[i].packets);
        assert_true(got->items[i].error_bytes == want->items[i].error_bytes);
    }
}

static void compare(const struct batch *batch, enum batch_form form,
                    const struct contents *contents)
{
    assert_int_equal(batch->n_definitions, contents->n_objects);
    for (size_t i = 0; i < batch->n_definitions; i++) {
        assert_int_equal(batch->definitions[i].number, contents->objects[i]->number);
        assert_true(object_same_name(&batch->definitions[i], contents->objects[i]));
        assert_true(object_same_shape(&batch->definitions[i], contents->objects[i]));
    }
    assert_int_equal(batch->n_rows, contents->n_rows);
    for (size_t i = 0; i < batch->n_rows; i++) {
        compare_row(&batch->rows[i], &contents->rows[i],
                    find_object(contents, contents->rows[i].object));
    }
    assert_int_equal(batch->n_results, form == BATCH_WIRE ? 0 : contents->n_results);
    for (size_t i = 0; i < batch->n_results; i++) {
        const struct result *result = &contents->results[i];
        assert_int_equal(batch->results[i].object, result->object);
        assert_int_equal(batch->results[i].time.ms, result->time.ms);
        assert_int_equal(batch->results[i].outcome, result->outcome);
        assert_string_equal(batch->results[i].reason, result->reason);
        assert_string_equal(batch->results[i].detail, result->detail);
    }
    assert_int_equal(batch->n_observations, form == BATCH_WIRE ? contents->n_observations : 0);
    for (size_t i = 0; i < batch->n_observations; i++) {
        const struct observation *observation = &contents->observations[i];
        assert_int_equal(batch->observations[i].statement_size, observation->statement_size);
        assert_memory_equal(batch->observations[i].statement, observation->statement,
                            observation->statement_size);
        assert_memory_equal(batch->observations[i].signature, observation->signature, 64);
    }
    assert_int_equal(batch->n_gaps, contents->n_gaps);
    assert_memory_equal(batch->gaps, contents->gaps, batch->n_gaps * sizeof batch->gaps[0]);
    assert_int_equal(batch->n_talkers, contents->n_gaps);
    for (size_t i = 0; i < batch->n_talkers; i++) {
        compare_report(&batch->talkers[i], &contents->talkers[i]);
    }
}

static void round_trip(struct dice *dice, struct batch_writer *writer, enum batch_form form)
{
    struct contents *contents = make_contents(dice);
    write_contents(writer, form, contents);
    size_t size_before = batch_writer_size(writer);
    size_t size = 0;
    const uint8_t *bytes = batch_writer_finish(writer, &contents->position, &size);
    assert_true(size <= size_before && size + 64 > size_before);
    assert_int_equal(batch_writer_size(writer), 0);
    assert_int_equal(batch_writer_items(writer), 0);
    assert_int_equal(batch_writer_rows(writer), 0);

    char reason[128] = "";
    struct batch *batch = batch_decode(form, bytes, size, reason, sizeof reason);
    assert_string_equal(reason, "");
    assert_non_null(batch);
    compare(batch, form, contents);
    if (form == BATCH_WIRE) {
        struct stream_position peeked = {0};
        assert_int_equal(batch_peek_position(bytes, size, &peeked), 0);
        assert_memory_equal(&peeked, &contents->position, sizeof peeked);
        assert_memory_equal(&batch->position, &contents->position, sizeof batch->position);
    }
    batch_free(batch);
    free_contents(contents);
}

static void test_round_trip(void **state)
{
    (void)state;
    struct dice dice = dice_new();
    for (enum batch_form form = BATCH_WIRE; form <= BATCH_WORKER_REPORT; form++) {
        struct batch_writer *writer = batch_writer_new(form); /* used again and again */
        for (int i = 0; i < ROUNDS; i++) {
            round_trip(&dice, writer, form);
        }
        batch_writer_free(writer);
    }
}

/* --- expanding --- */

static const struct metric metrics[] = {{"in", "octets", METRIC_COUNTER},
                                        {"load", "1", METRIC_GAUGE},
                                        {"out", "octets", METRIC_COUNTER}};

static void test_expand(void **state)
{
    (void)state;
    const uint64_t counters[] = {7, 9};
    const double gauges[] = {0.5};
    union value values[PROTO_METRICS_MAX];
    struct packed_row row = {
        .counters = counters, .n_counters = 2, .gauges = gauges, .n_gauges = 1};
    assert_int_equal(packed_row_expand(&row, metrics, 3, values), 0);
    assert_true(values[0].counter == 7 && values[1].gauge == 0.5 && values[2].counter == 9);

    row.unknown_mask = 1; /* one counter less is known, two are there */
    assert_int_equal(packed_row_expand(&row, metrics, 3, values), -EPROTO);
    row.n_counters = 1;
    assert_int_equal(packed_row_expand(&row, metrics, 3, values), 0);
    assert_true(values[0].counter == 0 && values[2].counter == 7);
    row.n_counters = 0;
    assert_int_equal(packed_row_expand(&row, metrics, 3, values), -EPROTO);
    row.unknown_mask = 5;
    assert_int_equal(packed_row_expand(&row, metrics, 3, values), 0);
    row.unknown_mask = 7; /* a gauge too many */
    assert_int_equal(packed_row_expand(&row, metrics, 3, values), -EPROTO);
    row.n_gauges = 0;
    assert_int_equal(packed_row_expand(&row, metrics, 3, values), 0);
    row.unknown_mask = 5; /* a gauge too few */
    assert_int_equal(packed_row_expand(&row, metrics, 3, values), -EPROTO);
    row.unknown_mask = 15; /* a metric that is not there */
    assert_int_equal(packed_row_expand(&row, metrics, 3, values), -EPROTO);
    row.unknown_mask = 7;
    row.discontinuity_mask = 8;
    assert_int_equal(packed_row_expand(&row, metrics, 3, values), -EPROTO);
}

/* --- fields of any order, and unknown ones --- */

static void test_foreign_order(void **state)
{
    (void)state;
    struct bytes bytes = {0};
    struct bytes row = {0};
    put_bytes(&bytes, 99, "unknown", 7);
    put_signed(&row, 2, -250);
    put_number(&row, 77, UINT64_MAX);
    put_number(&row, 1, 3);
    put_number(&row, 6, 41); /* not packed: a decoder must take both */
    put_number(&row, 6, 42);
    put_number(&row, 3, ROW_PARTIAL);
    put_message(&bytes, 6, &row);
    put_number(&bytes, 4, 1000);
    put_number(&bytes, 3, 8);
    put_varint(&bytes, 98 << 3 | 1); /* unknown, 64 bits wide */
    put_varint(&bytes, UINT64_C(1) << 55);
    put_number(&bytes, 2, 5);
    put_bytes(&bytes, 1, "0123456789abcdef", 16);
    put_number(&bytes, 3, 9); /* once more: the last one counts */
    char reason[128] = "";
    struct batch *batch = batch_decode(BATCH_WIRE, bytes.at, bytes.size, reason, sizeof reason);
    assert_string_equal(reason, "");
    assert_non_null(batch);
    struct stream_position position;
    assert_int_equal(batch_peek_position(bytes.at, bytes.size, &position), 0);
    assert_memory_equal(&position, &batch->position, sizeof position);
    assert_int_equal(position.epoch, 5);
    assert_int_equal(position.sequence, 9);
    assert_int_equal(batch->n_rows, 1);
    assert_int_equal(batch->rows[0].time.ms, 750);
    assert_int_equal(batch->rows[0].n_counters, 2);
    assert_int_equal(batch->rows[0].counters[1], 42);
    batch_free(batch);
    bytes_free(&bytes);
}

/* Numbers of over 64 bits, which protobuf-c would cut: refused, by the one that peeks as well. */
static void test_overlong_numbers(void **state)
{
    (void)state;
    struct bytes bytes = {0};
    put_bytes(&bytes, 1, "0123456789abcdef", 16);
    put_number(&bytes, 3, 9);
    char reason[128] = "";
    struct stream_position position;
    struct batch *batch = batch_decode(BATCH_WIRE, bytes.at, bytes.size, reason, sizeof reason);
    assert_non_null(batch);
    batch_free(batch);
    put_number(&bytes, 2, UINT64_MAX);
    bytes.at[bytes.size - 1] = 0x7f; /* the tenth byte, which has one bit */
    assert_null(batch_decode(BATCH_WIRE, bytes.at, bytes.size, reason, sizeof reason));
    assert_non_null(strstr(reason, "encoding"));
    assert_int_equal(batch_peek_position(bytes.at, bytes.size, &position), -EBADMSG);
    bytes_free(&bytes);
}

/* Every cut, and every single byte replaced: refused or decoded, peeked at or not, and when both
 * succeed they agree. */
static void test_damage(void **state)
{
    (void)state;
    struct dice dice = dice_new();
    struct batch_writer *writer = batch_writer_new(BATCH_WIRE);
    struct object object = {.number = 1,
                            .device = "d",
                            .kind = "cpu",
                            .name = "n",
                            .interval_ms = 1000,
                            .metrics = metrics,
                            .n_metrics = 3};
    union value values[PROTO_METRICS_MAX];
    struct row row = random_row(&dice, &object, (struct wall){1000}, values);
    assert_int_equal(batch_add_definition(writer, &object), 0);
    assert_int_equal(batch_add_row(writer, &object, &row), 0);
    struct stream_position position = {.epoch = 300, .sequence = 70000};
    size_t size = 0;
    const uint8_t *bytes = batch_writer_finish(writer, &position, &size);
    size_t decoded = 0;
    for (size_t i = 0; i < size * 257; i++) {
        size_t n = i < size ? i : size;
        uint8_t *copy = malloc(n + 1);
        assert_non_null(copy);
        memcpy(copy + 1, bytes, n); /* ends where its memory ends */
        if (i >= size) {
            copy[1 + (i - size) / 256] = (uint8_t)(i - size);
        }
        char reason[128] = "";
        struct stream_position peeked;
        int rc = batch_peek_position(copy + 1, n, &peeked);
        struct batch *batch = batch_decode(BATCH_WIRE, copy + 1, n, reason, sizeof reason);
        if (batch != NULL) {
            decoded++;
            assert_int_equal(rc, 0);
            assert_memory_equal(&peeked, &batch->position, sizeof peeked);
        } else {
            assert_true(reason[0] != '\0');
        }
        batch_free(batch);
        free(copy);
    }
    assert_in_range(decoded, size, size * 256); /* at least each byte replaced by itself */
    batch_writer_free(writer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),    cmocka_unit_test(test_expand),
        cmocka_unit_test(test_foreign_order), cmocka_unit_test(test_overlong_numbers),
        cmocka_unit_test(test_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
