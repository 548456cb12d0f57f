/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Texts and exactly the errors they have: every one, in the order of the lines. */
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct golden {
    const char *text;
    const char *errors; /* as config_errors_print writes them */
};

static void expect(const struct golden *golden)
{
    struct everything object;
    struct config_errors errors = {0};
    char *printed = NULL;
    size_t size = 0;
    int rc =
        config_parse("f", golden->text, strlen(golden->text), &everything_schema, &object, &errors);
    FILE *out = open_memstream(&printed, &size);
    assert_non_null(out);
    config_errors_print(out, &errors);
    assert_int_equal(fclose(out), 0);
    assert_string_equal(printed, golden->errors);
    assert_int_equal(rc != 0, errors.count > 0);
    free(printed);
    config_errors_clear(&errors);
    assert_null(errors.errors);
    config_free(&everything_schema, &object);
}

#define EXPECT(cases)                                                                              \
    (void)state;                                                                                   \
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases)[0]; i++) {                                \
        expect(&(cases)[i]);                                                                       \
    }

static void good_texts_have_none(void **state)
{
    static const struct golden cases[] = {
        {"", ""},
        {"# only a comment\n", ""},
        {"---\n", ""},
        {"--- # nothing\n...\n", ""},
        {"{}", ""},
        {"\xef\xbb\xbf"
         "count: 4\r\nport: 80\r\n",
         ""},
        {"count: \"4\"\nenabled: 'false'\n", ""},
        {"{count: 4, names: [x, y], limits: {keep: 1h}}", ""},
        {"label: >-\n  folded\n  text\n", ""},
        {"count: 5\t# a tab that does not indent\n\t# nor here\n", ""},
        {"comment: \"\"\nlabel: \"null\"\n", ""},
        {"interval: 10 s\ncache: 1  GiB\n", ""},
    };
    EXPECT(cases);
}

static void keys(void **state)
{
    static const struct golden cases[] = {
        {"cuont: 4\n", "f:1: cuont: unknown key; did you mean \"count\"?\n"},
        {"count: 4\nInterval: 1s\n", "f:2: Interval: unknown key; did you mean \"interval\"?\n"},
        {"limits:\n  speed: 4\n",
         "f:2: limits.speed: unknown key; \"limits\" has rate, keep, account\n"},
        {"trees:\n  - name: a\n    children:\n      - name: b\n      - nmae: c\n",
         "f:5: trees[0].children[1].nmae: unknown key; did you mean \"name\"?\n"
         "f:5: trees[0].children[1].name: this key is required\n"},
        {"count: 1\nport: 2\ncount: 2\n\ncount: 3\n",
         "f:3: count: this key is repeated; first on line 1\n"
         "f:5: count: this key is repeated; first on line 1\n"},
        {"[a]: 1\n", "f:1: a key must be text\n"},
        {"? {a: b}\n: 1\n", "f:1: a key must be text\n"},
        {": 1\n", "f:1: a value without a key\n"},
        {"<<: {count: 1}\n", "f:1: <<: YAML merge keys are not taken\n"},
        {"\"a\\nf:9: forged\\e[31m\": 1\n",
         "f:1: a\\x0af:9: forged\\x1b[31m: unknown key; \"everything\" has enabled, count, port, "
         "free, interval, cache, target, label, comment, mode, other-mode, names, pair, account, "
         "limits, trees\n"},
        {"port:\n  ? count\n", "f:1: port: must be a whole number, is a mapping\n"},
    };
    EXPECT(cases);
}

static void kinds(void **state)
{
    static const struct golden cases[] = {
        {"text\n", "f:1: \"text\": must be a mapping, is text\n"},
        {"- count\n", "f:1: must be a mapping, is a list\n"},
        {"count: [1]\nport: {}\n", "f:1: count: must be a whole number, is a list\n"
                                   "f:2: port: must be a whole number, is a mapping\n"},
        {"names: a\n", "f:1: names: \"a\": must be a list, is text\n"},
        {"names: {a: b}\n", "f:1: names: must be a list, is a mapping\n"},
        {"limits: 3\n", "f:1: limits: \"3\": must be a mapping, is text\n"},
        {"limits: [a]\n", "f:1: limits: must be a mapping, is a list\n"},
        {"trees:\n  - name: a\n  - b\n  - [c]\n",
         "f:3: trees[1]: \"b\": must be a mapping, is text\n"
         "f:4: trees[2]: must be a mapping, is a list\n"},
        {"names:\n  - a\n  - [b]\n  - c: d\n", "f:3: names[1]: must be text, is a list\n"
                                               "f:4: names[2]: must be text, is a mapping\n"},
    };
    EXPECT(cases);
}

static void nulls(void **state)
{
    static const struct golden cases[] = {
        {"count: 1\n\nport:\nlabel: x\n",
         "f:3: port: has no value, must be a whole number: leave the key out where none is "
         "meant\n"},
        {"label: null\ncomment: ~\n",
         "f:1: label: \"null\": has no value, must be text: leave the key out where none is meant\n"
         "f:2: comment: \"~\": has no value, must be text: leave the key out where none is "
         "meant\n"},
        {"limits:\n  # nothing\n",
         "f:1: limits: has no value, must be a mapping: leave the key out where none is meant\n"},
        {"names:\n",
         "f:1: names: has no value, must be a list: leave the key out where none is meant\n"},
    };
    EXPECT(cases);
}

static void values(void **state)
{
    static const struct golden cases[] = {
        {"enabled: yes\n", "f:1: enabled: \"yes\": must be true or false\n"},
        {"count: 1001\n", "f:1: count: \"1001\": must be -10 to 1000\n"},
        {"count: -11\n", "f:1: count: \"-11\": must be -10 to 1000\n"},
        {"port: 0\n", "f:1: port: \"0\": must be 1 to 65535\n"},
        {"free: 9223372036854775808\n", "f:1: free: \"9223372036854775808\": is too large\n"},
        {"interval: 999ms\n", "f:1: interval: \"999ms\": must be 1s to 1d\n"},
        {"interval: 60\n", "f:1: interval: \"60\": needs a unit: ms, s, m, h or d\n"},
        {"interval: 1.5h\n",
         "f:1: interval: \"1.5h\": must be a whole number: write it in a smaller unit\n"},
        {"cache: 64kB\n", "f:1: cache: \"64kB\": units are KiB, MiB, GiB and TiB (of 1,024 each); "
                          "bytes have none\n"},
        {"cache: 3GiB\n", "f:1: cache: \"3GiB\": must be 4KiB to 2GiB\n"},
        {"target: 99,9\n", "f:1: target: \"99,9\": decimals follow a point, not a comma\n"},
        {"target: 100.000001\n", "f:1: target: \"100.000001\": must be 0 to 100\n"},
        {"mode: sfae\n", "f:1: mode: \"sfae\": must be one of fast, safe, on; did you mean "
                         "\"safe\"?\n"},
        {"mode: none-of-them\n", "f:1: mode: \"none-of-them\": must be one of fast, safe, on\n"},
        {"label: \"\"\n", "f:1: label: must not be empty\n"},
        {"label: \"!x\"\n", "f:1: label: \"!x\": must not shout\n"},
        {"label: \"?x\"\n", "f:1: label: \"?x\": is refused\n"},
        {"label: \"a\\0b\"\n", "f:1: label: \"a\\x00b\": holds a control character (U+0000)\n"},
        {"count: \"4\\0\"\n", "f:1: count: \"4\\x00\": holds a control character (U+0000)\n"},
        {"label: |\n  line\n", "f:2: label: \"line\\x0a\": holds a control character (U+000A)\n"},
        {"label: 'a\n\n\n b'\n",
         "f:1: label: \"a\\x0a\\x0ab\": holds a control character (U+000A)\n"},
        {"label: \"a\\x9b\"\n",
         "f:1: label: \"a\\xc2\\x9b\": holds a control character (U+009B)\n"},
        {"account: {user: x}\n", "f:1: account.user: \"x\": must be 2 to 16 bytes long, is 1\n"},
        {"names: [ok, \"!\", \"\"]\n", "f:1: names[1]: \"!\": must not shout\n"
                                       "f:1: names[2]: must not be empty\n"},
        {"pair: [a]\n", "f:1: pair: must have 2 items, has 1\n"},
        {"pair: []\n", "f:1: pair: must have 2 items, has 0\n"},
        /* 80 bytes are shown, of 81 no half character. */
        {"mode: 01234567890123456789012345678901234567890123456789012345678901234567890123456789\n",
         "f:1: mode: "
         "\"01234567890123456789012345678901234567890123456789012345678901234567890123456789\": "
         "must be one of fast, safe, on\n"},
        {"mode: "
         "0123456789012345678901234567890123456789012345678901234567890123456789012345\xc3\xa9"
         "789\n",
         "f:1: mode: "
         "\"0123456789012345678901234567890123456789012345678901234567890123456789012345...\": "
         "must be one of fast, safe, on\n"},
    };
    EXPECT(cases);
}

static void required_keys_and_checks(void **state)
{
    static const struct golden cases[] = {
        {"\naccount: {}\n", "f:2: account.user: this key is required\n"},
        {"limits:\n  account:\n    token: t\n", "f:2: limits.account.user: this key is required\n"},
        {"limits:\n  rate: 0\n  keep: 2h\n",
         "f:1: limits: nothing is kept longer than an hour at rate 0\n"},
        {"trees:\n  - name: a\n    tags: [x]\n    children: [{name: b}]\n",
         "f:2: trees[0].tags: \"x\": only a leaf has tags\n"},
        /* A check is asked only about an object whose own values are good. */
        {"trees:\n  - name: a\n    tags: [x]\n    children: [{name: b, weight: 0}]\n",
         "f:4: trees[0].children[0].weight: \"0\": must be 1 to 100\n"},
        {"trees:\n  - {name: a, weight: 0}\n  - {name: a, tags: [x], children: [{name: b}]}\n",
         "f:2: trees[0].weight: \"0\": must be 1 to 100\n"
         "f:3: trees[1].tags: \"x\": only a leaf has tags\n"},
    };
    EXPECT(cases);
}

static void yaml_that_is_not_taken(void **state)
{
    static const struct golden cases[] = {
        {"names: &n [a]\npair: *n\n", "f:1: YAML anchors (&name) are not taken\n"
                                      "f:2: YAML aliases (*name) are not taken\n"},
        {"*a : 1\n", "f:1: YAML aliases (*name) are not taken\n"},
        {"label: !!str x\ncount: 2000\nnames: !x [a]\n",
         "f:1: YAML tags (!name) are not taken\n"
         "f:2: count: \"2000\": must be -10 to 1000\n"
         "f:3: YAML tags (!name) are not taken\n"},
        {"count: 1\n---\ncount: 2\n", "f:2: a second document: a file holds one\n"},
        {"%YAML 1.1\n---\ncount: 1\n", "f:2: YAML directives (%) are not taken\n"},
        {"limits:\n\trate: 1\n \tkeep: 1\n", "f:2: a tab in the indentation: use spaces\n"
                                             "f:3: a tab in the indentation: use spaces\n"},
        {"count: 1\nlabel: a\xff"
         "b\xfe\n",
         "f:2: is not UTF-8\n"},
        {"label: \xed\xa0\x80\n", "f:1: is not UTF-8\n"},
        {"label: \xc0\xaf\n", "f:1: is not UTF-8\n"},
        {"label: \xe0\x80\xaf\n", "f:1: is not UTF-8\n"},
        {"label: \xf0\x80\x80\xaf\n", "f:1: is not UTF-8\n"},
        {"label: \xf4\x90\x80\x80\n", "f:1: is not UTF-8\n"},
        {"label: \xc3", "f:1: is not UTF-8\n"},
        {"label: a\x01"
         "b\x02\ncount: \x7f\n",
         "f:1: the character U+0001 may not stand in a file\n"
         "f:2: the character U+007F may not stand in a file\n"},
        {"label: a\xef\xbb\xbf\n", "f:1: the character U+FEFF may not stand in a file\n"},
    };
    EXPECT(cases);
}

static void syntax(void **state)
{
    static const struct golden cases[] = {
        {"count: 1\nlabel: \"open\n", "f:2: YAML: double-quoted scalar without closing quote\n"},
        {"limits:\n  rate: 1\n keep: 1\n", "f:3: YAML: invalid indentation in mapping\n"},
        {"label: a: b\n", "f:1: YAML: invalid nested block mapping on the same line\n"},
        {"names: [a, b\n\n", "f:3: YAML: flow sequence without a closing bracket\n"},
        {"label: @x\n", "f:1: YAML: plain scalar cannot start with '@'\n"},
    };
    EXPECT(cases);
}

static void every_error_is_found_and_sorted(void **state)
{
    static const struct golden cases[] = {
        {"trees:\n"
         "  - weight: 0\n"
         "    colour: red\n"
         "  - name: b\n"
         "    weight: 7\n"
         "    weight: 8\n"
         "count: many\n"
         "interval: 5\n"
         "limits: {keep: soon}\n",
         "f:2: trees[0].weight: \"0\": must be 1 to 100\n"
         "f:2: trees[0].name: this key is required\n"
         "f:3: trees[0].colour: unknown key; \"tree\" has name, weight, tags, children\n"
         "f:6: trees[1].weight: this key is repeated; first on line 5\n"
         "f:7: count: \"many\": must be a whole number, such as 42\n"
         "f:8: interval: \"5\": needs a unit: ms, s, m, h or d\n"
         "f:9: limits.keep: \"soon\": must be a whole number and a unit (ms, s, m, h or d), such "
         "as 90s\n"},
    };
    EXPECT(cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_texts_have_none),
        cmocka_unit_test(keys),
        cmocka_unit_test(kinds),
        cmocka_unit_test(nulls),
        cmocka_unit_test(values),
        cmocka_unit_test(required_keys_and_checks),
        cmocka_unit_test(yaml_that_is_not_taken),
        cmocka_unit_test(syntax),
        cmocka_unit_test(every_error_is_found_and_sorted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
