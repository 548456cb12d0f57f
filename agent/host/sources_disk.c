/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * File systems and disks. */
#include "sources.h"

#include "proc.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const struct metric filesystem_metrics[] = {
    {"size", "bytes", METRIC_GAUGE},      {"free", "bytes", METRIC_GAUGE},
    {"available", "bytes", METRIC_GAUGE}, {"files", "1", METRIC_GAUGE},
    {"files_free", "1", METRIC_GAUGE},    {"read_only", "1", METRIC_GAUGE},
};
static const struct metric disk_metrics[PROC_DISK_VALUES] = {
    [DISK_READS] = {"reads", "1", METRIC_COUNTER},
    [DISK_READ_BYTES] = {"read_bytes", "bytes", METRIC_COUNTER},
    [DISK_WRITES] = {"writes", "1", METRIC_COUNTER},
    [DISK_WRITE_BYTES] = {"write_bytes", "bytes", METRIC_COUNTER},
    [DISK_IO_MS] = {"io_time", "ms", METRIC_COUNTER},
    [DISK_WEIGHTED_MS] = {"weighted_time", "ms", METRIC_COUNTER},
    [DISK_READ_MS] = {"read_time", "ms", METRIC_COUNTER},
    [DISK_WRITE_MS] = {"write_time", "ms", METRIC_COUNTER},
    [DISK_READS_MERGED] = {"reads_merged", "1", METRIC_COUNTER},
    [DISK_WRITES_MERGED] = {"writes_merged", "1", METRIC_COUNTER},
    [DISK_QUEUE] = {"queue", "1", METRIC_GAUGE},
    [DISK_DISCARDS] = {"discards", "1", METRIC_COUNTER},
    [DISK_DISCARD_BYTES] = {"discard_bytes", "bytes", METRIC_COUNTER},
    [DISK_FLUSHES] = {"flushes", "1", METRIC_COUNTER},
};

static const struct book_kind filesystem_kind = {
    .kind = "filesystem", .metrics = filesystem_metrics, .n_metrics = COUNT(filesystem_metrics)};
static const struct book_kind disk_kind = {
    .kind = "disk",
    .metrics = disk_metrics,
    .n_metrics = COUNT(disk_metrics),
    .optional = 1 << DISK_DISCARDS | 1 << DISK_DISCARD_BYTES | 1 << DISK_FLUSHES,
};

/* File systems on local disks. What is not named here is not asked: it has no size of its own
 * (proc, tmpfs), or may be remote (nfs, cifs, fuse…), where the question can hang for ever and the
 * agent with it. */
static bool is_local_disk(const struct proc_mount *mount)
{
    static const char *const types[] = {"ext2",     "ext3",  "ext4",  "xfs",    "btrfs", "bcachefs",
                                        "f2fs",     "jfs",   "jffs2", "nilfs2", "ntfs",  "ntfs3",
                                        "reiserfs", "ubifs", "udf",   "vfat",   "exfat", "zfs"};
    for (size_t i = 0; i < COUNT(types); i++) {
        if (strcmp(mount->type, types[i]) == 0) {
            return true;
        }
    }
    /* A container's or a live system's root. */
    return strcmp(mount->type, "overlay") == 0 && strcmp(mount->point, "/") == 0;
}

static void sample_mount(const struct proc_mount *mount, struct wall time, struct book *book)
{
    struct stat file;
    struct statvfs info;
    if (stat(mount->point, &file) == 0 && !S_ISDIR(file.st_mode)) {
        return; /* a single file of some file system, as containers bind them */
    }
    if (statvfs(mount->point, &info) != 0) {
        if (errno != ENOENT) { /* in another mount namespace than ours */
            book_failed(book, &filesystem_kind, mount->point, time, errno);
        }
        return;
    }
    double block = (double)info.f_frsize;
    const union value values[] = {
        {.gauge = (double)info.f_blocks * block}, {.gauge = (double)info.f_bfree * block},
        {.gauge = (double)info.f_bavail * block}, {.gauge = (double)info.f_files},
        {.gauge = (double)info.f_ffree},          {.gauge = mount->read_only ? 1 : 0},
    };
    book_row(book, &filesystem_kind, mount->point, NULL, time, values, 0);
}

/* Is a later mount on the same point, which hides this one? */
static bool is_hidden(const struct proc_mount *mount, struct proc_text rest)
{
    struct proc_mount later;
    while (proc_next_mount(&rest, &later)) {
        if (strcmp(later.point, mount->point) == 0) {
            return true;
        }
    }
    return false;
}

int source_filesystems(struct machine *machine, struct wall time)
{
    struct proc_mount mount;
    struct proc_text rest;
    int rc = files_read(machine->files, FILE_MOUNTS, &rest);
    if (rc != 0) {
        return rc;
    }
    while (proc_next_mount(&rest, &mount)) {
        if (is_local_disk(&mount) && !is_hidden(&mount, rest)) {
            sample_mount(&mount, time, machine->book);
        }
    }
    book_sweep(machine->book, &filesystem_kind);
    return 0;
}

/* Whole disks have a folder of their own in /sys/block, where "/" stands as "!". */
static bool is_whole_disk(const char *root, const char *name)
{
    char path[PATH_MAX];
    int length = snprintf(path, sizeof path, "%s/sys/block/%s", root, name);
    if (length < 0 || (size_t)length >= sizeof path) {
        return false;
    }
    for (char *at = path + length - strlen(name); *at != '\0'; at++) {
        if (*at == '/') {
            *at = '!';
        }
    }
    return access(path, F_OK) == 0;
}

static bool is_idle_pseudo_disk(const struct proc_disk *disk)
{
    static const uint64_t zeros[PROC_DISK_VALUES];
    return (strncmp(disk->name, "loop", 4) == 0 || strncmp(disk->name, "ram", 3) == 0) &&
           memcmp(disk->values, zeros, sizeof zeros) == 0;
}

int source_disks(struct machine *machine, struct wall time)
{
    struct proc_disk disk;
    struct proc_text rest;
    union value values[PROC_DISK_VALUES];
    int rc = files_read(machine->files, FILE_DISKSTATS, &rest);
    if (rc != 0) {
        return rc;
    }
    while (proc_next_disk(&rest, &disk)) {
        if (!is_idle_pseudo_disk(&disk) && is_whole_disk(machine->root, disk.name)) {
            values_of_numbers(&disk_kind, disk.values, values);
            book_row(machine->book, &disk_kind, disk.name, NULL, time, values, disk.missing);
        }
    }
    book_sweep(machine->book, &disk_kind);
    return 0;
}
