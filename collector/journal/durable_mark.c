/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "durable_mark.h"

#include "common/crc32c.h"
#include "common/xalloc.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { MARK_SIZE = 20 };

static void put(uint8_t *bytes, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (uint8_t)(value >> (8 * i));
    }
}

static uint64_t get(const uint8_t *bytes, size_t size)
{
    uint64_t value = 0;
    for (size_t i = size; i-- > 0;) {
        value = value << 8 | bytes[i];
    }
    return value;
}

static int open_mark(const char *directory, int flags)
{
    char *path = xasprintf("%s/durable", directory);
    int fd = open(path, flags | O_CLOEXEC, 0640);
    int rc = fd < 0 ? -errno : fd;
    free(path);
    return rc;
}

int durable_mark_write(const char *directory, struct seglog_position end)
{
    uint8_t mark[MARK_SIZE];
    put(mark, end.segment, 8);
    put(mark + 8, end.offset, 8);
    put(mark + 16, crc32c(0, mark, 16), 4);
    int fd = open_mark(directory, O_WRONLY | O_CREAT);
    if (fd < 0) {
        return fd;
    }
    ssize_t n = pwrite(fd, mark, sizeof mark, 0);
    int rc = n == (ssize_t)sizeof mark ? 0 : n < 0 ? -errno : -EIO;
    if (close(fd) != 0 && rc == 0) {
        rc = -errno;
    }
    return rc;
}

int durable_mark_read(const char *directory, struct seglog_position *end)
{
    uint8_t mark[MARK_SIZE];
    int fd = open_mark(directory, O_RDONLY);
    if (fd < 0) {
        return fd;
    }
    ssize_t n = pread(fd, mark, sizeof mark, 0);
    int rc = n < 0 ? -errno : 0;
    (void)close(fd); /* read-only */
    if (rc == 0 && (n != (ssize_t)sizeof mark || get(mark + 16, 4) != crc32c(0, mark, 16))) {
        rc = -EAGAIN;
    }
    if (rc == 0) {
        end->segment = get(mark, 8);
        end->offset = get(mark + 8, 8);
    }
    return rc;
}
