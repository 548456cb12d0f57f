/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the tests of seglog share: a log in a folder of its own, records that carry their number,
 * and what a reader makes of them. */
#ifndef TEST_SEGLOG_SUPPORT_H
#define TEST_SEGLOG_SUPPORT_H

#include "common/seglog.h"

#include <stdint.h>

struct place {
    char *folder;
    char *directory; /* of the log; not made yet */
};
int make_place(void **state);
int remove_place(void **state);

/* Records of 100 bytes in segments that end after the tenth. */
enum { RECORD_SIZE = 100, SEGMENT_RECORDS = 10, SEGMENT_BYTES = 16 + SEGMENT_RECORDS * 108 };

struct seglog *must_open(const struct place *place, uint64_t damaged_expected);
/* Record `number`, all of it made from the number. */
int append_number(struct seglog *log, uint32_t number, struct seglog_position *end);
void append_numbers(struct seglog *log, uint32_t first, uint32_t end);

struct seglog_reader *must_read(const struct place *place, struct seglog_position from);
/* The next record's number; below 0: what seglog_next said, -1 for the end. */
int64_t next_number(struct seglog_reader *reader);
void expect_numbers(struct seglog_reader *reader, uint32_t first, uint32_t end);
void expect_end(struct seglog_reader *reader);

/* The file of a segment; the caller frees it. */
char *segment_path(const struct place *place, unsigned number);
int count_segments(const struct place *place);

#endif
