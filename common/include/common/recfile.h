/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One file of CRC32C-framed records that only grows: the ground of the agent's spool and of the
 * collector's journal. It promises that a reader sees exactly the records that were appended, in
 * order, or learns where the file is damaged; it knows nothing of what the records mean.
 *
 * Layout (little-endian): file header of 16 bytes: "BFRECF01", u32 version = 1, u32 CRC32C of the
 * 12 bytes before. Record: u32 size of the payload (1 to RECFILE_RECORD_MAX), u32 CRC32C over the
 * size's four bytes and the payload, payload. The file may be preallocated: a size of 0 is the
 * clean end. Anything else that does not check is damage.
 *
 * Threads: a handle belongs to one thread; several readers and one writer may share a file. */
#ifndef COMMON_RECFILE_H
#define COMMON_RECFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    RECFILE_HEADER_SIZE = 16,
    RECFILE_FRAME_SIZE = 8,
    /* One wire message (4 MiB) and room for what is written around it. */
    RECFILE_RECORD_MAX = 5 * 1024 * 1024,
};

struct recfile_writer;
struct recfile_reader;

/* Create a new file (-EEXIST if it is there), preallocate `reserve_bytes` (0: none; where the file
 * system cannot or has no room, it goes on without), write the header and fsync file and directory.
 * 0 or -errno; after a failure no file is left. */
int recfile_create(struct recfile_writer **writer, const char *path, uint64_t reserve_bytes);

/* Open for appending after the last good record. What follows it, if it is not zeros, is copied to
 * the end of `quarantine_path` and cut off; `*damaged_bytes` says how much (0: the file was clean),
 * also when the copy fails: the file is then untouched. A file without a good header is -EBADMSG
 * and untouched. */
int recfile_append_open(struct recfile_writer **writer, const char *path,
                        const char *quarantine_path, uint64_t *damaged_bytes);

/* Append one record; `*offset` (may be NULL) is where its frame begins. Not durable until
 * recfile_sync. On -ENOSPC, -EIO … the file ends where it ended before. -EMSGSIZE: size is 0 or
 * over the limit. */
int recfile_append(struct recfile_writer *writer, const void *payload, size_t size,
                   uint64_t *offset);
/* fdatasync. After a failure the handle refuses to append (-EIO): the kernel may have dropped the
 * pages, so only a fresh open can tell what is there. */
int recfile_sync(struct recfile_writer *writer);
/* Give back what is preallocated and was not used, and sync: the file will not grow any more. */
int recfile_seal(struct recfile_writer *writer);
/* True if the file was deleted meanwhile: what is written into it now is lost. */
bool recfile_writer_unlinked(const struct recfile_writer *writer);
/* Offset after the last record. */
uint64_t recfile_size(const struct recfile_writer *writer);
/* Closes without syncing. NULL is allowed. */
void recfile_writer_close(struct recfile_writer *writer);

/* Open for reading at `offset` (0: the first record). */
int recfile_reader_open(struct recfile_reader **reader, const char *path, uint64_t offset);
/* 1: `*payload` (valid until the next call) and `*size` hold the next record. 0: clean end for
 * now; a later call may find more. -EBADMSG: damage at recfile_reader_offset; the file's rest
 * cannot be read. Otherwise -errno. A record that is being appended at this moment shows as end
 * or as damage: a live reader asks again before it believes in damage. */
int recfile_next(struct recfile_reader *reader, const uint8_t **payload, size_t *size);
/* Offset of the next record's frame, or of the damage. */
uint64_t recfile_reader_offset(const struct recfile_reader *reader);
/* True if the file was deleted meanwhile: nothing will be added to it. */
bool recfile_reader_unlinked(const struct recfile_reader *reader);
void recfile_reader_close(struct recfile_reader *reader);

#endif
