/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support.h"

#include "common/xalloc.h"
#include <errno.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cmocka.h>

struct bad_disk bad_disk;

int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
ssize_t __real_pwritev(int fd, const struct iovec *parts, int count, off_t offset);
ssize_t __wrap_pwritev(int fd, const struct iovec *parts, int count, off_t offset);
int __real_ftruncate(int fd, off_t size);
int __wrap_ftruncate(int fd, off_t size);
int __real_statvfs(const char *path, struct statvfs *space);
int __wrap_statvfs(const char *path, struct statvfs *space);

static void tell(char event)
{
    if (bad_disk.witness != NULL) {
        bad_disk.witness(event);
    }
}

int __wrap_fdatasync(int fd)
{
    tell('s');
    if (bad_disk.fdatasync_errno != 0) {
        errno = bad_disk.fdatasync_errno;
        return -1;
    }
    int rc = __real_fdatasync(fd);
    tell('S');
    return rc;
}

ssize_t __wrap_pwritev(int fd, const struct iovec *parts, int count, off_t offset)
{
    if (bad_disk.pwritev_errno != 0) {
        errno = bad_disk.pwritev_errno;
        return -1;
    }
    tell('w');
    ssize_t n = __real_pwritev(fd, parts, count, offset);
    tell('W');
    return n;
}

int __wrap_ftruncate(int fd, off_t size)
{
    if (bad_disk.ftruncate_errno != 0) {
        errno = bad_disk.ftruncate_errno;
        return -1;
    }
    return __real_ftruncate(fd, size);
}

int __wrap_statvfs(const char *path, struct statvfs *space)
{
    int rc = __real_statvfs(path, space);
    if (rc == 0 && bad_disk.free_bytes != 0) {
        space->f_frsize = 1;
        space->f_bavail = bad_disk.free_bytes;
    }
    return rc;
}

char *make_folder(void)
{
    char *folder = xstrdup("/tmp/beffroi-intake-XXXXXX");
    assert_non_null(mkdtemp(folder));
    return folder;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status; /* the walk's interface */
    (void)type;
    (void)walk;
    return remove(path);
}

void remove_folder(char *folder)
{
    assert_int_equal(nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
    free(folder);
}

struct stream_position position_of(uint8_t byte, uint64_t epoch, uint64_t sequence)
{
    struct stream_position position = {.epoch = epoch, .sequence = sequence};
    memset(position.stream, byte, sizeof position.stream);
    return position;
}

uint8_t *make_batch(const struct stream_position *position, uint64_t rows, size_t *size)
{
    struct batch_writer *writer = batch_writer_new(BATCH_WIRE);
    const struct gap gap = {.from = {INT64_C(1767225600000)},
                            .to = {INT64_C(1767225660000)},
                            .rows = rows,
                            .reason = GAP_SPOOL_FULL};
    assert_int_equal(batch_add_gap(writer, &gap), 0);
    const uint8_t *bytes = batch_writer_finish(writer, position, size);
    uint8_t *copy = xmemdup(bytes, *size);
    batch_writer_free(writer);
    return copy;
}
