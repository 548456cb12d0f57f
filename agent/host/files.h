/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The kernel's files, kept open: each sample reads them anew from their start, which costs the
 * kernel no path walk and us no allocation.
 *
 * Threads: one. */
#ifndef HOST_FILES_H
#define HOST_FILES_H

#include "words.h"

enum kernel_file {
    FILE_STAT,
    FILE_MEMINFO,
    FILE_VMSTAT,
    FILE_LOADAVG,
    FILE_UPTIME,
    FILE_FILE_NR,
    FILE_PRESSURE_CPU,
    FILE_PRESSURE_MEMORY,
    FILE_PRESSURE_IO,
    FILE_PRESSURE_IRQ,
    FILE_MOUNTS,
    FILE_DISKSTATS,
    FILE_SNMP,
    FILE_SNMP6,
    FILE_NETSTAT,
    FILE_SOCKSTAT,
    FILE_SOCKSTAT6,
    KERNEL_FILES,
};

struct files;

/* `root` stands before /proc and /sys and must outlive the handle. */
struct files *files_new(const char *root);
/* NULL is allowed. */
void files_free(struct files *files);

/* The whole of a file as it is now; valid until the next call. 0 or -errno; -EFBIG over 4 MiB. */
int files_read(struct files *files, enum kernel_file which, struct proc_text *text);

/* Opens a file below `root` for files_read_fd: a descriptor, or -errno. */
int files_open(const struct files *files, const char *path);
/* What an open small file says now, from its start, into the caller's buffer. The size, or -errno;
 * -EFBIG where it is larger. */
int files_read_fd(int fd, char *buffer, size_t size);
/* The first line of a small file below `root`, with its NUL and without its newline. The length, or
 * -errno. */
int files_read_line(const struct files *files, const char *path, char *line, size_t size);

#endif
