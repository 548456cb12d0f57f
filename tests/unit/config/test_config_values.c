/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a good text becomes: scalars of each type, defaults, lists, flags, places. */
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void parse(const char *text, struct everything *object)
{
    struct config_errors errors = {0};
    int rc = config_parse("f", text, strlen(text), &everything_schema, object, &errors);
    config_errors_print(stderr, &errors);
    assert_int_equal(rc, 0);
    assert_int_equal(errors.count, 0);
    assert_null(errors.errors);
}

/* One numeric field in a schema of its own. */
struct number {
    int64_t value;
};

struct numeric_case {
    enum config_type type;
    const char *text;
    bool good;
    int64_t value;
};

static void numbers_are_exact(void **state)
{
    static const struct numeric_case cases[] = {
        {CONFIG_INTEGER, "0", true, 0},
        {CONFIG_INTEGER, "-0", true, 0},
        {CONFIG_INTEGER, "9223372036854775807", true, INT64_MAX},
        {CONFIG_INTEGER, "-9223372036854775808", true, INT64_MIN},
        {CONFIG_INTEGER, "9223372036854775808", false, 0},
        {CONFIG_INTEGER, "-9223372036854775809", false, 0},
        {CONFIG_INTEGER, "99999999999999999999999999", false, 0},
        {CONFIG_INTEGER, "010", false, 0},
        {CONFIG_INTEGER, "0x10", false, 0},
        {CONFIG_INTEGER, "+1", false, 0},
        {CONFIG_INTEGER, "1e3", false, 0},
        {CONFIG_INTEGER, "1_000", false, 0},
        {CONFIG_INTEGER, "1.0", false, 0},
        {CONFIG_INTEGER, "-", false, 0},
        {CONFIG_INTEGER, "\"5 \"", false, 0},
        {CONFIG_INTEGER, "\" 5\"", false, 0},
        {CONFIG_DURATION, "0s", true, 0},
        {CONFIG_DURATION, "250ms", true, 250},
        {CONFIG_DURATION, "10s", true, 10000},
        {CONFIG_DURATION, "1 s", true, 1000},
        {CONFIG_DURATION, "5m", true, 300000},
        {CONFIG_DURATION, "2h", true, 7200000},
        {CONFIG_DURATION, "7d", true, 604800000},
        {CONFIG_DURATION, "106751991167d", true, INT64_C(9223372036828800000)},
        {CONFIG_DURATION, "106751991168d", false, 0},
        {CONFIG_DURATION, "-1s", false, 0},
        {CONFIG_DURATION, "0", false, 0},
        {CONFIG_DURATION, "1min", false, 0},
        {CONFIG_DURATION, "1h30m", false, 0},
        {CONFIG_DURATION, "1S", false, 0},
        {CONFIG_DURATION, "s", false, 0},
        {CONFIG_DURATION, "1.5h", false, 0},
        {CONFIG_SIZE, "512", true, 512},
        {CONFIG_SIZE, "64KiB", true, 65536},
        {CONFIG_SIZE, "16 MiB", true, 16777216},
        {CONFIG_SIZE, "2GiB", true, INT64_C(2147483648)},
        {CONFIG_SIZE, "1TiB", true, INT64_C(1099511627776)},
        {CONFIG_SIZE, "8388607TiB", true, INT64_C(9223370937343148032)},
        {CONFIG_SIZE, "8388608TiB", false, 0},
        {CONFIG_SIZE, "1kB", false, 0},
        {CONFIG_SIZE, "1MB", false, 0},
        {CONFIG_SIZE, "1K", false, 0},
        {CONFIG_SIZE, "1kib", false, 0},
        {CONFIG_SIZE, "-1", false, 0},
        {CONFIG_SIZE, "1.5MiB", false, 0},
        {CONFIG_DECIMAL, "99.95", true, 99950000},
        {CONFIG_DECIMAL, "0.1", true, 100000},
        {CONFIG_DECIMAL, "-0.000001", true, -1},
        {CONFIG_DECIMAL, "100", true, 100000000},
        {CONFIG_DECIMAL, "1.10", true, 1100000},
        {CONFIG_DECIMAL, "9223372036854.775807", true, INT64_MAX},
        {CONFIG_DECIMAL, "-9223372036854.775808", true, INT64_MIN},
        {CONFIG_DECIMAL, "9223372036854.775808", false, 0},
        {CONFIG_DECIMAL, "9223372036855", false, 0},
        {CONFIG_DECIMAL, "1.0000001", false, 0},
        {CONFIG_DECIMAL, "1.", false, 0},
        {CONFIG_DECIMAL, ".5", false, 0},
        {CONFIG_DECIMAL, "00.5", false, 0},
        {CONFIG_DECIMAL, "1e2", false, 0},
        {CONFIG_DECIMAL, "1.5.5", false, 0},
        {CONFIG_DECIMAL, "99.95%", false, 0},
        {CONFIG_DECIMAL, ".nan", false, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct config_field fields[] = {
            {.key = "v", .type = cases[i].type, .offset = offsetof(struct number, value)},
            {0},
        };
        const struct config_schema schema = {
            "number", sizeof(struct number), fields, SIZE_MAX, SIZE_MAX, NULL};
        char text[64];
        struct number number = {.value = 77};
        struct config_errors errors = {0};
        int size = snprintf(text, sizeof text, "v: %s\n", cases[i].text);
        int rc = config_parse("f", text, (size_t)size, &schema, &number, &errors);
        if ((rc == 0) != cases[i].good || number.value != cases[i].value) {
            fail_msg("%s: rc %d value %lld", text, rc, (long long)number.value);
        }
        config_errors_clear(&errors);
    }
}

static void an_empty_file_has_every_default(void **state)
{
    struct everything object;
    (void)state;
    parse("", &object);
    assert_true(object.enabled);
    assert_int_equal(object.count, 3);
    assert_int_equal(object.port, 0); /* outside its range: none */
    assert_int_equal(object.free, 0);
    assert_int_equal(object.interval_ms, 60000);
    assert_int_equal(object.cache_bytes, 16777216);
    assert_int_equal(object.target, 99950000);
    assert_string_equal(object.label, "yes");
    assert_null(object.comment);
    assert_int_equal(object.mode, MODE_SAFE);
    assert_int_equal(object.other_mode, 0);
    assert_int_equal(object.names.count, 2);
    assert_string_equal(object.names.items[0], "a");
    assert_string_equal(object.names.items[1], "b: c");
    assert_int_equal(object.pair.count, 0);
    assert_null(object.pair.items);
    assert_false(object.account.present);
    assert_null(object.account.user);
    assert_string_equal(object.account.token, "none: yet");
    assert_int_equal(object.limits.rate, 500000);
    assert_int_equal(object.limits.keep_ms, 90000);
    assert_false(object.limits.account.present);
    assert_int_equal(object.trees.count, 1);
    const struct tree *oak = object.trees.items;
    assert_string_equal(oak->name, "oak");
    assert_int_equal(oak->weight, 1);
    assert_int_equal(oak->place.line, 0); /* from no file */
    assert_int_equal(oak->children.count, 1);
    assert_string_equal(((const struct tree *)oak->children.items)->name, "acorn");
    config_free(&everything_schema, &object);
    assert_null(object.label);
    assert_int_equal(object.trees.count, 0);
}

static void given_values_replace_defaults(void **state)
{
    struct everything object;
    (void)state;
    parse("enabled: false\n"
          "names: []\n"
          "pair: [x, 'y # z']\n"
          "limits: {keep: 1d}\n"
          "account:\n"
          "  user: root\n"
          "mode: fast\n"
          "label: \"\\u00e9t\\u00e9\"\n"
          "trees: []\n",
          &object);
    assert_false(object.enabled);
    assert_int_equal(object.names.count, 0);
    assert_int_equal(object.pair.count, 2);
    assert_string_equal(object.pair.items[1], "y # z");
    assert_int_equal(object.limits.rate, 500000);
    assert_int_equal(object.limits.keep_ms, 86400000);
    assert_true(object.account.present);
    assert_string_equal(object.account.user, "root");
    assert_string_equal(object.account.token, "none: yet");
    assert_int_equal(object.mode, MODE_FAST);
    assert_string_equal(object.label, "\xc3\xa9t\xc3\xa9");
    assert_int_equal(object.trees.count, 0);
    config_free(&everything_schema, &object);
}

static void lists_nest_and_know_their_lines(void **state)
{
    struct everything object;
    (void)state;
    parse("# first\n"
          "trees:\n"
          "  - name: a\n"
          "  -\n"
          "    weight: 2\n"
          "    name: b\n"
          "    children:\n"
          "      - {name: c, tags: [t, u]}\n"
          "      - name: d\n"
          "        children: [{name: e}]\n",
          &object);
    const struct tree *trees = object.trees.items;
    assert_int_equal(object.place.line, 2);
    assert_int_equal(object.trees.count, 2);
    assert_int_equal(trees[0].place.line, 3);
    assert_int_equal(trees[1].place.line, 5);
    assert_int_equal(trees[1].weight, 2);
    const struct tree *below = trees[1].children.items;
    assert_int_equal(trees[1].children.count, 2);
    assert_int_equal(below[0].place.line, 8);
    assert_int_equal(below[0].tags.count, 2);
    assert_string_equal(below[0].tags.items[1], "u");
    assert_int_equal(below[1].place.line, 9);
    const struct tree *last = below[1].children.items;
    assert_string_equal(last[0].name, "e");
    assert_int_equal(last[0].place.line, 10);
    config_free(&everything_schema, &object);
}

/* libfyaml 0.7 by itself gets adjacent quotes in single quotes wrong. */
static void quotes_and_folds_are_read(void **state)
{
    static const char *const cases[][2] = {
        {"'a''''b'", "a''b"},
        {"''''''''''''", "'''''"},
        {"'it''s'", "it's"},
        {"'a \t\n \n  b '", NULL}, /* a line break: a control character */
        {"'a  \n  b \r\n c'", "a b c"},
        {"'\n  b\n  '", " b "},
        {"\"a\\\"\\\\b \\\n   c\"", "a\"\\b c"},
        {"\"a\n  b\"", "a b"},
        {"\"\\x41\\u00e9\\U0001F514\"", "A\xc3\xa9\xf0\x9f\x94\x94"},
        {"a\n  b: c", NULL},
        {"a\n  b\n  c", "a b c"},
        {"a # b", "a"},
        {"a#b", "a#b"},
        {">-\n  a\n  b", "a b"},
        {"|-\n  a: b # c", "a: b # c"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct everything object;
        struct config_errors errors = {0};
        char text[100];
        int size = snprintf(text, sizeof text, "comment: %s\n", cases[i][0]);
        int rc = config_parse("f", text, (size_t)size, &everything_schema, &object, &errors);
        if ((rc == 0) != (cases[i][1] != NULL) ||
            (rc == 0 && strcmp(object.comment, cases[i][1]) != 0)) {
            fail_msg("%s gives %d, %s", text, rc, object.comment);
        }
        config_errors_clear(&errors);
        config_free(&everything_schema, &object);
    }
}

static void a_positive_min_alone_bounds_one_side(void **state)
{
    static const struct config_field fields[] = {
        {.key = "v", .type = CONFIG_INTEGER, .offset = offsetof(struct number, value), .min = 5},
        {0},
    };
    static const struct config_schema schema = {
        "number", sizeof(struct number), fields, SIZE_MAX, SIZE_MAX, NULL};
    struct number number;
    struct config_errors errors = {0};
    (void)state;
    assert_int_equal(config_parse("f", "v: 5", 4, &schema, &number, &errors), 0);
    assert_int_equal(number.value, 5);
    assert_int_not_equal(config_parse("f", "v: 4", 4, &schema, &number, &errors), 0);
    assert_string_equal(errors.errors[0].reason, "must be at least 5");
    config_errors_clear(&errors);
}

/* Two mappings that may be absent, the first with a flag; both have a check that never is content.
 */
struct checked {
    bool present;
    int64_t value;
};
struct two_checked {
    struct checked flagged;
    struct checked plain;
};

static void complain(const void *object, struct config_error_sink *errors)
{
    const struct checked *checked = object;
    config_error_at(errors, 0, "value", NULL, "was asked about %lld", (long long)checked->value);
}

static void checks_see_absent_mappings_without_a_flag(void **state)
{
    static const struct config_field inner[] = {
        {.key = "value",
         .type = CONFIG_INTEGER,
         .offset = offsetof(struct checked, value),
         .fallback = "7"},
        {0},
    };
    static const struct config_schema flagged = {.name = "flagged",
                                                 .size = sizeof(struct checked),
                                                 .fields = inner,
                                                 .place_offset = SIZE_MAX,
                                                 .present_offset =
                                                     offsetof(struct checked, present),
                                                 .check = complain};
    static const struct config_schema plain = {.name = "plain",
                                               .size = sizeof(struct checked),
                                               .fields = inner,
                                               .place_offset = SIZE_MAX,
                                               .present_offset = SIZE_MAX,
                                               .check = complain};
    static const struct config_field fields[] = {
        {.key = "flagged",
         .type = CONFIG_MAP,
         .offset = offsetof(struct two_checked, flagged),
         .schema = &flagged},
        {.key = "plain",
         .type = CONFIG_MAP,
         .offset = offsetof(struct two_checked, plain),
         .schema = &plain},
        {0},
    };
    static const struct config_schema schema = {.name = "two",
                                                .size = sizeof(struct two_checked),
                                                .fields = fields,
                                                .place_offset = SIZE_MAX,
                                                .present_offset = SIZE_MAX};
    static const char both[] = "flagged: {value: 8}\nplain: {value: 9}\n";
    struct two_checked object;
    struct config_errors errors = {0};
    (void)state;
    assert_int_not_equal(config_parse("f", "", 0, &schema, &object, &errors), 0);
    assert_int_equal(errors.count, 1);
    assert_string_equal(errors.errors[0].key, "plain.value");
    assert_string_equal(errors.errors[0].reason, "was asked about 7");
    config_errors_clear(&errors);
    assert_int_not_equal(config_parse("f", both, sizeof both - 1, &schema, &object, &errors), 0);
    assert_int_equal(errors.count, 2);
    assert_string_equal(errors.errors[0].reason, "was asked about 8");
    assert_int_equal(errors.errors[1].line, 2);
    config_errors_clear(&errors);
}

static void a_refused_text_leaves_nothing(void **state)
{
    static const char text[] = "label: text\nnames: [a, b]\ntrees: [{name: x}]\ncount: no\n";
    struct everything object;
    struct everything zero;
    struct config_errors errors = {0};
    (void)state;
    memset(&object, 0xee, sizeof object);
    memset(&zero, 0, sizeof zero);
    assert_int_not_equal(
        config_parse("f", text, sizeof text - 1, &everything_schema, &object, &errors), 0);
    assert_memory_equal(&object, &zero, sizeof object);
    /* A second call adds to the errors of the first. */
    assert_int_not_equal(config_parse("g", "x: 1", 4, &everything_schema, &object, &errors), 0);
    assert_int_equal(errors.count, 2);
    assert_string_equal(errors.errors[0].file, "f");
    assert_string_equal(errors.errors[1].file, "g");
    config_errors_clear(&errors);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_exact),
        cmocka_unit_test(an_empty_file_has_every_default),
        cmocka_unit_test(given_values_replace_defaults),
        cmocka_unit_test(lists_nest_and_know_their_lines),
        cmocka_unit_test(quotes_and_folds_are_read),
        cmocka_unit_test(a_positive_min_alone_bounds_one_side),
        cmocka_unit_test(checks_see_absent_mappings_without_a_flag),
        cmocka_unit_test(a_refused_text_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
