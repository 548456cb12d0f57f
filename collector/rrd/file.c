/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rrd/file.h"

#include "common/durable.h"
#include "common/xalloc.h"
#include "feed.h"
#include "proto/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <rrd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum {
    COMPONENT_MAX = 200, /* NAME_MAX is 255; ".", ".rrd", ".tmp", "@<time>-NN" must fit too */
    COMPONENT_HASH = 16, /* bytes of SHA-256 */
    FILE_MAX = 64 * 1024 * 1024, /* 64 metrics of 350 kB are 22 MiB */
    FINE_ROWS_MAX = 8640,
    ARCHIVES = 8,
};

static int fail(int error, char *reason, size_t reason_size, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static int fail(int error, char *reason, size_t reason_size, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    (void)vsnprintf(reason, reason_size, format, list); /* cut if it must be */
    va_end(list);
    return error;
}

/* --- paths --- */

static bool is_plain(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

static char *encode_component(const char *name)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t size = strlen(name);
    char *text = xmalloc(size * 3 + COMPONENT_MAX + 1);
    size_t n = 0;
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = (uint8_t)name[i];
        if (is_plain(name[i]) && (i > 0 || name[i] != '.')) {
            text[n++] = name[i];
        } else {
            text[n++] = '%';
            text[n++] = digits[byte >> 4];
            text[n++] = digits[byte & 15];
        }
    }
    if (n > COMPONENT_MAX) {
        /* "~" stands in no encoded name, so the short form meets no other object's name. */
        uint8_t hash[KEYS_HASH_SIZE];
        keys_hash(name, size, hash);
        n = COMPONENT_MAX - 1 - 2 * COMPONENT_HASH;
        text[n++] = '~';
        for (size_t i = 0; i < COMPONENT_HASH; i++) {
            text[n++] = digits[hash[i] >> 4];
            text[n++] = digits[hash[i] & 15];
        }
    }
    text[n] = '\0';
    return text;
}

char *rrd_path(const char *directory, const char *device, const char *kind, const char *object)
{
    char *encoded_device = encode_component(device);
    char *encoded_kind = encode_component(kind);
    char *encoded_object = encode_component(object);
    char *path =
        xasprintf("%s/%s/%s/%s.rrd", directory, encoded_device, encoded_kind, encoded_object);
    free(encoded_object);
    free(encoded_kind);
    free(encoded_device);
    return path;
}

static char *temporary_path(const char *path)
{
    const char *slash = strrchr(path, '/');
    size_t folder = slash == NULL ? 0 : (size_t)(slash - path) + 1;
    return xasprintf("%.*s.%s.tmp", (int)folder, path, path + folder);
}

/* --- layout --- */

static int64_t step_of(const struct object *object)
{
    int64_t step_s = (object->interval_ms + 999) / 1000;
    return step_s < 1 ? 1 : step_s;
}

struct archive {
    const char *function;
    int64_t steps;
    int64_t rows;
};

static size_t add_archive(struct archive *archives, size_t n, const char *function, int64_t step_s,
                          int64_t row_s, int64_t span_s, int64_t rows_max)
{
    int64_t steps = (row_s + step_s - 1) / step_s;
    int64_t rows = (span_s + steps * step_s - 1) / (steps * step_s);
    rows = rows > rows_max ? rows_max : rows;
    for (size_t i = 0; i < n; i++) {
        /* A coarse step makes two archives alike: one, for the longer time. */
        if (archives[i].function == function && archives[i].steps == steps) {
            archives[i].rows = rows > archives[i].rows ? rows : archives[i].rows;
            return n;
        }
    }
    archives[n] = (struct archive){function, steps, rows};
    return n + 1;
}

static size_t lay_out(int64_t step_s, struct archive archives[ARCHIVES])
{
    static const char average[] = "AVERAGE";
    static const char max[] = "MAX";
    const int64_t day = 86400;
    size_t n = add_archive(archives, 0, average, step_s, step_s, 2 * day, FINE_ROWS_MAX);
    if (archives[0].rows * step_s < day) {
        n = add_archive(archives, n, average, step_s, 60, day, INT64_MAX);
    }
    n = add_archive(archives, n, average, step_s, 300, 31 * day, INT64_MAX);
    n = add_archive(archives, n, average, step_s, 3600, 365 * day, INT64_MAX);
    n = add_archive(archives, n, max, step_s, 3600, 365 * day, INT64_MAX);
    n = add_archive(archives, n, average, step_s, day, 3653 * day, INT64_MAX);
    return add_archive(archives, n, max, step_s, day, 3653 * day, INT64_MAX);
}

/* --- images: a file's bytes in memory, where librrd can open them --- */

static int open_file(const char *path, uint64_t *size, char *reason, size_t reason_size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) {
        int error = errno == ELOOP ? -EBADMSG : -errno;
        return fail(error, reason, reason_size, "cannot be opened: %s", strerror(errno));
    }
    struct stat status;
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size > FILE_MAX) {
        (void)close(fd); /* read-only */
        return fail(-EBADMSG, reason, reason_size, "not a regular file of a fitting size");
    }
    *size = (uint64_t)status.st_size;
    return fd;
}

static int read_all(int fd, uint8_t *bytes, size_t size)
{
    for (size_t used = 0; used < size;) {
        ssize_t n = read(fd, bytes + used, size - used);
        if (n < 0 && errno != EINTR) {
            return -errno;
        }
        if (n == 0) {
            return -EBADMSG; /* it shrank */
        }
        used += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

static int write_all(int fd, const uint8_t *bytes, size_t size)
{
    for (size_t used = 0; used < size;) {
        ssize_t n = write(fd, bytes + used, size - used);
        if (n < 0 && errno != EINTR) {
            return -errno;
        }
        used += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

struct memory_file {
    int fd;
    uint8_t *bytes;
    size_t size;
    char path[40];
};

static void memory_close(struct memory_file *memory)
{
    if (memory->bytes != NULL) {
        (void)munmap(memory->bytes, memory->size); /* our own mapping: cannot fail */
    }
    if (memory->fd >= 0) {
        (void)close(memory->fd); /* no disk behind it */
    }
}

static int memory_read(struct memory_file *memory, const char *path, char *reason,
                       size_t reason_size)
{
    uint64_t size = 0;
    *memory = (struct memory_file){.fd = -1};
    int fd = open_file(path, &size, reason, reason_size);
    if (fd < 0) {
        return fd;
    }
    int error = size == 0 ? -EBADMSG : 0;
    memory->size = (size_t)size;
    if (error == 0) {
        memory->fd = memfd_create("rrd", MFD_CLOEXEC);
        error = memory->fd < 0 || ftruncate(memory->fd, (off_t)size) != 0 ? -errno : 0;
    }
    if (error == 0) {
        void *bytes = mmap(NULL, memory->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
                           memory->fd, 0);
        memory->bytes = bytes == MAP_FAILED ? NULL : bytes;
        error = bytes == MAP_FAILED ? -errno : read_all(fd, memory->bytes, memory->size);
    }
    (void)close(fd); /* read-only */
    if (error != 0) {
        memory_close(memory);
        return fail(error, reason, reason_size, "cannot be read: %s",
                    size == 0 ? "it is empty" : strerror(-error));
    }
    (void)snprintf(memory->path, sizeof memory->path, "/proc/self/fd/%d", memory->fd);
    return 0;
}

/* Replace `path` by the bytes, all or nothing. */
static int replace_file(const char *path, const uint8_t *bytes, size_t size, char *reason,
                        size_t reason_size)
{
    char *temporary = temporary_path(path);
    int error = 0;
    (void)unlink(temporary); /* what a killed process left; mostly there is none */
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    if (fd < 0) {
        error = -errno;
    } else {
        error = write_all(fd, bytes, size);
        if (error == 0 && fsync(fd) != 0) {
            error = -errno;
        }
        if (close(fd) != 0 && error == 0) {
            error = -errno;
        }
        if (error == 0 && rename(temporary, path) != 0) {
            error = -errno;
        }
        if (error != 0) {
            (void)unlink(temporary); /* best effort: the next update removes it */
        }
    }
    free(temporary);
    return error == 0 ? 0
                      : fail(error, reason, reason_size, "cannot be written: %s", strerror(-error));
}

/* --- checks --- */

static int compare_object(const uint8_t *bytes, const struct rrd_header *header,
                          const struct object *object, char *reason, size_t reason_size)
{
    char names[PROTO_METRICS_MAX][RRD_NAME_SIZE];
    if (rrd_names(object->metrics, object->n_metrics, names) != 0) {
        return fail(-EINVAL, reason, reason_size, "no file can hold such metrics");
    }
    if (header->step_s != step_of(object)) {
        return fail(-ESTALE, reason, reason_size, "its step is %" PRId64 " s, not %" PRId64,
                    header->step_s, step_of(object));
    }
    if (header->n_sources != object->n_metrics) {
        return fail(-ESTALE, reason, reason_size, "it has %zu metrics, not %zu", header->n_sources,
                    object->n_metrics);
    }
    for (size_t i = 0; i < header->n_sources; i++) {
        const struct metric *metric = &object->metrics[i];
        if (strcmp(rrd_header_name(bytes, i), names[i]) != 0 ||
            rrd_header_is_counter(bytes, i) != (metric->type == METRIC_COUNTER)) {
            return fail(-ESTALE, reason, reason_size, "metric %zu is not %s of that type", i,
                        metric->name);
        }
    }
    return 0;
}

int rrd_file_check(const char *path, const struct object *object, char *reason, size_t reason_size)
{
    uint64_t size = 0;
    struct rrd_header header;
    int fd = open_file(path, &size, reason, reason_size);
    if (fd < 0) {
        return fd;
    }
    size_t head = size < RRD_HEADER_MAX ? (size_t)size : RRD_HEADER_MAX;
    uint8_t *bytes = xmalloc(head + 1);
    int error = read_all(fd, bytes, head);
    if (error != 0) {
        error = fail(error, reason, reason_size, "cannot be read: %s", strerror(-error));
    }
    if (error == 0) {
        error = rrd_header_parse(bytes, head, size, &header, reason, reason_size);
    }
    if (error == 0 && object != NULL) {
        error = compare_object(bytes, &header, object, reason, reason_size);
    }
    free(bytes);
    (void)close(fd); /* read-only */
    return error;
}

/* --- creation --- */

/* librrd says neither errno nor whether its last buffer reached the disk. */
static int creation_error(const char *folder)
{
    struct statvfs status;
    bool full = statvfs(folder, &status) == 0 &&
                (status.f_bavail * status.f_frsize < FILE_MAX || status.f_favail == 0);
    return full ? -ENOSPC : -EIO;
}

static int create_with_librrd(const char *path, const struct object *object,
                              char names[PROTO_METRICS_MAX][RRD_NAME_SIZE], int64_t last_s,
                              char *reason, size_t reason_size)
{
    struct archive archives[ARCHIVES];
    const char *args[PROTO_METRICS_MAX + ARCHIVES];
    char *owned[PROTO_METRICS_MAX + ARCHIVES];
    int64_t step_s = step_of(object);
    size_t n_archives = lay_out(step_s, archives);
    size_t n = 0;
    for (size_t i = 0; i < object->n_metrics; i++) {
        bool counter = object->metrics[i].type == METRIC_COUNTER;
        owned[n++] = xasprintf("DS:%s:%s:%" PRId64 ":%s:U", names[i], counter ? "DERIVE" : "GAUGE",
                               (step_s * 5 + 1) / 2, counter ? "0" : "U");
    }
    for (size_t i = 0; i < n_archives; i++) {
        owned[n++] = xasprintf("RRA:%s:0.5:%" PRId64 ":%" PRId64, archives[i].function,
                               archives[i].steps, archives[i].rows);
    }
    for (size_t i = 0; i < n; i++) {
        args[i] = owned[i];
    }
    rrd_clear_error();
    int error = 0;
    if (rrd_create_r2(path, (unsigned long)step_s, (time_t)last_s, 0, NULL, NULL, (int)n, args) !=
        0) {
        error = fail(-EIO, reason, reason_size, "%s", rrd_get_error());
    }
    for (size_t i = 0; i < n; i++) {
        free(owned[i]);
    }
    return error;
}

static int sync_file(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    int error = fchmod(fd, 0640) != 0 || fsync(fd) != 0 ? -errno : 0;
    (void)close(fd); /* fsync said it all */
    return error;
}

int rrd_file_create(const char *path, const struct object *object, struct wall first, char *reason,
                    size_t reason_size)
{
    /* One step before the first row, so that its gauges stand for a whole interval as any other's
     * do. */
    int64_t last_s = (first.ms - 1) / 1000 - step_of(object);
    char names[PROTO_METRICS_MAX][RRD_NAME_SIZE];
    if (rrd_names(object->metrics, object->n_metrics, names) != 0 || object->interval_ms < 1 ||
        object->interval_ms > PROTO_INTERVAL_MAX_MS || last_s < 1 || last_s > RRD_TIME_MAX_S) {
        return fail(-EINVAL, reason, reason_size, "no file can hold such metrics or times");
    }
    char *folder = xstrdup(path);
    char *slash = strrchr(folder, '/');
    if (slash != NULL) {
        *slash = '\0';
    }
    char *temporary = temporary_path(path);
    int error = slash == NULL || slash == folder ? 0 : durable_make_folder(folder);
    if (error != 0) {
        (void)fail(error, reason, reason_size, "no folder: %s", strerror(-error));
        goto out;
    }
    if (access(path, F_OK) == 0) {
        error = fail(-EEXIST, reason, reason_size, "it is there");
        goto out;
    }
    error = create_with_librrd(temporary, object, names, last_s, reason, reason_size);
    if (error != 0 || rrd_file_check(temporary, object, reason, reason_size) != 0) {
        error = creation_error(slash == NULL || slash == folder ? "." : folder);
    } else {
        error = sync_file(temporary);
        if (error == 0 && renameat2(AT_FDCWD, temporary, AT_FDCWD, path, RENAME_NOREPLACE) != 0) {
            error = -errno;
        }
        if (error != 0) {
            (void)fail(error, reason, reason_size, "cannot be made: %s", strerror(-error));
        }
    }
    if (error != 0) {
        (void)unlink(temporary); /* best effort: the next attempt replaces it */
    }
out:
    free(temporary);
    free(folder);
    return error;
}

/* --- updates --- */

int rrd_file_update(const char *path, const struct object *object, const struct rrd_row *rows,
                    size_t n_rows, struct rrd_update_result *result, char *reason,
                    size_t reason_size)
{
    struct memory_file memory;
    *result = (struct rrd_update_result){0};
    int error = memory_read(&memory, path, reason, reason_size);
    if (error != 0) {
        return error;
    }
    struct rrd_image image = {.path = memory.path, .bytes = memory.bytes};
    error = rrd_header_parse(memory.bytes, memory.size, memory.size, &image.header, reason,
                             reason_size);
    if (error == 0) {
        error = compare_object(memory.bytes, &image.header, object, reason, reason_size);
    }
    if (error == 0) {
        rrd_feed(&image, rows, n_rows, result, reason, reason_size);
        if (result->written > 0) {
            error = replace_file(path, memory.bytes, memory.size, reason, reason_size);
        }
    }
    memory_close(&memory);
    if (error != 0) {
        *result = (struct rrd_update_result){0};
    }
    return error;
}
