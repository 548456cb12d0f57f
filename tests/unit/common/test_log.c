/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Standard error is a socket that keeps the bounds of each write: one receive is one write(2). */
#include "common/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <pty.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static int heard;      /* our end */
static int old_stderr; /* of the test runner */

static struct mono fake_mono(void *context)
{
    return (struct mono){*(int64_t *)context};
}

static struct wall fake_wall(void *context)
{
    (void)context;
    return (struct wall){1795511249123};
}

static int64_t now_ns;

static int listen_to_stderr(void **state)
{
    (void)state;
    int ends[2];
    const struct clock_source source = {.mono = fake_mono, .wall = fake_wall, .context = &now_ns};
    if (socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) != 0) {
        return -1;
    }
    old_stderr = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    heard = ends[0];
    clock_replace(&source);
    log_open("agent/store", LOG_LEVEL_INFO);
    return 0;
}

static int stop_listening(void **state)
{
    (void)state;
    clock_replace(NULL);
    dup2(old_stderr, STDERR_FILENO);
    close(old_stderr);
    close(heard);
    return 0;
}

/* The next write, or "" if there is none. */
static const char *next_line(char line[8192])
{
    ssize_t n = recv(heard, line, 8191, MSG_DONTWAIT);
    line[n > 0 ? n : 0] = '\0';
    return line;
}

static void expect(const char *expected)
{
    char line[8192];
    assert_string_equal(next_line(line), expected);
    assert_string_equal(next_line(line), "");
}

static void a_line_is_one_write(void **state)
{
    (void)state;
    errno = EXDEV;
    log_warn("spool", "cannot sync segment=%d", 7);
    assert_int_equal(errno, EXDEV);
    expect("2026-11-24T09:07:29.123Z warn agent/store spool: cannot sync segment=7\n");
    close(STDERR_FILENO); /* whoever closes it loses the log, not more */
    errno = EXDEV;
    log_warn("spool", "nobody hears this");
    assert_int_equal(errno, EXDEV);
}

static void levels_are_kept_back(void **state)
{
    (void)state;
    log_debug("spool", "not heard");
    expect("");
    log_set_level(LOG_LEVEL_DEBUG);
    log_debug("spool", "heard");
    expect("2026-11-24T09:07:29.123Z debug agent/store spool: heard\n");
    log_set_level(LOG_LEVEL_ERROR);
    log_warn("spool", "not heard");
    expect("");
    log_error("spool", "heard");
    expect("2026-11-24T09:07:29.123Z error agent/store spool: heard\n");
}

static void level_names_are_known(void **state)
{
    (void)state;
    enum log_level level = LOG_LEVEL_ERROR;
    assert_true(log_level_parse("debug", &level));
    assert_int_equal(level, LOG_LEVEL_DEBUG);
    assert_true(log_level_parse("error", &level));
    assert_int_equal(level, LOG_LEVEL_ERROR);
    assert_true(log_level_parse("warn", &level));
    assert_int_equal(level, LOG_LEVEL_WARN);
    assert_true(log_level_parse("info", &level));
    assert_int_equal(level, LOG_LEVEL_INFO);
    assert_false(log_level_parse("Info", &level));
    assert_false(log_level_parse("", &level));
    assert_int_equal(level, LOG_LEVEL_INFO);
}

static void expect_message(const char *message, const char *shown)
{
    char expected[256];
    log_info("x", "%s", message);
    snprintf(expected, sizeof expected, "2026-11-24T09:07:29.123Z info agent/store x: %s\n", shown);
    expect(expected);
}

static void foreign_bytes_cannot_forge_a_line(void **state)
{
    (void)state;
    expect_message("a\nb\r\tc\x1b[31m\x7f", "a\\x0ab\\x0d\\x09c\\x1b[31m\\x7f");
    expect_message("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x94\x94",
                   "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x94\x94");
    expect_message("c1 \xc2\x9b"
                   "31m",
                   "c1 \\xc2\\x9b31m");
    expect_message("latin \xe9 end", "latin \\xe9 end");
    expect_message("cut \xe2\x82", "cut \\xe2\\x82");
    expect_message("overlong \xc0\x8a \xe0\x80\x8a", "overlong \\xc0\\x8a \\xe0\\x80\\x8a");
    expect_message("surrogate \xed\xa0\x80", "surrogate \\xed\\xa0\\x80");
    expect_message("outside \xf4\x90\x80\x80", "outside \\xf4\\x90\\x80\\x80");
}

static void topics_are_foreign_too(void **state)
{
    (void)state;
    log_info("a\nb", "c");
    expect("2026-11-24T09:07:29.123Z info agent/store a\\x0ab: c\n");
}

static void a_long_message_is_cut(void **state)
{
    (void)state;
    char line[8192];
    const char prefix[] = "2026-11-24T09:07:29.123Z info agent/store x: ";
    char text[5000];
    memset(text, 'm', sizeof text);
    text[sizeof text - 1] = '\0';
    log_info("x", "%s", text);
    assert_int_equal(strlen(next_line(line)), strlen(prefix) + 1000 + 1);
    /* 999 bytes and then a character of three: it goes as a whole. */
    memcpy(text + 999, "\xe2\x82\xac", 3);
    log_info("x", "%s", text);
    assert_int_equal(strlen(next_line(line)), strlen(prefix) + 999 + 1);
    text[1000] = '\0'; /* exactly so much is not cut: a broken character is shown as it is */
    log_info("x", "%s", text);
    assert_string_equal(next_line(line) + strlen(prefix) + 998, "m\\xe2\n");
    /* Every byte four times as long: the line ends at what a pipe takes at once. */
    memset(text, '\n', sizeof text - 1);
    log_info("x", "%s", text);
    size_t size = strlen(next_line(line));
    assert_true(size <= 4096 && size > 4000);
    assert_int_equal(line[size - 1], '\n');
    assert_ptr_equal(strchr(line, '\n'), line + size - 1);
}

static void a_long_part_is_cut(void **state)
{
    (void)state;
    char part[200];
    char line[8192];
    memset(part, 'p', sizeof part);
    part[sizeof part - 1] = '\0';
    log_open(part, LOG_LEVEL_INFO);
    log_info("x", "y");
    assert_int_equal(strlen(next_line(line)),
                     strlen("2026-11-24T09:07:29.123Z info ") + 63 + strlen(" x: y\n"));
}

static void a_flood_is_counted(void **state)
{
    (void)state;
    struct log_limit limit = {0};
    uint64_t suppressed = 99;
    now_ns = 1;
    assert_true(log_limit_allow(&limit, 1000, &suppressed));
    assert_int_equal(suppressed, 0);
    for (int i = 0; i < 5; i++) {
        now_ns += 199000000;
        assert_false(log_limit_allow(&limit, 1000, &suppressed));
    }
    now_ns = 1000000001;
    assert_true(log_limit_allow(&limit, 1000, &suppressed));
    assert_int_equal(suppressed, 5);
    now_ns += 1000000000;
    assert_true(log_limit_allow(&limit, 1000, &suppressed));
    assert_int_equal(suppressed, 0);
}

enum { THREADS = 4, LINES = 50 };

static void *write_lines(void *argument)
{
    for (int i = 0; i < LINES; i++) {
        log_info("thread", "%s", (const char *)argument);
    }
    return NULL;
}

static void *read_lines(void *argument)
{
    int *whole = argument;
    char line[8192];
    for (int i = 0; i < THREADS * LINES; i++) {
        ssize_t n = recv(heard, line, sizeof line - 1, 0);
        line[n > 0 ? n : 0] = '\0';
        *whole +=
            strcmp(line, "2026-11-24T09:07:29.123Z info agent/store thread: ding dong\n") == 0;
    }
    return NULL;
}

static void threads_do_not_mix_their_lines(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    pthread_t reader;
    int whole = 0;
    char text[] = "ding dong";
    assert_int_equal(pthread_create(&reader, NULL, read_lines, &whole), 0);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, write_lines, text), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(pthread_join(reader, NULL), 0);
    assert_int_equal(whole, THREADS * LINES);
}

/* What a terminal shows of one line. */
static void log_to_terminal(char shown[256])
{
    int ours;
    int theirs;
    assert_int_equal(openpty(&ours, &theirs, NULL, NULL, NULL), 0);
    int saved = dup(STDERR_FILENO);
    dup2(theirs, STDERR_FILENO);
    log_open("agent", LOG_LEVEL_INFO);
    log_error("x", "y");
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(theirs);
    ssize_t n = read(ours, shown, 255);
    shown[n > 0 ? n : 0] = '\0';
    close(ours);
}

static void only_a_terminal_is_coloured(void **state)
{
    (void)state;
    char shown[256];
    unsetenv("NO_COLOR");
    log_to_terminal(shown);
    assert_string_equal(shown, "2026-11-24T09:07:29.123Z \033[31merror\033[0m agent x: y\r\n");
    setenv("NO_COLOR", "1", 1);
    log_to_terminal(shown);
    assert_string_equal(shown, "2026-11-24T09:07:29.123Z error agent x: y\r\n");
    unsetenv("NO_COLOR");
}

#define listening_test(test) cmocka_unit_test_setup_teardown(test, listen_to_stderr, stop_listening)

int main(void)
{
    const struct CMUnitTest tests[] = {
        listening_test(a_line_is_one_write),
        listening_test(levels_are_kept_back),
        cmocka_unit_test(level_names_are_known),
        listening_test(foreign_bytes_cannot_forge_a_line),
        listening_test(topics_are_foreign_too),
        listening_test(a_long_message_is_cut),
        listening_test(a_long_part_is_cut),
        listening_test(a_flood_is_counted),
        listening_test(threads_do_not_mix_their_lines),
        listening_test(only_a_terminal_is_coloured),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
