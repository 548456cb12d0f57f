/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A log through what happens to disks: torn and flipped segments, missing ones, a full disk, a
 * power cut that takes what had been read, a deleted directory. */
#include "seglog_support.h"
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const struct seglog_position begin = {0, 0};

static int fdatasync_error;

int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
int __wrap_fdatasync(int fd)
{
    if (fdatasync_error != 0) {
        errno = fdatasync_error;
        return -1;
    }
    return __real_fdatasync(fd);
}

static void fill(const struct place *place, uint32_t count)
{
    struct seglog *log = must_open(place, 0);
    append_numbers(log, 0, count);
    seglog_close(log);
}

static void change_byte(const struct place *place, unsigned segment, long offset)
{
    char *path = segment_path(place, segment);
    size_t size;
    uint8_t *bytes = read_file(path, &size);
    assert_true((size_t)offset < size);
    bytes[offset] ^= 1;
    write_file(path, bytes, size);
    free(bytes);
    free(path);
}

static void cut(const struct place *place, unsigned segment, off_t size)
{
    char *path = segment_path(place, segment);
    assert_int_equal(truncate(path, size), 0);
    free(path);
}

static off_t size_in(const struct place *place, const char *name)
{
    char *path = path_in(place->directory, name);
    struct stat status;
    off_t size = stat(path, &status) == 0 ? status.st_size : -1;
    free(path);
    return size;
}

static void a_flip_costs_the_rest_of_its_segment(void **state)
{
    const struct place *place = *state;
    fill(place, 35);
    change_byte(place, 2, 16 + 4 * 108 + 50); /* in record 14 */
    struct seglog_reader *reader = must_read(place, begin);
    expect_numbers(reader, 0, 14);
    assert_int_equal(next_number(reader), -EBADMSG); /* also while no writer has looked */
    expect_numbers(reader, 20, 35);
    expect_end(reader);
    seglog_reader_close(reader);
    struct seglog *log = must_open(place, 6 * 108);
    assert_int_equal(size_in(place, "quarantine/0000000000000002.log"), 6 * 108);
    assert_int_equal(seglog_bytes(log), 4 * 16 + 29 * 108);
    append_numbers(log, 35, 36);
    reader = must_read(place, begin);
    expect_numbers(reader, 0, 14);
    expect_numbers(reader, 20, 36);
    expect_end(reader);
    seglog_reader_close(reader);
    /* A saved position behind the damage: what follows the segment is not lost. */
    reader = must_read(place, (struct seglog_position){2, 16 + 7 * 108});
    expect_numbers(reader, 20, 36);
    seglog_reader_close(reader);
    seglog_close(log);
    seglog_close(must_open(place, 0));
}

static void a_saved_position_skips_damage_before_it(void **state)
{
    const struct place *place = *state;
    fill(place, 20);
    change_byte(place, 1, 16 + 50);
    struct seglog_reader *reader = must_read(place, (struct seglog_position){1, 16 + 5 * 108});
    expect_numbers(reader, 5, 20);
    seglog_reader_close(reader);
}

static void a_file_that_is_no_segment_is_set_aside(void **state)
{
    const struct place *place = *state;
    fill(place, 25);
    change_byte(place, 3, 3);
    struct seglog_reader *reader = must_read(place, begin);
    expect_numbers(reader, 0, 20);
    expect_end(reader); /* the newest: its writer may be at work */
    struct seglog *log = must_open(place, 16 + 5 * 108);
    assert_int_equal(size_in(place, "quarantine/0000000000000003.whole"), 16 + 5 * 108);
    assert_int_equal(count_segments(place), 2);
    append_numbers(log, 25, 26);
    assert_int_equal(seglog_end(log).segment, 4); /* a number is not used twice */
    assert_int_equal(next_number(reader), -EBADMSG);
    expect_numbers(reader, 25, 26);
    seglog_reader_close(reader);
    seglog_close(log);
}

static void a_number_in_quarantine_is_not_used_again(void **state)
{
    const struct place *place = *state;
    fill(place, 15);
    change_byte(place, 2, 3);
    seglog_close(must_open(place, 16 + 5 * 108)); /* and nothing appended */
    struct seglog *log = must_open(place, 0);
    append_numbers(log, 15, 16);
    assert_int_equal(seglog_end(log).segment, 3);
    seglog_close(log);
}

static void a_missing_segment_is_a_gap(void **state)
{
    const struct place *place = *state;
    fill(place, 40);
    char *path = segment_path(place, 2);
    assert_int_equal(unlink(path), 0);
    free(path);
    struct seglog_reader *reader = must_read(place, begin);
    expect_numbers(reader, 0, 10);
    assert_int_equal(next_number(reader), -EBADMSG);
    expect_numbers(reader, 20, 40);
    expect_end(reader);
    seglog_reader_close(reader);
    reader = must_read(place, (struct seglog_position){2, 16});
    expect_numbers(reader, 0, 10);
    seglog_reader_close(reader);
    struct seglog *log = must_open(place, 0);
    assert_int_equal(seglog_trim(log, (struct seglog_position){3, 16}), 0);
    assert_int_equal(count_segments(place), 2);
    seglog_close(log);
}

/* A power cut takes the end of the newest segment, which a reader had already seen. */
static void what_replaces_lost_records_is_read(void **state)
{
    const struct place *place = *state;
    fill(place, 8);
    for (int zeros = 0; zeros < 2; zeros++) { /* the file is short, or is as long with zeros */
        struct seglog_reader *reader = must_read(place, begin);
        expect_numbers(reader, 0, 8);
        struct seglog_position saved = seglog_reader_position(reader);
        seglog_reader_close(reader);
        cut(place, 1, 16 + 4 * 108);
        if (zeros == 1) {
            cut(place, 1, 16 + 9 * 108);
        }
        struct seglog *log = must_open(place, 0);
        append_numbers(log, 100, 112);
        reader = must_read(place, saved);
        assert_int_equal(seglog_reader_position(reader).offset, 16 + 4 * 108);
        expect_numbers(reader, 100, 112);
        expect_end(reader);
        seglog_reader_close(reader);
        seglog_close(log);
        char *directory = strdup(place->directory);
        remove_folder(directory); /* once more, from the begin */
        fill(place, 8);
    }
}

static void damage_that_cannot_be_copied_stops_nothing(void **state)
{
    const struct place *place = *state;
    fill(place, 15);
    change_byte(place, 2, 16 + 3 * 108 + 20);
    char *quarantine = path_in(place->directory, "quarantine");
    assert_int_equal(rmdir(quarantine), 0);
    write_file(quarantine, "in the way", 10);
    struct seglog *log = must_open(place, 2 * 108);
    append_numbers(log, 15, 17);
    struct seglog_reader *reader = must_read(place, begin);
    expect_numbers(reader, 0, 13);
    assert_int_equal(next_number(reader), -EBADMSG);
    expect_numbers(reader, 15, 17);
    seglog_reader_close(reader);
    seglog_close(log);
    assert_int_equal(unlink(quarantine), 0);
    seglog_close(must_open(place, 2 * 108)); /* now it can */
    seglog_close(must_open(place, 0));
    free(quarantine);
}

/* --- seeded damage --- */

enum { SEGMENTS = 4 };

/* Each segment may lose its tail or get a bit flipped; `good[i]` of its records remain. */
static void damage(const struct place *place, struct random *random, unsigned good[SEGMENTS])
{
    for (unsigned i = 0; i < SEGMENTS; i++) {
        uint64_t at = 16 + random_below(random, SEGMENT_RECORDS * 108);
        good[i] = SEGMENT_RECORDS;
        switch (random_below(random, 3)) {
        case 0:
            cut(place, i + 1, (off_t)at);
            good[i] = (unsigned)((at - 16) / 108);
            break;
        case 1:
            change_byte(place, i + 1, (long)at);
            good[i] = (unsigned)((at - 16) / 108);
            break;
        default:
            break;
        }
    }
}

static void the_good_records_are_always_read_in_order(void **state)
{
    const struct place *place = *state;
    const struct seglog_options options = {.segment_bytes = SEGMENT_BYTES};
    struct random random = random_seeded();
    for (int round = 0; round < 40; round++) {
        unsigned good[SEGMENTS];
        struct seglog *log;
        uint64_t damaged;
        char *directory = path_in(place->folder, "round");
        const struct place here = {.folder = place->folder, .directory = directory};
        fill(&here, SEGMENTS * SEGMENT_RECORDS);
        damage(&here, &random, good);
        for (int repaired = 0; repaired < 2; repaired++) {
            struct seglog_reader *reader = must_read(&here, begin);
            for (uint32_t i = 0; i < SEGMENTS; i++) {
                expect_numbers(reader, i * SEGMENT_RECORDS, i * SEGMENT_RECORDS + good[i]);
                struct seglog_position position = seglog_reader_position(reader);
                int64_t next = next_number(reader);
                while (next == -EBADMSG) { /* says so or, if cut at a record, cannot know */
                    assert_int_equal(repaired, 0);
                    position = seglog_reader_position(reader);
                    next = next_number(reader);
                }
                seglog_reader_close(reader);
                /* Back to before that record: a reader can be opened wherever one stood. */
                reader = must_read(&here, position);
            }
            expect_end(reader);
            seglog_reader_close(reader);
            if (repaired == 0) {
                assert_int_equal(seglog_open(&log, directory, &options, &damaged), 0);
                unsigned sum = good[0] + good[1] + good[2] + good[3];
                assert_int_equal(seglog_bytes(log), SEGMENTS * 16 + sum * 108);
                seglog_close(log);
            }
        }
        remove_folder(directory);
    }
}

/* --- a disk that is full, fails or is gone --- */

/* Appends until the disk is full, makes space, and goes on. */
static void fill_the_disk(const struct place *place, const char *ballast, int error_expected)
{
    struct seglog *log = must_open(place, 0);
    uint32_t count = 0;
    int error = 0;
    while (error == 0) {
        error = append_number(log, count, NULL);
        count += error == 0;
        assert_true(count < 100000);
    }
    assert_int_equal(error, error_expected);
    struct seglog_position end = seglog_end(log);
    assert_int_equal(append_number(log, count, NULL), error_expected);
    assert_int_equal(seglog_position_compare(seglog_end(log), end), 0);
    assert_int_equal(seglog_sync(log), 0);
    struct seglog_reader *reader = must_read(place, begin);
    expect_numbers(reader, 0, count);
    expect_end(reader);
    if (ballast != NULL) {
        assert_int_equal(unlink(ballast), 0);
    } else {
        const struct rlimit none = {RLIM_INFINITY, RLIM_INFINITY};
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
    }
    append_numbers(log, count, count + 25);
    assert_int_equal(seglog_sync(log), 0);
    expect_numbers(reader, count, count + 25);
    expect_end(reader);
    seglog_reader_close(reader);
    seglog_close(log);
    seglog_close(must_open(place, 0));
}

static void a_file_at_its_limit_can_go_on_later(void **state)
{
    const struct place *place = *state;
    struct rlimit before;
    void (*action)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    if (before.rlim_cur != RLIM_INFINITY) {
        skip(); /* a limit of our own could not be lifted again */
    }
    const struct rlimit tight = {16 + 5 * 108 + 50, RLIM_INFINITY};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
    fill_the_disk(place, NULL, -EFBIG);
    signal(SIGXFSZ, action);
}

/* In a mount namespace of a child process, so that nothing is left behind. */
static int fill_a_small_disk(const struct place *place)
{
    static const char options[] = "size=256k";
    uint8_t ballast[64 * 1024] = {1};
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("small", place->folder, "tmpfs", 0, options) != 0) {
        return 77;
    }
    char *path = path_in(place->folder, "ballast");
    write_file(path, ballast, sizeof ballast);
    fill_the_disk(place, path, -ENOSPC);
    free(path);
    return 0;
}

static void a_full_disk_fails_cleanly(void **state)
{
    const struct place *place = *state;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        _exit(fill_a_small_disk(place)); /* an assertion that fails ends the child with another */
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
        print_message("may not mount a small disk here\n");
        skip();
    }
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void a_failed_sync_is_got_over_by_reopening(void **state)
{
    const struct place *place = *state;
    struct seglog *log = must_open(place, 0);
    append_numbers(log, 0, 3);
    fdatasync_error = EIO;
    assert_int_equal(seglog_sync(log), -EIO);
    fdatasync_error = 0;
    assert_int_equal(seglog_sync(log), -EIO);
    assert_int_equal(append_number(log, 3, NULL), -EIO);
    assert_int_equal(seglog_reopen(log), 0);
    append_numbers(log, 3, 12);
    assert_int_equal(seglog_sync(log), 0);
    struct seglog_reader *reader = must_read(place, begin);
    expect_numbers(reader, 0, 12);
    expect_end(reader);
    seglog_reader_close(reader);
    seglog_close(log);
}

static void a_deleted_directory_is_noticed_and_made_again(void **state)
{
    const struct place *place = *state;
    struct seglog *log = must_open(place, 0);
    append_numbers(log, 0, 5);
    struct seglog_reader *reader = must_read(place, begin);
    expect_numbers(reader, 0, 5);
    char *copy = strdup(place->directory);
    remove_folder(copy);
    append_numbers(log, 5, 6);
    assert_int_equal(seglog_sync(log), -ENOENT);
    assert_int_equal(seglog_reopen(log), 0);
    append_numbers(log, 6, 8);
    assert_int_equal(seglog_sync(log), 0);
    expect_numbers(reader, 5, 6); /* the deleted file is still open */
    assert_int_equal(seglog_end(log).segment, 2);
    expect_numbers(reader, 6, 8);
    expect_end(reader);
    seglog_close(log);
    /* Gone once more, and this time the writer is a new one that begins with 1 again. */
    copy = strdup(place->directory);
    remove_folder(copy);
    fill(place, 3);
    assert_int_equal(next_number(reader), -EBADMSG);
    expect_numbers(reader, 0, 3);
    expect_end(reader);
    seglog_reader_close(reader);
}

#define place_test(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)

int main(void)
{
    const struct CMUnitTest tests[] = {
        place_test(a_flip_costs_the_rest_of_its_segment),
        place_test(a_saved_position_skips_damage_before_it),
        place_test(a_file_that_is_no_segment_is_set_aside),
        place_test(a_number_in_quarantine_is_not_used_again),
        place_test(a_missing_segment_is_a_gap),
        place_test(what_replaces_lost_records_is_read),
        place_test(damage_that_cannot_be_copied_stops_nothing),
        place_test(the_good_records_are_always_read_in_order),
        place_test(a_file_at_its_limit_can_go_on_later),
        place_test(a_full_disk_fails_cleanly),
        place_test(a_failed_sync_is_got_over_by_reopening),
        place_test(a_deleted_directory_is_noticed_and_made_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
