/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Memory, and what moves between it and the disks. */
#include "sources.h"

#include "proc.h"

#include <unistd.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const struct metric memory_metrics[] = {
    {"total", "bytes", METRIC_GAUGE},     {"free", "bytes", METRIC_GAUGE},
    {"available", "bytes", METRIC_GAUGE}, {"buffers", "bytes", METRIC_GAUGE},
    {"cached", "bytes", METRIC_GAUGE},    {"swap_total", "bytes", METRIC_GAUGE},
    {"swap_free", "bytes", METRIC_GAUGE}, {"dirty", "bytes", METRIC_GAUGE},
    {"writeback", "bytes", METRIC_GAUGE}, {"anonymous", "bytes", METRIC_GAUGE},
    {"shared", "bytes", METRIC_GAUGE},    {"slab", "bytes", METRIC_GAUGE},
    {"slab_free", "bytes", METRIC_GAUGE}, {"committed", "bytes", METRIC_GAUGE},
};
static const struct proc_field memory_fields[COUNT(memory_metrics)] = {
    {NULL, "MemTotal:"},     {NULL, "MemFree:"},      {NULL, "MemAvailable:"}, {NULL, "Buffers:"},
    {NULL, "Cached:"},       {NULL, "SwapTotal:"},    {NULL, "SwapFree:"},     {NULL, "Dirty:"},
    {NULL, "Writeback:"},    {NULL, "AnonPages:"},    {NULL, "Shmem:"},        {NULL, "Slab:"},
    {NULL, "SReclaimable:"}, {NULL, "Committed_AS:"},
};

enum paging_value {
    PAGING_IN, /* what the disks gave, and took; KiB in the file */
    PAGING_OUT,
    PAGING_SWAP_IN, /* pages in the file */
    PAGING_SWAP_OUT,
    PAGING_FAULTS,
    PAGING_MAJOR_FAULTS,
    PAGING_OOM_KILLS,
    PAGING_VALUES,
};
static const struct metric paging_metrics[PAGING_VALUES] = {
    {"in_bytes", "bytes", METRIC_COUNTER},
    {"out_bytes", "bytes", METRIC_COUNTER},
    {"swap_in_bytes", "bytes", METRIC_COUNTER},
    {"swap_out_bytes", "bytes", METRIC_COUNTER},
    {"faults", "1", METRIC_COUNTER},
    {"major_faults", "1", METRIC_COUNTER},
    {"oom_kills", "1", METRIC_COUNTER},
};
static const struct proc_field paging_fields[PAGING_VALUES] = {
    {NULL, "pgpgin"},  {NULL, "pgpgout"},    {NULL, "pswpin"},   {NULL, "pswpout"},
    {NULL, "pgfault"}, {NULL, "pgmajfault"}, {NULL, "oom_kill"},
};

static const struct book_kind memory_kind = {
    .kind = "memory", .metrics = memory_metrics, .n_metrics = COUNT(memory_metrics)};
static const struct book_kind paging_kind = {
    .kind = "paging",
    .metrics = paging_metrics,
    .n_metrics = COUNT(paging_metrics),
    .optional = 1 << PAGING_OOM_KILLS, /* since Linux 4.13 */
};

static void sample_memory(struct machine *machine, struct wall time)
{
    uint64_t bytes[COUNT(memory_metrics)];
    union value values[COUNT(memory_metrics)];
    uint64_t missing;
    struct proc_text text;
    int rc = files_read(machine->files, FILE_MEMINFO, &text);
    if (rc == 0) {
        rc = proc_parse_lines(text.at, (size_t)(text.end - text.at), memory_fields,
                              COUNT(memory_fields), bytes, &missing);
    }
    if (rc != 0) {
        book_failed(machine->book, &memory_kind, "all", time, -rc);
        return;
    }
    values_of_numbers(&memory_kind, bytes, values);
    book_row(machine->book, &memory_kind, "all", NULL, time, values, missing);
}

int source_memory(struct machine *machine, struct wall time)
{
    uint64_t numbers[PAGING_VALUES];
    union value values[PAGING_VALUES];
    uint64_t missing;
    struct proc_text text;
    long page_bytes = sysconf(_SC_PAGESIZE);
    sample_memory(machine, time);
    int rc = files_read(machine->files, FILE_VMSTAT, &text);
    if (rc == 0) {
        rc = proc_parse_lines(text.at, (size_t)(text.end - text.at), paging_fields, PAGING_VALUES,
                              numbers, &missing);
    }
    if (rc != 0 || page_bytes <= 0) {
        book_failed(machine->book, &paging_kind, "all", time, -rc);
        return 0;
    }
    /* Modulo 2^64, as the counters themselves are. */
    numbers[PAGING_IN] *= 1024;
    numbers[PAGING_OUT] *= 1024;
    numbers[PAGING_SWAP_IN] *= (uint64_t)page_bytes;
    numbers[PAGING_SWAP_OUT] *= (uint64_t)page_bytes;
    values_of_numbers(&paging_kind, numbers, values);
    book_row(machine->book, &paging_kind, "all", NULL, time, values, missing);
    return 0;
}
