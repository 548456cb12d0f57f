/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The pieces that write: HTML, words, metrics. */
#include "html.h"
#include "metrics.h"
#include "words.h"

#include "common/stats.h"
#include "common/xalloc.h"
#include "prometheus.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* --- HTML --- */

static void check_html(const char *markup, const char *argument, const char *want)
{
    size_t size = 0;
    struct html *html = html_new();
    html_put(html, markup, argument);
    char *text = html_finish(html, &size);
    assert_string_equal(text, want);
    assert_int_equal(size, strlen(want));
    free(text);
}

static void html_escapes_foreign_text(void **state)
{
    (void)state;
    check_html("<p>$</p>", "<script>\"a\" & 'b'</script>",
               "<p>&lt;script&gt;&quot;a&quot; &amp; &#39;b&#39;&lt;/script&gt;</p>");
    check_html("<a href=\"/?x=^\">", "a b&c=d/é\"<'+%",
               "<a href=\"/?x=a%20b%26c%3Dd%2F%C3%A9%22%3C%27%2B%25\">");
    check_html("$", NULL, "");
    check_html("no argument", NULL, "no argument");
    check_html("$", "Hôtel de Ville · 日本 \xF0\x9F\x94\x94",
               "Hôtel de Ville · 日本 \xF0\x9F\x94\x94");
}

static void html_is_always_utf8(void **state)
{
    static const struct {
        const char *bytes;
        const char *want;
    } cases[] = {
        {"a\xFFz", "a\xEF\xBF\xBDz"},
        {"\xC3", "\xEF\xBF\xBD"},                      /* cut */
        {"\xC3<", "\xEF\xBF\xBD&lt;"},                 /* cut, and the next one still escaped */
        {"\xE2\x82<", "\xEF\xBF\xBD\xEF\xBF\xBD&lt;"}, /* cut later */
        {"\xC0\xBC", "\xEF\xBF\xBD\xEF\xBF\xBD"},      /* "<", overlong */
        {"\xE0\x80\xBC", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
        {"\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"}, /* a surrogate */
        {"\xF4\x90\x80\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
        {"a\x01\x1B[0m\n\t", "a\xEF\xBF\xBD\xEF\xBF\xBD[0m\n\t"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check_html("$", cases[i].bytes, cases[i].want);
    }
}

/* --- languages --- */

static void accept_language_is_weighed(void **state)
{
    static const struct {
        const char *header;
        enum language language;
    } cases[] = {
        {"", LANGUAGE_ENGLISH},
        {"fr", LANGUAGE_FRENCH},
        {"FR-ch", LANGUAGE_FRENCH},
        {"fr-FR,fr;q=0.9,en;q=0.8", LANGUAGE_FRENCH},
        {"en;q=0.8, fr;q=0.9", LANGUAGE_FRENCH},
        {"en-US,en;q=0.9,fr;q=0.5", LANGUAGE_ENGLISH},
        {"de, fr;q=0.2", LANGUAGE_FRENCH},
        {"de, es", LANGUAGE_ENGLISH},
        {"fr;q=0", LANGUAGE_ENGLISH},
        {"fr;q=0, en;q=0.1", LANGUAGE_ENGLISH},
        {"fr;q=0.123, en;q=0.12", LANGUAGE_FRENCH},
        {"fr;q=1.0", LANGUAGE_FRENCH},
        {"frx", LANGUAGE_ENGLISH},
        {"frankly;q=1,en;q=0.1", LANGUAGE_ENGLISH},
        {",,;q=,fr;q", LANGUAGE_FRENCH},
        {"f", LANGUAGE_ENGLISH},
        {"fr;q", LANGUAGE_FRENCH},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (language_accepted(cases[i].header) != cases[i].language) {
            fail_msg("\"%s\" is not %s", cases[i].header, language_code(cases[i].language));
        }
    }
}

static void every_word_is_there(void **state)
{
    enum language language = LANGUAGE_ENGLISH;
    (void)state;
    for (int i = 0; i < WORDS; i++) {
        for (int k = 0; k < LANGUAGES; k++) {
            if (word((enum language)k, (enum word)i) == NULL) {
                fail_msg("word %d is missing in %s", i, language_code((enum language)k));
            }
        }
    }
    assert_true(language_parse("fr", &language));
    assert_int_equal(language, LANGUAGE_FRENCH);
    assert_false(language_parse("xx", &language));
    assert_false(language_parse("", &language));
    assert_string_equal(state_word(LANGUAGE_FRENCH, "down"), "en panne");
    assert_string_equal(state_word(LANGUAGE_FRENCH, "other"), "other");
    assert_string_equal(kind_word(LANGUAGE_FRENCH, "radio"), "radio");
    assert_string_equal(graph_word(LANGUAGE_FRENCH, "Traffic"), "Trafic");
    assert_string_equal(graph_word(LANGUAGE_ENGLISH, "Traffic"), "Traffic");
}

/* --- metrics --- */

static void metrics_are_in_families(void **state)
{
    struct stats stats = {0};
    size_t size = 0;
    (void)state;
    stats_add(&stats, STAT_COUNTER, "a_total", "How \\ many\nlines.", 3);
    stats_add_labelled(&stats, STAT_GAUGE, "b", "B.", "part", "x\"y\\z\n", 1.5);
    stats_add(&stats, STAT_GAUGE, "c", "C.", (double)NAN);
    stats_add_labelled(&stats, STAT_GAUGE, "b", "B.", "part", "é", (double)INFINITY);
    stats_add(&stats, STAT_GAUGE, "d", "D.", (double)-INFINITY);
    stats_add(&stats, STAT_COUNTER, "e_total", "E.", 12345678901234);
    char *text = metrics_text(&stats, &size);
    assert_int_equal(size, strlen(text));
    assert_string_equal(text, "# HELP a_total How \\\\ many\\nlines.\n"
                              "# TYPE a_total counter\n"
                              "a_total 3\n"
                              "# HELP b B.\n"
                              "# TYPE b gauge\n"
                              "b{part=\"x\\\"y\\\\z\\n\"} 1.5\n"
                              "b{part=\"é\"} +Inf\n"
                              "# HELP c C.\n"
                              "# TYPE c gauge\n"
                              "c NaN\n"
                              "# HELP d D.\n"
                              "# TYPE d gauge\n"
                              "d -Inf\n"
                              "# HELP e_total E.\n"
                              "# TYPE e_total counter\n"
                              "e_total 12345678901234\n");
    assert_int_equal(prometheus_check(text), 6);
    free(text);
    stats_clear(&stats);
}

/* The parser that the other tests rely on does see mistakes. */
static void the_parser_sees_mistakes(void **state)
{
    static const char *const bad[] = {
        "a 1\n",
        "# HELP a A.\n# TYPE a gauge\na 1",
        "# HELP a A.\na 1\n",
        "# HELP a A.\n# TYPE a gauge\na one\n",
        "# HELP a A.\n# TYPE a gauge\na 1\n# HELP b B.\n# TYPE b gauge\nb 1\na 2\n",
        "# HELP a A.\n# TYPE a gauge\na{x=\"y\"z\"} 1\n",
        "# HELP a A.\n# TYPE a gauge\na{x=\"\\y\"} 1\n",
        "# HELP a A.\n# TYPE a gauge\na{x=y} 1\n",
        "# HELP a A.\n# TYPE a gauge\na 1\na 2\n",
        "# HELP a A.\n# TYPE a gauge\na 1\n# HELP a A.\n# TYPE a gauge\n",
        "# HELP a A.\n# TYPE a number\na 1\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (prometheus_check(bad[i]) >= 0) {
            fail_msg("%zu is taken", i);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(html_escapes_foreign_text),  cmocka_unit_test(html_is_always_utf8),
        cmocka_unit_test(accept_language_is_weighed), cmocka_unit_test(every_word_is_there),
        cmocka_unit_test(metrics_are_in_families),    cmocka_unit_test(the_parser_sees_mistakes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
