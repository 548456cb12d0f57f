/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/seglog.h"

#include "common/recfile.h"
#include "common/xalloc.h"
#include "seglog_files.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

struct seglog_reader {
    char *directory;
    struct seglog_position position; /* segment 0: none was there yet */
    struct recfile_reader *file;     /* NULL: to be opened at `position` */
};

/* What the directory has, seen from one segment. */
struct neighbours {
    uint64_t oldest; /* 0: none */
    uint64_t next;   /* the first after the segment, 0: none */
    bool here;
};

static int look_around(const char *directory, uint64_t segment, struct neighbours *around)
{
    uint64_t *numbers;
    size_t count;
    *around = (struct neighbours){0};
    int error = seglog_list(directory, SEGLOG_LOG, &numbers, &count);
    if (error != 0) {
        return error;
    }
    for (size_t i = 0; i < count && around->next == 0; i++) {
        around->here = around->here || numbers[i] == segment;
        around->next = numbers[i] > segment ? numbers[i] : 0;
    }
    around->oldest = count > 0 ? numbers[0] : 0;
    free(numbers);
    return 0;
}

static void go_to(struct seglog_reader *reader, uint64_t segment)
{
    recfile_reader_close(reader->file);
    reader->file = NULL;
    reader->position = (struct seglog_position){segment, RECFILE_HEADER_SIZE};
}

static int open_segment(const struct seglog_reader *reader, uint64_t offset,
                        struct recfile_reader **file)
{
    char *path = seglog_path(reader->directory, SEGLOG_LOG, reader->position.segment);
    int error = recfile_reader_open(file, path, offset);
    free(path);
    return error;
}

/* --- opening --- */

static bool record_at(const struct seglog_reader *reader, uint64_t offset)
{
    struct recfile_reader *file;
    const uint8_t *payload;
    size_t size;
    if (open_segment(reader, offset, &file) != 0) {
        return false;
    }
    int rc = recfile_next(file, &payload, &size);
    recfile_reader_close(file);
    return rc == 1;
}

/* A saved position may lie behind the end of its segment, if a power cut took records that had
 * been read before they were durable; others stand there since, or will. So the place to go on is
 * the begin of the last record that does not lie wholly before `offset`. */
static int settle(struct seglog_reader *reader, uint64_t offset)
{
    struct recfile_reader *file;
    if (offset <= RECFILE_HEADER_SIZE || record_at(reader, offset)) {
        reader->position.offset = offset > RECFILE_HEADER_SIZE ? offset : RECFILE_HEADER_SIZE;
        return 0;
    }
    int rc = open_segment(reader, 0, &file);
    if (rc != 0) {
        /* Damaged or just gone: seglog_next will find out and say so. */
        return rc == -EBADMSG || rc == -ENOENT || rc == -EIO ? 0 : rc;
    }
    uint64_t begin;
    do {
        const uint8_t *payload;
        size_t size;
        begin = recfile_reader_offset(file);
        rc = begin < offset ? recfile_next(file, &payload, &size) : 0;
    } while (rc == 1 && recfile_reader_offset(file) <= offset);
    recfile_reader_close(file);
    reader->position.offset = begin;
    return rc >= 0 || rc == -EBADMSG || rc == -EIO ? 0 : rc;
}

int seglog_reader_open(struct seglog_reader **reader, const char *directory,
                       struct seglog_position from)
{
    struct neighbours around;
    int error = look_around(directory, from.segment, &around);
    if (error != 0) {
        return error;
    }
    struct seglog_reader *opened = xcalloc(1, sizeof *opened);
    opened->directory = xstrdup(directory);
    if (around.here) {
        go_to(opened, from.segment);
        error = settle(opened, from.offset);
    } else if (around.oldest != 0) {
        go_to(opened, around.oldest);
    }
    if (error != 0) {
        seglog_reader_close(opened);
        return error;
    }
    *reader = opened;
    return 0;
}

/* --- reading --- */

static int open_here(struct seglog_reader *reader)
{
    if (reader->position.segment == 0) {
        struct neighbours around;
        int error = look_around(reader->directory, 0, &around);
        if (error != 0 || around.oldest == 0) {
            return error != 0 ? error : -ENOENT;
        }
        go_to(reader, around.oldest);
    }
    return open_segment(reader, reader->position.offset, &reader->file);
}

/* One attempt: a record, the end, or damage. A file that is gone (-ENOENT) is none of them. */
static int try_next(struct seglog_reader *reader, const uint8_t **payload, size_t *size,
                    struct seglog_position *position)
{
    if (reader->file == NULL) {
        int error = open_here(reader);
        if (error != 0) {
            return error;
        }
    }
    int rc = recfile_next(reader->file, payload, size);
    if (rc == 1) {
        *position = reader->position;
        reader->position.offset = recfile_reader_offset(reader->file);
    }
    return rc;
}

/* Nothing newer is there. If our own file is gone all the same, somebody emptied the directory:
 * begin with what stands there now. */
static int wait_here(struct seglog_reader *reader, const struct neighbours *around, int rc)
{
    bool gone = reader->file == NULL ? !around->here : recfile_reader_unlinked(reader->file);
    if (gone && reader->position.segment != 0 && around->oldest != 0) {
        go_to(reader, around->oldest);
        return -EBADMSG;
    }
    return rc == -EBADMSG || rc == -ENOENT ? 0 : rc;
}

int seglog_next(struct seglog_reader *reader, const uint8_t **payload, size_t *size,
                struct seglog_position *position)
{
    for (;;) {
        int rc = try_next(reader, payload, size, position);
        if (rc == 1) {
            return rc;
        }
        if (rc != 0 && rc != -EBADMSG && rc != -ENOENT && rc != -EIO) {
            return rc;
        }
        struct neighbours around;
        uint64_t segment = reader->position.segment;
        int error = look_around(reader->directory, segment, &around);
        if (error != 0 && error != -ENOENT) {
            return error;
        }
        if (around.next == 0) {
            return wait_here(reader, &around, rc);
        }
        if (segment == 0) {
            continue; /* the first segment was made just now */
        }
        /* Its writer has left this segment, maybe since we looked: what is true now stays so. */
        rc = try_next(reader, payload, size, position);
        if (rc == 1) {
            return rc;
        }
        if (rc != 0 && rc != -EBADMSG && rc != -ENOENT && rc != -EIO) {
            return rc;
        }
        go_to(reader, around.next);
        if (rc != 0 || around.next != segment + 1) {
            return -EBADMSG;
        }
    }
}

struct seglog_position seglog_reader_position(const struct seglog_reader *reader)
{
    return reader->position;
}

void seglog_reader_close(struct seglog_reader *reader)
{
    if (reader == NULL) {
        return;
    }
    recfile_reader_close(reader->file);
    free(reader->directory);
    free(reader);
}
