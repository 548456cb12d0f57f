/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reads the kernel's text files (proc(5)) into numbers. Pure: text in, values out; every access is
 * within (text, size), which need not end in NUL. Where a `missing` is given, bit i of it says that
 * the kernel does not tell value i. */
#ifndef HOST_PROC_H
#define HOST_PROC_H

#include "words.h"

enum {
    PROC_CPU_MODES = 10,
    PROC_LOADS = 3,
    PROC_PRESSURES = 8,
    PROC_DISK_VALUES = 14,
    PROC_FIELDS_MAX = 64,
};

/* A "cpu" line of /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal, guest, guest
 * nice in ticks of USER_HZ (guest time stands within user and nice as well; only it may be
 * missing). */
struct proc_cpu {
    int32_t number; /* -1: all together */
    uint64_t ticks[PROC_CPU_MODES];
    uint64_t missing;
};
/* true: `*cpu` is the next one; lines that make no sense are passed over. */
bool proc_next_cpu(struct proc_text *text, struct proc_cpu *cpu);

/* /proc/loadavg: of 1, 5 and 15 minutes; and how many threads the machine has, UINT64_MAX where
 * that cannot be read. 0 or -EBADMSG. */
int proc_parse_load(const char *text, size_t size, double loads[PROC_LOADS], uint64_t *threads);

/* /proc/uptime, seconds. 0 or -EBADMSG. */
int proc_parse_uptime(const char *text, size_t size, double *seconds);

/* A file of /proc/pressure: some's averages of 10, 60 and 300 s (0 to 1) and its total, full's the
 * same; totals in microseconds, exact below 2^53. -EBADMSG when nothing is found. */
int proc_parse_pressure(const char *text, size_t size, double values[PROC_PRESSURES],
                        uint64_t *missing);

/* The numbers of the first line, up to n of them. How many there are. */
size_t proc_parse_numbers(const char *text, size_t size, uint64_t *numbers, size_t n);

/* A number of a file, by name. */
struct proc_field {
    const char *group; /* NULL where the file has none */
    const char *name;
};
/* The three below: `values[i]` is that of `fields[i]`, n at most PROC_FIELDS_MAX. Cheapest where
 * `fields` has the order of the file. -EBADMSG when none is found.
 *
 * One a line: "ctxt 5"; with a name that ends in a colon, "MemFree: 5 kB", in bytes then. */
int proc_parse_lines(const char *text, size_t size, const struct proc_field *fields, size_t n,
                     uint64_t *values, uint64_t *missing);
/* Two lines for each group, as in /proc/net/snmp: "Tcp: InSegs OutSegs" and "Tcp: 5 6". */
int proc_parse_pairs(const char *text, size_t size, const struct proc_field *fields, size_t n,
                     uint64_t *values, uint64_t *missing);
/* One line for each group, as in /proc/net/sockstat: "TCP: inuse 5 orphan 6". */
int proc_parse_groups(const char *text, size_t size, const struct proc_field *fields, size_t n,
                      uint64_t *values, uint64_t *missing);

/* A line of /proc/diskstats. */
enum proc_disk_value {
    DISK_READS,
    DISK_READ_BYTES,
    DISK_WRITES,
    DISK_WRITE_BYTES,
    DISK_IO_MS,       /* with I/O under way */
    DISK_WEIGHTED_MS, /* the same, weighted by the number of I/Os */
    DISK_READ_MS,     /* of all reads together */
    DISK_WRITE_MS,
    DISK_READS_MERGED,
    DISK_WRITES_MERGED,
    DISK_QUEUE,    /* I/Os under way now */
    DISK_DISCARDS, /* missing before Linux 4.18, as what discards take */
    DISK_DISCARD_BYTES,
    DISK_FLUSHES, /* missing before Linux 5.5 */
};
struct proc_disk {
    char name[64];
    uint64_t values[PROC_DISK_VALUES];
    uint64_t missing;
};
/* true: `*disk` is the next device; lines that make no sense are passed over. */
bool proc_next_disk(struct proc_text *text, struct proc_disk *disk);

/* A line of /proc/mounts. */
struct proc_mount {
    char point[256]; /* its escapes decoded */
    char type[32];
    bool read_only; /* by its options, or because the file system found itself damaged */
};
/* true: `*mount` is the next mount; lines with a longer path or type are passed over. */
bool proc_next_mount(struct proc_text *text, struct proc_mount *mount);

/* /proc/PID/stat. */
enum { PROC_PROCESS_NAME = 16 }; /* TASK_COMM_LEN, with its NUL */
struct proc_process {
    char name[PROC_PROCESS_NAME];
    uint64_t cpu_ticks; /* user and system, of all its threads */
    uint64_t threads;
    uint64_t start_ticks; /* since boot: with the number, who it is */
    uint64_t rss_pages;
};
/* 0 or -EBADMSG. */
int proc_parse_process(const char *text, size_t size, struct proc_process *process);

#endif
