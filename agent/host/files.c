/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "files.h"

#include "common/xalloc.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    TEXT_FIRST = 16 * 1024,
    TEXT_MAX = 4 * 1024 * 1024, /* 20,000 mounts */
};

/* Process 1 sees the machine's mounts; a sandboxed agent sees its own bind mounts, read-only. */
static const char *const paths[KERNEL_FILES][2] = {
    [FILE_STAT] = {"/proc/stat"},
    [FILE_MEMINFO] = {"/proc/meminfo"},
    [FILE_VMSTAT] = {"/proc/vmstat"},
    [FILE_LOADAVG] = {"/proc/loadavg"},
    [FILE_UPTIME] = {"/proc/uptime"},
    [FILE_FILE_NR] = {"/proc/sys/fs/file-nr"},
    [FILE_PRESSURE_CPU] = {"/proc/pressure/cpu"},
    [FILE_PRESSURE_MEMORY] = {"/proc/pressure/memory"},
    [FILE_PRESSURE_IO] = {"/proc/pressure/io"},
    [FILE_PRESSURE_IRQ] = {"/proc/pressure/irq"},
    [FILE_MOUNTS] = {"/proc/1/mounts", "/proc/self/mounts"},
    [FILE_DISKSTATS] = {"/proc/diskstats"},
    [FILE_SNMP] = {"/proc/net/snmp"},
    [FILE_SNMP6] = {"/proc/net/snmp6"},
    [FILE_NETSTAT] = {"/proc/net/netstat"},
    [FILE_SOCKSTAT] = {"/proc/net/sockstat"},
    [FILE_SOCKSTAT6] = {"/proc/net/sockstat6"},
};

struct files {
    const char *root;
    char *text;
    size_t room;
    int descriptors[KERNEL_FILES]; /* below 0: not open */
};

struct files *files_new(const char *root)
{
    struct files *files = xcalloc(1, sizeof *files);
    files->root = root;
    files->room = TEXT_FIRST;
    files->text = xmalloc(files->room);
    for (size_t i = 0; i < KERNEL_FILES; i++) {
        files->descriptors[i] = -1;
    }
    return files;
}

static void forget(struct files *files, enum kernel_file which)
{
    if (files->descriptors[which] >= 0) {
        (void)close(files->descriptors[which]); /* nothing was written */
        files->descriptors[which] = -1;
    }
}

void files_free(struct files *files)
{
    if (files == NULL) {
        return;
    }
    for (size_t i = 0; i < KERNEL_FILES; i++) {
        forget(files, (enum kernel_file)i);
    }
    free(files->text);
    free(files);
}

int files_open(const struct files *files, const char *path)
{
    char full[PATH_MAX];
    int length = snprintf(full, sizeof full, "%s%s", files->root, path);
    if (length < 0 || (size_t)length >= sizeof full) {
        return -ENAMETOOLONG;
    }
    int fd = open(full, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static int open_kernel_file(struct files *files, enum kernel_file which)
{
    int fd = files_open(files, paths[which][0]);
    if (fd < 0 && paths[which][1] != NULL) {
        fd = files_open(files, paths[which][1]);
    }
    files->descriptors[which] = fd;
    return fd < 0 ? fd : 0;
}

/* A kernel file says no size beforehand, and may give less than was asked for before its end. */
static int read_whole(struct files *files, int fd, struct proc_text *text)
{
    size_t size = 0;
    for (;;) {
        if (size == files->room) {
            if (files->room >= TEXT_MAX) {
                return -EFBIG;
            }
            files->room *= 2;
            files->text = xrealloc(files->text, files->room);
            size = 0; /* anew: what is read at once is of one moment */
        }
        ssize_t got = pread(fd, files->text + size, files->room - size, (off_t)size);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return -errno;
        }
        if (got == 0) {
            *text = (struct proc_text){files->text, files->text + size};
            return 0;
        }
        size += (size_t)got;
    }
}

int files_read(struct files *files, enum kernel_file which, struct proc_text *text)
{
    int rc = files->descriptors[which] < 0 ? open_kernel_file(files, which) : 0;
    if (rc == 0) {
        rc = read_whole(files, files->descriptors[which], text);
        if (rc != 0) {
            forget(files, which); /* the next sample opens it again */
        }
    }
    return rc;
}

int files_read_fd(int fd, char *buffer, size_t size)
{
    ssize_t got;
    do {
        got = pread(fd, buffer, size, 0);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        return -errno;
    }
    return (size_t)got == size ? -EFBIG : (int)got;
}

int files_read_line(const struct files *files, const char *path, char *line, size_t size)
{
    int fd = files_open(files, path);
    if (fd < 0) {
        return fd;
    }
    int length = files_read_fd(fd, line, size);
    (void)close(fd); /* nothing was written */
    if (length < 0) {
        return length;
    }
    const char *newline = memchr(line, '\n', (size_t)length);
    length = newline == NULL ? length : (int)(newline - line);
    line[length] = '\0';
    return length;
}
