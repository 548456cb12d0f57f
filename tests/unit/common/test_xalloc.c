/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What never returns NULL, and dies rather than wrap around. */
#include "common/xalloc.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void nothing_is_something(void **state)
{
    (void)state;
    void *one = xmalloc(0);
    void *two = xcalloc(0, 8);
    void *three = xreallocarray(NULL, 0, 8);
    void *four = xmemdup(NULL, 0);
    assert_non_null(one);
    assert_non_null(two);
    assert_non_null(three);
    assert_non_null(four);
    one = xrealloc(one, 0);
    assert_non_null(one);
    free(one);
    free(two);
    free(three);
    free(four);
}

static void texts_are_copied(void **state)
{
    (void)state;
    char *text = xstrdup("belfry");
    char *cut = xstrndup(text, 4);
    char *printed = xasprintf("%s-%d", cut, 7);
    int *zeros = xcalloc(4, sizeof *zeros);
    char *bytes = xmemdup("a\0b", 3);
    assert_string_equal(text, "belfry");
    assert_string_equal(cut, "belf");
    assert_string_equal(printed, "belf-7");
    assert_int_equal(zeros[3], 0);
    assert_memory_equal(bytes, "a\0b", 3);
    free(text);
    free(cut);
    free(printed);
    free(zeros);
    free(bytes);
}

static void a_product_that_overflows_is_fatal(void **state)
{
    (void)state;
    int out[2];
    assert_int_equal(pipe(out), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        const struct rlimit none = {0, 0};
        setrlimit(RLIMIT_CORE, &none);
        signal(SIGABRT, SIG_DFL);
        dup2(out[1], STDERR_FILENO);
        volatile size_t huge = SIZE_MAX / 2;
        free(xreallocarray(NULL, huge, 4));
        _exit(0);
    }
    close(out[1]);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    char line[200] = "";
    assert_true(read(out[0], line, sizeof line - 1) > 0);
    close(out[0]);
    assert_non_null(strstr(line, "out of memory: xreallocarray of"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_something),
        cmocka_unit_test(texts_are_copied),
        cmocka_unit_test(a_product_that_overflows_is_fatal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
