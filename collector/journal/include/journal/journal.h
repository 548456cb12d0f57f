/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The journal: every accepted batch, in the order it came, durable before it is acknowledged. It is
 * the only queue of the collector: intake writes it, store reads it. Each segment begins with a
 * snapshot of where every stream stood, so that a duplicate is known after older segments are gone.
 *
 * Threads: a handle belongs to one thread; one writer, any number of readers (also other
 * processes).
 */
#ifndef JOURNAL_JOURNAL_H
#define JOURNAL_JOURNAL_H

#include "common/seglog.h"
#include "proto/message.h"

struct journal;

/* Opens or makes the directory and reads the newest segment (or more, if need be) to learn where
 * each stream stands. `*damaged_bytes` as seglog_open. 0 or -errno with a reason. */
int journal_open(struct journal **journal, const char *directory, uint64_t segment_bytes,
                 uint64_t *damaged_bytes, char *reason, size_t reason_size);

enum journal_verdict {
    JOURNAL_APPENDED, /* in the file; durable after journal_sync */
    JOURNAL_JUMPED,   /* the same, and batches before it will never come (their sender lost them) */
    JOURNAL_DUPLICATE,   /* had it: acknowledge again */
    JOURNAL_OUT_OF_TURN, /* a batch before it is missing and can still come: do not acknowledge it
                          */
    JOURNAL_FOREIGN,     /* the stream belongs to another agent */
};

/* Decides by the batch's position and, if it is the next one of its stream, appends it. In turn is:
 * sequence = last + 1; or sequence = `first_sequence` and the position after the last one (the
 * first of a stream, or the sender dropped what was before; a new epoch may begin again lower). 0
 * with
 * `*verdict`, or -errno (nothing appended: -ENOSPC, -EIO …). */
int journal_append(struct journal *journal, const char *agent, struct wall received,
                   const struct stream_position *position, uint64_t first_sequence,
                   const uint8_t *batch, size_t batch_size, enum journal_verdict *verdict);
/* fdatasync. After a failure what was appended since the last sync is not to be acknowledged: the
 * journal goes back to what is on disk. */
int journal_sync(struct journal *journal);
/* The last durable position of a stream; -ENOENT: nothing of it yet. */
int journal_stream_position(const struct journal *journal, const uint8_t stream[PROTO_STREAM_SIZE],
                            struct stream_position *position);
/* The agent that a stream belongs to, valid until the next append; NULL: nobody's yet. */
const char *journal_stream_agent(const struct journal *journal,
                                 const uint8_t stream[PROTO_STREAM_SIZE]);
/* Unlink the segments before `position` (the store has applied them for good). -EINVAL:
 * that is beyond what is durable. */
int journal_trim(struct journal *journal, struct seglog_position position);
uint64_t journal_bytes(const struct journal *journal);
void journal_close(struct journal *journal);

/* --- reading: store --- */
struct journal_reader;
int journal_reader_open(struct journal_reader **reader, const char *directory,
                        struct seglog_position from);
/* Only what is durable is read: an entry shows after the journal_sync that made it so.
 * 1: an entry (snapshots are skipped), `*position` is where it begins, `*next` where the one after
 * it will; the record's pointers are valid until the next call. 0: at the end for now. -EBADMSG: a
 * stretch is damaged; the reader has moved on, log it and call again. -ESTALE: the journal ends
 * before `from`: for a moment after a power cut, until its writer has opened it; else it
 * was deleted or replaced. Otherwise -errno. */
int journal_reader_next(struct journal_reader *reader, struct journal_record *record,
                        struct seglog_position *position, struct seglog_position *next);
void journal_reader_close(struct journal_reader *reader);

#endif
