/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Quantiles from buckets against sorted values. */
#include "meter/histogram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const int64_t MOST_NS = INT64_C(1) << 40;

static uint64_t random_state;

static uint64_t next_random(void)
{
    random_state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t x = random_state;
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Within 1.6 % of the true one; exact below 64, where a bucket has one value. */
static void assert_near(int64_t read, int64_t true_ns)
{
    int64_t off = read > true_ns ? read - true_ns : true_ns - read;
    if (off * 1000 > true_ns * 16) {
        fail_msg("%lld instead of %lld", (long long)read, (long long)true_ns);
    }
}

static void empty(void **state)
{
    static struct histogram histogram;
    (void)state;
    assert_int_equal(histogram_percentile(&histogram, 50), -1);
}

static void each_value_alone(void **state)
{
    (void)state;
    for (int64_t value = 0; value <= MOST_NS; value = value < 4096 ? value + 1 : value * 17 / 16) {
        static struct histogram histogram;
        memset(&histogram, 0, sizeof histogram);
        histogram_add(&histogram, value);
        int64_t read = histogram_percentile(&histogram, 100);
        assert_near(read, value);
        if (value < 64) {
            assert_int_equal(read, value);
        }
        assert_int_equal(histogram_percentile(&histogram, 1), read);
        assert_int_equal(histogram.n, 1);
    }
}

static void values_beyond_both_ends(void **state)
{
    static struct histogram histogram;
    (void)state;
    histogram_add(&histogram, -1);
    histogram_add(&histogram, INT64_MIN);
    assert_int_equal(histogram_percentile(&histogram, 100), 0);
    histogram_add(&histogram, INT64_MAX);
    histogram_add(&histogram, MOST_NS * 100);
    assert_int_equal(histogram_percentile(&histogram, 50), 0);
    assert_near(histogram_percentile(&histogram, 75), histogram_percentile(&histogram, 100));
    assert_true(histogram_percentile(&histogram, 100) >= MOST_NS);
    assert_true(histogram_percentile(&histogram, 100) <= MOST_NS * 2 + MOST_NS / 32);
    assert_int_equal(histogram.n, 4);
}

/* Nearest rank: of ten values, 50 % is the fifth and 51 % the sixth. */
static void ranks(void **state)
{
    static struct histogram histogram;
    (void)state;
    for (int64_t value = 1; value <= 10; value++) {
        histogram_add(&histogram, value);
    }
    assert_int_equal(histogram_percentile(&histogram, 1), 1);
    assert_int_equal(histogram_percentile(&histogram, 10), 1);
    assert_int_equal(histogram_percentile(&histogram, 11), 2);
    assert_int_equal(histogram_percentile(&histogram, 50), 5);
    assert_int_equal(histogram_percentile(&histogram, 51), 6);
    assert_int_equal(histogram_percentile(&histogram, 99), 10);
    assert_int_equal(histogram_percentile(&histogram, 100), 10);
}

static void random_values_against_sorted_ones(void **state)
{
    enum { ROUNDS = 40, MOST = 2000 };
    static struct histogram a;
    static struct histogram b;
    static struct histogram whole;
    static int64_t values[MOST];
    random_state = (uint64_t)time(NULL);
    print_message("seed %llu\n", (unsigned long long)random_state);
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        size_t count = 1 + next_random() % MOST;
        unsigned shift = (unsigned)(next_random() % 40);
        memset(&a, 0, sizeof a);
        memset(&b, 0, sizeof b);
        memset(&whole, 0, sizeof whole);
        for (size_t i = 0; i < count; i++) {
            values[i] = (int64_t)(next_random() >> (24 + next_random() % (shift + 1)));
            values[i] = values[i] <= MOST_NS ? values[i] : MOST_NS;
            histogram_add(i % 3 == 0 ? &a : &b, values[i]);
            histogram_add(&whole, values[i]);
        }
        histogram_merge(&a, &b);
        assert_memory_equal(&a, &whole, sizeof a);
        qsort(values, count, sizeof values[0], compare);
        for (unsigned percent = 1; percent <= 100; percent++) {
            size_t rank = (count * percent + 99) / 100;
            assert_near(histogram_percentile(&whole, percent), values[rank - 1]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty),
        cmocka_unit_test(each_value_alone),
        cmocka_unit_test(values_beyond_both_ends),
        cmocka_unit_test(ranks),
        cmocka_unit_test(random_values_against_sorted_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
