/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The journal's promises: every batch once and in order, nothing acknowledged that is not on disk,
 * whatever the sender repeats and whatever the disk does. */
#include "common/xalloc.h"
#include "journal/journal.h"
#include "support.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { SEGMENT = 64 * 1024, READ_MAX = 4096 };

static const struct wall NOW = {INT64_C(1767225600000)};

struct place {
    char *folder;
    char *directory;
    struct journal *journal;
};

static void open_place(struct place *place, uint64_t segment_bytes)
{
    char reason[256] = "";
    uint64_t damaged = 0;
    assert_int_equal(journal_open(&place->journal, place->directory, segment_bytes, &damaged,
                                  reason, sizeof reason),
                     0);
    assert_int_equal(damaged, 0);
}

static int set_up(void **state)
{
    struct place *place = xcalloc(1, sizeof *place);
    bad_disk = (struct bad_disk){0};
    place->folder = make_folder();
    place->directory = xasprintf("%s/journal", place->folder);
    open_place(place, SEGMENT);
    *state = place;
    return 0;
}

static int tear_down(void **state)
{
    struct place *place = *state;
    bad_disk = (struct bad_disk){0};
    journal_close(place->journal);
    free(place->directory);
    remove_folder(place->folder);
    free(place);
    return 0;
}

static void restart(struct place *place)
{
    journal_close(place->journal);
    open_place(place, SEGMENT);
}

static int append_as(struct place *place, const char *agent, struct stream_position position,
                     uint64_t first, enum journal_verdict *verdict)
{
    size_t size;
    uint8_t *batch = make_batch(&position, position.sequence, &size);
    int rc = journal_append(place->journal, agent, NOW, &position, first, batch, size, verdict);
    free(batch);
    return rc;
}

/* Of agent "a", the oldest it has being `first`. */
static enum journal_verdict append(struct place *place, uint8_t stream, uint64_t epoch,
                                   uint64_t sequence, uint64_t first)
{
    enum journal_verdict verdict;
    assert_int_equal(append_as(place, "a", position_of(stream, epoch, sequence), first, &verdict),
                     0);
    return verdict;
}

/* "1/1 1/2 …": epoch and sequence of what a reader sees of a stream from a position on. */
static const char *contents_from(const struct place *place, uint8_t stream,
                                 struct seglog_position from)
{
    static char text[READ_MAX];
    struct journal_reader *reader;
    struct journal_record record;
    struct seglog_position position;
    struct seglog_position next = from;
    size_t used = 0;
    text[0] = '\0';
    assert_int_equal(journal_reader_open(&reader, place->directory, from), 0);
    for (;;) {
        int rc = journal_reader_next(reader, &record, &position, &next);
        if (rc == 0) {
            break;
        }
        assert_int_equal(rc, 1);
        struct stream_position at;
        assert_int_equal(batch_peek_position(record.batch, record.batch_size, &at), 0);
        assert_string_equal(record.agent, "a");
        assert_int_equal(record.received.ms, NOW.ms);
        assert_true(seglog_position_compare(position, next) < 0);
        if (at.stream[0] == stream && used < sizeof text) {
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%llu/%llu",
                                     used == 0 ? "" : " ", (unsigned long long)at.epoch,
                                     (unsigned long long)at.sequence);
        }
    }
    journal_reader_close(reader);
    return text;
}

static const char *contents(const struct place *place, uint8_t stream)
{
    return contents_from(place, stream, (struct seglog_position){0, 0});
}

static void assert_stands(const struct place *place, uint8_t stream, uint64_t epoch,
                          uint64_t sequence)
{
    struct stream_position wanted = position_of(stream, epoch, sequence);
    struct stream_position position;
    int rc = journal_stream_position(place->journal, wanted.stream, &position);
    if (sequence == 0) {
        assert_int_equal(rc, -ENOENT);
        return;
    }
    assert_int_equal(rc, 0);
    assert_int_equal(stream_position_compare(&position, &wanted), 0);
}

/* --- turns --- */

static void batches_in_turn_are_appended(void **state)
{
    struct place *place = *state;
    assert_stands(place, 7, 0, 0);
    for (uint64_t i = 1; i <= 3; i++) {
        assert_int_equal(append(place, 7, 1, i, 1), JOURNAL_APPENDED);
    }
    assert_stands(place, 7, 0, 0); /* nothing is durable yet */
    assert_string_equal(contents(place, 7), "");
    assert_int_equal(journal_sync(place->journal), 0);
    assert_stands(place, 7, 1, 3);
    assert_string_equal(contents(place, 7), "1/1 1/2 1/3");
    assert_string_equal(journal_stream_agent(place->journal, position_of(7, 0, 0).stream), "a");
    assert_null(journal_stream_agent(place->journal, position_of(8, 0, 0).stream));
}

static void duplicates_are_not_appended(void **state)
{
    struct place *place = *state;
    assert_int_equal(append(place, 7, 1, 1, 1), JOURNAL_APPENDED);
    assert_int_equal(append(place, 7, 1, 1, 1), JOURNAL_DUPLICATE);
    assert_int_equal(append(place, 7, 1, 2, 1), JOURNAL_APPENDED);
    assert_int_equal(journal_sync(place->journal), 0);
    assert_int_equal(append(place, 7, 1, 1, 1), JOURNAL_DUPLICATE);
    assert_int_equal(append(place, 7, 1, 2, 2), JOURNAL_DUPLICATE);
    assert_int_equal(append(place, 7, 0, 3, 3), JOURNAL_DUPLICATE); /* of an epoch that is over */
    assert_string_equal(contents(place, 7), "1/1 1/2");
}

static void batch_lost_on_the_wire_is_waited_for(void **state)
{
    struct place *place = *state;
    assert_int_equal(append(place, 7, 1, 1, 1), JOURNAL_APPENDED);
    assert_int_equal(append(place, 7, 1, 3, 2), JOURNAL_OUT_OF_TURN);
    assert_int_equal(append(place, 7, 2, 5, 2), JOURNAL_OUT_OF_TURN);
    assert_int_equal(append(place, 8, 1, 5, 4), JOURNAL_OUT_OF_TURN); /* of a new stream */
    assert_int_equal(append(place, 7, 1, 2, 2), JOURNAL_APPENDED);
    assert_int_equal(append(place, 7, 1, 3, 2), JOURNAL_APPENDED);
    assert_int_equal(journal_sync(place->journal), 0);
    assert_string_equal(contents(place, 7), "1/1 1/2 1/3");
    assert_string_equal(contents(place, 8), "");
}

static void batch_dropped_by_its_sender_is_passed(void **state)
{
    struct place *place = *state;
    assert_int_equal(append(place, 7, 1, 1, 1), JOURNAL_APPENDED);
    assert_int_equal(append(place, 7, 1, 4, 4), JOURNAL_JUMPED);
    assert_int_equal(append(place, 7, 1, 5, 4), JOURNAL_APPENDED);
    assert_int_equal(append(place, 8, 3, 9, 9), JOURNAL_JUMPED); /* the collector is new */
    assert_int_equal(journal_sync(place->journal), 0);
    assert_string_equal(contents(place, 7), "1/1 1/4 1/5");
    assert_string_equal(contents(place, 8), "3/9");
}

static void new_epoch_goes_on_or_begins_again(void **state)
{
    struct place *place = *state;
    assert_int_equal(append(place, 7, 1, 1, 1), JOURNAL_APPENDED);
    assert_int_equal(append(place, 7, 2, 2, 2), JOURNAL_APPENDED);
    assert_int_equal(append(place, 7, 3, 1, 1), JOURNAL_APPENDED);
    assert_int_equal(append(place, 7, 2, 3, 3), JOURNAL_DUPLICATE);
    assert_int_equal(journal_sync(place->journal), 0);
    assert_stands(place, 7, 3, 1);
    assert_string_equal(contents(place, 7), "1/1 2/2 3/1");
}

static void foreign_stream_is_refused(void **state)
{
    struct place *place = *state;
    enum journal_verdict verdict;
    assert_int_equal(append(place, 7, 1, 1, 1), JOURNAL_APPENDED);
    for (uint64_t i = 1; i <= 2; i++) {
        assert_int_equal(append_as(place, "b", position_of(7, 1, i), i, &verdict), 0);
        assert_int_equal(verdict, JOURNAL_FOREIGN);
    }
    assert_int_equal(journal_sync(place->journal), 0);
    restart(place);
    assert_int_equal(append_as(place, "b", position_of(7, 1, 2), 2, &verdict), 0);
    assert_int_equal(verdict, JOURNAL_FOREIGN);
    assert_string_equal(contents(place, 7), "1/1");
}

static void position_without_sequence_is_an_error(void **state)
{
    struct place *place = *state;
    enum journal_verdict verdict;
    const struct stream_position position = position_of(7, 1, 0);
    const uint8_t byte = 1;
    assert_int_equal(journal_append(place->journal, "a", NOW, &position, 0, &byte, 1, &verdict),
                     -EINVAL);
}

/* --- restarts --- */

static void restart_remembers_every_stream(void **state)
{
    struct place *place = *state;
    for (uint8_t stream = 1; stream <= 5; stream++) {
        assert_int_equal(append(place, stream, 1, 1, 1), JOURNAL_APPENDED);
        assert_int_equal(append(place, stream, 1, 2, 1), JOURNAL_APPENDED);
    }
    assert_int_equal(journal_sync(place->journal), 0);
    for (int i = 0; i < 3; i++) {
        restart(place);
        for (uint8_t stream = 1; stream <= 5; stream++) {
            assert_stands(place, stream, 1, 2);
            assert_int_equal(append(place, stream, 1, 2, 1), JOURNAL_DUPLICATE);
        }
    }
    assert_int_equal(append(place, 3, 1, 3, 3), JOURNAL_APPENDED);
    assert_int_equal(journal_sync(place->journal), 0);
    assert_string_equal(contents(place, 3), "1/1 1/2 1/3");
}

static void second_writer_is_refused(void **state)
{
    struct place *place = *state;
    struct journal *second;
    uint64_t damaged;
    char reason[256] = "";
    assert_int_equal(
        journal_open(&second, place->directory, SEGMENT, &damaged, reason, sizeof reason), -EBUSY);
    assert_non_null(strstr(reason, "another process"));
}

static struct seglog_position end_of(const struct place *place)
{
    struct journal_reader *reader;
    struct journal_record record;
    struct seglog_position position;
    struct seglog_position next = {0, 0};
    assert_int_equal(journal_reader_open(&reader, place->directory, next), 0);
    while (journal_reader_next(reader, &record, &position, &next) == 1) {
    }
    journal_reader_close(reader);
    return next;
}

static size_t count_segments(const struct place *place)
{
    size_t count = 0;
    DIR *folder = opendir(place->directory);
    assert_non_null(folder);
    for (const struct dirent *item = readdir(folder); item != NULL; item = readdir(folder)) {
        count += strstr(item->d_name, ".log") != NULL;
    }
    closedir(folder);
    return count;
}

/* A quiet stream's last batch is trimmed away; it must be known all the same. */
static void trimmed_stream_is_still_known(void **state)
{
    struct place *place = *state;
    journal_close(place->journal);
    open_place(place, 2048); /* some 20 batches */
    assert_int_equal(append(place, 1, 1, 1, 1), JOURNAL_APPENDED);
    assert_int_equal(append(place, 1, 1, 2, 1), JOURNAL_APPENDED);
    for (uint64_t i = 1; i <= 100; i++) {
        assert_int_equal(append(place, 2, 1, i, 1), JOURNAL_APPENDED);
    }
    assert_int_equal(journal_sync(place->journal), 0);
    assert_true(count_segments(place) > 3);
    uint64_t before = journal_bytes(place->journal);
    struct seglog_position end = end_of(place);
    assert_int_equal(journal_trim(place->journal, end), 0);
    assert_int_equal(count_segments(place), 1);
    assert_true(journal_bytes(place->journal) < before);
    assert_string_equal(contents(place, 1), "");
    restart(place);
    assert_stands(place, 1, 1, 2);
    assert_stands(place, 2, 1, 100);
    assert_int_equal(append(place, 1, 1, 2, 2), JOURNAL_DUPLICATE);
    assert_int_equal(append(place, 1, 1, 3, 3), JOURNAL_APPENDED);
    assert_int_equal(journal_sync(place->journal), 0);
    assert_string_equal(contents_from(place, 1, end), "1/3");
}

static void trim_beyond_the_end_is_refused(void **state)
{
    struct place *place = *state;
    assert_int_equal(append(place, 1, 1, 1, 1), JOURNAL_APPENDED);
    assert_int_equal(journal_sync(place->journal), 0);
    struct seglog_position end = end_of(place);
    end.offset++;
    assert_int_equal(journal_trim(place->journal, end), -EINVAL);
    assert_string_equal(contents(place, 1), "1/1");
}

static void stalest_stream_of_an_agent_is_forgotten(void **state)
{
    struct place *place = *state;
    enum { STREAMS = 17 };
    enum journal_verdict verdict;
    assert_int_equal(append_as(place, "b", position_of(200, 1, 1), 1, &verdict), 0);
    for (uint8_t i = 1; i < STREAMS; i++) {
        assert_int_equal(append(place, i, 1, 1, 1), JOURNAL_APPENDED);
    }
    assert_int_equal(append(place, 1, 1, 2, 2), JOURNAL_APPENDED); /* now 2 is the stalest */
    assert_int_equal(append(place, STREAMS, 1, 1, 1), JOURNAL_APPENDED);
    assert_int_equal(journal_sync(place->journal), 0);
    for (int i = 0; i < 2; i++) {
        assert_stands(place, 1, 1, 2);
        assert_stands(place, 2, 0, 0);
        assert_stands(place, 3, 1, 1);
        assert_stands(place, STREAMS, 1, 1);
        assert_stands(place, 200, 1, 1); /* another agent's */
        restart(place);
    }
}

/* --- reading while it is written --- */

static void reader_waits_for_what_is_durable(void **state)
{
    struct place *place = *state;
    struct journal_reader *reader;
    struct journal_record record;
    struct seglog_position position;
    struct seglog_position next;
    char *nowhere = xasprintf("%s/not-yet", place->folder);
    assert_int_equal(journal_reader_open(&reader, nowhere, (struct seglog_position){0, 0}), 0);
    assert_int_equal(journal_reader_next(reader, &record, &position, &next), 0);
    journal_reader_close(reader);
    free(nowhere);

    assert_int_equal(journal_reader_open(&reader, place->directory, (struct seglog_position){0, 0}),
                     0);
    for (uint64_t i = 1; i <= 3; i++) {
        assert_int_equal(journal_reader_next(reader, &record, &position, &next), 0);
        assert_int_equal(append(place, 1, 1, i, 1), JOURNAL_APPENDED);
        assert_int_equal(journal_reader_next(reader, &record, &position, &next), 0);
        assert_int_equal(journal_sync(place->journal), 0);
        assert_int_equal(journal_reader_next(reader, &record, &position, &next), 1);
    }
    assert_int_equal(journal_reader_next(reader, &record, &position, &next), 0);
    journal_reader_close(reader);
    assert_string_equal(contents_from(place, 1, position), "1/3");
}

/* --- a disk that fails --- */

static char *newest_segment(const struct place *place)
{
    char newest[NAME_MAX + 1] = "";
    DIR *folder = opendir(place->directory);
    assert_non_null(folder);
    for (const struct dirent *item = readdir(folder); item != NULL; item = readdir(folder)) {
        if (strstr(item->d_name, ".log") != NULL && strcmp(item->d_name, newest) > 0) {
            (void)snprintf(newest, sizeof newest, "%s", item->d_name);
        }
    }
    closedir(folder);
    return xasprintf("%s/%s", place->directory, newest);
}

static void damaged_tail_is_sent_again(void **state)
{
    struct place *place = *state;
    char reason[256] = "";
    uint64_t damaged = 0;
    struct stat status;
    for (uint64_t i = 1; i <= 3; i++) {
        assert_int_equal(append(place, 7, 1, i, 1), JOURNAL_APPENDED);
    }
    assert_int_equal(journal_sync(place->journal), 0);
    journal_close(place->journal);
    open_place(place, SEGMENT); /* gives back what was preallocated */
    journal_close(place->journal);
    char *path = newest_segment(place);
    assert_int_equal(stat(path, &status), 0);
    int fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, "?", 1, status.st_size - 1), 1);
    close(fd);
    free(path);
    assert_int_equal(
        journal_open(&place->journal, place->directory, SEGMENT, &damaged, reason, sizeof reason),
        0);
    assert_true(damaged > 0);
    assert_stands(place, 7, 1, 2);
    assert_int_equal(append(place, 7, 1, 3, 3), JOURNAL_APPENDED);
    assert_int_equal(journal_sync(place->journal), 0);
    assert_string_equal(contents(place, 7), "1/1 1/2 1/3");
}

static void failed_sync_acknowledges_nothing(void **state)
{
    struct place *place = *state;
    enum journal_verdict verdict;
    assert_int_equal(append(place, 7, 1, 1, 1), JOURNAL_APPENDED);
    assert_int_equal(journal_sync(place->journal), 0);
    assert_int_equal(append(place, 7, 1, 2, 1), JOURNAL_APPENDED);
    assert_int_equal(append(place, 8, 1, 1, 1), JOURNAL_APPENDED);
    bad_disk.fdatasync_errno = EIO;
    assert_int_equal(journal_sync(place->journal), -EIO);
    assert_stands(place, 7, 1, 1);
    assert_stands(place, 8, 0, 0);
    /* It goes on failing: now already with the segment that would have to begin … */
    assert_int_equal(append_as(place, "a", position_of(7, 1, 2), 1, &verdict), -EIO);
    assert_int_equal(journal_sync(place->journal), 0);
    assert_stands(place, 7, 1, 1);
    assert_string_equal(contents(place, 7), "1/1");
    /* … and recovers by itself. */
    bad_disk.fdatasync_errno = 0;
    assert_int_equal(append(place, 7, 1, 2, 1), JOURNAL_APPENDED);
    assert_int_equal(append(place, 8, 1, 1, 1), JOURNAL_APPENDED);
    assert_int_equal(journal_sync(place->journal), 0);
    assert_string_equal(contents(place, 7), "1/1 1/2");
    assert_string_equal(contents(place, 8), "1/1");
    restart(place);
    assert_stands(place, 7, 1, 2);
    assert_string_equal(contents(place, 7), "1/1 1/2");
}

/* The same with a sync that fails when a segment is full, under batches that wait for theirs. */
static void failed_sync_of_a_full_segment(void **state)
{
    struct place *place = *state;
    enum journal_verdict verdict;
    journal_close(place->journal);
    open_place(place, 1024);
    uint64_t sequence = 1;
    assert_int_equal(append(place, 7, 1, sequence, 1), JOURNAL_APPENDED);
    assert_int_equal(journal_sync(place->journal), 0);
    bad_disk.fdatasync_errno = EIO;
    int rc = 0;
    while (rc == 0) {
        rc = append_as(place, "a", position_of(7, 1, ++sequence), 2, &verdict);
    }
    assert_int_equal(rc, -EIO);
    assert_true(sequence > 3);
    assert_int_equal(journal_sync(place->journal), -EIO);
    assert_stands(place, 7, 1, 1);
    bad_disk.fdatasync_errno = 0;
    for (uint64_t i = 2; i <= 4; i++) {
        assert_int_equal(append(place, 7, 1, i, 2), JOURNAL_APPENDED);
    }
    assert_int_equal(journal_sync(place->journal), 0);
    assert_string_equal(contents(place, 7), "1/1 1/2 1/3 1/4");
}

static void full_disk_refuses_and_recovers(void **state)
{
    struct place *place = *state;
    enum journal_verdict verdict;
    static const int faults[] = {ENOSPC, EIO, EDQUOT};
    assert_int_equal(append(place, 7, 1, 1, 1), JOURNAL_APPENDED);
    assert_int_equal(journal_sync(place->journal), 0);
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        bad_disk.pwritev_errno = faults[i];
        bad_disk.ftruncate_errno = faults[i] == EIO ? EIO : 0; /* what is written stays a riddle */
        for (int k = 0; k < 3; k++) {
            assert_int_equal(append_as(place, "a", position_of(7, 1, 2 + i), 2, &verdict),
                             -faults[i]);
            assert_int_equal(journal_sync(place->journal), 0);
            assert_stands(place, 7, 1, 1 + i);
        }
        bad_disk.pwritev_errno = 0;
        bad_disk.ftruncate_errno = 0;
        assert_int_equal(append(place, 7, 1, 2 + i, 2), JOURNAL_APPENDED);
        assert_int_equal(journal_sync(place->journal), 0);
    }
    assert_string_equal(contents(place, 7), "1/1 1/2 1/3 1/4");
}

/* What waits for its sync when another append fails is not lost with it. */
static void full_disk_in_a_group(void **state)
{
    struct place *place = *state;
    enum journal_verdict verdict;
    assert_int_equal(append(place, 7, 1, 1, 1), JOURNAL_APPENDED);
    bad_disk.pwritev_errno = ENOSPC;
    assert_int_equal(append_as(place, "a", position_of(7, 1, 2), 1, &verdict), -ENOSPC);
    assert_int_equal(journal_sync(place->journal), 0);
    assert_stands(place, 7, 1, 1);
    bad_disk.pwritev_errno = 0;
    assert_int_equal(append(place, 7, 1, 2, 2), JOURNAL_APPENDED);
    assert_int_equal(journal_sync(place->journal), 0);
    assert_string_equal(contents(place, 7), "1/1 1/2");
}

int main(void)
{
#define ON_DISK(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        ON_DISK(batches_in_turn_are_appended),
        ON_DISK(duplicates_are_not_appended),
        ON_DISK(batch_lost_on_the_wire_is_waited_for),
        ON_DISK(batch_dropped_by_its_sender_is_passed),
        ON_DISK(new_epoch_goes_on_or_begins_again),
        ON_DISK(foreign_stream_is_refused),
        ON_DISK(position_without_sequence_is_an_error),
        ON_DISK(restart_remembers_every_stream),
        ON_DISK(second_writer_is_refused),
        ON_DISK(trimmed_stream_is_still_known),
        ON_DISK(trim_beyond_the_end_is_refused),
        ON_DISK(stalest_stream_of_an_agent_is_forgotten),
        ON_DISK(reader_waits_for_what_is_durable),
        ON_DISK(damaged_tail_is_sent_again),
        ON_DISK(failed_sync_acknowledges_nothing),
        ON_DISK(failed_sync_of_a_full_segment),
        ON_DISK(full_disk_refuses_and_recovers),
        ON_DISK(full_disk_in_a_group),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
