/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/seglog.h"

#include "common/durable.h"
#include "common/recfile.h"
#include "common/xalloc.h"
#include "seglog_files.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct segment {
    uint64_t number;
    uint64_t bytes;
};

struct seglog {
    char *directory;
    struct seglog_options options;
    int lock_fd;              /* -1: another writer has it, or the directory is gone */
    struct segment *segments; /* oldest first */
    size_t count;
    uint64_t next_number; /* of the next segment to be made; never one that was used before */
    /* Appends to the last segment. NULL: all are from before, the next append begins a new one. */
    struct recfile_writer *writer;
    bool beginning; /* inside begin_segment */
};

int seglog_position_compare(struct seglog_position a, struct seglog_position b)
{
    if (a.segment != b.segment) {
        return a.segment < b.segment ? -1 : 1;
    }
    return a.offset < b.offset ? -1 : a.offset > b.offset;
}

static void add_segment(struct seglog *log, uint64_t number, uint64_t bytes)
{
    log->segments = xreallocarray(log->segments, log->count + 1, sizeof *log->segments);
    log->segments[log->count++] = (struct segment){.number = number, .bytes = bytes};
}

/* --- directory and lock --- */

static int make_folder(const char *path)
{
    if (mkdir(path, 0750) != 0) {
        return errno == EEXIST ? 0 : -errno;
    }
    return durable_sync_folder(path);
}

static int take_lock(struct seglog *log)
{
    int error = make_folder(log->directory);
    if (error != 0) {
        return error;
    }
    char *path = xasprintf("%s/lock", log->directory);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
    error = fd < 0 ? -errno : 0;
    free(path);
    if (error != 0) {
        return error;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        error = errno == EWOULDBLOCK ? -EBUSY : -errno;
        (void)close(fd); /* nothing was written */
        return error;
    }
    log->lock_fd = fd;
    return 0;
}

static void drop_lock(struct seglog *log)
{
    if (log->lock_fd >= 0) {
        (void)close(log->lock_fd); /* nothing was written */
        log->lock_fd = -1;
    }
}

/* The directory may have been deleted under us, and the lock file with it. */
static int renew_lock(struct seglog *log)
{
    struct stat status;
    if (log->lock_fd >= 0 && fstat(log->lock_fd, &status) == 0 && status.st_nlink > 0) {
        return 0;
    }
    drop_lock(log);
    return take_lock(log);
}

/* --- what is on the disk --- */

static void forget_segments(struct seglog *log)
{
    recfile_writer_close(log->writer);
    log->writer = NULL;
    free(log->segments);
    log->segments = NULL;
    log->count = 0;
}

/* A segment that was being made when its writer died: nobody has seen it. */
static int remove_unfinished(const char *directory)
{
    uint64_t *numbers;
    size_t count;
    int error = seglog_list(directory, SEGLOG_NEW, &numbers, &count);
    for (size_t i = 0; error == 0 && i < count; i++) {
        char *path = seglog_path(directory, SEGLOG_NEW, numbers[i]);
        if (unlink(path) != 0) {
            error = -errno;
        }
        free(path);
    }
    free(numbers);
    return error;
}

/* Moves a file without a good header out of the way. */
static int set_aside(const struct seglog *log, uint64_t number)
{
    char *from = seglog_path(log->directory, SEGLOG_LOG, number);
    char *to = seglog_path(log->directory, SEGLOG_WHOLE, number);
    int error = rename(from, to) != 0 ? -errno : 0;
    if (error == 0) {
        error = durable_sync_folder(to);
    }
    if (error == 0) {
        error = durable_sync_folder(from);
    }
    free(to);
    free(from);
    return error;
}

/* One segment: keeps its good prefix, quarantines the rest, gives back what is preallocated. Where
 * that cannot be done (no space, a bad sector), the file stays as it is and readers find the damage
 * on their own: a disk fault must not keep the rest from being used. */
static int recover_segment(struct seglog *log, uint64_t number, uint64_t *damaged_bytes)
{
    char *path = seglog_path(log->directory, SEGLOG_LOG, number);
    char *tail = seglog_path(log->directory, SEGLOG_TAIL, number);
    struct recfile_writer *segment;
    uint64_t damaged = 0;
    struct stat status;
    int error = stat(path, &status) != 0 ? -errno : 0;
    if (error != 0) {
        goto out;
    }
    error = recfile_append_open(&segment, path, tail, &damaged);
    if (error == 0) {
        add_segment(log, number, recfile_size(segment));
        if ((uint64_t)status.st_size > recfile_size(segment)) {
            (void)recfile_seal(segment); /* only space is at stake */
        }
        recfile_writer_close(segment);
        goto out;
    }
    if (error == -EBADMSG || error == -EIO) {
        damaged = (uint64_t)status.st_size;
    } else if (damaged == 0) {
        goto out;
    }
    if (error != -EBADMSG || set_aside(log, number) != 0) {
        add_segment(log, number, (uint64_t)status.st_size);
    }
    error = 0;
out:
    *damaged_bytes += damaged;
    free(tail);
    free(path);
    return error;
}

/* A number is used once, also that of a segment which went to quarantine: a position saved by a
 * reader must never come to mean other records. */
static int count_numbers(struct seglog *log, const char *directory, enum seglog_file file)
{
    uint64_t *numbers;
    size_t count;
    int error = seglog_list(directory, file, &numbers, &count);
    if (error == 0 && count > 0 && numbers[count - 1] >= log->next_number) {
        log->next_number = numbers[count - 1] + 1;
    }
    free(numbers);
    return error;
}

static int load_segments(struct seglog *log, uint64_t *damaged_bytes)
{
    uint64_t *numbers;
    size_t count;
    int error = seglog_list(log->directory, SEGLOG_LOG, &numbers, &count);
    for (size_t i = 0; error == 0 && i < count; i++) {
        error = recover_segment(log, numbers[i], damaged_bytes);
    }
    free(numbers);
    return error;
}

/* Nothing is appended to a segment from before: after a power cut it may end before the place that
 * a reader has come to, and what is put there would never be read. */
static int load(struct seglog *log, uint64_t *damaged_bytes)
{
    *damaged_bytes = 0;
    forget_segments(log);
    char *quarantine = xasprintf("%s/quarantine", log->directory);
    /* If it cannot be made (a full disk), a damaged segment will stay as it is. */
    (void)make_folder(quarantine);
    int error = count_numbers(log, log->directory, SEGLOG_LOG);
    (void)count_numbers(log, quarantine, SEGLOG_WHOLE); /* what cannot be listed is not there */
    free(quarantine);
    if (error == 0) {
        error = remove_unfinished(log->directory);
    }
    if (error == 0) {
        error = load_segments(log, damaged_bytes);
    }
    if (error != 0) {
        forget_segments(log);
    }
    return error;
}

/* --- a new segment --- */

static int begin_segment(struct seglog *log)
{
    if (log->options.begin_segment == NULL) {
        return 0;
    }
    log->beginning = true;
    int error = log->options.begin_segment(log->options.context, log);
    log->beginning = false;
    /* What stands at its front must be durable before the segment has its name. */
    return error != 0 ? error : recfile_sync(log->writer);
}

/* Makes the next segment under a name that readers do not know, and shows it only when it is whole.
 * After a failure the last segment is still the one being written. */
static int make_segment(struct seglog *log)
{
    uint64_t number = log->next_number;
    char *hidden = seglog_path(log->directory, SEGLOG_NEW, number);
    char *path = seglog_path(log->directory, SEGLOG_LOG, number);
    struct recfile_writer *before = log->writer;
    (void)unlink(hidden); /* of a failure before; if it cannot be removed, creating it fails */
    int error = recfile_create(&log->writer, hidden, log->options.segment_bytes);
    if (error != 0) {
        log->writer = before;
        goto out;
    }
    add_segment(log, number, recfile_size(log->writer));
    error = begin_segment(log);
    if (error != 0) {
        goto fail;
    }
    if (rename(hidden, path) != 0) {
        error = -errno;
        goto fail;
    }
    log->next_number++; /* readers may have seen it: this number is used */
    error = durable_sync_folder(path);
    if (error != 0) {
        (void)unlink(path); /* best effort, `error` is reported */
        goto fail;
    }
    recfile_writer_close(before);
    goto out;
fail:
    recfile_writer_close(log->writer);
    log->writer = before;
    log->count--;
    (void)unlink(hidden); /* best effort: tried again before the next attempt */
out:
    free(path);
    free(hidden);
    return error;
}

static int roll(struct seglog *log)
{
    if (log->writer != NULL) {
        int error = recfile_seal(log->writer);
        if (error != 0) {
            return error;
        }
    }
    return make_segment(log);
}

/* --- the public functions --- */

int seglog_open(struct seglog **log, const char *directory, const struct seglog_options *options,
                uint64_t *damaged_bytes)
{
    assert(options->segment_bytes > 0);
    *damaged_bytes = 0;
    struct seglog *opened = xcalloc(1, sizeof *opened);
    opened->directory = xstrdup(directory);
    opened->options = *options;
    opened->lock_fd = -1;
    opened->next_number = 1;
    int error = take_lock(opened);
    if (error == 0) {
        error = load(opened, damaged_bytes);
    }
    if (error != 0) {
        seglog_close(opened);
        return error;
    }
    *log = opened;
    return 0;
}

int seglog_append(struct seglog *log, const void *payload, size_t size, struct seglog_position *end)
{
    if (size == 0 || size > RECFILE_RECORD_MAX) {
        return -EMSGSIZE; /* before a segment is begun for nothing */
    }
    if (log->lock_fd < 0) {
        return -EBUSY;
    }
    if (!log->beginning &&
        (log->writer == NULL || recfile_size(log->writer) >= log->options.segment_bytes)) {
        int error = roll(log);
        if (error != 0) {
            return error;
        }
    }
    int error = recfile_append(log->writer, payload, size, NULL);
    if (error != 0) {
        return error;
    }
    log->segments[log->count - 1].bytes = recfile_size(log->writer);
    if (end != NULL) {
        *end = seglog_end(log);
    }
    return 0;
}

int seglog_sync(struct seglog *log)
{
    if (log->writer == NULL) {
        return 0;
    }
    int error = recfile_sync(log->writer);
    if (error == 0 && recfile_writer_unlinked(log->writer)) {
        return -ENOENT; /* written, and lost: somebody deleted the file */
    }
    return error;
}

int seglog_reopen(struct seglog *log)
{
    forget_segments(log);
    int error = renew_lock(log);
    if (error != 0) {
        return error;
    }
    uint64_t damaged_bytes; /* the quarantine shows it */
    return load(log, &damaged_bytes);
}

int seglog_trim(struct seglog *log, struct seglog_position position)
{
    size_t gone = 0;
    int error = 0;
    while (gone + 1 < log->count) {
        const struct segment *oldest = &log->segments[gone];
        struct seglog_position end = {oldest->number, oldest->bytes};
        if (seglog_position_compare(end, position) > 0) {
            break;
        }
        char *path = seglog_path(log->directory, SEGLOG_LOG, oldest->number);
        error = unlink(path) != 0 && errno != ENOENT ? -errno : 0;
        free(path);
        if (error != 0) {
            break;
        }
        gone++;
    }
    /* No fsync of the folder: a segment that comes back after a power cut is trimmed again. */
    log->count -= gone;
    for (size_t i = 0; gone > 0 && i < log->count; i++) {
        log->segments[i] = log->segments[i + gone];
    }
    return error;
}

struct seglog_position seglog_first(const struct seglog *log)
{
    if (log->count == 0) {
        return seglog_end(log);
    }
    return (struct seglog_position){log->segments[0].number, RECFILE_HEADER_SIZE};
}

struct seglog_position seglog_end(const struct seglog *log)
{
    if (log->count == 0) {
        return (struct seglog_position){log->next_number, RECFILE_HEADER_SIZE};
    }
    const struct segment *last = &log->segments[log->count - 1];
    return (struct seglog_position){last->number, last->bytes};
}

uint64_t seglog_bytes(const struct seglog *log)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < log->count; i++) {
        bytes += log->segments[i].bytes;
    }
    return bytes;
}

void seglog_close(struct seglog *log)
{
    if (log == NULL) {
        return;
    }
    if (log->writer != NULL) {
        (void)recfile_seal(log->writer); /* only space is at stake: what counts was synced */
    }
    forget_segments(log);
    drop_lock(log);
    free(log->directory);
    free(log);
}
