/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Files that are there, are not, or are on a file system that does not answer. */
#include "local_support.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { LONG_MS = 15000, AGE = 0, SIZE = 1 };

/* --- a file system that hangs: its call is held here --- */

enum disk { DISK_WORKS, DISK_HANGS, DISK_IS_QUEUED };

static enum disk disk;
static uv_fs_t *held;
static uv_fs_cb held_call;
static unsigned n_asked;

int __real_uv_fs_stat(uv_loop_t *loop, uv_fs_t *request, const char *path, uv_fs_cb call);
int __wrap_uv_fs_stat(uv_loop_t *loop, uv_fs_t *request, const char *path, uv_fs_cb call);
int __real_uv_cancel(uv_req_t *request);
int __wrap_uv_cancel(uv_req_t *request);

int __wrap_uv_fs_stat(uv_loop_t *loop, uv_fs_t *request, const char *path, uv_fs_cb call)
{
    n_asked++;
    if (disk == DISK_WORKS) {
        return __real_uv_fs_stat(loop, request, path, call);
    }
    assert_null(held);
    void *data = request->data;
    memset(request, 0, sizeof *request);
    request->data = data;
    held = request;
    held_call = call;
    return 0;
}

int __wrap_uv_cancel(uv_req_t *request)
{
    if (request != (uv_req_t *)held) {
        return __real_uv_cancel(request);
    }
    return disk == DISK_IS_QUEUED ? 0 : UV_EBUSY;
}

/* The thread comes back. */
static void disk_answers(int result)
{
    uv_fs_t *request = held;
    held = NULL;
    request->result = result;
    held_call(request);
}

/* --- tests --- */

static struct check_config config_of(const char *path)
{
    return (struct check_config){.name = "f",
                                 .type = CHECK_FILE,
                                 .path = (char *)(uintptr_t)path,
                                 .interval_ms = 60000,
                                 .timeout_ms = LONG_MS};
}

static void file_has_age_and_size(void **state)
{
    char path[] = "/tmp/beffroi-file-XXXXXX";
    struct bench bench;
    struct check_config config = config_of(path);
    (void)state;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "12345", 5), 5);
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = clock_wall().ms / 1000 - 100}};
    assert_int_equal(futimens(fd, times), 0);
    close(fd);
    bench_open(&bench, &check_type_file);
    struct verdict verdict = run_turn(&bench, &config, LONG_MS);
    assert_int_equal(verdict.outcome, OUTCOME_UP);
    assert_string_equal(verdict.reason, "");
    assert_int_equal(verdict.known, 1 << AGE | 1 << SIZE);
    assert_true(verdict.values[AGE] >= 99.9 && verdict.values[AGE] < 115);
    assert_true(verdict.values[SIZE] > 4.5 && verdict.values[SIZE] < 5.5);
    assert_true(verdict.time.ms > 0);
    assert_int_equal(unlink(path), 0);

    verdict = run_turn(&bench, &config, LONG_MS);
    assert_int_equal(verdict.outcome, OUTCOME_DOWN);
    assert_string_equal(verdict.reason, "no-file");
    assert_int_equal(verdict.known, 0);
    struct check_config below = config_of("/etc/passwd/x");
    assert_string_equal(run_turn(&bench, &below, LONG_MS).reason, "no-file");
    bench_close(&bench);
}

static void disk_that_hangs_is_unknown(void **state)
{
    struct bench bench;
    struct turn turn;
    struct check_config config = config_of("/net/dead");
    (void)state;
    bench_open(&bench, &check_type_file);
    turn_prepare(&turn, &bench, &config);
    disk = DISK_HANGS;
    n_asked = 0;
    for (int i = 0; i < 3; i++) {
        turn_start(&turn, 20);
        turn_wait(&turn);
        assert_int_equal(turn.verdict.outcome, OUTCOME_UNKNOWN);
        assert_string_equal(turn.verdict.reason, "file-timeout");
    }
    assert_int_equal(n_asked, 1); /* one thread is enough */
    disk_answers(UV_ENOENT);      /* to whom nobody listens any more */
    assert_int_equal(turn.verdict.outcome, OUTCOME_UNKNOWN);
    disk = DISK_WORKS;
    turn_start(&turn, LONG_MS);
    turn_wait(&turn);
    assert_string_equal(turn.verdict.reason, "no-file");
    turn_release(&turn);
    bench_close(&bench);
}

static void check_may_go_before_its_thread(void **state)
{
    struct bench bench;
    struct turn turn;
    struct check_config config = config_of("/net/dead");
    (void)state;
    bench_open(&bench, &check_type_file);
    turn_prepare(&turn, &bench, &config);
    disk = DISK_HANGS;
    turn_start(&turn, LONG_MS);
    turn_cancel(&turn);
    turn_release(&turn);
    disk_answers(0);
    assert_int_equal(turn.verdict.outcome, 0);
    disk = DISK_WORKS;
    bench_close(&bench);
}

static void one_that_waits_for_others_is_ours(void **state)
{
    struct bench bench;
    struct turn turn;
    struct check_config config = config_of("/tmp");
    (void)state;
    bench_open(&bench, &check_type_file);
    turn_prepare(&turn, &bench, &config);
    disk = DISK_IS_QUEUED;
    turn_start(&turn, 20);
    turn_wait(&turn);
    assert_int_equal(turn.verdict.outcome, OUTCOME_UNKNOWN);
    assert_string_equal(turn.verdict.reason, "agent-overloaded");
    disk_answers(UV_ECANCELED);
    disk = DISK_WORKS;
    turn_release(&turn);
    bench_close(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(file_has_age_and_size),
        cmocka_unit_test(disk_that_hangs_is_unknown),
        cmocka_unit_test(check_may_go_before_its_thread),
        cmocka_unit_test(one_that_waits_for_others_is_ours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
