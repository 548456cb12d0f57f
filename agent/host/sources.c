/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sources.h"

#include "common/xalloc.h"
#include "netlink.h"
#include "proc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum {
    FILE_FIRST = 16 * 1024,
    FILE_MAX = 4 * 1024 * 1024, /* 20,000 mounts */
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const struct metric cpu_metrics[] = {
    {"user", "ms", METRIC_COUNTER},    {"nice", "ms", METRIC_COUNTER},
    {"system", "ms", METRIC_COUNTER},  {"idle", "ms", METRIC_COUNTER},
    {"iowait", "ms", METRIC_COUNTER},  {"irq", "ms", METRIC_COUNTER},
    {"softirq", "ms", METRIC_COUNTER}, {"steal", "ms", METRIC_COUNTER},
};
static const struct metric memory_metrics[] = {
    {"total", "bytes", METRIC_GAUGE},     {"free", "bytes", METRIC_GAUGE},
    {"available", "bytes", METRIC_GAUGE}, {"buffers", "bytes", METRIC_GAUGE},
    {"cached", "bytes", METRIC_GAUGE},    {"swap_total", "bytes", METRIC_GAUGE},
    {"swap_free", "bytes", METRIC_GAUGE},
};
static const struct metric load_metrics[] = {
    {"load1", "1", METRIC_GAUGE},
    {"load5", "1", METRIC_GAUGE},
    {"load15", "1", METRIC_GAUGE},
};
static const struct metric filesystem_metrics[] = {
    {"size", "bytes", METRIC_GAUGE},      {"free", "bytes", METRIC_GAUGE},
    {"available", "bytes", METRIC_GAUGE}, {"files", "1", METRIC_GAUGE},
    {"files_free", "1", METRIC_GAUGE},    {"read_only", "1", METRIC_GAUGE},
};
static const struct metric disk_metrics[] = {
    {"reads", "1", METRIC_COUNTER},    {"read_bytes", "bytes", METRIC_COUNTER},
    {"writes", "1", METRIC_COUNTER},   {"write_bytes", "bytes", METRIC_COUNTER},
    {"io_time", "ms", METRIC_COUNTER}, {"weighted_time", "ms", METRIC_COUNTER},
};
static const struct metric interface_metrics[] = {
    {"in_octets", "octets", METRIC_COUNTER},    {"out_octets", "octets", METRIC_COUNTER},
    {"in_packets", "packets", METRIC_COUNTER},  {"out_packets", "packets", METRIC_COUNTER},
    {"in_errors", "packets", METRIC_COUNTER},   {"out_errors", "packets", METRIC_COUNTER},
    {"in_discards", "packets", METRIC_COUNTER}, {"out_discards", "packets", METRIC_COUNTER},
};

static const struct book_kind cpu_kind = {"cpu", cpu_metrics, COUNT(cpu_metrics)};
static const struct book_kind memory_kind = {"memory", memory_metrics, COUNT(memory_metrics)};
static const struct book_kind load_kind = {"load", load_metrics, COUNT(load_metrics)};
static const struct book_kind filesystem_kind = {"filesystem", filesystem_metrics,
                                                 COUNT(filesystem_metrics)};
static const struct book_kind disk_kind = {"disk", disk_metrics, COUNT(disk_metrics)};
static const struct book_kind interface_kind = {"interface", interface_metrics,
                                                COUNT(interface_metrics)};

/* The whole of a kernel file, which says no size beforehand. 0 with malloc'ed text, or -errno. */
static int read_file(const char *root, const char *path, char **text, size_t *size)
{
    char *full = xasprintf("%s%s", root, path);
    int rc = 0;
    size_t room = FILE_FIRST;
    int fd = open(full, O_RDONLY | O_CLOEXEC);
    free(full);
    if (fd < 0) {
        return -errno;
    }
    *text = xmalloc(room);
    *size = 0;
    for (;;) {
        if (*size == room) {
            if (room >= FILE_MAX) {
                rc = -EFBIG;
                break;
            }
            room *= 2;
            *text = xrealloc(*text, room);
        }
        ssize_t got = read(fd, *text + *size, room - *size);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            rc = got < 0 ? -errno : 0;
            break;
        }
        *size += (size_t)got;
    }
    close(fd);
    if (rc != 0) {
        free(*text);
    }
    return rc;
}

static int sample_cpu(const char *root, struct wall time, struct book *book)
{
    uint64_t ticks[PROC_CPU_MODES];
    union value values[PROC_CPU_MODES];
    char *text;
    size_t size;
    long ticks_per_second = sysconf(_SC_CLK_TCK);
    int rc = read_file(root, "/proc/stat", &text, &size);
    if (rc == 0) {
        rc = proc_parse_cpu(text, size, ticks);
        free(text);
    }
    if (rc == 0 && ticks_per_second <= 0) {
        rc = -EINVAL;
    }
    if (rc != 0) {
        book_failed(book, &cpu_kind, "all", time, -rc);
        return 0;
    }
    for (size_t i = 0; i < PROC_CPU_MODES; i++) {
        uint64_t rate = (uint64_t)ticks_per_second;
        values[i].counter = ticks[i] / rate * 1000 + ticks[i] % rate * 1000 / rate;
    }
    book_row(book, &cpu_kind, "all", "", time, values, 0);
    return 0;
}

static int sample_memory(const char *root, struct wall time, struct book *book)
{
    uint64_t bytes[PROC_MEMORY_VALUES] = {0};
    union value values[PROC_MEMORY_VALUES];
    uint64_t missing;
    char *text;
    size_t size;
    int rc = read_file(root, "/proc/meminfo", &text, &size);
    if (rc == 0) {
        rc = proc_parse_memory(text, size, bytes, &missing);
        free(text);
    }
    if (rc != 0) {
        book_failed(book, &memory_kind, "all", time, -rc);
        return 0;
    }
    for (size_t i = 0; i < PROC_MEMORY_VALUES; i++) {
        values[i].gauge = (double)bytes[i];
    }
    book_row(book, &memory_kind, "all", "", time, values, missing);
    return 0;
}

static int sample_load(const char *root, struct wall time, struct book *book)
{
    double loads[PROC_LOADS];
    union value values[PROC_LOADS];
    char *text;
    size_t size;
    int rc = read_file(root, "/proc/loadavg", &text, &size);
    if (rc == 0) {
        rc = proc_parse_load(text, size, loads);
        free(text);
    }
    if (rc != 0) {
        book_failed(book, &load_kind, "all", time, -rc);
        return 0;
    }
    for (size_t i = 0; i < PROC_LOADS; i++) {
        values[i].gauge = loads[i];
    }
    book_row(book, &load_kind, "all", "", time, values, 0);
    return 0;
}

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
    book_row(book, &filesystem_kind, mount->point, "", time, values, 0);
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

static int sample_filesystems(const char *root, struct wall time, struct book *book)
{
    struct proc_mount mount;
    char *text;
    size_t size;
    /* Process 1 sees the machine; a sandboxed agent sees its own bind mounts, read-only. */
    int rc = read_file(root, "/proc/1/mounts", &text, &size);
    if (rc != 0) {
        rc = read_file(root, "/proc/self/mounts", &text, &size);
    }
    if (rc != 0) {
        return rc;
    }
    struct proc_text rest = {text, text + size};
    while (proc_next_mount(&rest, &mount)) {
        if (is_local_disk(&mount) && !is_hidden(&mount, rest)) {
            sample_mount(&mount, time, book);
        }
    }
    free(text);
    book_sweep(book, &filesystem_kind);
    return 0;
}

/* Whole disks have a folder of their own in /sys/block, where "/" stands as "!". */
static bool is_whole_disk(const char *root, const char *name)
{
    char *path = xasprintf("%s/sys/block/%s", root, name);
    for (char *at = path + strlen(root) + strlen("/sys/block/"); *at != '\0'; at++) {
        if (*at == '/') {
            *at = '!';
        }
    }
    bool found = access(path, F_OK) == 0;
    free(path);
    return found;
}

static bool is_idle_pseudo_disk(const struct proc_disk *disk)
{
    static const uint64_t zeros[PROC_DISK_VALUES];
    return (strncmp(disk->name, "loop", 4) == 0 || strncmp(disk->name, "ram", 3) == 0) &&
           memcmp(disk->values, zeros, sizeof zeros) == 0;
}

static int sample_disks(const char *root, struct wall time, struct book *book)
{
    struct proc_disk disk;
    char *text;
    size_t size;
    int rc = read_file(root, "/proc/diskstats", &text, &size);
    if (rc != 0) {
        return rc;
    }
    struct proc_text rest = {text, text + size};
    while (proc_next_disk(&rest, &disk)) {
        if (!is_idle_pseudo_disk(&disk) && is_whole_disk(root, disk.name)) {
            union value values[PROC_DISK_VALUES];
            for (size_t i = 0; i < PROC_DISK_VALUES; i++) {
                values[i].counter = disk.values[i];
            }
            book_row(book, &disk_kind, disk.name, "", time, values, 0);
        }
    }
    free(text);
    book_sweep(book, &disk_kind);
    return 0;
}

struct interface_context {
    struct wall time;
    struct book *book;
};

static void on_link(void *context, const struct netlink_link *link)
{
    const struct interface_context *to = context;
    union value values[NETLINK_COUNTERS];
    for (size_t i = 0; i < NETLINK_COUNTERS; i++) {
        values[i].counter = link->counters[i];
    }
    book_row(to->book, &interface_kind, link->name, link->mac, to->time, values, 0);
}

static int sample_interfaces(const char *root, struct wall time, struct book *book)
{
    struct interface_context context = {.time = time, .book = book};
    (void)root; /* netlink has none */
    int rc = netlink_dump(on_link, &context);
    if (rc == 0) {
        book_sweep(book, &interface_kind);
    }
    return rc;
}

const struct source sources[SOURCES] = {
    {"cpu", sample_cpu},    {"memory", sample_memory},
    {"load", sample_load},  {"filesystem", sample_filesystems},
    {"disk", sample_disks}, {"interface", sample_interfaces},
};
