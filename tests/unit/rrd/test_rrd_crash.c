/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A writer killed at any moment, started again and fed every row from the beginning leaves the file
 * that an undisturbed one leaves, byte for byte. */
#include "common/xalloc.h"
#include "support.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { ROWS = 400, KILLS = 30 };

static const struct wall START = {INT64_C(1767225600000)};

/* Replays all rows in groups of random size, again and again from the start. */
static void write_forever(const char *path, const struct object *object, const struct rrd_row *rows,
                          size_t end, uint64_t seed)
{
    struct random random = {seed};
    for (;;) {
        for (size_t i = 0; i < end;) {
            struct rrd_update_result result;
            char reason[256];
            size_t n = 1 + (size_t)random_below(&random, 20);
            n = end - i < n ? end - i : n;
            if (rrd_file_update(path, object, rows + i, n, &result, reason, sizeof reason) != 0) {
                _exit(1);
            }
            i += n;
        }
    }
}

/* Until the writer has put a row into the file, or had all: half a second at most. */
static void wait_for_progress(const char *path, struct wall before)
{
    const struct timespec moment = {.tv_nsec = 500000};
    struct wall last = before;
    for (int i = 0; i < 1000 && last.ms <= before.ms; i++) {
        (void)nanosleep(&moment, NULL); /* polling */
        assert_int_equal(rrd_file_last(path, &last), 0);
    }
}

static void killed_and_replayed_is_undisturbed(void **state)
{
    (void)state;
    const char *wanted = getenv("TEST_SEED");
    uint64_t seed = wanted != NULL ? strtoull(wanted, NULL, 10) : 20260101;
    print_message("seed %llu (TEST_SEED)\n", (unsigned long long)seed);
    struct random random = {seed};
    struct object object = sample_object(10000);
    struct rrd_row *rows = xcalloc(ROWS, sizeof *rows);
    char reason[256] = "";
    size_t size;
    char *folder = make_folder();
    char *calm = rrd_path(folder, "d", "k", "calm");
    char *stormy = rrd_path(folder, "d", "k", "stormy");
    make_rows(&random, 10000, START, rows, ROWS);
    assert_int_equal(rrd_file_create(calm, &object, START, reason, sizeof reason), 0);
    uint8_t *empty = read_file(calm, &size);
    write_file(stormy, empty, size);
    must_update(calm, &object, rows, ROWS);

    size_t advanced = 0;
    struct wall before = {0};
    for (size_t k = 1; k <= KILLS; k++) {
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            write_forever(stormy, &object, rows, ROWS * k / KILLS, seed + k);
        }
        wait_for_progress(stormy, before);
        struct timespec pause = {.tv_nsec = (long)random_below(&random, 3000000)};
        (void)nanosleep(&pause, NULL); /* the random moment; its length decides nothing */
        int status = 0;
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status)); /* it did not fail on its own */
        assert_int_equal(rrd_file_check(stormy, &object, reason, sizeof reason), 0);
        struct wall last;
        assert_int_equal(rrd_file_last(stormy, &last), 0);
        assert_true(last.ms >= before.ms);
        advanced += last.ms > before.ms;
        before = last;
    }
    print_message("%zu of %d killed writers got on\n", advanced, KILLS);
    assert_true(advanced > KILLS / 2);
    for (size_t i = 0; i < ROWS; i += 50) {
        must_update(stormy, &object, rows + i, 50);
    }
    uint8_t *expected = read_file(calm, &size);
    uint8_t *got = read_file(stormy, &size);
    assert_memory_equal(got, expected, size);
    assert_memory_not_equal(got, empty, size);
    free(got);
    free(expected);
    free(empty);
    free(stormy);
    free(calm);
    free(rows);
    remove_folder(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_and_replayed_is_undisturbed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
