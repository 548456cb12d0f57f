/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which patterns are taken, and what they match. */
#include "pattern.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void matches_as_grep_would(void **state)
{
    static const struct {
        const char *pattern;
        const char *text;
        bool matches;
    } cases[] = {
        {"Mairie", "La Mairie", true},
        {"Mairie", "La mairie", false},
        {"^La", "La Mairie", true},
        {"^Mairie", "La Mairie", false},
        {"rie$", "La Mairie", true},
        {"La$", "La Mairie", false},
        {"a|b", "xb", true},
        {"^a|b", "xb", true},
        {"a.b", "a\nb", true},
        {"^b", "a\nb", false},
        {"(ab)+c", "xababc", true},
        {"\\(a\\)", "(a)", true},
        {"[])]x", ")x", true},
        {"[[:digit:])]{2}", "a1)", true},
        {"[^]1]", "]1", false},
        {"\xc3\xa9", "\xc3\xa9t\xc3\xa9", true},
        {"a\nb", "xa\nb", true},
        {"a[\n]b", "a\nb", true},
        {"a$", "a\nb", false},
        {"b\n$", "a\nb\n", true},
        {"", "", true},
        {"x*", "", true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pattern *pattern = pattern_new(cases[i].pattern);
        if (pattern == NULL || pattern_matches(pattern, cases[i].text) != cases[i].matches) {
            fail_msg("%s on %s", cases[i].pattern, cases[i].text);
        }
        pattern_free(pattern);
    }
    pattern_free(NULL);
}

static void bad_ones_are_refused(void **state)
{
    static const char *const bad[] = {"(",         "[a",     "a)b", "a)|(b", "(a)\\1",
                                      "(a)(b)\\2", "a{2,1}", "\\9", "[[:",   "[[:x:]]",
                                      "*)",        "(a))",   "\\"};
    char reason[128];
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        reason[0] = '\0';
        if (pattern_check(bad[i], reason, sizeof reason) == 0 || reason[0] == '\0') {
            fail_msg("taken: %s", bad[i]);
        }
        assert_null(pattern_new(bad[i]));
    }
    assert_int_equal(pattern_check("a\\\\1[)\\1](b)", reason, sizeof reason), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches_as_grep_would),
        cmocka_unit_test(bad_ones_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
