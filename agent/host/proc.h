/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reads the kernel's text files (proc(5)) into numbers. Pure: text in, values out; every access is
 * within (text, size), which need not end in NUL. */
#ifndef HOST_PROC_H
#define HOST_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is left of a text. */
struct proc_text {
    const char *at;
    const char *end;
};

enum { PROC_CPU_MODES = 8, PROC_MEMORY_VALUES = 7, PROC_LOADS = 3, PROC_DISK_VALUES = 6 };

/* /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal of all CPUs together, in ticks
 * of USER_HZ (guest time stands within user and nice). 0 or -EBADMSG. */
int proc_parse_cpu(const char *text, size_t size, uint64_t ticks[PROC_CPU_MODES]);

/* /proc/meminfo: MemTotal, MemFree, MemAvailable, Buffers, Cached, SwapTotal, SwapFree in bytes;
 * bit i of `*missing` is set where the kernel does not say it. -EBADMSG when nothing is found. */
int proc_parse_memory(const char *text, size_t size, uint64_t bytes[PROC_MEMORY_VALUES],
                      uint64_t *missing);

/* /proc/loadavg: of 1, 5 and 15 minutes. 0 or -EBADMSG. */
int proc_parse_load(const char *text, size_t size, double loads[PROC_LOADS]);

/* A line of /proc/diskstats: reads, bytes read, writes, bytes written, ms with I/O under way, the
 * same weighted by the number of I/Os. */
struct proc_disk {
    char name[64];
    uint64_t values[PROC_DISK_VALUES];
};
/* true: `*disk` is the next device; lines that make no sense are passed over. */
bool proc_next_disk(struct proc_text *text, struct proc_disk *disk);

/* A line of /proc/mounts. */
struct proc_mount {
    char point[256]; /* its escapes decoded */
    char type[32];
    bool read_only;
};
/* true: `*mount` is the next mount; lines with a longer path or type are passed over. */
bool proc_next_mount(struct proc_text *text, struct proc_mount *mount);

#endif
