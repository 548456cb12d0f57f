/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Space-Saving against exact sums. */
#include "meter/talkers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const uint8_t seed[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
static const uint8_t other_seed[16] = {77, 2, 3, 4, 5, 6, 7, 99};

static uint64_t state;

static uint64_t next_random(void)
{
    state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t x = state;
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static struct talker_key key_of(uint32_t n)
{
    struct talker_key key = {.kind = TALKER_ADDRESS};
    memcpy(key.bytes + 12, &n, sizeof n);
    return key;
}

static uint32_t number_of(const struct talker *talker)
{
    uint32_t n;
    memcpy(&n, talker->key.bytes + 12, sizeof n);
    return n;
}

static void exact_while_there_is_room(void **unused)
{
    struct talkers *talkers = talkers_new(256, seed);
    struct talker top[8];
    (void)unused;
    for (uint32_t n = 0; n < 20; n++) {
        struct talker_key key = key_of(n);
        talkers_add(talkers, &key, (n + 1) * 100, 2);
        talkers_add(talkers, &key, 1, 1);
    }
    assert_int_equal(talkers_error_bound(talkers), 0);
    assert_int_equal(talkers_top(talkers, top, 8), 8);
    for (uint32_t i = 0; i < 8; i++) {
        assert_int_equal(number_of(&top[i]), 19 - i);
        assert_int_equal(top[i].ip_bytes, (20 - i) * 100 + 1);
        assert_int_equal(top[i].packets, 3);
        assert_int_equal(top[i].error_bytes, 0);
    }
    talkers_clear(talkers);
    assert_int_equal(talkers_top(talkers, top, 8), 0);
    talkers_free(talkers);
}

static void equal_ones_in_the_order_of_their_keys(void **unused)
{
    struct talkers *talkers = talkers_new(256, seed);
    struct talker top[4];
    (void)unused;
    for (uint32_t n = 4; n-- > 0;) {
        struct talker_key key = {.bytes = {(uint8_t)n}, .kind = TALKER_ADDRESS};
        talkers_add(talkers, &key, 7, 1);
    }
    struct talker_key prefix = {.bytes = {0}, .kind = TALKER_PREFIX};
    talkers_add(talkers, &prefix, 7, 1); /* the same bytes, another kind: another key */
    assert_int_equal(talkers_top(talkers, top, 4), 4);
    assert_int_equal(top[0].key.kind, TALKER_ADDRESS);
    assert_int_equal(top[1].key.kind, TALKER_PREFIX);
    assert_int_equal(top[2].key.bytes[0], 1);
    assert_int_equal(top[3].key.bytes[0], 2);
    talkers_free(talkers);
}

enum { KEYS = 20000 };

static uint64_t truth[KEYS];

/* A few heavy keys among many light ones. */
static uint32_t skewed(void)
{
    uint64_t random = next_random();
    uint32_t span = UINT32_C(1) << (random % 15);
    return (uint32_t)((random >> 8) % (span < KEYS ? span : KEYS));
}

static void assert_bounds(const struct talkers *talkers, size_t sure)
{
    static struct talker top[KEYS];
    static bool listed[KEYS];
    uint64_t bound = talkers_error_bound(talkers);
    size_t count = talkers_top(talkers, top, KEYS);
    memset(listed, 0, sizeof listed);
    for (size_t i = 0; i < count; i++) {
        uint64_t true_bytes = truth[number_of(&top[i])];
        assert_true(true_bytes <= top[i].ip_bytes);
        assert_true(top[i].ip_bytes - top[i].error_bytes <= true_bytes);
        assert_true(i == 0 || top[i].ip_bytes <= top[i - 1].ip_bytes);
        assert_false(listed[number_of(&top[i])]);
        listed[number_of(&top[i])] = true;
    }
    for (uint32_t n = 0; n < KEYS; n++) {
        assert_true(listed[n] || truth[n] <= bound);
    }
    for (size_t i = 0; i < sure; i++) { /* the heaviest are the true ones, and exact */
        size_t heavier = 0;
        for (uint32_t n = 0; n < KEYS; n++) {
            heavier += truth[n] > truth[number_of(&top[i])];
        }
        assert_int_equal(heavier, i);
        assert_int_equal(top[i].error_bytes, 0);
    }
}

static void bounds_hold_when_there_is_none(void **unused)
{
    struct talkers *talkers = talkers_new(1024, seed);
    (void)unused;
    state = (uint64_t)time(NULL);
    print_message("seed %llu\n", (unsigned long long)state);
    memset(truth, 0, sizeof truth);
    for (int i = 0; i < 400000; i++) {
        uint32_t n = skewed();
        uint64_t bytes = 40 + next_random() % 1460;
        struct talker_key key = key_of(n);
        truth[n] += bytes;
        talkers_add(talkers, &key, bytes, 1);
    }
    assert_true(talkers_error_bound(talkers) > 0);
    assert_bounds(talkers, 4);
    talkers_free(talkers);
}

static void bounds_hold_after_a_merge(void **unused)
{
    struct talkers *parts[2] = {talkers_new(1024, seed), talkers_new(512, other_seed)};
    (void)unused;
    state = (uint64_t)time(NULL);
    print_message("seed %llu\n", (unsigned long long)state);
    memset(truth, 0, sizeof truth);
    for (int i = 0; i < 200000; i++) {
        uint32_t n = skewed();
        uint64_t bytes = 40 + next_random() % 1460;
        struct talker_key key = key_of(n);
        truth[n] += bytes;
        talkers_add(parts[next_random() % 2], &key, bytes, 1);
    }
    talkers_merge(parts[0], parts[1]);
    assert_bounds(parts[0], 0);
    talkers_free(parts[0]);
    talkers_free(parts[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exact_while_there_is_room),
        cmocka_unit_test(equal_ones_in_the_order_of_their_keys),
        cmocka_unit_test(bounds_hold_when_there_is_none),
        cmocka_unit_test(bounds_hold_after_a_merge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
