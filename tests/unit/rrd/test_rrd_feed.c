/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Are the rates in the files exact, whatever happens between rows? A model that knows every
 * millisecond stands against librrd. */
#include "common/xalloc.h"
#include "support.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const int64_t START_MS = INT64_C(1767225600000); /* 2026-01-01 */

/* --- between us and librrd --- */

static const char *refused_text; /* an argument with this text is refused */

int __real_rrd_updatex_r(const char *path, const char *names, int flags, int n, const char **args);
int __wrap_rrd_updatex_r(const char *path, const char *names, int flags, int n, const char **args);
void rrd_set_error(char *format, ...);

int __wrap_rrd_updatex_r(const char *path, const char *names, int flags, int n, const char **args)
{
    for (int i = 0; refused_text != NULL && i < n; i++) {
        if (strstr(args[i], refused_text) != NULL) {
            if (i > 0) {
                assert_int_equal(__real_rrd_updatex_r(path, names, flags, i, args), 0);
            }
            char message[] = "refused by the test";
            rrd_set_error(message);
            return -1;
        }
    }
    return __real_rrd_updatex_r(path, names, flags, n, args);
}

/* --- helpers --- */

struct bed {
    char *folder;
    char *path;
    struct object object;
};

static struct bed open_bed(int64_t interval_ms)
{
    char reason[256] = "";
    struct bed bed = {.folder = make_folder(), .object = sample_object(interval_ms)};
    bed.path = rrd_path(bed.folder, "d", "k", "o");
    assert_int_equal(
        rrd_file_create(bed.path, &bed.object, (struct wall){START_MS}, reason, sizeof reason), 0);
    return bed;
}

static void close_bed(struct bed *bed)
{
    free(bed->path);
    remove_folder(bed->folder);
}

/* Average of the step that ends at `end_s`, of metric i. */
static double at(const struct rrd_series *series, int64_t end_s, size_t i)
{
    int64_t row = (end_s - series->first.ms / 1000) / series->step_s;
    assert_true(row >= 0 && (size_t)row < series->n_rows);
    return series->values[(size_t)row * series->n_metrics + i];
}

static struct rrd_series whole_series(const struct bed *bed, int64_t seconds)
{
    struct rrd_series series;
    struct wall from = {START_MS - 60000};
    struct wall to = {START_MS + seconds * 1000};
    assert_int_equal(rrd_file_series(bed->path, from, to, false, 100000, &series), 0);
    return series;
}

static struct rrd_row plain_row(int64_t ms, uint64_t in, uint64_t out, double up, double level)
{
    return (struct rrd_row){
        .time = {START_MS + ms},
        .values = {{.counter = in}, {.counter = out}, {.gauge = up}, {.gauge = level}}};
}

/* --- tests --- */

static void keeps_every_millisecond(void **state)
{
    (void)state;
    struct bed bed = open_bed(86400000); /* the smallest of files */
    for (int64_t i = 0; i < 1000; i++) {
        struct wall last;
        struct rrd_row row = plain_row(i * 1001, (uint64_t)i, 0, 1, 1);
        must_update(bed.path, &bed.object, &row, 1);
        assert_int_equal(rrd_file_last(bed.path, &last), 0);
        assert_int_equal(last.ms, row.time.ms);
        struct rrd_update_result result;
        char reason[256] = "";
        assert_int_equal(
            rrd_file_update(bed.path, &bed.object, &row, 1, &result, reason, sizeof reason), 0);
        assert_int_equal(result.skipped, 1);
        assert_int_equal(result.written, 0);
    }
    close_bed(&bed);
}

static void rates_are_exact_with_fractions(void **state)
{
    (void)state;
    struct bed bed = open_bed(10000);
    struct rrd_row rows[30];
    for (int i = 0; i < 30; i++) {
        int64_t ms = 3517 + i * 10000 + (i % 7) * 211;
        rows[i] = plain_row(ms, (uint64_t)ms * 125, (uint64_t)ms * 2, 1, 7.25);
    }
    must_update(bed.path, &bed.object, rows, 30);
    struct rrd_series series = whole_series(&bed, 290);
    for (int64_t end_s = 20; end_s <= 290; end_s += 10) {
        assert_true(fabs(at(&series, START_MS / 1000 + end_s, 0) - 125000) < 1e-6);
        assert_true(fabs(at(&series, START_MS / 1000 + end_s, 1) - 2000) < 1e-6);
        assert_true(fabs(at(&series, START_MS / 1000 + end_s, 3) - 7.25) < 1e-12);
    }
    /* The first interval of a counter has no rate: 10 s of which 6.483 are known, and exact. */
    assert_true(fabs(at(&series, START_MS / 1000 + 10, 0) - 125000) < 1e-6);
    rrd_series_free(&series);
    close_bed(&bed);
}

/* Counter 0 breaks at row 10 upwards: only its interval is unknown, nothing else notices. A step
 * that this interval fills (nearly) is unknown, one that it touches shows the rate of the rest. */
static void discontinuity_costs_one_interval(int64_t offset_ms)
{
    struct bed bed = open_bed(10000);
    struct rrd_row rows[20];
    for (int i = 0; i < 20; i++) {
        int64_t ms = offset_ms + i * 10000;
        uint64_t jump = i >= 10 ? UINT64_C(1) << 60 : 0;
        rows[i] = plain_row(ms, (uint64_t)ms * 125 + jump, (uint64_t)ms * 2, 1, 7.25);
    }
    rows[10].discontinuity_mask = 1;
    must_update(bed.path, &bed.object, rows, 20);
    struct rrd_series series = whole_series(&bed, 190);
    for (int64_t end_s = 20; end_s <= 190; end_s += 10) {
        double rate = at(&series, START_MS / 1000 + end_s, 0);
        if (end_s * 1000 == 100000 + offset_ms / 9999 * 10000 && offset_ms % 9999 == 0) {
            assert_true(isnan(rate));
        } else {
            assert_true(fabs(rate - 125000) < 1e-6);
        }
        assert_true(fabs(at(&series, START_MS / 1000 + end_s, 1) - 2000) < 1e-9);
        assert_true(fabs(at(&series, START_MS / 1000 + end_s, 3) - 7.25) < 1e-12);
    }
    rrd_series_free(&series);
    close_bed(&bed);
}

static void discontinuity_on_boundary(void **state)
{
    (void)state;
    discontinuity_costs_one_interval(0);
}

static void discontinuity_between(void **state)
{
    (void)state;
    discontinuity_costs_one_interval(3517);
    discontinuity_costs_one_interval(9999);
    discontinuity_costs_one_interval(1);
}

static void counts_to_the_end_of_64_bits(void **state)
{
    (void)state;
    struct bed bed = open_bed(10000);
    static const uint64_t values[] = {UINT64_C(0x7ffffffffffff000),
                                      UINT64_C(0x8000000000001000),
                                      UINT64_C(0x8000000000003000),
                                      UINT64_MAX - 10,
                                      UINT64_MAX,
                                      5};
    struct rrd_row rows[6];
    for (int i = 0; i < 6; i++) {
        rows[i] = plain_row(i * 10000, values[i], 0, 1, 1);
    }
    must_update(bed.path, &bed.object, rows, 6);
    struct rrd_series series = whole_series(&bed, 50);
    assert_true(at(&series, START_MS / 1000 + 10, 0) == 819.2);
    assert_true(at(&series, START_MS / 1000 + 20, 0) == 819.2);
    assert_true(fabs(at(&series, START_MS / 1000 + 40, 0) - 1.0) < 1e-12);
    assert_true(isnan(at(&series, START_MS / 1000 + 50, 0))); /* a reset, never a wrap */
    rrd_series_free(&series);
    close_bed(&bed);
}

static void odd_numbers_are_values_or_unknown(void **state)
{
    (void)state;
    static const double values[] = {NAN,    INFINITY, -INFINITY, -0.0, 4.9406564584124654e-324,
                                    -1e300, DBL_MAX,  0.1};
    struct bed bed = open_bed(10000);
    struct rrd_row rows[8];
    for (int i = 0; i < 8; i++) {
        rows[i] = plain_row((i + 1) * 10000, (uint64_t)i * 10, 0, 1, values[i]);
    }
    must_update(bed.path, &bed.object, rows, 8);
    struct rrd_series series = whole_series(&bed, 80);
    for (int i = 0; i < 8; i++) {
        double value = at(&series, START_MS / 1000 + (i + 1) * 10, 3);
        bool stored = isfinite(values[i]) && fabs(values[i]) <= 1e300;
        assert_int_equal(isnan(value), !stored);
        assert_true(!stored || fabs(value - values[i]) <= fabs(values[i]) * 1e-14);
        assert_true(i == 0 || at(&series, START_MS / 1000 + (i + 1) * 10, 0) == 1.0);
    }
    rrd_series_free(&series);
    close_bed(&bed);
}

static void absurd_and_repeated_times_are_left_out(void **state)
{
    (void)state;
    static const int64_t times[] = {INT64_MIN, -1, 0, INT64_C(99999999999000), INT64_MAX};
    struct bed bed = open_bed(10000);
    struct rrd_row rows[12];
    size_t n = 0;
    for (size_t i = 0; i < 5; i++) {
        rows[n] = plain_row(0, 1, 1, 1, 1);
        rows[n++].time.ms = times[i];
        rows[n++] = plain_row((int64_t)i * 10000, i * 1000, 0, 1, 1);
    }
    rows[n++] = plain_row(40000, 99, 0, 1, 1); /* the same time again */
    rows[n++] = plain_row(50000, 5000, 0, 1, 1);
    struct rrd_update_result result;
    char reason[256] = "";
    assert_int_equal(
        rrd_file_update(bed.path, &bed.object, rows, n, &result, reason, sizeof reason), 0);
    assert_int_equal(result.refused, 5);
    assert_int_equal(result.skipped, 1);
    assert_int_equal(result.written, 6);
    struct rrd_series series = whole_series(&bed, 50);
    for (int64_t end_s = 10; end_s <= 50; end_s += 10) {
        assert_true(at(&series, START_MS / 1000 + end_s, 0) == 100.0);
    }
    rrd_series_free(&series);
    close_bed(&bed);
}

/* librrd refuses one row of thirty: 29 are stored, also when it stands alone at an edge. */
static void one_bad_row_costs_one_row(void **state)
{
    (void)state;
    for (int edge = 0; edge < 2; edge++) {
        struct bed bed = open_bed(10000);
        struct rrd_row rows[30];
        for (int i = 0; i < 30; i++) {
            rows[i] = plain_row(i * 10000, (uint64_t)i * 1000, 0, 1, i == 13 ? 424242 : 1);
        }
        rows[13].discontinuity_mask = edge == 1 ? 1 : 0;
        refused_text = "424242";
        struct rrd_update_result result;
        char reason[256] = "";
        assert_int_equal(
            rrd_file_update(bed.path, &bed.object, rows, 30, &result, reason, sizeof reason), 0);
        refused_text = NULL;
        assert_int_equal(result.written, 29);
        assert_int_equal(result.refused, 1);
        assert_string_equal(reason, "refused by the test");
        struct rrd_series series = whole_series(&bed, 290);
        for (int64_t end_s = 10; end_s <= 290; end_s += 10) {
            assert_true(at(&series, START_MS / 1000 + end_s, 0) == 100.0);
        }
        rrd_series_free(&series);
        close_bed(&bed);
    }
}

/* --- the model --- */

struct model_step {
    int64_t known_ms;
    double amount; /* sum of rate * seconds */
    double low;
    double high;
};

static bool rate_of(const struct rrd_row *from, const struct rrd_row *to, size_t i,
                    int64_t heartbeat_ms, double *rate)
{
    uint64_t bit = UINT64_C(1) << i;
    int64_t interval_ms = to->time.ms - from->time.ms;
    if ((to->unknown_mask & bit) != 0 || interval_ms > heartbeat_ms) {
        return false;
    }
    if (i >= 2) {
        *rate = to->values[i].gauge;
        return true;
    }
    if ((from->unknown_mask & bit) != 0 || (to->discontinuity_mask & bit) != 0 ||
        to->values[i].counter < from->values[i].counter) {
        return false;
    }
    *rate = (double)(to->values[i].counter - from->values[i].counter) * 1000 / (double)interval_ms;
    return true;
}

static void add_to_model(struct model_step *steps, size_t n_steps, int64_t step_ms, int64_t from_ms,
                         int64_t to_ms, double rate)
{
    for (int64_t ms = from_ms; ms < to_ms;) {
        int64_t k = (ms - START_MS) / step_ms;
        int64_t end_ms = START_MS + (k + 1) * step_ms;
        end_ms = end_ms > to_ms ? to_ms : end_ms;
        assert_true(k >= 0 && (size_t)k < n_steps);
        struct model_step *step = &steps[k];
        step->low = step->known_ms == 0 || rate < step->low ? rate : step->low;
        step->high = step->known_ms == 0 || rate > step->high ? rate : step->high;
        step->known_ms += end_ms - ms;
        step->amount += rate * (double)(end_ms - ms) / 1000;
        ms = end_ms;
    }
}

/* Steps that are wholly known are exact; partly known ones are within the rates known in them;
 * unknown ones are unknown. One count may be rounded into the neighbour where rows are missing. */
static void check_step(const struct model_step *step, int64_t step_ms, double value, size_t i)
{
    double count = i < 2 && step->known_ms > 0 ? 1001.0 / (double)step->known_ms : 0;
    double slack = count + fmax(fabs(step->high), fabs(step->low)) * 1e-9 + 1e-9;
    double exact = step->amount * 1000 / (double)step_ms;
    if (step->known_ms == 0) {
        assert_true(isnan(value));
    } else if (step->known_ms == step_ms) {
        assert_true(fabs(value - exact) <= slack);
    } else {
        assert_true(isnan(value) || (value >= step->low - slack && value <= step->high + slack));
        /* More than half is unknown: no value. Less by a second of rounding: a value. */
        assert_true(step->known_ms < step_ms / 2 + 1000 || !isnan(value));
    }
}

static void run_model(uint64_t seed, int64_t interval_ms)
{
    enum { ROWS = 400 };
    struct random random = {seed};
    struct bed bed = open_bed(interval_ms);
    struct rrd_row *rows = xcalloc(ROWS, sizeof *rows);
    int64_t step_ms = (interval_ms + 999) / 1000 * 1000;
    int64_t heartbeat_ms = (step_ms / 1000 * 5 + 1) / 2 * 1000;
    make_rows(&random, interval_ms, (struct wall){START_MS + step_ms}, rows, ROWS);
    must_update(bed.path, &bed.object, rows, ROWS);
    int64_t end_ms = rows[ROWS - 1].time.ms;
    size_t n_steps = (size_t)((end_ms - START_MS) / step_ms);
    struct rrd_series series;
    assert_int_equal(rrd_file_series(bed.path, (struct wall){START_MS}, (struct wall){end_ms},
                                     false, 100000, &series),
                     0);
    assert_int_equal(series.step_s, step_ms / 1000);
    for (size_t i = 0; i < SAMPLE_METRICS; i++) {
        struct model_step *steps = xcalloc(n_steps + 1, sizeof *steps);
        for (size_t k = 1; k < ROWS; k++) {
            double rate = 0;
            if (rate_of(&rows[k - 1], &rows[k], i, heartbeat_ms, &rate)) {
                add_to_model(steps, n_steps + 1, step_ms, rows[k - 1].time.ms, rows[k].time.ms,
                             rate);
            }
        }
        /* The first two steps hold the first row, which has no row before it. */
        for (size_t k = 2; k < n_steps; k++) {
            int64_t step_end_s = (START_MS + (int64_t)(k + 1) * step_ms) / 1000;
            check_step(&steps[k], step_ms, at(&series, step_end_s, i), i);
        }
        free(steps);
    }
    rrd_series_free(&series);
    free(rows);
    close_bed(&bed);
}

static void agrees_with_the_model(void **state)
{
    (void)state;
    static const int64_t intervals[] = {10000, 60000, 300000, 7000, 1000, 1500, 30000};
    for (uint64_t seed = 1; seed <= 28; seed++) {
        print_message("seed %d interval %d ms\n", (int)seed, (int)intervals[seed % 7]);
        run_model(seed * UINT64_C(0x9e3779b97f4a7c15), intervals[seed % 7]);
    }
}

/* The same rows in other groups give the same bytes. */
static void grouping_does_not_matter(void **state)
{
    (void)state;
    enum { ROWS = 300 };
    static const size_t groups[] = {ROWS, 1, 7, 60, 128, 129};
    for (int round = 0; round < 2; round++) {
        int64_t interval_ms = round % 2 == 0 ? 10000 : 1000;
        struct random random = {UINT64_C(77) + (uint64_t)round};
        struct rrd_row *rows = xcalloc(ROWS, sizeof *rows);
        struct bed bed = open_bed(interval_ms);
        size_t size;
        uint8_t *empty = read_file(bed.path, &size);
        uint8_t *expected = NULL;
        make_rows(&random, interval_ms, (struct wall){START_MS + interval_ms}, rows, ROWS);
        for (size_t g = 0; g < sizeof groups / sizeof *groups; g++) {
            write_file(bed.path, empty, size);
            for (size_t i = 0; i < ROWS; i += groups[g]) {
                size_t n = ROWS - i < groups[g] ? ROWS - i : groups[g];
                must_update(bed.path, &bed.object, rows + i, n);
            }
            uint8_t *got = read_file(bed.path, &size);
            expected = expected == NULL ? got : expected;
            assert_memory_equal(got, expected, size);
            if (got != expected) {
                free(got);
            }
        }
        free(expected);
        free(empty);
        free(rows);
        close_bed(&bed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_every_millisecond),
        cmocka_unit_test(rates_are_exact_with_fractions),
        cmocka_unit_test(discontinuity_on_boundary),
        cmocka_unit_test(discontinuity_between),
        cmocka_unit_test(counts_to_the_end_of_64_bits),
        cmocka_unit_test(odd_numbers_are_values_or_unknown),
        cmocka_unit_test(absurd_and_repeated_times_are_left_out),
        cmocka_unit_test(one_bad_row_costs_one_row),
        cmocka_unit_test(agrees_with_the_model),
        cmocka_unit_test(grouping_does_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
