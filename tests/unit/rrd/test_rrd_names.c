/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Metrics' names as data sources: the rule that docs/operations.md gives to people with a stock
 * rrdtool, so that its results are written out here. */
#include "rrd/names.h"
#include "support.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void expect_name(const char *metric, const char *expected)
{
    char names[PROTO_METRICS_MAX][RRD_NAME_SIZE];
    const struct metric one = {metric, "1", METRIC_GAUGE};
    assert_int_equal(rrd_names(&one, 1, names), 0);
    assert_string_equal(names[0], expected);
    assert_int_equal(rrd_names_find(names, 1, metric), 0);
}

static void names_are_shortened_by_the_rule(void **state)
{
    (void)state;
    /* What fits stays, vowels and all. */
    expect_name("in_octets", "in_octets");
    expect_name("a", "a");
    expect_name("out_ucast_packets", "out_ucast_packets");
    expect_name("abcdefghijklmnopqrs", "abcdefghijklmnopqrs");
    /* The interface's. */
    expect_name("in_multicast_packets", "in_multicast_pckts");
    expect_name("out_multicast_packets", "out_multicast_pckts");
    expect_name("in_broadcast_packets", "in_broadcast_pckts");
    expect_name("out_broadcast_packets", "out_broadcast_pckts");
    /* Further words lose theirs when the last one's are not enough; first letters stay. */
    expect_name("average_output_utilization", "average_otpt_utlztn");
    expect_name("abcdefghijklmnopqrstu", "abcdfghjklmnpqrst");
    expect_name("interface_packet_errors_", "intrfc_pckt_errrs_");
    expect_name("_unknown_packet_protocols", "_unknwn_pckt_prtcls");
}

/* Too long in any case. The hashes are `printf %s NAME | sha256sum`. */
static void the_longest_are_hashed(void **state)
{
    (void)state;
    char longest[PROTO_METRIC_NAME_MAX + 2];
    char names[PROTO_METRICS_MAX][RRD_NAME_SIZE];
    const struct metric too_long = {longest, "1", METRIC_GAUGE};
    expect_name("hw_stck_mbrs_pwr_spply_crrnt_mx", "hw_stck_mbrs_082f39");
    expect_name("temperature_of_the_inlet_air", "temperature__85a2be"); /* 20 without vowels */
    memset(longest, 'x', sizeof longest);
    longest[PROTO_METRIC_NAME_MAX] = '\0';
    expect_name(longest, "xxxxxxxxxxxx_75220b");
    longest[PROTO_METRIC_NAME_MAX] = 'x';
    longest[PROTO_METRIC_NAME_MAX + 1] = '\0';
    assert_int_equal(rrd_names(&too_long, 1, names), -EINVAL);
    assert_int_equal(rrd_names_find(names, 0, longest), 0);
}

/* Two that come out alike, and one that comes out as another is: each keeps a name of its own,
 * whatever the order. */
static void alike_ones_are_hashed(void **state)
{
    (void)state;
    static const struct metric metrics[] = {
        {"in_multicast_packets", "packets", METRIC_COUNTER},
        {"in_multicast_pockets", "packets", METRIC_COUNTER},
        {"in_broadcast_packets", "packets", METRIC_COUNTER},
        {"in_broadcast_pckts", "packets", METRIC_COUNTER},
        {"out_multicast_packets", "packets", METRIC_COUNTER},
    };
    static const char *const expected[] = {"in_multicast_52e5a0", "in_multicast_0baeb2",
                                           "in_broadcast_6448df", "in_broadcast_pckts",
                                           "out_multicast_pckts"};
    char names[PROTO_METRICS_MAX][RRD_NAME_SIZE];
    struct metric turned[5];
    for (size_t i = 0; i < 5; i++) {
        turned[4 - i] = metrics[i];
    }
    assert_int_equal(rrd_names(turned, 5, names), 0);
    for (size_t i = 0; i < 5; i++) {
        assert_string_equal(names[4 - i], expected[i]);
    }
    assert_int_equal(rrd_names(metrics, 5, names), 0);
    for (size_t i = 0; i < 5; i++) {
        assert_string_equal(names[i], expected[i]);
        assert_int_equal(rrd_names_find(names, 5, metrics[i].name), i);
    }
    assert_int_equal(rrd_names_find(names, 5, "in_octets"), 5);
    assert_int_equal(rrd_names_find(names, 5, ""), 5);
    assert_int_equal(rrd_names_find(names, 5, "in_broadcast_packets:d0"), 5);
}

static void what_no_file_can_hold_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "a b", "A", "a:b", "caf\xc3\xa9"};
    char names[PROTO_METRICS_MAX][RRD_NAME_SIZE];
    struct metric metrics[PROTO_METRICS_MAX + 1];
    char texts[PROTO_METRICS_MAX + 1][4];
    for (size_t i = 0; i <= PROTO_METRICS_MAX; i++) {
        (void)snprintf(texts[i], sizeof texts[i], "m%zu", i);
        metrics[i] = (struct metric){texts[i], "1", METRIC_GAUGE};
    }
    assert_int_equal(rrd_names(metrics, PROTO_METRICS_MAX, names), 0);
    assert_int_equal(rrd_names(metrics, PROTO_METRICS_MAX + 1, names), -EINVAL);
    assert_int_equal(rrd_names(metrics, 0, names), -EINVAL);
    metrics[7].name = "m3";
    assert_int_equal(rrd_names(metrics, 8, names), -EINVAL);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        metrics[7].name = bad[i];
        assert_int_equal(rrd_names(metrics, 8, names), -EINVAL);
    }
}

/* Whatever the names are, a file's are distinct, proper, and found again. */
static void any_names_come_out_distinct(void **state)
{
    (void)state;
    static const char letters[] = "aeioubcd_";
    struct random random = {.state = 20261125};
    print_message("seed %llu\n", (unsigned long long)random.state);
    for (int round = 0; round < 3000; round++) {
        char names[PROTO_METRICS_MAX][RRD_NAME_SIZE];
        char texts[6][PROTO_METRIC_NAME_MAX + 1];
        struct metric metrics[6];
        size_t n = 1 + random_below(&random, 6);
        for (size_t i = 0; i < n; i++) {
            size_t size = 16 + random_below(&random, 48);
            for (size_t k = 0; k < size; k++) {
                texts[i][k] = letters[random_below(&random, sizeof letters - 1)];
            }
            texts[i][0] = (char)('a' + i);
            texts[i][size] = '\0';
            metrics[i] = (struct metric){texts[i], "1", METRIC_GAUGE};
        }
        assert_int_equal(rrd_names(metrics, n, names), 0);
        for (size_t i = 0; i < n; i++) {
            size_t size = strlen(names[i]);
            assert_true(size >= 1 && size < RRD_NAME_SIZE);
            assert_int_equal(rrd_names_find(names, n, texts[i]), i);
            for (size_t k = 0; k < i; k++) {
                assert_string_not_equal(names[i], names[k]);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_shortened_by_the_rule),
        cmocka_unit_test(the_longest_are_hashed),
        cmocka_unit_test(alike_ones_are_hashed),
        cmocka_unit_test(what_no_file_can_hold_is_refused),
        cmocka_unit_test(any_names_come_out_distinct),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
