/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A log of records in numbered segment files (recfile) of one directory: appended at the end, read
 * from any position, cut at the front a whole segment at a time. The agent's spool and the
 * collector's journal are each one seglog.
 *
 * Files are DIR/%016x.log; damaged tails go to DIR/quarantine/. Opening never stops at damage: the
 * good prefix of each segment stays, the rest is quarantined and reported.
 *
 * Threads: a handle belongs to one thread. One writer per directory (flock on DIR/lock; a second
 * one gets -EBUSY); any number of readers, also in other processes. */
#ifndef COMMON_SEGLOG_H
#define COMMON_SEGLOG_H

#include <stddef.h>
#include <stdint.h>

/* Where a record's frame begins; {0, 0} is the start of the oldest segment. Ordered by segment,
 * then offset. */
struct seglog_position {
    uint64_t segment;
    uint64_t offset;
};
int seglog_position_compare(struct seglog_position a, struct seglog_position b);

struct seglog;

struct seglog_options {
    /* A new segment begins when this one has grown to so much, and with the first append after
     * opening. So much is preallocated for it. */
    uint64_t segment_bytes;
    /* Called first in every new segment, with a function to append records that make the segment
     * stand alone (the journal's snapshot). May be NULL. A failure of it fails the append. Readers
     * see the segment when all of these records are durable. */
    int (*begin_segment)(void *context, struct seglog *log);
    void *context;
};

struct seglog_reader;

/* Opens or makes the directory (its parent must exist). `*damaged_bytes` as recfile_append_open,
 * summed over the segments. */
int seglog_open(struct seglog **log, const char *directory, const struct seglog_options *options,
                uint64_t *damaged_bytes);
/* As recfile_append; `*end` (may be NULL) is the position after the record. A failure leaves the
 * log as it was; -ENOSPC is retried in the same place by the next append. */
int seglog_append(struct seglog *log, const void *payload, size_t size,
                  struct seglog_position *end);
/* -ENOENT: the segment was deleted under us, and what was appended to it is lost. */
int seglog_sync(struct seglog *log);
/* After a failed sync: look at the disk again (make the directory if it is gone), quarantine what
 * is damaged. 0 or -errno. */
int seglog_reopen(struct seglog *log);
/* Unlink every segment that ends at or before `position`; the one being written stays. */
int seglog_trim(struct seglog *log, struct seglog_position position);
/* Positions of the oldest record and of the end. */
struct seglog_position seglog_first(const struct seglog *log);
struct seglog_position seglog_end(const struct seglog *log);
/* Sum of all segments, preallocated space not counted. */
uint64_t seglog_bytes(const struct seglog *log);
void seglog_close(struct seglog *log);

/* Read from `from` on; if its segment is gone, from the oldest one there is. -ENOENT: no such
 * directory. A position past the last record of its segment (a power cut took records that had been
 * read) goes on after that record. */
int seglog_reader_open(struct seglog_reader **reader, const char *directory,
                       struct seglog_position from);
/* 1: a record, `*position` is where it began (valid payload until the next call). 0: at the end for
 * now. -EBADMSG: the rest of this segment is damaged or its file is missing; the reader has moved
 * on to the next segment, and the caller records a gap and calls again. In the newest segment,
 * damage is reported as end (0): its writer is alive or will cut it. Otherwise -errno. */
int seglog_next(struct seglog_reader *reader, const uint8_t **payload, size_t *size,
                struct seglog_position *position);
/* Where the next record will begin. */
struct seglog_position seglog_reader_position(const struct seglog_reader *reader);
void seglog_reader_close(struct seglog_reader *reader);

#endif
