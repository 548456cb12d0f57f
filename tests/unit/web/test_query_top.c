/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reports added up: what is shown is within the error that is shown, whatever is asked for. */
#include "support.h"
#include "top_merge.h"

#include "common/xalloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t seed[16] = "any sixteen byte";

/* --- the sum --- */

static void add(struct top_merge *merge, uint64_t total, uint64_t bound,
                const struct talker_item *items, size_t n_items)
{
    const struct talker_report report = {
        .total_ip_bytes = total, .error_bound_bytes = bound, .n_items = n_items, .items = items};
    top_merge_add(merge, &report);
}

static void sums_bytes_packets_and_errors(void **state)
{
    (void)state;
    struct top_merge *merge = top_merge_new(1000, seed);
    struct top_entry top[4];
    const struct talker_item first[] = {{"a", 900, 9, 100}, {"b", 500, 5, 0}, {"c", 40, 1, 4}};
    const struct talker_item second[] = {{"b", 600, 6, 10}, {"a", 300, 3, 0}};
    add(merge, 2000, 30, first, 3);   /* who is not named had at most 40: as the last one */
    add(merge, 1500, 350, second, 2); /* at most 350 */
    add(merge, 0, 0, NULL, 0);        /* nothing at all */
    assert_int_equal(top_merge_total(merge), 3500);
    assert_int_equal(top_merge_heaviest(merge, top, 4), 3);
    assert_string_equal(top[0].key, "a");
    assert_int_equal(top[0].bytes, 1200);
    assert_int_equal(top[0].packets, 12);
    assert_int_equal(top[0].error_bytes, 100);
    assert_string_equal(top[1].key, "b");
    assert_int_equal(top[1].bytes, 1100);
    assert_int_equal(top[1].error_bytes, 10);
    assert_string_equal(top[2].key, "c");
    assert_int_equal(top[2].bytes, 40);
    assert_int_equal(top[2].error_bytes, 4 + 350);
    const struct talker_item late[] = {{"d", 5000, 1, 0}};
    add(merge, 5000, 0, late, 1);
    assert_int_equal(top_merge_heaviest(merge, top, 1), 1);
    assert_string_equal(top[0].key, "d");
    assert_int_equal(top[0].error_bytes, 40 + 350); /* it may have been there before */
    top_merge_free(merge);
}

static void ends_at_the_largest_number(void **state)
{
    (void)state;
    struct top_merge *merge = top_merge_new(1000, seed);
    struct top_entry top[3];
    const struct talker_item large[] = {{"a", INT64_MAX, INT64_MAX, INT64_MAX}};
    const struct talker_item small[] = {{"b", 1, 1, 0}};
    for (int i = 0; i < 3; i++) {
        add(merge, INT64_MAX, INT64_MAX, large, 1);
    }
    add(merge, 1, 0, small, 1);
    assert_true(top_merge_total(merge) == INT64_MAX);
    assert_int_equal(top_merge_heaviest(merge, top, 3), 2);
    assert_true(top[0].bytes == INT64_MAX && top[0].packets == INT64_MAX);
    assert_true(top[0].error_bytes == INT64_MAX);
    assert_true(top[1].bytes == 1 && top[1].error_bytes == INT64_MAX);
    top_merge_free(merge);
}

/* Many more keys than are held, in an order that is against us: the heavy ones stay, and no true
 * sum is outside of what is said. */
static void keeps_its_word_in_bounded_memory(void **state)
{
    (void)state;
    enum { KEYS = 5000, REPORTS = 400, LISTED = 50, HEAVY = 5 };
    uint64_t *truth = xcalloc(KEYS, sizeof *truth);
    uint64_t dice = 88172645463325252U;
    struct top_merge *merge = top_merge_new(2 * PROTO_TALKERS_MAX, seed);
    for (size_t n = 0; n < REPORTS; n++) {
        uint64_t bytes[KEYS] = {0};
        uint64_t total = 0;
        for (size_t i = 0; i < 300; i++) {
            dice ^= dice << 13;
            dice ^= dice >> 7;
            dice ^= dice << 17;
            bytes[(dice >> 8) % KEYS] += dice % 1000;
        }
        for (size_t i = 0; i < HEAVY; i++) {
            bytes[i * 700] += n % (i + 2) == 0 ? 4000 : 0; /* not in all of them */
        }
        struct talker_item items[LISTED];
        char keys[LISTED][32];
        uint64_t last = UINT64_MAX;
        for (size_t k = 0; k < LISTED; k++) {
            size_t heaviest = 0;
            for (size_t i = 1; i < KEYS; i++) {
                heaviest = bytes[i] > bytes[heaviest] ? i : heaviest;
            }
            (void)snprintf(keys[k], sizeof keys[k], "host %zu", heaviest);
            items[k] = (struct talker_item){keys[k], bytes[heaviest], 1, 0};
            assert_true(bytes[heaviest] <= last);
            last = bytes[heaviest];
            truth[heaviest] += bytes[heaviest];
            total += bytes[heaviest];
            bytes[heaviest] = 0;
        }
        for (size_t i = 0; i < KEYS; i++) { /* what no list names */
            truth[i] += bytes[i];
            total += bytes[i];
        }
        add(merge, total, 0, items, LISTED);
    }
    struct top_entry top[2 * PROTO_TALKERS_MAX];
    size_t n = top_merge_heaviest(merge, top, 2 * PROTO_TALKERS_MAX);
    assert_in_range(n, PROTO_TALKERS_MAX / 2, 2 * PROTO_TALKERS_MAX);
    size_t heavy = 0;
    for (size_t i = 0; i < n; i++) {
        size_t key = strtoul(top[i].key + 5, NULL, 10);
        assert_true(truth[key] <= top[i].bytes + top[i].error_bytes);
        assert_true(truth[key] + top[i].error_bytes >= top[i].bytes);
        heavy += i < HEAVY && key % 700 == 0 && key / 700 < HEAVY;
    }
    assert_int_equal(heavy, HEAVY);
    top_merge_free(merge);
    free(truth);
}

static void a_key_that_was_given_up_may_come_back(void **state)
{
    (void)state;
    struct top_merge *merge = top_merge_new(2 * PROTO_TALKERS_MAX, seed);
    struct top_entry top[2 * PROTO_TALKERS_MAX];
    const struct talker_item before[] = {{"x", 100, 1, 0}, {"tiny", 1, 1, 0}};
    const struct talker_item after[] = {{"x", 5, 1, 0}, {"tiny", 1, 1, 0}};
    struct talker_item others[PROTO_TALKERS_MAX];
    char keys[PROTO_TALKERS_MAX][16];
    add(merge, 101, 0, before, 2);
    for (size_t n = 0; n < 4; n++) {
        for (size_t i = 0; i + 1 < PROTO_TALKERS_MAX; i++) {
            (void)snprintf(keys[i], sizeof keys[i], "%zu/%zu", n, i);
            others[i] = (struct talker_item){keys[i], 200, 1, 0};
        }
        others[PROTO_TALKERS_MAX - 1] = before[1]; /* what is not named had next to nothing */
        add(merge, 20000, 0, others, PROTO_TALKERS_MAX);
    }
    add(merge, 6, 0, after, 2);
    size_t n = top_merge_heaviest(merge, top, 2 * PROTO_TALKERS_MAX);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(top[i].key, "x") == 0) {
            assert_int_equal(top[i].bytes, 5); /* in truth 105 */
            assert_in_range(top[i].error_bytes, 100, 700);
            top_merge_free(merge);
            return;
        }
    }
    fail_msg("what is named in the newest report is not there");
}

/* --- the question --- */

static json_t *ask(const struct bed *bed, const char *device, const char *interface,
                   const char *list, int64_t from_ms, int64_t to_ms, size_t most)
{
    struct query_failure failure = {.error = QUERY_OK};
    const struct query_top wanted = {device, interface, list, {from_ms}, {to_ms}, most, false};
    json_t *answer = query_top(&bed->sources, &wanted, clock_wall(), &failure);
    if (answer == NULL) {
        fail_msg("%s", failure.reason);
    }
    return answer;
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "(null)";
}

static int64_t int_of(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static const struct talker_item hosts[] = {{"192.0.2.7", 6000, 60, 100},
                                           {"192.0.2.8", 1000, 10, 0}};

static void put_metered(struct bed *bed)
{
    struct object eth0 = make_traffic("r1", "eth0");
    struct object eth1 = make_traffic("r1", "eth1");
    struct object other = make_traffic("r2", "eth0");
    open_ledger(bed);
    put_object(bed, "agent-a", &eth0, 0);
    put_object(bed, "agent-a", &eth1, 0);
    put_object(bed, "agent-a", &other, 0);
    for (int64_t minute = 0; minute < 60; minute++) {
        put_talkers(bed, "r1", "eth0", TALKERS_HOSTS, NOW_MS - minute * MINUTE_MS, 5, hosts, 2);
    }
    put_talkers(bed, "r1", "eth1", TALKERS_HOSTS, NOW_MS, 0, hosts, 1);
    put_talkers(bed, "r2", "eth0", TALKERS_PREFIXES, NOW_MS - 10 * MINUTE_MS, 0, hosts, 2);
}

static void answers_by_interface_and_span(void **state)
{
    struct bed *bed = *state;
    put_metered(bed);
    json_t *answer = ask(bed, "r1", "eth0", "hosts", NOW_MS - HOUR_MS, NOW_MS, 20);
    assert_string_equal(text_of(answer, "list"), "hosts");
    assert_string_equal(text_of(answer, "device"), "r1");
    assert_string_equal(text_of(answer, "first"), "2026-01-15T11:00:00Z");
    assert_string_equal(text_of(answer, "last"), "2026-01-15T12:00:00Z");
    assert_int_equal(int_of(answer, "reports"), 60);
    assert_int_equal(int_of(answer, "total_bytes"), 600000);
    assert_int_equal(int_of(answer, "retention_s"), 30 * 86400);
    assert_true(json_real_value(json_object_get(answer, "measured_s")) == 3600);
    assert_int_equal(json_array_size(json_object_get(answer, "interfaces")), 1);
    assert_true(json_is_null(json_object_get(answer, "nothing")));
    const json_t *top = json_object_get(answer, "top");
    assert_int_equal(json_array_size(top), 2);
    const json_t *first = json_array_get(top, 0);
    assert_string_equal(text_of(first, "key"), "192.0.2.7");
    assert_int_equal(int_of(first, "bytes"), 360000);
    assert_int_equal(int_of(first, "packets"), 3600);
    assert_int_equal(int_of(first, "error_bytes"), 6000);
    assert_true(json_real_value(json_object_get(first, "share")) == 0.6);
    assert_true(json_real_value(json_object_get(first, "bits_per_second")) == 800);
    json_decref(answer);

    answer = ask(bed, "r1", "eth0", "hosts", NOW_MS - 10 * MINUTE_MS, NOW_MS, 1);
    assert_int_equal(int_of(answer, "reports"), 10);
    assert_int_equal(json_array_size(json_object_get(answer, "top")), 1);
    json_decref(answer);

    /* All interfaces: what was measured at the same time counts once as time, but is added up. */
    answer = ask(bed, NULL, NULL, "hosts", NOW_MS - 10 * MINUTE_MS, NOW_MS, 20);
    assert_int_equal(int_of(answer, "reports"), 11);
    assert_int_equal(int_of(answer, "total_bytes"), 110000);
    assert_true(json_real_value(json_object_get(answer, "measured_s")) == 600);
    assert_int_equal(json_array_size(json_object_get(answer, "interfaces")), 3);
    json_decref(answer);
    answer = ask(bed, NULL, "eth0", "prefixes", NOW_MS - HOUR_MS, NOW_MS, 20);
    assert_int_equal(int_of(answer, "reports"), 1);
    json_decref(answer);
}

static void expect_nothing(struct bed *bed, const char *device, const char *interface,
                           const char *list, int64_t from_ms, int64_t to_ms, const char *word)
{
    json_t *answer = ask(bed, device, interface, list, from_ms, to_ms, 20);
    assert_string_equal(text_of(answer, "nothing"), word);
    assert_true(strlen(text_of(answer, "reason")) > 10);
    assert_int_equal(json_array_size(json_object_get(answer, "top")), 0);
    assert_int_equal(int_of(answer, "total_bytes"), 0);
    assert_true(json_is_null(json_object_get(answer, "first")));
    json_decref(answer);
}

static void says_why_there_is_nothing(void **state)
{
    struct bed *bed = *state;
    const int64_t ago = NOW_MS - HOUR_MS;
    expect_nothing(bed, NULL, NULL, "hosts", ago, NOW_MS,
                   "no-traffic-object"); /* no files at all */
    put_metered(bed);
    expect_nothing(bed, "r3", NULL, "hosts", ago, NOW_MS, "no-traffic-object");
    expect_nothing(bed, "r1", "eth9", "hosts", ago, NOW_MS, "no-traffic-object");
    expect_nothing(bed, "r1", "eth0", "services", ago, NOW_MS, "no-data");
    expect_nothing(bed, "r1", "eth0", "hosts", ago - DAY_MS, ago - HOUR_MS, "no-data");
    expect_nothing(bed, "r1", "eth0", "hosts", NOW_MS - 40 * (int64_t)DAY_MS,
                   NOW_MS - 31 * (int64_t)DAY_MS, "older-than-retention");
    json_t *answer = ask(bed, "r1", "eth0", "services", ago, NOW_MS, 20);
    assert_string_equal(text_of(answer, "newest"), "2026-01-15T12:00:00Z");
    json_decref(answer);
    bed->sources.talkers_retention_ms = 0;
    expect_nothing(bed, "r1", "eth0", "services", ago, NOW_MS, "not-kept");
}

static void expect_failure(struct bed *bed, const struct query_top *wanted, enum query_error error,
                           const char *says)
{
    struct query_failure failure = {.error = QUERY_OK};
    assert_null(query_top(&bed->sources, wanted, clock_wall(), &failure));
    assert_int_equal(failure.error, error);
    if (strstr(failure.reason, says) == NULL) {
        fail_msg("%s", failure.reason);
    }
}

static void remembers_if_it_may(void **state)
{
    struct bed *bed = *state;
    struct query_failure failure = {.error = QUERY_OK};
    struct query_top wanted = {"r1", "eth0", "hosts", {NOW_MS - HOUR_MS}, {NOW_MS}, 5, true};
    static const int64_t reports[] = {60, 60, 61}; /* the second answer is the first one's */
    put_metered(bed);
    for (size_t i = 0; i < 3; i++) {
        wanted.may_be_remembered = i < 2;
        json_t *answer = query_top(&bed->sources, &wanted, clock_wall(), &failure);
        assert_int_equal(int_of(answer, "reports"), reports[i]);
        assert_int_equal(json_array_size(json_object_get(answer, "top")), 2);
        json_decref(answer);
        if (i == 0) {
            put_talkers(bed, "r1", "eth0", TALKERS_HOSTS, NOW_MS - 30 * SECOND_MS, 5, hosts, 2);
        }
    }
    wanted.may_be_remembered = true; /* another question */
    wanted.to.ms -= MINUTE_MS;
    json_t *answer = query_top(&bed->sources, &wanted, clock_wall(), &failure);
    assert_int_equal(int_of(answer, "reports"), 59);
    json_decref(answer);
    /* That there is nothing is not remembered. */
    wanted.list = "services";
    json_decref(query_top(&bed->sources, &wanted, clock_wall(), &failure));
    put_talkers(bed, "r1", "eth0", TALKERS_SERVICES, wanted.to.ms, 5, hosts, 2);
    answer = query_top(&bed->sources, &wanted, clock_wall(), &failure);
    assert_int_equal(int_of(answer, "reports"), 1);
    json_decref(answer);
}

static void refuses_what_makes_no_sense(void **state)
{
    struct bed *bed = *state;
    struct query_top wanted = {.list = "ports", .from = {NOW_MS - 1}, .to = {NOW_MS}, .most = 1};
    expect_failure(bed, &wanted, QUERY_BAD_PARAMETER, "list must be");
    wanted.list = "hosts";
    wanted.from = wanted.to;
    expect_failure(bed, &wanted, QUERY_BAD_PARAMETER, "from must be before to");
    wanted.from.ms = 1;
    FILE *file = fopen(bed->talkers_path, "w");
    assert_non_null(file);
    for (int i = 0; i < 100; i++) {
        assert_true(fputs("this is no database but a long letter\n", file) >= 0);
    }
    assert_int_equal(fclose(file), 0);
    expect_failure(bed, &wanted, QUERY_UNAVAILABLE, "the talkers cannot be read");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_bytes_packets_and_errors),
        cmocka_unit_test(ends_at_the_largest_number),
        cmocka_unit_test(keeps_its_word_in_bounded_memory),
        cmocka_unit_test(a_key_that_was_given_up_may_come_back),
        cmocka_unit_test_setup_teardown(answers_by_interface_and_span, open_bed, close_bed),
        cmocka_unit_test_setup_teardown(says_why_there_is_nothing, open_bed, close_bed),
        cmocka_unit_test_setup_teardown(remembers_if_it_may, open_bed, close_bed),
        cmocka_unit_test_setup_teardown(refuses_what_makes_no_sense, open_bed, close_bed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
