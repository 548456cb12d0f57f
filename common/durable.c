/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/durable.h"

#include "common/xalloc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int write_all(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, bytes, size);
        if (n < 0) {
            if (errno == EINTR) {
                continue;
            }
            return -errno;
        }
        bytes += n;
        size -= (size_t)n;
    }
    return 0;
}

int durable_sync_folder(const char *path)
{
    char *folder = xstrdup(path);
    char *slash = strrchr(folder, '/');
    if (slash == folder) {
        slash[1] = '\0';
    } else if (slash != NULL) {
        *slash = '\0';
    }
    int fd = open(slash != NULL ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int error = fd < 0 ? -errno : 0;
    if (fd >= 0) {
        if (fsync(fd) != 0) {
            error = -errno;
        }
        (void)close(fd); /* read-only: nothing left to fail */
    }
    free(folder);
    return error;
}

int durable_replace(const char *path, const void *bytes, size_t size, mode_t mode)
{
    char *temporary = xasprintf("%s.tmp", path);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    int error = 0;
    if (fd < 0) {
        error = -errno;
        goto out;
    }
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
        (void)unlink(temporary); /* best effort: the next replace truncates it */
        goto out;
    }
    error = durable_sync_folder(path);
out:
    free(temporary);
    return error;
}

int durable_read(const char *path, size_t size_max, char **bytes, size_t *size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return -errno;
    }
    int error = 0;
    size_t used = 0;
    char *buffer = xmalloc(size_max + 2);
    for (;;) {
        ssize_t n = read(fd, buffer + used, size_max + 1 - used);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            error = -errno;
            break;
        }
        used += (size_t)n;
        if (used > size_max) {
            error = -EFBIG;
            break;
        }
        if (n == 0) {
            break;
        }
    }
    (void)close(fd); /* read-only */
    if (error != 0) {
        free(buffer);
        return error;
    }
    buffer[used] = '\0';
    *bytes = buffer;
    if (size != NULL) {
        *size = used;
    }
    return 0;
}

int durable_make_folder(const char *path)
{
    char *partial = xstrdup(path);
    int error = 0;
    for (char *p = partial + 1; error == 0; p++) {
        if (*p != '/' && *p != '\0') {
            continue;
        }
        char held = *p;
        *p = '\0';
        if (mkdir(partial, 0750) != 0 && errno != EEXIST) {
            error = -errno;
        }
        *p = held;
        if (held == '\0') {
            break;
        }
    }
    free(partial);
    return error;
}
