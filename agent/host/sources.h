/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the machine is asked for: one function per kind of object reads its source and writes rows
 * into the book. */
#ifndef HOST_SOURCES_H
#define HOST_SOURCES_H

#include "book.h"
#include "files.h"

struct interfaces;
struct processes;
struct sensors;

/* What the sources have in common, and what they keep from one sample to the next. */
struct machine {
    const char *root; /* stands before /proc and /sys ("" on a real machine) */
    struct files *files;
    struct book *book;
    struct interfaces *interfaces;
    struct processes *processes;
    struct sensors *sensors;
};

struct source {
    const char *name; /* in the log */
    /* 0, or -errno when the source as a whole cannot be read and gave no row. What this kernel does
     * not have is no error. */
    int (*sample)(struct machine *machine, struct wall time);
};

enum { SOURCES = 9 };
extern const struct source sources[SOURCES];

/* sources_cpu.c: "cpu", "load", "system" and those of processes.c; "pressure" */
int source_system(struct machine *machine, struct wall time);
int source_pressure(struct machine *machine, struct wall time);
/* sources_memory.c: "memory", "paging" */
int source_memory(struct machine *machine, struct wall time);
/* sources_disk.c: "filesystem", "disk" */
int source_filesystems(struct machine *machine, struct wall time);
int source_disks(struct machine *machine, struct wall time);
/* sources_network.c: "ip", "icmp", "tcp", "udp", "sockets" */
int source_network(struct machine *machine, struct wall time);
/* sources_clock.c: "clock" */
int source_clock(struct machine *machine, struct wall time);
/* interfaces.c: "interface" */
int source_interfaces(struct machine *machine, struct wall time);
/* sensors.c: "temperature", "fan" */
int source_sensors(struct machine *machine, struct wall time);

/* Values of a row of a kind from numbers in its metrics' order. */
void values_of_numbers(const struct book_kind *kind, const uint64_t *numbers, union value *values);

#endif
