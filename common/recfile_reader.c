/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/recfile.h"

#include "common/xalloc.h"
#include "recfile_layout.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* What one read fetches, where the record does not need more: some hundred records of a quiet
 * agent, few enough to be thrown away at the live end. */
enum { WINDOW_BYTES = 64 * 1024 };

struct recfile_reader {
    int fd;
    bool own_fd;
    uint64_t offset; /* of the next record's frame */
    /* The window: `filled` bytes of the file from `base` on. */
    uint8_t *window;
    size_t capacity;
    size_t filled;
    uint64_t base;
};

/* Reads until `size` bytes are there or the file ends. 0 or -errno. */
static int read_full(int fd, uint8_t *bytes, size_t size, uint64_t offset, size_t *got)
{
    *got = 0;
    while (*got < size) {
        ssize_t n = pread(fd, bytes + *got, size - *got, (off_t)(offset + *got));
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return -errno;
        }
        if (n == 0) {
            break;
        }
        *got += (size_t)n;
    }
    return 0;
}

/* Makes the window hold `size` bytes from `offset` on, or all that the file has of them; `*got`
 * says how many. */
static int look(struct recfile_reader *reader, uint64_t offset, size_t size, const uint8_t **bytes,
                size_t *got)
{
    bool inside = offset >= reader->base && offset - reader->base <= reader->filled;
    size_t skip = inside ? (size_t)(offset - reader->base) : 0;
    if (!inside || reader->filled - skip < size) {
        size_t wanted = size > WINDOW_BYTES ? size : WINDOW_BYTES;
        if (wanted > reader->capacity) {
            free(reader->window);
            reader->window = xmalloc(wanted);
            reader->capacity = wanted;
        }
        reader->base = offset;
        reader->filled = 0;
        skip = 0;
        int error = read_full(reader->fd, reader->window, wanted, offset, &reader->filled);
        if (error != 0) {
            reader->filled = 0;
            return error;
        }
    }
    *bytes = reader->window + skip;
    *got = reader->filled - skip < size ? reader->filled - skip : size;
    return 0;
}

static bool all_zero(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != 0) {
            return false;
        }
    }
    return true;
}

static int next_record(struct recfile_reader *reader, const uint8_t **payload, size_t *size)
{
    const uint8_t *bytes;
    size_t got;
    int error = look(reader, reader->offset, RECFILE_FRAME_SIZE, &bytes, &got);
    if (error != 0) {
        return error;
    }
    if (got < RECFILE_FRAME_SIZE) {
        return all_zero(bytes, got) ? 0 : -EBADMSG;
    }
    uint32_t n = recfile_get_u32(bytes);
    if (n == 0) {
        return 0;
    }
    if (n > RECFILE_RECORD_MAX) {
        return -EBADMSG;
    }
    error = look(reader, reader->offset, RECFILE_FRAME_SIZE + (size_t)n, &bytes, &got);
    if (error != 0) {
        return error;
    }
    /* The frame is looked at again: the window may have been read anew. */
    if (got < RECFILE_FRAME_SIZE + (size_t)n || recfile_get_u32(bytes) != n ||
        recfile_get_u32(bytes + 4) != recfile_record_crc(bytes, bytes + RECFILE_FRAME_SIZE, n)) {
        return -EBADMSG;
    }
    *payload = bytes + RECFILE_FRAME_SIZE;
    *size = n;
    reader->offset += RECFILE_FRAME_SIZE + (uint64_t)n;
    return 1;
}

int recfile_next(struct recfile_reader *reader, const uint8_t **payload, size_t *size)
{
    int rc = next_record(reader, payload, size);
    if (rc != 1) {
        reader->filled = 0; /* what is read here may be different the next time */
    }
    return rc;
}

int recfile_reader_attach(struct recfile_reader **reader, int fd)
{
    uint8_t expected[RECFILE_HEADER_SIZE];
    uint8_t header[RECFILE_HEADER_SIZE];
    size_t got;
    int error = read_full(fd, header, sizeof header, 0, &got);
    if (error != 0) {
        return error;
    }
    recfile_make_header(expected);
    if (got < sizeof header || memcmp(header, expected, sizeof header) != 0) {
        return -EBADMSG;
    }
    *reader = xcalloc(1, sizeof **reader);
    (*reader)->fd = fd;
    (*reader)->offset = RECFILE_HEADER_SIZE;
    return 0;
}

int recfile_reader_open(struct recfile_reader **reader, const char *path, uint64_t offset)
{
    if (offset != 0 && (offset < RECFILE_HEADER_SIZE || offset > INT64_MAX)) {
        return -EINVAL;
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        return -errno;
    }
    int error = recfile_reader_attach(reader, fd);
    if (error != 0) {
        (void)close(fd); /* read-only: nothing left to fail */
        return error;
    }
    (*reader)->own_fd = true;
    if (offset != 0) {
        (*reader)->offset = offset;
    }
    return 0;
}

uint64_t recfile_reader_offset(const struct recfile_reader *reader)
{
    return reader->offset;
}

bool recfile_reader_unlinked(const struct recfile_reader *reader)
{
    struct stat status;
    return fstat(reader->fd, &status) == 0 && status.st_nlink == 0;
}

void recfile_reader_close(struct recfile_reader *reader)
{
    if (reader == NULL) {
        return;
    }
    if (reader->own_fd) {
        (void)close(reader->fd); /* read-only: nothing left to fail */
    }
    free(reader->window);
    free(reader);
}
