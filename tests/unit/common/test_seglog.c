/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A log in segments: appended, read from anywhere, cut at the front, and its writer and readers in
 * different processes. Damage has a test of its own, test_seglog_damage. */
#include "seglog_support.h"
#include "support.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static const struct seglog_position begin = {0, 0};

static void positions_are_ordered(void **state)
{
    (void)state;
    const struct seglog_position a = {1, 900};
    const struct seglog_position b = {2, 16};
    const struct seglog_position c = {2, 17};
    assert_true(seglog_position_compare(a, b) < 0);
    assert_true(seglog_position_compare(b, a) > 0);
    assert_true(seglog_position_compare(b, c) < 0);
    assert_true(seglog_position_compare(c, b) > 0);
    assert_int_equal(seglog_position_compare(b, b), 0);
}

static void a_new_log_is_empty(void **state)
{
    const struct place *place = *state;
    struct seglog *log = must_open(place, 0);
    struct seglog_reader *reader = must_read(place, begin);
    expect_end(reader);
    assert_int_equal(seglog_bytes(log), 0);
    assert_int_equal(seglog_position_compare(seglog_first(log), seglog_end(log)), 0);
    assert_int_equal(seglog_sync(log), 0);
    append_numbers(log, 0, 1);
    expect_numbers(reader, 0, 1); /* one that waited from the begin */
    expect_end(reader);
    seglog_reader_close(reader);
    seglog_close(log);
    seglog_close(NULL);
    seglog_reader_close(NULL);
}

static void records_are_read_from_anywhere(void **state)
{
    const struct place *place = *state;
    enum { COUNT = 35 };
    struct seglog_position ends[COUNT];
    struct seglog *log = must_open(place, 0);
    for (uint32_t i = 0; i < COUNT; i++) {
        assert_int_equal(append_number(log, i, &ends[i]), 0);
        assert_int_equal(seglog_position_compare(ends[i], seglog_end(log)), 0);
    }
    assert_int_equal(count_segments(place), 4);
    assert_int_equal(seglog_bytes(log), 4 * 16 + COUNT * 108);
    assert_int_equal(seglog_first(log).segment, 1);
    assert_int_equal(seglog_first(log).offset, 16);
    struct seglog_reader *reader = must_read(place, begin);
    expect_numbers(reader, 0, COUNT);
    expect_end(reader);
    seglog_reader_close(reader);
    for (uint32_t i = 0; i < COUNT; i++) {
        reader = must_read(place, ends[i]);
        assert_int_equal(seglog_position_compare(seglog_reader_position(reader), ends[i]), 0);
        expect_numbers(reader, i + 1, COUNT);
        expect_end(reader);
        assert_int_equal(seglog_position_compare(seglog_reader_position(reader), seglog_end(log)),
                         0);
        seglog_reader_close(reader);
    }
    seglog_close(log);
}

static void a_position_inside_a_record_is_its_begin(void **state)
{
    const struct place *place = *state;
    struct seglog *log = must_open(place, 0);
    append_numbers(log, 0, 5);
    for (uint64_t skip = 1; skip < 108; skip++) {
        struct seglog_reader *reader = must_read(place, (struct seglog_position){1, 124 + skip});
        expect_numbers(reader, 1, 5);
        seglog_reader_close(reader);
    }
    seglog_close(log);
}

static void sizes_are_checked_before_a_segment_begins(void **state)
{
    const struct place *place = *state;
    struct seglog *log = must_open(place, 0);
    assert_int_equal(seglog_append(log, "", 0, NULL), -EMSGSIZE);
    assert_int_equal(count_segments(place), 0);
    seglog_close(log);
}

static void it_goes_on_after_a_restart(void **state)
{
    const struct place *place = *state;
    struct seglog *log = must_open(place, 0);
    append_numbers(log, 0, 13);
    struct seglog_position end = seglog_end(log);
    struct seglog_reader *live = must_read(place, begin);
    expect_numbers(live, 0, 13);
    seglog_close(log);
    log = must_open(place, 0);
    assert_int_equal(seglog_position_compare(seglog_end(log), end), 0);
    assert_int_equal(seglog_bytes(log), 2 * 16 + 13 * 108);
    expect_end(live);
    append_numbers(log, 13, 15);
    expect_numbers(live, 13, 15);
    expect_end(live);
    struct seglog_reader *reader = must_read(place, end);
    expect_numbers(reader, 13, 15);
    expect_end(reader);
    seglog_reader_close(reader);
    seglog_reader_close(live);
    seglog_close(log);
}

static void there_is_one_writer(void **state)
{
    const struct place *place = *state;
    const struct seglog_options options = {.segment_bytes = SEGMENT_BYTES};
    struct seglog *log = must_open(place, 0);
    struct seglog *second = NULL;
    uint64_t damaged;
    assert_int_equal(seglog_open(&second, place->directory, &options, &damaged), -EBUSY);
    seglog_close(log);
    assert_int_equal(seglog_open(&second, place->directory, &options, &damaged), 0);
    seglog_close(second);
    char *deep = path_in(place->folder, "no/log");
    assert_int_equal(seglog_open(&second, deep, &options, &damaged), -ENOENT);
    struct seglog_reader *reader = NULL;
    assert_int_equal(seglog_reader_open(&reader, deep, begin), -ENOENT);
    free(deep);
}

static void the_front_is_cut_in_whole_segments(void **state)
{
    const struct place *place = *state;
    struct seglog *log = must_open(place, 0);
    append_numbers(log, 0, 35);
    struct seglog_reader *slow = must_read(place, begin);
    expect_numbers(slow, 0, 3);
    struct seglog_reader *reader = must_read(place, begin);
    expect_numbers(reader, 0, 19);
    assert_int_equal(seglog_trim(log, seglog_reader_position(reader)), 0);
    assert_int_equal(count_segments(place), 3); /* record 19 is still to be read */
    assert_int_equal(seglog_first(log).segment, 2);
    expect_numbers(reader, 19, 20);
    assert_int_equal(seglog_trim(log, seglog_reader_position(reader)), 0);
    assert_int_equal(count_segments(place), 2);
    assert_int_equal(seglog_bytes(log), 2 * 16 + 15 * 108);
    /* Who stood in a segment reads it to its end, then learns of the gap. */
    expect_numbers(slow, 3, 10);
    assert_int_equal(next_number(slow), -EBADMSG);
    expect_numbers(slow, 20, 35);
    seglog_reader_close(slow);
    slow = must_read(place, (struct seglog_position){1, 16 + 108});
    assert_int_equal(seglog_reader_position(slow).segment, 3);
    expect_numbers(slow, 20, 35);
    seglog_reader_close(slow);
    /* The one that is written stays. */
    assert_int_equal(seglog_trim(log, (struct seglog_position){99, 0}), 0);
    assert_int_equal(count_segments(place), 1);
    append_numbers(log, 35, 36);
    assert_int_equal(next_number(reader), -EBADMSG);
    expect_numbers(reader, 30, 36);
    expect_end(reader);
    seglog_reader_close(reader);
    seglog_close(log);
}

/* --- begin_segment --- */

struct snapshot {
    int error; /* what begin_segment shall say after its first record */
    uint32_t calls;
};

static int write_snapshot(void *context, struct seglog *log)
{
    struct snapshot *snapshot = context;
    snapshot->calls++;
    int error = append_number(log, 1000 + snapshot->calls, NULL);
    if (error == 0 && snapshot->error != 0) {
        return snapshot->error;
    }
    return error != 0 ? error : append_number(log, 2000 + snapshot->calls, NULL);
}

static void every_segment_begins_with_its_snapshot(void **state)
{
    const struct place *place = *state;
    struct snapshot snapshot = {0};
    const struct seglog_options options = {
        .segment_bytes = SEGMENT_BYTES, .begin_segment = write_snapshot, .context = &snapshot};
    struct seglog *log = NULL;
    uint64_t damaged;
    assert_int_equal(seglog_open(&log, place->directory, &options, &damaged), 0);
    assert_int_equal(snapshot.calls, 0);
    struct seglog_reader *reader = must_read(place, begin);
    append_numbers(log, 0, 8);
    expect_numbers(reader, 1001, 1002);
    expect_numbers(reader, 2001, 2002);
    expect_numbers(reader, 0, 8);
    expect_end(reader);
    /* It fails half-way: no one sees any of it, and the log is as it was. */
    struct seglog_position end = seglog_end(log);
    snapshot.error = -EXDEV;
    assert_int_equal(append_number(log, 8, NULL), -EXDEV);
    assert_int_equal(append_number(log, 8, NULL), -EXDEV);
    assert_int_equal(seglog_position_compare(seglog_end(log), end), 0);
    assert_int_equal(seglog_bytes(log), 16 + 10 * 108);
    expect_end(reader);
    snapshot.error = 0;
    snapshot.calls = 1;
    append_numbers(log, 8, 9);
    expect_numbers(reader, 1002, 1003);
    expect_numbers(reader, 2002, 2003);
    expect_numbers(reader, 8, 9);
    expect_end(reader);
    seglog_reader_close(reader);
    seglog_close(log);
}

static void a_snapshot_may_be_larger_than_a_segment(void **state)
{
    const struct place *place = *state;
    struct snapshot snapshot = {0};
    const struct seglog_options options = {
        .segment_bytes = 100, .begin_segment = write_snapshot, .context = &snapshot};
    struct seglog *log = NULL;
    uint64_t damaged;
    assert_int_equal(seglog_open(&log, place->directory, &options, &damaged), 0);
    append_numbers(log, 0, 2);
    assert_int_equal(snapshot.calls, 2);
    struct seglog_reader *reader = must_read(place, begin);
    for (uint32_t i = 0; i < 2; i++) {
        expect_numbers(reader, 1001 + i, 1002 + i);
        expect_numbers(reader, 2001 + i, 2002 + i);
        expect_numbers(reader, i, i + 1);
    }
    expect_end(reader);
    seglog_reader_close(reader);
    seglog_close(log);
}

static void an_unfinished_segment_is_forgotten(void **state)
{
    const struct place *place = *state;
    seglog_close(must_open(place, 0));
    char *unfinished = path_in(place->directory, "0000000000000001.new");
    char *foreign = path_in(place->directory, "000000000000000x.log");
    write_file(unfinished, "half", 4);
    write_file(foreign, "not ours", 8);
    struct seglog *log = must_open(place, 0);
    assert_int_equal(access(unfinished, F_OK), -1);
    append_numbers(log, 0, 1);
    seglog_close(log);
    assert_int_equal(access(foreign, F_OK), 0);
    free(unfinished);
    free(foreign);
}

/* --- another process --- */

static void a_reader_follows_a_writer_in_another_process(void **state)
{
    const struct place *place = *state;
    enum { COUNT = 2000 };
    seglog_close(must_open(place, 0));
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        const struct seglog_options options = {.segment_bytes = SEGMENT_BYTES};
        struct seglog *log = NULL;
        uint64_t damaged;
        int error = seglog_open(&log, place->directory, &options, &damaged);
        for (uint32_t i = 0; error == 0 && i < COUNT; i++) {
            error = append_number(log, i, NULL);
        }
        _exit(error == 0 ? 0 : 1); /* as if killed: nothing is closed */
    }
    struct seglog_reader *reader = must_read(place, begin);
    uint32_t next = 0;
    time_t deadline = time(NULL) + 30;
    while (next < COUNT) {
        int64_t number = next_number(reader);
        if (number >= 0) {
            assert_int_equal(number, next);
            next++;
        } else {
            assert_int_equal(number, -1); /* never damage, never a gap */
            assert_true(time(NULL) < deadline);
        }
    }
    expect_end(reader);
    seglog_reader_close(reader);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    seglog_close(must_open(place, 0));
}

#define place_test(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(positions_are_ordered),
        place_test(a_new_log_is_empty),
        place_test(records_are_read_from_anywhere),
        place_test(a_position_inside_a_record_is_its_begin),
        place_test(sizes_are_checked_before_a_segment_begins),
        place_test(it_goes_on_after_a_restart),
        place_test(there_is_one_writer),
        place_test(the_front_is_cut_in_whole_segments),
        place_test(every_segment_begins_with_its_snapshot),
        place_test(a_snapshot_may_be_larger_than_a_segment),
        place_test(an_unfinished_segment_is_forgotten),
        place_test(a_reader_follows_a_writer_in_another_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
