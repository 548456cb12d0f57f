/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/recfile.h"

#include "common/durable.h"
#include "common/xalloc.h"
#include "recfile_layout.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { COPY_BYTES = 64 * 1024 };

struct recfile_writer {
    int fd;
    uint64_t size; /* the end of the last record */
    bool failed;   /* what is on the disk is not known any more */
};

static int truncate_to(int fd, uint64_t size)
{
    while (ftruncate(fd, (off_t)size) != 0) {
        if (errno != EINTR) {
            return -errno;
        }
    }
    return 0;
}

/* Takes away `skip` bytes that were written from the front of the vector. */
static void advance(struct iovec **part, int *parts, size_t skip)
{
    while (*parts > 0 && skip >= (*part)->iov_len) {
        skip -= (*part)->iov_len;
        ++*part;
        --*parts;
    }
    if (*parts > 0) {
        (*part)->iov_base = (uint8_t *)(*part)->iov_base + skip;
        (*part)->iov_len -= skip;
    }
}

static int write_at(int fd, struct iovec *part, int parts, uint64_t offset)
{
    while (parts > 0) {
        ssize_t n = pwritev(fd, part, parts, (off_t)offset);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return -errno;
        }
        if (n == 0) {
            return -EIO; /* no progress and no reason: do not spin */
        }
        offset += (uint64_t)n;
        advance(&part, &parts, (size_t)n);
    }
    return 0;
}

static struct recfile_writer *new_writer(int fd, uint64_t size)
{
    struct recfile_writer *writer = xcalloc(1, sizeof *writer);
    writer->fd = fd;
    writer->size = size;
    return writer;
}

/* --- create --- */

/* Blocks for what is to come, so that an append cannot fail for space and fdatasync need not write
 * a new file size. A file system that cannot do it, or has no room for it now, is no failure. */
static int reserve(int fd, uint64_t bytes)
{
    if (bytes == 0 || bytes > INT64_MAX) {
        return 0;
    }
    int rc;
    do {
        rc = fallocate(fd, 0, 0, (off_t)bytes);
    } while (rc != 0 && errno == EINTR);
    return rc == 0 ? 0 : truncate_to(fd, 0); /* it may have got part of them */
}

int recfile_create(struct recfile_writer **writer, const char *path, uint64_t reserve_bytes)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    if (fd < 0) {
        return -errno;
    }
    int error = reserve(fd, reserve_bytes);
    if (error != 0) {
        goto fail;
    }
    uint8_t header[RECFILE_HEADER_SIZE];
    recfile_make_header(header);
    struct iovec part = {.iov_base = header, .iov_len = sizeof header};
    error = write_at(fd, &part, 1, 0);
    if (error == 0 && fsync(fd) != 0) {
        error = -errno;
    }
    if (error == 0) {
        error = durable_sync_folder(path);
    }
    if (error != 0) {
        goto fail;
    }
    *writer = new_writer(fd, RECFILE_HEADER_SIZE);
    return 0;
fail:
    (void)unlink(path); /* best effort: the failure that counts is already known */
    (void)close(fd);    /* the file is thrown away */
    return error;
}

/* --- open for appending --- */

/* Offset after the last byte in [from, end of file) that is not zero; `from` if there is none. */
static int find_last_byte(int fd, uint64_t from, uint64_t *end)
{
    uint8_t *buffer = xmalloc(COPY_BYTES);
    int error = 0;
    *end = from;
    for (;;) {
        ssize_t n = pread(fd, buffer, COPY_BYTES, (off_t)from);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            error = n < 0 ? -errno : 0;
            break;
        }
        for (size_t i = (size_t)n; i > 0; i--) {
            if (buffer[i - 1] != 0) {
                *end = from + i;
                break;
            }
        }
        from += (uint64_t)n;
    }
    free(buffer);
    return error;
}

static int copy_range(int from_fd, uint64_t from, uint64_t end, int to_fd, uint64_t to)
{
    uint8_t *buffer = xmalloc(COPY_BYTES);
    int error = 0;
    while (error == 0 && from < end) {
        size_t wanted = end - from < COPY_BYTES ? (size_t)(end - from) : COPY_BYTES;
        ssize_t n = pread(from_fd, buffer, wanted, (off_t)from);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            error = n < 0 ? -errno : -EIO; /* a file that shrinks has another writer */
            break;
        }
        struct iovec part = {.iov_base = buffer, .iov_len = (size_t)n};
        error = write_at(to_fd, &part, 1, to);
        from += (uint64_t)n;
        to += (uint64_t)n;
    }
    free(buffer);
    return error;
}

/* Adds the bytes to the end of the quarantine file (an earlier damage may stand there). After a
 * failure it is as it was before. */
static int quarantine(int fd, uint64_t from, uint64_t end, const char *path)
{
    int copy = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0640);
    if (copy < 0) {
        return -errno;
    }
    struct stat status;
    if (fstat(copy, &status) != 0) {
        int error = -errno;
        (void)close(copy); /* nothing was written */
        return error;
    }
    int error = copy_range(fd, from, end, copy, (uint64_t)status.st_size);
    if (error == 0 && fsync(copy) != 0) {
        error = -errno;
    }
    if (error == 0) {
        error = durable_sync_folder(path);
    }
    if (error != 0) {
        (void)truncate_to(copy, (uint64_t)status.st_size); /* best effort, `error` is reported */
        if (status.st_size == 0) {
            (void)unlink(path); /* likewise */
        }
    }
    if (close(copy) != 0 && error == 0) {
        error = -errno;
    }
    return error;
}

/* Where the good records end. */
static int find_end(int fd, uint64_t *end)
{
    struct recfile_reader *reader;
    int rc = recfile_reader_attach(&reader, fd);
    if (rc != 0) {
        return rc;
    }
    do {
        const uint8_t *payload;
        size_t size;
        rc = recfile_next(reader, &payload, &size);
    } while (rc == 1);
    *end = recfile_reader_offset(reader);
    recfile_reader_close(reader);
    return rc == -EBADMSG ? 0 : rc;
}

int recfile_append_open(struct recfile_writer **writer, const char *path,
                        const char *quarantine_path, uint64_t *damaged_bytes)
{
    *damaged_bytes = 0;
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        return -errno;
    }
    uint64_t good;
    uint64_t end;
    int error = find_end(fd, &good);
    if (error == 0) {
        error = find_last_byte(fd, good, &end);
    }
    if (error != 0) {
        goto fail;
    }
    if (end > good) {
        *damaged_bytes = end - good;
        error = quarantine(fd, good, end, quarantine_path);
        if (error == 0) {
            error = truncate_to(fd, good);
        }
    }
    /* Also without damage: what a killed writer left in the cache must not be taken for durable. */
    if (error == 0 && fsync(fd) != 0) {
        error = -errno;
    }
    if (error != 0) {
        goto fail;
    }
    *writer = new_writer(fd, good);
    return 0;
fail:
    (void)close(fd); /* nothing of ours is unsynced in it */
    return error;
}

/* --- append and sync --- */

int recfile_append(struct recfile_writer *writer, const void *payload, size_t size,
                   uint64_t *offset)
{
    if (size == 0 || size > RECFILE_RECORD_MAX) {
        return -EMSGSIZE;
    }
    if (writer->failed) {
        return -EIO;
    }
    uint8_t frame[RECFILE_FRAME_SIZE];
    recfile_put_u32(frame, (uint32_t)size);
    recfile_put_u32(frame + 4, recfile_record_crc(frame, payload, size));
    struct iovec parts[] = {
        {.iov_base = frame, .iov_len = sizeof frame},
        {.iov_base = (void *)(uintptr_t)payload, .iov_len = size}, /* pwritev only reads it */
    };
    int error = write_at(writer->fd, parts, 2, writer->size);
    if (error != 0) {
        /* A part of the record may be there. Cutting gives up what was reserved as well, which a
         * disk without space has better use for. */
        writer->failed = truncate_to(writer->fd, writer->size) != 0;
        return error;
    }
    if (offset != NULL) {
        *offset = writer->size;
    }
    writer->size += sizeof frame + size;
    return 0;
}

int recfile_sync(struct recfile_writer *writer)
{
    if (writer->failed) {
        return -EIO;
    }
    if (fdatasync(writer->fd) == 0) {
        return 0;
    }
    int error = -errno;
    writer->failed = true;
    /* After a failed write-back Linux keeps the pages but calls them clean, so that a fresh open
     * would see what the disk does not have. Forget them. */
    (void)posix_fadvise(writer->fd, 0, 0, POSIX_FADV_DONTNEED); /* advice: cannot be insisted on */
    return error;
}

int recfile_seal(struct recfile_writer *writer)
{
    if (writer->failed) {
        return -EIO;
    }
    int error = truncate_to(writer->fd, writer->size);
    return error != 0 ? error : recfile_sync(writer);
}

bool recfile_writer_unlinked(const struct recfile_writer *writer)
{
    struct stat status;
    return fstat(writer->fd, &status) == 0 && status.st_nlink == 0;
}

uint64_t recfile_size(const struct recfile_writer *writer)
{
    return writer->size;
}

void recfile_writer_close(struct recfile_writer *writer)
{
    if (writer == NULL) {
        return;
    }
    (void)close(writer->fd); /* by contract without syncing: what counts was synced before */
    free(writer);
}
