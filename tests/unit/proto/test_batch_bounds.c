/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Every bound of a batch, broken one by one: the reader refuses it and says why, the writer adds
 * nothing. What stands right at a bound passes. */
#include "proto/batch.h"

#include "proto/statement.h"
#include "support.h"
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TIME_MAX_MS INT64_C(253402300799999)

/* A text of so many bytes. */
struct text {
    const char *at;
    size_t size;
};
#define TEXT(literal) ((struct text){literal, sizeof(literal) - 1})

static char long_text[2000]; /* letters */

static struct text letters(size_t size)
{
    return (struct text){long_text, size};
}

/* What an encoding is made of; good as make_draft makes it. */
struct draft {
    enum batch_form form;
    size_t stream_size;
    uint64_t sequence, base;
    uint64_t object, interval;
    struct text device, kind, name, metric, unit, key, value;
    size_t n_metrics, n_labels;
    uint64_t type;
    bool same_names;
    uint64_t row_object, status, unknown, discontinuity;
    int64_t offset;
    size_t n_counters, n_gauges;
    double gauge;
    size_t statement_size, signature_size;
    uint64_t from, to, gap_reason;
    uint64_t result_object, result_time, outcome;
    struct text reason, detail;
    uint64_t report_object, report_from, report_to, list, total, bound;
    struct text talker;
    size_t n_talkers;
    uint64_t talker_bytes, talker_packets, talker_error;
    bool same_talkers, says_not_traffic;
    size_t n_empty_gaps; /* on top */
};

static struct draft make_draft(enum batch_form form)
{
    return (struct draft){
        .form = form,
        .stream_size = 16,
        .sequence = 1,
        .base = 1000,
        .object = 1,
        .interval = 1000,
        .device = TEXT("d"),
        .kind = TEXT("cpu"),
        .name = TEXT("n"),
        .metric = TEXT("m"),
        .unit = TEXT("1"),
        .key = TEXT("k"),
        .value = TEXT("v"),
        .n_metrics = 2,
        .n_labels = 2,
        .type = METRIC_GAUGE,
        .row_object = 1,
        .status = ROW_OK,
        .n_counters = 1,
        .n_gauges = 1,
        .gauge = 1.5,
        .statement_size = 10,
        .signature_size = 64,
        .to = 5,
        .gap_reason = GAP_ENCODE,
        .result_object = 1,
        .outcome = OUTCOME_DOWN,
        .reason = TEXT("timeout"),
        .report_object = 2,
        .report_from = 4,
        .report_to = 5,
        .list = TALKERS_PREFIXES,
        .total = 9,
        .talker = TEXT("h"),
        .n_talkers = 2,
        .talker_bytes = 7,
        .talker_error = 7,
    };
}

/* The name with a number behind it, but for the first. */
static void put_numbered(struct bytes *bytes, struct text text, size_t i, bool same)
{
    char name[2100];
    memcpy(name, text.at, text.size);
    int n = i == 0 || same ? 0 : snprintf(name + text.size, 8, "%zu", i);
    put_bytes(bytes, 1, name, text.size + (size_t)n);
}

static struct bytes encode_definition(const struct draft *draft)
{
    struct bytes bytes = {0};
    put_number(&bytes, 1, draft->object);
    put_bytes(&bytes, 2, draft->device.at, draft->device.size);
    put_bytes(&bytes, 3, draft->kind.at, draft->kind.size);
    put_bytes(&bytes, 4, draft->name.at, draft->name.size);
    put_number(&bytes, 5, draft->interval);
    for (size_t i = 0; i < draft->n_metrics; i++) {
        struct bytes metric = {0};
        put_numbered(&metric, draft->metric, i, draft->same_names);
        put_bytes(&metric, 2, draft->unit.at, draft->unit.size);
        put_number(&metric, 3, draft->type);
        put_message(&bytes, 6, &metric);
    }
    for (size_t i = 0; i < draft->n_labels; i++) {
        struct bytes label = {0};
        put_numbered(&label, draft->key, i, draft->same_names);
        put_bytes(&label, 2, draft->value.at, draft->value.size);
        put_message(&bytes, 7, &label);
    }
    return bytes;
}

static struct bytes encode_row(const struct draft *draft)
{
    struct bytes bytes = {0};
    double gauges[100];
    put_number(&bytes, 1, draft->row_object);
    put_signed(&bytes, 2, draft->offset);
    put_number(&bytes, 3, draft->status);
    put_number(&bytes, 4, draft->unknown);
    put_number(&bytes, 5, draft->discontinuity);
    put_bytes(&bytes, 6, long_text, draft->n_counters); /* a letter is a varint of one byte */
    for (size_t i = 0; i < draft->n_gauges; i++) {
        gauges[i] = draft->gauge;
    }
    put_bytes(&bytes, 7, gauges, draft->n_gauges * sizeof gauges[0]);
    return bytes;
}

static struct bytes encode_gap(const struct draft *draft)
{
    struct bytes bytes = {0};
    put_number(&bytes, 1, draft->from);
    put_number(&bytes, 2, draft->to);
    put_number(&bytes, 5, draft->gap_reason);
    return bytes;
}

static struct bytes encode_fifth(const struct draft *draft)
{
    struct bytes bytes = {0};
    if (draft->form == BATCH_WIRE) {
        put_bytes(&bytes, 1, long_text, draft->statement_size > 2000 ? 0 : draft->statement_size);
        if (draft->statement_size > 2000) {
            char *statement = calloc(1, draft->statement_size);
            assert_non_null(statement);
            put_bytes(&bytes, 1, statement, draft->statement_size);
            free(statement);
        }
        put_bytes(&bytes, 2, long_text, draft->signature_size);
        return bytes;
    }
    put_number(&bytes, 1, draft->result_object);
    put_number(&bytes, 2, draft->result_time);
    put_number(&bytes, 3, draft->outcome);
    put_bytes(&bytes, 4, draft->reason.at, draft->reason.size);
    put_bytes(&bytes, 5, draft->detail.at, draft->detail.size);
    return bytes;
}

static struct bytes encode_report(const struct draft *draft)
{
    struct bytes bytes = {0};
    put_number(&bytes, 1, draft->report_object);
    put_number(&bytes, 2, draft->report_from);
    put_number(&bytes, 3, draft->report_to);
    put_number(&bytes, 4, draft->list);
    put_number(&bytes, 5, draft->total);
    put_number(&bytes, 6, draft->bound);
    for (size_t i = 0; i < draft->n_talkers; i++) {
        struct bytes item = {0};
        put_numbered(&item, draft->talker, i, draft->same_talkers);
        put_number(&item, 2, draft->talker_bytes);
        put_number(&item, 3, draft->talker_packets);
        put_number(&item, 4, draft->talker_error);
        put_message(&bytes, 7, &item);
    }
    return bytes;
}

/* Another object, of number 2, first of another kind and then of kind traffic, or the other way. */
static void put_second_object(struct bytes *bytes, const struct draft *draft, uint32_t field)
{
    static const char *const kinds[] = {"cpu", "traffic"};
    for (size_t i = 0; i < 2; i++) {
        struct bytes definition = {0};
        put_number(&definition, 1, 2);
        put_text(&definition, 2, "d");
        put_text(&definition, 3, kinds[draft->says_not_traffic ? 1 - i : i]);
        put_text(&definition, 4, "n");
        put_number(&definition, 5, 1000);
        put_message(bytes, field, &definition);
    }
}

static struct bytes encode(const struct draft *draft)
{
    bool wire = draft->form == BATCH_WIRE;
    struct bytes bytes = {0};
    if (wire) {
        put_bytes(&bytes, 1, long_text, draft->stream_size);
        put_number(&bytes, 3, draft->sequence);
    }
    put_number(&bytes, wire ? 4 : 1, draft->base);
    struct bytes definition = encode_definition(draft);
    struct bytes row = encode_row(draft);
    struct bytes fifth = encode_fifth(draft);
    struct bytes gap = encode_gap(draft);
    for (size_t i = 0; i < draft->n_empty_gaps; i++) {
        put_bytes(&bytes, wire ? 8 : 5, gap.at, gap.size);
    }
    put_message(&bytes, wire ? 5 : 2, &definition);
    put_message(&bytes, wire ? 6 : 3, &row);
    put_message(&bytes, wire ? 7 : 4, &fifth);
    put_message(&bytes, wire ? 8 : 5, &gap);
    struct bytes report = encode_report(draft);
    put_message(&bytes, wire ? 9 : 6, &report); /* before what it speaks of: any order will do */
    put_second_object(&bytes, draft, wire ? 5 : 2);
    return bytes;
}

/* What to break (or to take to its bound), the form that has it, and words of the reason; "" is
 * for what must pass. */
#define CASES(X)                                                                                   \
    X(stream_short, BATCH_WIRE, "stream", d->stream_size = 15)                                     \
    X(stream_long, BATCH_WIRE, "stream", d->stream_size = 17)                                      \
    X(stream_none, BATCH_WIRE, "stream", d->stream_size = 0)                                       \
    X(sequence_0, BATCH_WIRE, "sequence", d->sequence = 0)                                         \
    X(base_negative, BATCH_WORKER_REPORT, "base time", d->base = (uint64_t)-1)                     \
    X(base_10000, BATCH_WIRE, "base time", d->base = (uint64_t)TIME_MAX_MS + 1)                    \
    X(object_0, BATCH_WIRE, "number", d->object = 0)                                               \
    X(object_max, BATCH_WIRE, "", d->object = PROTO_OBJECTS_MAX)                                   \
    X(object_over, BATCH_WORKER_REPORT, "number", d->object = PROTO_OBJECTS_MAX + 1)               \
    X(device_empty, BATCH_WIRE, "device", d->device = TEXT(""))                                    \
    X(device_max, BATCH_WIRE, "", d->device = letters(255))                                        \
    X(device_over, BATCH_WIRE, "device", d->device = letters(256))                                 \
    X(kind_over, BATCH_WIRE, "kind", d->kind = letters(256))                                       \
    X(kind_empty, BATCH_WORKER_REPORT, "kind", d->kind = TEXT(""))                                 \
    X(name_over, BATCH_WIRE, "name", d->name = letters(256))                                       \
    X(name_empty, BATCH_WIRE, "name", d->name = TEXT(""))                                          \
    X(name_latin1, BATCH_WIRE, "name", d->name = TEXT("caf\xe9"))                                  \
    X(name_surrogate, BATCH_WIRE, "name", d->name = TEXT("\xed\xa0\x80"))                          \
    X(name_overlong, BATCH_WIRE, "name", d->name = TEXT("\xc0\xaf"))                               \
    X(name_newline, BATCH_WIRE, "name", d->name = TEXT("a\nb"))                                    \
    X(name_c1, BATCH_WIRE, "name", d->name = TEXT("a\xc2\x9b"))                                    \
    X(name_nul, BATCH_WIRE, "NUL", d->name = TEXT("a\0b"))                                         \
    X(device_nul, BATCH_WIRE, "NUL", d->device = TEXT("\0"))                                       \
    X(interval_min, BATCH_WIRE, "", d->interval = PROTO_INTERVAL_MIN_MS)                           \
    X(interval_under, BATCH_WIRE, "interval", d->interval = PROTO_INTERVAL_MIN_MS - 1)             \
    X(interval_max, BATCH_WIRE, "", d->interval = PROTO_INTERVAL_MAX_MS)                           \
    X(interval_over, BATCH_WIRE, "interval", d->interval = PROTO_INTERVAL_MAX_MS + 1)              \
    X(metrics_max, BATCH_WIRE, "", d->n_metrics = 64)                                              \
    X(metrics_over, BATCH_WIRE, "metrics", d->n_metrics = 65)                                      \
    X(metric_empty, BATCH_WIRE, "metric", d->metric = TEXT(""))                                    \
    X(metric_digit, BATCH_WIRE, "metric", d->metric = TEXT("1m"))                                  \
    X(metric_upper, BATCH_WIRE, "metric", d->metric = TEXT("mM"))                                  \
    X(metric_max, BATCH_WIRE, "", (d->metric = letters(63), d->n_metrics = 1))                     \
    X(metric_over, BATCH_WIRE, "metric", (d->metric = letters(64), d->n_metrics = 1))              \
    X(metric_nul, BATCH_WIRE, "NUL", d->metric = TEXT("m\0"))                                      \
    X(metric_twice, BATCH_WIRE, "two metrics", d->same_names = true)                               \
    X(unit_empty, BATCH_WIRE, "unit", d->unit = TEXT(""))                                          \
    X(unit_over, BATCH_WIRE, "unit", d->unit = letters(256))                                       \
    X(unit_nul, BATCH_WIRE, "NUL", d->unit = TEXT("m\0s"))                                         \
    X(type_0, BATCH_WIRE, "type", d->type = 0)                                                     \
    X(type_3, BATCH_WIRE, "type", d->type = 3)                                                     \
    X(labels_max, BATCH_WIRE, "", d->n_labels = 32)                                                \
    X(labels_over, BATCH_WIRE, "labels", d->n_labels = 33)                                         \
    X(label_twice, BATCH_WIRE, "two labels", (d->same_names = true, d->n_metrics = 1))             \
    X(key_empty, BATCH_WIRE, "key", d->key = TEXT(""))                                             \
    X(key_over, BATCH_WIRE, "key", d->key = letters(256))                                          \
    X(key_nul, BATCH_WIRE, "NUL", d->key = TEXT("k\0"))                                            \
    X(value_empty, BATCH_WIRE, "", d->value = TEXT(""))                                            \
    X(value_max, BATCH_WIRE, "", d->value = letters(1024))                                         \
    X(value_over, BATCH_WIRE, "value", d->value = letters(1025))                                   \
    X(value_tab, BATCH_WIRE, "value", d->value = TEXT("\t"))                                       \
    X(value_nul, BATCH_WIRE, "NUL", d->value = TEXT("a\0"))                                        \
    X(row_object_0, BATCH_WIRE, "row 1", d->row_object = 0)                                        \
    X(row_object_over, BATCH_WIRE, "row 1", d->row_object = PROTO_OBJECTS_MAX + 1)                 \
    X(row_1970, BATCH_WIRE, "", d->offset = -1000)                                                 \
    X(row_before, BATCH_WIRE, "row 1: its time", d->offset = -1001)                                \
    X(row_9999, BATCH_WIRE, "", d->offset = TIME_MAX_MS - 1000)                                    \
    X(row_10000, BATCH_WIRE, "row 1: its time", d->offset = TIME_MAX_MS - 999)                     \
    X(row_overflow, BATCH_WIRE, "row 1: its time", d->offset = INT64_MAX)                          \
    X(row_underflow, BATCH_WIRE, "row 1: its time", (d->base = 0, d->offset = INT64_MIN))          \
    X(status_0, BATCH_WIRE, "status", d->status = 0)                                               \
    X(status_5, BATCH_WORKER_REPORT, "status", d->status = 5)                                      \
    X(status_negative, BATCH_WIRE, "status", d->status = (uint64_t)-1)                             \
    X(values_max, BATCH_WIRE, "", (d->n_counters = 32, d->n_gauges = 32))                          \
    X(values_over, BATCH_WIRE, "too many values", (d->n_counters = 33, d->n_gauges = 32))          \
    X(counters_over, BATCH_WIRE, "too many values", d->n_counters = 1900)                          \
    X(mask_full, BATCH_WIRE, "", (d->unknown = UINT64_MAX, d->n_counters = 0, d->n_gauges = 0))    \
    X(mask_and_value, BATCH_WIRE, "too many values",                                               \
      (d->unknown = UINT64_MAX, d->n_counters = 1, d->n_gauges = 0))                               \
    X(gauge_nan, BATCH_WIRE, "finite", d->gauge = (double)NAN)                                     \
    X(gauge_infinite, BATCH_WORKER_REPORT, "finite", d->gauge = -(double)INFINITY)                 \
    X(statement_empty, BATCH_WIRE, "statement", d->statement_size = 0)                             \
    X(statement_max, BATCH_WIRE, "", d->statement_size = STATEMENT_SIZE_MAX)                       \
    X(statement_over, BATCH_WIRE, "statement", d->statement_size = STATEMENT_SIZE_MAX + 1)         \
    X(signature_short, BATCH_WIRE, "signature", d->signature_size = 63)                            \
    X(signature_long, BATCH_WIRE, "signature", d->signature_size = 65)                             \
    X(gap_empty, BATCH_WIRE, "", d->from = 5)                                                      \
    X(gap_backwards, BATCH_WIRE, "ends before", d->from = 6)                                       \
    X(gap_negative, BATCH_WIRE, "gap 1: its times", d->from = (uint64_t)-1)                        \
    X(gap_10000, BATCH_WORKER_REPORT, "gap 1: its times", d->to = (uint64_t)TIME_MAX_MS + 1)       \
    X(gap_reason_0, BATCH_WIRE, "gap 1: its reason", d->gap_reason = 0)                            \
    X(gap_reason_7, BATCH_WIRE, "gap 1: its reason", d->gap_reason = 7)                            \
    X(result_object_0, BATCH_WORKER_REPORT, "result 1", d->result_object = 0)                      \
    X(result_time, BATCH_WORKER_REPORT, "result 1: its time", d->result_time = (uint64_t)-1)       \
    X(outcome_0, BATCH_WORKER_REPORT, "outcome", d->outcome = 0)                                   \
    X(outcome_5, BATCH_WORKER_REPORT, "outcome", d->outcome = 5)                                   \
    X(reason_max, BATCH_WORKER_REPORT, "", d->reason = letters(64))                                \
    X(reason_over, BATCH_WORKER_REPORT, "reason", d->reason = letters(65))                         \
    X(reason_nul, BATCH_WORKER_REPORT, "NUL", d->reason = TEXT("a\0b"))                            \
    X(detail_max, BATCH_WORKER_REPORT, "", d->detail = letters(512))                               \
    X(detail_over, BATCH_WORKER_REPORT, "detail", d->detail = letters(513))                        \
    X(detail_nul, BATCH_WORKER_REPORT, "NUL", d->detail = TEXT("\0"))                              \
    X(detail_escape, BATCH_WORKER_REPORT, "detail", d->detail = TEXT("\x1b[2J"))                   \
    X(report_object_0, BATCH_WIRE, "talker report 1", d->report_object = 0)                        \
    X(report_object_max, BATCH_WIRE, "", d->report_object = PROTO_OBJECTS_MAX)                     \
    X(report_object_over, BATCH_WIRE, "talker report 1", d->report_object = PROTO_OBJECTS_MAX + 1) \
    X(report_unknown_object, BATCH_WIRE, "", d->report_object = 77)                                \
    X(report_cpu, BATCH_WIRE, "not of kind traffic", d->report_object = 1)                         \
    X(report_no_traffic, BATCH_WORKER_REPORT, "not of kind traffic", d->says_not_traffic = true)   \
    X(report_backwards, BATCH_WIRE, "report 1: it ends before", d->report_from = 6)                \
    X(report_empty, BATCH_WORKER_REPORT, "report 1: it ends before", d->report_from = 5)           \
    X(report_negative, BATCH_WIRE, "report 1: its times", d->report_from = (uint64_t)-1)           \
    X(report_10000, BATCH_WIRE, "report 1: its times", d->report_to = (uint64_t)TIME_MAX_MS + 1)   \
    X(list_0, BATCH_WIRE, "its list", d->list = 0)                                                 \
    X(list_4, BATCH_WORKER_REPORT, "its list", d->list = 4)                                        \
    X(total_max, BATCH_WIRE, "", d->total = INT64_MAX)                                             \
    X(total_over, BATCH_WIRE, "its numbers", d->total = (uint64_t)INT64_MAX + 1)                   \
    X(bound_over, BATCH_WIRE, "its numbers", d->bound = UINT64_MAX)                                \
    X(talkers_none, BATCH_WIRE, "", d->n_talkers = 0)                                              \
    X(talkers_max, BATCH_WIRE, "", d->n_talkers = PROTO_TALKERS_MAX)                               \
    X(talkers_over, BATCH_WIRE, "too many items", d->n_talkers = PROTO_TALKERS_MAX + 1)            \
    X(talker_empty, BATCH_WIRE, "item's key", (d->talker = TEXT(""), d->n_talkers = 1))            \
    X(talker_max, BATCH_WIRE, "", (d->talker = letters(255), d->n_talkers = 1))                    \
    X(talker_over, BATCH_WIRE, "item's key", d->talker = letters(256))                             \
    X(talker_nul, BATCH_WORKER_REPORT, "NUL", d->talker = TEXT("h\0"))                             \
    X(talker_escape, BATCH_WIRE, "item's key", d->talker = TEXT("\x1b[2J"))                        \
    X(talker_twice, BATCH_WIRE, "two items", d->same_talkers = true)                               \
    X(talker_bytes_over, BATCH_WIRE, "item's numbers", d->talker_bytes = UINT64_MAX)               \
    X(talker_packets_over, BATCH_WIRE, "item's numbers", d->talker_packets = UINT64_MAX)           \
    X(talker_error_over, BATCH_WIRE, "item's error", d->talker_error = 8)                          \
    X(items_max, BATCH_WIRE, "", d->n_empty_gaps = PROTO_BATCH_ITEMS_MAX - 7)                      \
    X(items_over, BATCH_WIRE, "over 100000 items", d->n_empty_gaps = PROTO_BATCH_ITEMS_MAX - 6)

#define DEFINE_BREAK(name, form, words, change)                                                    \
    static void break_##name(struct draft *d)                                                      \
    {                                                                                              \
        (void)(change);                                                                            \
    }
CASES(DEFINE_BREAK)

static const struct {
    const char *name;
    enum batch_form form;
    const char *words;
    void (*change)(struct draft *draft);
} cases[] = {
#define LIST_CASE(name, form, words, change) {#name, form, words, break_##name},
    CASES(LIST_CASE)};

static void test_reader_bounds(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct draft draft = make_draft(cases[i].form);
        cases[i].change(&draft);
        struct bytes bytes = encode(&draft);
        char reason[128] = "";
        struct batch *batch =
            batch_decode(cases[i].form, bytes.at, bytes.size, reason, sizeof reason);
        bool good = cases[i].words[0] == '\0' ? batch != NULL && reason[0] == '\0'
                                              : batch == NULL && strstr(reason, cases[i].words);
        if (!good) {
            fail_msg("case %s: %s, reason \"%s\"", cases[i].name,
                     batch != NULL ? "accepted" : "refused", reason);
        }
        batch_free(batch);
        bytes_free(&bytes);
    }
}

static void test_size(void **state)
{
    (void)state;
    static const size_t limits[] = {
        [BATCH_WIRE] = PROTO_MESSAGE_MAX, [BATCH_WORKER_REPORT] = PROTO_REPORT_MAX};
    for (enum batch_form form = BATCH_WIRE; form <= BATCH_WORKER_REPORT; form++) {
        struct draft draft = make_draft(form);
        struct bytes bytes = encode(&draft);
        char *filler = calloc(1, limits[form]);
        assert_non_null(filler);
        put_bytes(&bytes, 99, filler, limits[form] - bytes.size - 2 - (form == BATCH_WIRE ? 4 : 3));
        free(filler);
        assert_int_equal(bytes.size, limits[form]);
        char reason[128] = "";
        struct batch *batch = batch_decode(form, bytes.at, bytes.size, reason, sizeof reason);
        assert_string_equal(reason, "");
        assert_non_null(batch);
        batch_free(batch);
        assert_null(batch_decode(form, bytes.at, bytes.size + 1, reason, sizeof reason));
        assert_non_null(strstr(reason, "bytes"));
        bytes_free(&bytes);
    }
}

/* Two bytes a row unpack to a hundred: the cap ends it before it has eaten the machine. */
static void test_unpacking_is_capped(void **state)
{
    (void)state;
    struct bytes bytes = {0};
    put_bytes(&bytes, 1, long_text, 16);
    put_number(&bytes, 3, 1);
    while (bytes.size + 2 <= PROTO_MESSAGE_MAX) {
        put_bytes(&bytes, 6, "", 0);
    }
    char reason[128] = "";
    assert_null(batch_decode(BATCH_WIRE, bytes.at, bytes.size, reason, sizeof reason));
    assert_non_null(strstr(reason, "unpacks to too much"));
    bytes_free(&bytes);
}

/* The densest encodings that are still valid must not meet the cap: a full load of rows without
 * values, and 4 MiB of labels of five bytes. */
static void test_dense_is_not_capped(void **state)
{
    (void)state;
    struct bytes rows = {0};
    rows.at = malloc(PROTO_MESSAGE_MAX + 64);
    assert_non_null(rows.at);
    static const uint8_t row[] = {6 << 3 | 2, 4, 1 << 3, 1, 3 << 3, 1};
    struct bytes head = {0};
    put_bytes(&head, 1, long_text, 16);
    put_number(&head, 3, 1);
    memcpy(rows.at, head.at, head.size);
    rows.size = head.size;
    for (size_t i = 0; i < PROTO_BATCH_ITEMS_MAX; i++, rows.size += sizeof row) {
        memcpy(rows.at + rows.size, row, sizeof row);
    }
    char reason[128] = "";
    struct batch *batch = batch_decode(BATCH_WIRE, rows.at, rows.size, reason, sizeof reason);
    assert_string_equal(reason, "");
    assert_int_equal(batch->n_rows, PROTO_BATCH_ITEMS_MAX);
    batch_free(batch);

    struct bytes definition = {0};
    put_number(&definition, 1, 1);
    put_text(&definition, 2, "d");
    put_text(&definition, 3, "k");
    put_text(&definition, 4, "n");
    put_number(&definition, 5, 1000);
    for (char i = 0; i < PROTO_LABELS_MAX; i++) {
        struct bytes label = {0};
        char key = (char)('A' + i);
        put_bytes(&label, 1, &key, 1);
        put_message(&definition, 7, &label);
    }
    struct bytes field = {0};
    put_message(&field, 5, &definition);
    size_t count = 0;
    rows.size = head.size;
    for (; rows.size + field.size <= PROTO_MESSAGE_MAX; rows.size += field.size, count++) {
        memcpy(rows.at + rows.size, field.at, field.size);
    }
    batch = batch_decode(BATCH_WIRE, rows.at, rows.size, reason, sizeof reason);
    assert_string_equal(reason, "");
    assert_int_equal(batch->n_definitions, count);
    batch_free(batch);
    bytes_free(&field);

    /* 4 MiB of talkers, also of five bytes each. */
    struct bytes report = {0};
    put_number(&report, 1, 1);
    put_number(&report, 3, 1);
    put_number(&report, 4, TALKERS_HOSTS);
    for (char i = 0; i < PROTO_TALKERS_MAX - 10; i++) {
        char key = (char)('!' + i);
        struct bytes item = {0};
        put_bytes(&item, 1, &key, 1);
        put_message(&report, 7, &item);
    }
    put_message(&field, 9, &report);
    rows.size = head.size;
    for (count = 0; rows.size + field.size <= PROTO_MESSAGE_MAX; rows.size += field.size, count++) {
        memcpy(rows.at + rows.size, field.at, field.size);
    }
    batch = batch_decode(BATCH_WIRE, rows.at, rows.size, reason, sizeof reason);
    assert_string_equal(reason, "");
    assert_int_equal(batch->n_talkers, count);
    batch_free(batch);
    bytes_free(&field);
    bytes_free(&head);
    bytes_free(&rows);
}

int main(void)
{
    memset(long_text, 'a', sizeof long_text);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reader_bounds),
        cmocka_unit_test(test_size),
        cmocka_unit_test(test_unpacking_is_capped),
        cmocka_unit_test(test_dense_is_not_capped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
