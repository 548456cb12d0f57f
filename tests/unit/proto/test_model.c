/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proto/model.h"

#include "support.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(outcome_name(OUTCOME_UP), "up");
    assert_string_equal(outcome_name(OUTCOME_DEGRADED), "degraded");
    assert_string_equal(outcome_name(OUTCOME_DOWN), "down");
    assert_string_equal(outcome_name(OUTCOME_UNKNOWN), "unknown");
    for (int i = GAP_SPOOL_FULL; i <= GAP_SUSPENDED; i++) {
        for (int k = GAP_SPOOL_FULL; k < i; k++) {
            assert_string_not_equal(gap_reason_name((enum gap_reason)i),
                                    gap_reason_name((enum gap_reason)k));
        }
    }
}

static void test_position(void **state)
{
    (void)state;
    const struct stream_position order[] = {
        {.epoch = 0, .sequence = 9},
        {.epoch = 1, .sequence = 1},
        {.epoch = 1, .sequence = UINT64_MAX},
        {.epoch = UINT64_MAX, .sequence = 0},
    };
    for (int i = 0; i < 4; i++) {
        for (int k = 0; k < 4; k++) {
            int expected = i < k ? -1 : i > k ? 1 : 0;
            assert_int_equal(stream_position_compare(&order[i], &order[k]), expected);
        }
    }
    const uint8_t stream[PROTO_STREAM_SIZE] = {0, 1, 0x9f, 0xf9, 0xab, [15] = 0xff};
    char text[2 * PROTO_STREAM_SIZE + 1];
    stream_format(stream, text);
    assert_string_equal(text, "00019ff9ab00000000000000000000ff");
}

static void test_name_is_valid(void **state)
{
    (void)state;
    char longest[PROTO_NAME_MAX + 2];
    memset(longest, 'x', sizeof longest);
    assert_true(name_is_valid(longest, PROTO_NAME_MAX));
    assert_false(name_is_valid(longest, PROTO_NAME_MAX + 1));
    assert_false(name_is_valid("", 0));
    assert_true(name_is_valid(" ", 1));
    assert_true(name_is_valid("Hôtel de Ville — 1/0/24", strlen("Hôtel de Ville — 1/0/24")));
    assert_true(name_is_valid("\xf4\x8f\xbf\xbf", 4));  /* U+10FFFF */
    assert_false(name_is_valid("\xf4\x90\x80\x80", 4)); /* over it */
    assert_true(name_is_valid("\xed\x9f\xbf", 3));      /* U+D7FF */
    assert_false(name_is_valid("\xed\xbf\xbf", 3));     /* a surrogate */
    assert_false(name_is_valid("\xe0\x9f\xbf", 3));     /* overlong */
    assert_false(name_is_valid("\xf0\x8f\xbf\xbf", 4)); /* overlong */
    assert_false(name_is_valid("\xc1\xbf", 2));         /* overlong */
    assert_false(name_is_valid("\xe2\x82\xac", 2));     /* what follows is not ours */
    assert_false(name_is_valid("\xe2\x82", 2));         /* cut */
    assert_false(name_is_valid("\xe2\x28\xa1", 3));     /* no continuation */
    assert_false(name_is_valid("\xff", 1));
    assert_false(name_is_valid("a\0b", 3));
    assert_false(name_is_valid("\x1f", 1));
    assert_false(name_is_valid("\x7f", 1));
    assert_false(name_is_valid("\xc2\x80", 2)); /* C1 */
    assert_true(name_is_valid("\xc2\xa0", 2));
}

static void check_sanitized(const char *bytes, size_t size, size_t room, const char *expected)
{
    char text[64];
    memset(text, '!', sizeof text);
    assert_int_equal(text_sanitize((const uint8_t *)bytes, size, text, room), strlen(expected));
    assert_string_equal(text, expected);
    assert_int_equal(text[room], '!'); /* not past its room */
}

static void test_sanitize(void **state)
{
    (void)state;
    check_sanitized("plain", 5, 60, "plain");
    check_sanitized("", 0, 60, "");
    check_sanitized("été", 5, 60, "été");
    check_sanitized("a\r\nb", 4, 60,
                    "a\xef\xbf\xbd\xef\xbf\xbd"
                    "b");
    check_sanitized("caf\xe9!", 5, 60, "caf\xef\xbf\xbd!");
    check_sanitized("a\0b", 3, 60,
                    "a\xef\xbf\xbd"
                    "b");
    check_sanitized("\xc2\x9b", 2, 60, "\xef\xbf\xbd"); /* one control character, one mark */
    check_sanitized("\xe2\x82\xac", 2, 60, "\xef\xbf\xbd\xef\xbf\xbd"); /* the third is not ours */
    check_sanitized("abc", 3, 4, "abc");
    check_sanitized("abc", 3, 3, "ab");
    check_sanitized("aé", 3, 3, "a"); /* a character is whole or not there */
    check_sanitized("aé", 3, 4, "aé");
    check_sanitized("a\xff", 2, 4, "a");
    check_sanitized("abc", 3, 1, "");
    assert_int_equal(text_sanitize((const uint8_t *)"abc", 3, NULL, 0), 0);
}

/* Whatever comes in, a name comes out. */
static void test_sanitize_random(void **state)
{
    (void)state;
    struct dice dice = dice_new();
    for (int round = 0; round < 20000; round++) {
        uint8_t bytes[24];
        char text[32];
        size_t size = 1 + dice_below(&dice, sizeof bytes - 1);
        size_t room = 5 + dice_below(&dice, sizeof text - 5);
        for (size_t i = 0; i < size; i++) {
            static const uint8_t edges[] = {0xe2, 0x82, 0xac, 0xf0, 0x9f, 0xc3, 0xa9, 0x00, 0x7f};
            bytes[i] = dice_below(&dice, 2) == 0 ? edges[dice_below(&dice, sizeof edges)]
                                                 : (uint8_t)dice_any(&dice);
        }
        size_t length = text_sanitize(bytes, size, text, room);
        assert_int_equal(length, strlen(text));
        assert_true(length < room);
        assert_true(name_is_valid(text, length)); /* there is room for one character */
        char again[32];
        assert_int_equal(text_sanitize((uint8_t *)text, length, again, sizeof again), length);
        assert_string_equal(again, text);
    }
}

static void test_object_copy(void **state)
{
    (void)state;
    struct dice dice = dice_new();
    for (uint32_t round = 1; round <= 50; round++) {
        struct object *object = random_object(&dice, round);
        struct object copy = object_copy(object);
        assert_true(object_same_name(object, &copy));
        assert_true(object_same_shape(object, &copy));
        assert_int_equal(copy.number, round);
        object_free(object); /* the copy stands alone */
        struct object second = object_copy(&copy);
        assert_true(object_same_name(&second, &copy));
        assert_true(object_same_shape(&second, &copy));
        object_clear(&copy);
        assert_null(copy.device);
        assert_int_equal(copy.n_metrics + copy.n_labels, 0);
        object_clear(&copy); /* an empty one, too */
        object_clear(&second);
    }
}

static struct metric metrics[] = {{"in", "octets", METRIC_COUNTER},
                                  {"out", "octets", METRIC_COUNTER}};
static struct label labels[] = {{"alias", "uplink"}, {"speed", "10"}};

static struct object make_object(void)
{
    return (struct object){.number = 4,
                           .device = "d",
                           .kind = "k",
                           .name = "n",
                           .interval_ms = 1000,
                           .metrics = metrics,
                           .n_metrics = 2,
                           .labels = labels,
                           .n_labels = 2};
}

static void test_object_same(void **state)
{
    (void)state;
    struct object a = make_object();
    struct object b = a;
    struct metric other_metrics[2];
    struct label other_labels[2];
    b.number = 5;
    assert_true(object_same_name(&a, &b) && object_same_shape(&a, &b));
    b.device = "e";
    assert_false(object_same_name(&a, &b));
    b = make_object();
    b.kind = "l";
    assert_false(object_same_name(&a, &b));
    b = make_object();
    b.name = "o";
    assert_false(object_same_name(&a, &b));
    assert_true(object_same_shape(&a, &b)); /* names are no shape */

#define DIFFERS(change)                                                                            \
    do {                                                                                           \
        b = make_object();                                                                         \
        memcpy(other_metrics, metrics, sizeof metrics);                                            \
        memcpy(other_labels, labels, sizeof labels);                                               \
        b.metrics = other_metrics;                                                                 \
        b.labels = other_labels;                                                                   \
        assert_true(object_same_shape(&a, &b));                                                    \
        change;                                                                                    \
        assert_false(object_same_shape(&a, &b));                                                   \
    } while (0)
    DIFFERS(b.interval_ms = 2000);
    DIFFERS(b.n_metrics = 1);
    DIFFERS(b.n_labels = 1);
    DIFFERS(other_metrics[1].name = "o");
    DIFFERS(other_metrics[1].unit = "bits");
    DIFFERS(other_metrics[1].type = METRIC_GAUGE);
    DIFFERS(other_labels[1].key = "s");
    DIFFERS(other_labels[1].value = "11");
    DIFFERS(other_labels[0] = labels[1]; other_labels[1] = labels[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),           cmocka_unit_test(test_position),
        cmocka_unit_test(test_name_is_valid),   cmocka_unit_test(test_sanitize),
        cmocka_unit_test(test_sanitize_random), cmocka_unit_test(test_object_copy),
        cmocka_unit_test(test_object_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
