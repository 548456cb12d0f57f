/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What plugins print, good and bad, and the object that it becomes. */
#include "perfdata_set.h"
#include "support.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int next_of(const char *text, struct perfdata_item *item, size_t *used)
{
    /* Without the NUL, so that the sanitizer sees a read behind the end. */
    size_t size = strlen(text);
    char *bytes = malloc(size + 1);
    assert_non_null(bytes);
    memcpy(bytes, text, size);
    char *exact = realloc(bytes, size > 0 ? size : 1);
    const char *at = exact;
    int rc = perfdata_next(&at, exact + size, item);
    *used = (size_t)(at - exact);
    free(exact);
    return rc;
}

static void units_are_converted(void **state)
{
    static const struct {
        const char *text;
        const char *label;
        const char *unit;
        double value;
    } cases[] = {
        {"load1=0.250;5.000;9.000;0;", "load1", "1", 0.25},
        {"time=0,1", NULL, NULL, 0}, /* a decimal comma */
        {"time=0.012s;;;0.000", "time", "s", 0.012},
        {"t=1500us", "t", "s", 0.0015},
        {"t=-250ms", "t", "s", -0.25},
        {"'pl'=20%;80;100;;", "pl", "ratio", 0.2},
        {"/=5MB;10;20;0;30", "/", "bytes", 5242880},
        {"size=12345B", "size", "bytes", 12345},
        {"size=3KB", "size", "bytes", 3072},
        {"mem=2GiB", "mem", "bytes", 2147483648.0},
        {"'it''s a label'=1", "it's a label", "1", 1},
        {"'C: ='=.5", "C: =", "1", 0.5},
        {"temp=21.5C;30:;@1:2", "temp", "C", 21.5},
        {"x=1e-3s", "x", "s", 0.001},
        {"x=5e", "x", "e", 5},
        {"x=1;", "x", "1", 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct perfdata_item item;
        size_t used;
        int rc = next_of(cases[i].text, &item, &used);
        assert_int_equal(rc, cases[i].label != NULL ? 1 : -EINVAL);
        assert_int_equal(used, strlen(cases[i].text));
        if (cases[i].label != NULL) {
            assert_string_equal(item.label, cases[i].label);
            assert_string_equal(item.unit, cases[i].unit);
            assert_int_equal(item.type, METRIC_GAUGE);
            assert_true(item.is_known);
            double error = item.value.gauge - cases[i].value;
            assert_true(error < 1e-9 && error > -1e-9);
        }
    }
}

static void counters_are_whole(void **state)
{
    struct perfdata_item item;
    size_t used;
    (void)state;
    assert_int_equal(next_of("octets=18446744073709551615c", &item, &used), 1);
    assert_int_equal(item.type, METRIC_COUNTER);
    assert_string_equal(item.unit, "1");
    assert_true(item.value.counter == UINT64_MAX);
    assert_int_equal(next_of("o=18446744073709551616c", &item, &used), -EINVAL);
    assert_int_equal(next_of("o=1.5c", &item, &used), -EINVAL);
    assert_int_equal(next_of("o=-1c", &item, &used), -EINVAL);
    assert_int_equal(next_of("o=U;1;2", &item, &used), 1);
    assert_false(item.is_known);
}

static void bad_ones_are_passed_over(void **state)
{
    static const char *const cases[] = {
        "word",
        "=1",
        "a=",
        "a=;1",
        "a=x",
        "a=-",
        "a=.",
        "a=1;2 b",
        "'a'1=2",
        "''=",
        "'=1",
        "'a",
        "'a' =1",
        "a=1.2.3",
        "a=inf",
        "a=nan",
        "a=0x1f",
        "a=1e999",
        "a=1 2=",
        "a=1\x80",
        "a=1abcdefghijklmnop",
        "a=1111111111111111111111111111111111111111111111111111111111111111111111",
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t size = strlen(cases[i]);
        char *bytes = malloc(size);
        assert_non_null(bytes);
        memcpy(bytes, cases[i], size);
        const char *at = bytes;
        bool is_bad = false;
        struct perfdata_item item;
        int rc;
        while ((rc = perfdata_next(&at, bytes + size, &item)) != 0) {
            is_bad = is_bad || rc == -EINVAL;
        }
        assert_ptr_equal(at, bytes + size);
        if (!is_bad) {
            print_error("taken: %s\n", cases[i]);
        }
        assert_true(is_bad);
        free(bytes);
    }
}

static void take(const char *text, struct plugin_output *output)
{
    plugin_output_split(text, strlen(text), output);
}

static bool is(const struct plugin_span *span, const char *text)
{
    return span->size == strlen(text) && memcmp(span->at, text, span->size) == 0;
}

static void output_is_split_at_bars(void **state)
{
    struct plugin_output output;
    (void)state;
    take(" DISK OK - free | /=1MB\nlong one\nlong two | /var=2MB\n/srv=3MB\n", &output);
    assert_true(is(&output.text, "DISK OK - free"));
    assert_true(is(&output.perfdata[0], " /=1MB"));
    assert_true(is(&output.perfdata[1], " /var=2MB\n/srv=3MB\n"));
    take("OK\nno data | here=1", &output);
    assert_true(is(&output.text, "OK"));
    assert_int_equal(output.perfdata[0].size, 0);
    assert_true(is(&output.perfdata[1], " here=1"));
    take("|a=1", &output);
    assert_int_equal(output.text.size, 0);
    take("", &output);
    assert_int_equal(output.text.size + output.perfdata[0].size + output.perfdata[1].size, 0);
}

static void names_are_made_metric_names(void **state)
{
    static const struct {
        const char *label;
        const char *name;
    } cases[] = {
        {"load1", "load1"},        {"/", "root"},
        {"/var/log", "var_log"},   {"4xx", "v_4xx"},
        {"RTA Max!", "rta_max"},   {"--", "value"},
        {"C:\\ used %", "c_used"}, {"\xc3\xa9t\xc3\xa9", "t"},
    };
    char name[PROTO_METRIC_NAME_MAX + 1];
    char longest[PERFDATA_LABEL_MAX + 1];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        perfdata_metric_name(cases[i].label, name);
        assert_string_equal(name, cases[i].name);
    }
    for (size_t i = 0; i < PERFDATA_LABEL_MAX; i++) {
        longest[i] = i % 2 == 0 ? 'a' : '/';
    }
    longest[PERFDATA_LABEL_MAX] = '\0';
    perfdata_metric_name(longest, name);
    assert_in_range(strlen(name), PROTO_METRIC_NAME_MAX - 1, PROTO_METRIC_NAME_MAX);
}

static size_t run_of(struct perfdata_set *set, struct recorder *recorder, const char *text,
                     int64_t time_ms)
{
    struct plugin_output output;
    take(text, &output);
    size_t refused = perfdata_set_take(set, &output);
    perfdata_set_deliver(set, &recorder->sink, "switch", "disk", 60000, (struct wall){time_ms});
    return refused;
}

static void object_keeps_its_metrics(void **state)
{
    struct recorder *recorder = recorder_new();
    struct perfdata_set *set = perfdata_set_new();
    (void)state;
    assert_int_equal(run_of(set, recorder, "OK", 1), 0);
    assert_int_equal(recorder->n_rows, 0);
    assert_int_equal(run_of(set, recorder, "OK | /=1MB n=7c later=U", 2), 0);
    assert_int_equal(recorder->n_objects, 1);
    assert_string_equal(recorder->objects[0].kind, "perfdata");
    assert_string_equal(recorder->objects[0].device, "switch");
    assert_string_equal(recorder->objects[0].name, "disk");
    assert_int_equal(recorder->objects[0].n_metrics, 2);
    assert_string_equal(recorder->objects[0].metrics[0], "root");
    assert_int_equal(recorder->objects[0].types[1], METRIC_COUNTER);
    assert_string_equal(recorder->objects[0].label, "root=/");
    /* One is missing: the object stays. The counter went back. */
    assert_int_equal(run_of(set, recorder, "OK | n=3c", 3), 0);
    assert_int_equal(recorder->n_objects, 1);
    assert_int_equal(recorder->rows[1].row.unknown_mask, 1);
    assert_int_equal(recorder->rows[1].row.discontinuity_mask, 2);
    assert_int_equal(recorder->rows[1].row.status, ROW_PARTIAL);
    assert_true(recorder->rows[1].values[1].counter == 3);
    /* Another unit, twice the same label, no label; and a new one, whose name is taken. */
    assert_int_equal(run_of(set, recorder, "OK | /=1s n=4c n=5c =1 root=2", 4), 3);
    assert_int_equal(recorder->n_objects, 2);
    assert_string_equal(recorder->objects[1].metrics[2], "root_2");
    assert_int_equal(recorder->rows[2].row.unknown_mask, 1);
    assert_int_equal(recorder->rows[2].row.discontinuity_mask, 0);
    assert_true(recorder->rows[2].values[1].counter == 4);
    /* Nothing at all. */
    assert_int_equal(run_of(set, recorder, "CRITICAL", 5), 0);
    assert_int_equal(recorder->n_rows, 3);
    perfdata_set_free(set);
    perfdata_set_free(NULL);
    recorder_free(recorder);
}

static uint32_t count_metrics(void *context, const struct object *object)
{
    *(size_t *)context = object->n_metrics;
    return 1;
}

static void ignore_row(void *context, const struct row *row)
{
    (void)context;
    (void)row;
}

static void number_of_metrics_is_bounded(void **state)
{
    enum { ITEMS = 1000 };
    size_t n_metrics = 0;
    const struct sample_sink sink = {
        .context = &n_metrics, .define = count_metrics, .row = ignore_row};
    struct perfdata_set *set = perfdata_set_new();
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    (void)state;
    assert_non_null(out);
    fputs("OK |", out);
    for (int i = 0; i < ITEMS; i++) {
        fprintf(out, " '%d/'=%d", i % 2 == 0 ? i : i / 2, i); /* many names alike */
    }
    fclose(out);
    struct plugin_output output;
    take(text, &output);
    assert_true(perfdata_set_take(set, &output) >= ITEMS - PROTO_METRICS_MAX);
    perfdata_set_deliver(set, &sink, "d", "n", 60000, (struct wall){1});
    assert_int_equal(n_metrics, PROTO_METRICS_MAX);
    free(text);
    perfdata_set_free(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(units_are_converted),          cmocka_unit_test(counters_are_whole),
        cmocka_unit_test(bad_ones_are_passed_over),     cmocka_unit_test(output_is_split_at_bars),
        cmocka_unit_test(names_are_made_metric_names),  cmocka_unit_test(object_keeps_its_metrics),
        cmocka_unit_test(number_of_metrics_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
