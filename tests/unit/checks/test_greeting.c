/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What servers may say first, and what it comes to. */
#include "greeting.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct line {
    const char *text;
    enum stream_state state;
    enum outcome outcome; /* 0: wait */
    const char *reason;
    const char *expect;
};

static void judge_all(stream_judge *judge, const struct line *lines, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct check_config config = {.expect = (char *)lines[i].expect};
        struct greeting *greeting = greeting_new(&config);
        const struct stream_view view = {.bytes = (const uint8_t *)lines[i].text,
                                         .size = strlen(lines[i].text),
                                         .state = lines[i].state,
                                         .talk_s = 0.25};
        struct verdict verdict = {.known = 1};
        enum stream_step step = judge(greeting, &view, &verdict);
        greeting_free(greeting);
        if ((int)verdict.outcome != (int)lines[i].outcome) {
            print_message("\"%s\"\n", lines[i].text);
        }
        assert_int_equal(verdict.outcome, lines[i].outcome);
        assert_int_equal(step == STREAM_WAIT, lines[i].outcome == 0);
        if (lines[i].outcome != 0) {
            assert_string_equal(verdict.reason, lines[i].reason);
        }
        bool is_timed = lines[i].outcome == OUTCOME_UP && lines[i].state != STREAM_LATE;
        assert_int_equal(verdict.known, is_timed ? 3 : 1);
        assert_true(!is_timed || verdict.values[1] == 0.25);
    }
}
#define JUDGE(judge, lines) judge_all(judge, lines, sizeof(lines) / sizeof((lines)[0]))

static void smtp_greets(void **state)
{
    static const struct line lines[] = {
        {"220 mail.example.org ESMTP\r\n", STREAM_OPEN, OUTCOME_UP, "", NULL},
        {"220 mail.example.org ESMTP\n", STREAM_OPEN, OUTCOME_UP, "", NULL},
        {"220\r\n", STREAM_OPEN, OUTCOME_UP, "", NULL},
        {"220 looked at too late\r\n", STREAM_LATE, OUTCOME_UP, "", NULL},
        {"220-one\r\n220-two\r\n220 three\r\n", STREAM_OPEN, OUTCOME_UP, "", "two.*three"},
        {"220-one\r\n220 two\r\n", STREAM_CLOSED, OUTCOME_UP, "", NULL},
        {"", STREAM_OPEN, 0, NULL, NULL},
        {"220", STREAM_OPEN, 0, NULL, NULL},
        {"220 mail", STREAM_OPEN, 0, NULL, NULL},
        {"220-one\r\n220-two\r\n", STREAM_OPEN, 0, NULL, NULL},
        {"220-one\r\n220-two\r\n", STREAM_LATE, OUTCOME_DOWN, "timeout", NULL},
        {"220-one\r\n", STREAM_CLOSED, OUTCOME_DOWN, "protocol", NULL},
        {"220 never an end", STREAM_FULL, OUTCOME_DOWN, "protocol", NULL},
        {"", STREAM_LATE, OUTCOME_DOWN, "timeout", NULL},
        {"", STREAM_CLOSED, OUTCOME_DOWN, "connection-closed", NULL},
        {"554 no SMTP service here\r\n", STREAM_OPEN, OUTCOME_DOWN, "service-unavailable", NULL},
        {"421-busy\r\n421 go away\r\n", STREAM_OPEN, OUTCOME_DOWN, "service-unavailable", NULL},
        {"250 OK\r\n", STREAM_OPEN, OUTCOME_DOWN, "protocol", NULL},
        {"354 OK\r\n", STREAM_OPEN, OUTCOME_DOWN, "protocol", NULL},
        {"220-one\r\n250 two\r\n", STREAM_OPEN, OUTCOME_DOWN, "protocol", NULL},
        {"220mail\r\n", STREAM_OPEN, OUTCOME_DOWN, "protocol", NULL},
        {"SSH-2.0-x\r\n", STREAM_OPEN, OUTCOME_DOWN, "protocol", NULL},
        {"\r\n", STREAM_OPEN, OUTCOME_DOWN, "protocol", NULL},
        {"22\r\n", STREAM_OPEN, OUTCOME_DOWN, "protocol", NULL},
        {"220 other\r\n", STREAM_OPEN, OUTCOME_DOWN, "no-match", "mail\\.example"},
    };
    (void)state;
    JUDGE(greeting_judge_smtp, lines);
}

static void imap_greets(void **state)
{
    static const struct line lines[] = {
        {"* OK [CAPABILITY IMAP4rev1] ready\r\n", STREAM_OPEN, OUTCOME_UP, "", NULL},
        {"* ok\r\n", STREAM_OPEN, OUTCOME_UP, "", NULL},
        {"* PREAUTH welcome\r\n", STREAM_OPEN, OUTCOME_UP, "", "welcome"},
        {"* OK Dove", STREAM_OPEN, 0, NULL, NULL},
        {"* OK Dove", STREAM_LATE, OUTCOME_DOWN, "timeout", NULL},
        {"* OK Dove", STREAM_FULL, OUTCOME_DOWN, "protocol", NULL},
        {"* BYE Autologout\r\n", STREAM_OPEN, OUTCOME_DOWN, "service-unavailable", NULL},
        {"* OKAY\r\n", STREAM_OPEN, OUTCOME_DOWN, "protocol", NULL},
        {"* NO\r\n", STREAM_OPEN, OUTCOME_DOWN, "protocol", NULL},
        {"+OK POP3\r\n", STREAM_OPEN, OUTCOME_DOWN, "protocol", NULL},
        {"\n", STREAM_OPEN, OUTCOME_DOWN, "protocol", NULL},
        {"* OK ready\r\n", STREAM_OPEN, OUTCOME_DOWN, "no-match", "Dovecot"},
        {"", STREAM_CLOSED, OUTCOME_DOWN, "connection-closed", NULL},
    };
    (void)state;
    JUDGE(greeting_judge_imap, lines);
}

static void anything_greets(void **state)
{
    static const struct line lines[] = {
        {"x", STREAM_OPEN, OUTCOME_UP, "", NULL},
        {"login: ", STREAM_OPEN, OUTCOME_UP, "", "^login"}, /* without a line's end */
        {"log", STREAM_OPEN, 0, NULL, "^login"},
        {"log", STREAM_LATE, OUTCOME_DOWN, "timeout", "^login"},
        {"other\n", STREAM_OPEN, 0, NULL, "^login"},
        {"other\n", STREAM_LATE, OUTCOME_DOWN, "no-match", "^login"},
        {"other", STREAM_CLOSED, OUTCOME_DOWN, "no-match", "^login"},
        {"other", STREAM_FULL, OUTCOME_DOWN, "no-match", "^login"},
        {"", STREAM_LATE, OUTCOME_DOWN, "timeout", NULL},
        {"", STREAM_CLOSED, OUTCOME_DOWN, "connection-closed", "^$"},
    };
    (void)state;
    JUDGE(greeting_judge_any, lines);
}

static void nul_is_a_byte_like_others(void **state)
{
    static const uint8_t bytes[] = "a\0secret";
    const struct check_config config = {.expect = "secret"};
    struct greeting *greeting = greeting_new(&config);
    struct stream_view view = {.bytes = bytes, .size = 8, .state = STREAM_CLOSED};
    struct verdict verdict = {0};
    (void)state;
    assert_int_equal(greeting_judge_any(greeting, &view, &verdict), STREAM_HANG_UP);
    assert_int_equal(verdict.outcome, OUTCOME_UP);
    view.size = 7; /* what is behind the end is not looked at */
    greeting_judge_any(greeting, &view, &verdict);
    assert_string_equal(verdict.reason, "no-match");
    assert_string_equal(verdict.detail, "\"a\"");
    greeting_free(greeting);
    greeting_free(NULL);
}

static void what_came_is_quoted(void **state)
{
    const struct check_config config = {0};
    struct greeting *greeting = greeting_new(&config);
    const char text[] = "554 \x1b[31mno\r\nmore\r\n";
    const struct stream_view view = {
        .bytes = (const uint8_t *)text, .size = strlen(text), .state = STREAM_OPEN};
    struct verdict verdict = {0};
    (void)state;
    greeting_judge_smtp(greeting, &view, &verdict);
    assert_string_equal(verdict.detail, "\"554 ?[31mno\" ...");
    greeting_free(greeting);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(smtp_greets),         cmocka_unit_test(imap_greets),
        cmocka_unit_test(anything_greets),     cmocka_unit_test(nul_is_a_byte_like_others),
        cmocka_unit_test(what_came_is_quoted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
