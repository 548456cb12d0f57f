/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "seglog_support.h"

#include "common/xalloc.h"
#include "support.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

int make_place(void **state)
{
    struct place *place = xcalloc(1, sizeof *place);
    place->folder = make_folder();
    place->directory = path_in(place->folder, "log");
    *state = place;
    return 0;
}

int remove_place(void **state)
{
    struct place *place = *state;
    free(place->directory);
    remove_folder(place->folder);
    free(place);
    return 0;
}

struct seglog *must_open(const struct place *place, uint64_t damaged_expected)
{
    const struct seglog_options options = {.segment_bytes = SEGMENT_BYTES};
    struct seglog *log = NULL;
    uint64_t damaged = 99;
    assert_int_equal(seglog_open(&log, place->directory, &options, &damaged), 0);
    assert_int_equal(damaged, damaged_expected);
    return log;
}

static void make_record(uint32_t number, uint8_t record[RECORD_SIZE])
{
    for (size_t i = 0; i < RECORD_SIZE; i++) {
        record[i] = (uint8_t)(number * 31 + i);
    }
    memcpy(record, &number, sizeof number);
}

int append_number(struct seglog *log, uint32_t number, struct seglog_position *end)
{
    uint8_t record[RECORD_SIZE];
    make_record(number, record);
    return seglog_append(log, record, sizeof record, end);
}

void append_numbers(struct seglog *log, uint32_t first, uint32_t end)
{
    for (uint32_t number = first; number < end; number++) {
        assert_int_equal(append_number(log, number, NULL), 0);
    }
}

struct seglog_reader *must_read(const struct place *place, struct seglog_position from)
{
    struct seglog_reader *reader = NULL;
    assert_int_equal(seglog_reader_open(&reader, place->directory, from), 0);
    return reader;
}

int64_t next_number(struct seglog_reader *reader)
{
    const uint8_t *payload;
    size_t size;
    uint32_t number;
    uint8_t expected[RECORD_SIZE];
    struct seglog_position position;
    struct seglog_position before = seglog_reader_position(reader);
    int rc = seglog_next(reader, &payload, &size, &position);
    if (rc != 1) {
        return rc == 0 ? -1 : rc;
    }
    struct seglog_position after = seglog_reader_position(reader);
    assert_true(seglog_position_compare(position, before) >= 0);
    assert_true(seglog_position_compare(after, position) > 0);
    assert_int_equal(size, RECORD_SIZE);
    memcpy(&number, payload, sizeof number);
    make_record(number, expected);
    assert_memory_equal(payload, expected, size);
    return number;
}

void expect_numbers(struct seglog_reader *reader, uint32_t first, uint32_t end)
{
    for (uint32_t number = first; number < end; number++) {
        assert_int_equal(next_number(reader), number);
    }
}

void expect_end(struct seglog_reader *reader)
{
    assert_int_equal(next_number(reader), -1);
}

char *segment_path(const struct place *place, unsigned number)
{
    return xasprintf("%s/%016x.log", place->directory, number);
}

int count_segments(const struct place *place)
{
    DIR *folder = opendir(place->directory);
    assert_non_null(folder);
    int count = 0;
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        count += strlen(entry->d_name) == 20 && strcmp(entry->d_name + 16, ".log") == 0;
    }
    closedir(folder);
    return count;
}
