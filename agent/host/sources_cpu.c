/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The processors and what waits for them. */
#include "sources.h"

#include "proc.h"
#include "processes.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const struct metric cpu_metrics[PROC_CPU_MODES] = {
    {"user", "ms", METRIC_COUNTER},    {"nice", "ms", METRIC_COUNTER},
    {"system", "ms", METRIC_COUNTER},  {"idle", "ms", METRIC_COUNTER},
    {"iowait", "ms", METRIC_COUNTER},  {"irq", "ms", METRIC_COUNTER},
    {"softirq", "ms", METRIC_COUNTER}, {"steal", "ms", METRIC_COUNTER},
    {"guest", "ms", METRIC_COUNTER},   {"guest_nice", "ms", METRIC_COUNTER},
};
static const struct metric pressure_metrics[PROC_PRESSURES] = {
    {"some_avg10", "ratio", METRIC_GAUGE},  {"some_avg60", "ratio", METRIC_GAUGE},
    {"some_avg300", "ratio", METRIC_GAUGE}, {"some_time", "us", METRIC_COUNTER},
    {"full_avg10", "ratio", METRIC_GAUGE},  {"full_avg60", "ratio", METRIC_GAUGE},
    {"full_avg300", "ratio", METRIC_GAUGE}, {"full_time", "us", METRIC_COUNTER},
};
static const struct metric load_metrics[PROC_LOADS] = {
    {"load1", "1", METRIC_GAUGE},
    {"load5", "1", METRIC_GAUGE},
    {"load15", "1", METRIC_GAUGE},
};
enum system_value {
    SYSTEM_UPTIME,
    SYSTEM_PROCESSES,
    SYSTEM_THREADS,
    SYSTEM_OPEN_FILES,
    SYSTEM_STAT, /* from here on as in /proc/stat */
    SYSTEM_VALUES = SYSTEM_STAT + 5,
};
static const struct metric system_metrics[SYSTEM_VALUES] = {
    {"uptime", "s", METRIC_GAUGE},       {"processes", "1", METRIC_GAUGE},
    {"threads", "1", METRIC_GAUGE},      {"open_files", "1", METRIC_GAUGE},
    {"interrupts", "1", METRIC_COUNTER}, {"context_switches", "1", METRIC_COUNTER},
    {"forks", "1", METRIC_COUNTER},      {"running", "1", METRIC_GAUGE},
    {"blocked", "1", METRIC_GAUGE},
};
static const struct proc_field stat_fields[] = {
    {NULL, "intr"},          {NULL, "ctxt"},          {NULL, "processes"},
    {NULL, "procs_running"}, {NULL, "procs_blocked"},
};

static const struct book_kind cpu_kind = {
    .kind = "cpu",
    .metrics = cpu_metrics,
    .n_metrics = COUNT(cpu_metrics),
    .optional = 1 << 8 | 1 << 9, /* guests */
};
static const struct book_kind pressure_kind = {
    .kind = "pressure",
    .metrics = pressure_metrics,
    .n_metrics = COUNT(pressure_metrics),
    .optional = 0xff, /* processors have no full, interrupts no some */
};
static const struct book_kind load_kind = {
    .kind = "load", .metrics = load_metrics, .n_metrics = COUNT(load_metrics)};
static const struct book_kind system_kind = {
    .kind = "system", .metrics = system_metrics, .n_metrics = COUNT(system_metrics)};

static void tell_cpu(struct book *book, struct wall time, const struct proc_cpu *cpu, uint64_t rate)
{
    union value values[PROC_CPU_MODES];
    char name[16] = "all";
    if (cpu->number >= 0) {
        snprintf(name, sizeof name, "%d", cpu->number);
    }
    for (size_t i = 0; i < PROC_CPU_MODES; i++) {
        values[i].counter = cpu->ticks[i] / rate * 1000 + cpu->ticks[i] % rate * 1000 / rate;
    }
    book_row(book, &cpu_kind, name, NULL, time, values, cpu->missing);
}

static void tell_cpus(struct machine *machine, struct wall time, struct proc_text text, int rc)
{
    struct proc_cpu cpu;
    bool whole = false;
    long ticks_per_second = sysconf(_SC_CLK_TCK);
    if (rc == 0 && ticks_per_second <= 0) {
        rc = -EINVAL;
    }
    while (rc == 0 && proc_next_cpu(&text, &cpu)) {
        whole = whole || cpu.number < 0;
        tell_cpu(machine->book, time, &cpu, (uint64_t)ticks_per_second);
    }
    if (!whole) {
        book_failed(machine->book, &cpu_kind, "all", time, rc != 0 ? -rc : EBADMSG);
        return;
    }
    book_sweep(machine->book, &cpu_kind); /* those that were taken offline */
}

/* A kernel without it, or started with psi=0. */
static bool is_absent(int rc)
{
    return rc == -ENOENT || rc == -EOPNOTSUPP;
}

int source_pressure(struct machine *machine, struct wall time)
{
    static const struct {
        enum kernel_file file;
        const char *name;
    } resources[] = {{FILE_PRESSURE_CPU, "cpu"},
                     {FILE_PRESSURE_MEMORY, "memory"},
                     {FILE_PRESSURE_IO, "io"},
                     {FILE_PRESSURE_IRQ, "irq"}};
    for (size_t i = 0; i < COUNT(resources); i++) {
        struct proc_text text;
        double numbers[PROC_PRESSURES];
        union value values[PROC_PRESSURES];
        uint64_t missing;
        int rc = files_read(machine->files, resources[i].file, &text);
        if (rc == 0) {
            rc = proc_parse_pressure(text.at, (size_t)(text.end - text.at), numbers, &missing);
        }
        if (is_absent(rc)) {
            continue;
        }
        if (rc != 0) {
            book_failed(machine->book, &pressure_kind, resources[i].name, time, -rc);
            continue;
        }
        for (size_t k = 0; k < PROC_PRESSURES; k++) {
            if (pressure_metrics[k].type == METRIC_COUNTER) {
                values[k].counter = (uint64_t)numbers[k];
            } else {
                values[k].gauge = numbers[k];
            }
        }
        book_row(machine->book, &pressure_kind, resources[i].name, NULL, time, values, missing);
    }
    return 0;
}

static void tell_load(struct machine *machine, struct wall time, const double *loads, int rc)
{
    union value values[PROC_LOADS];
    if (rc != 0) {
        book_failed(machine->book, &load_kind, "all", time, -rc);
        return;
    }
    for (size_t i = 0; i < PROC_LOADS; i++) {
        values[i].gauge = loads[i];
    }
    book_row(machine->book, &load_kind, "all", NULL, time, values, 0);
}

struct system {
    union value values[SYSTEM_VALUES];
    uint64_t unknown;
};

static void set_gauge(struct system *system, size_t at, double value)
{
    system->values[at].gauge = value;
    system->unknown &= ~(UINT64_C(1) << at);
}

/* /proc/stat: the processors' time, and what else it counts. */
static void sample_stat(struct machine *machine, struct wall time, struct system *system)
{
    uint64_t numbers[SYSTEM_VALUES] = {0};
    uint64_t missing;
    struct proc_text text = {NULL, NULL};
    int rc = files_read(machine->files, FILE_STAT, &text);
    tell_cpus(machine, time, text, rc);
    if (rc == 0 && proc_parse_lines(text.at, (size_t)(text.end - text.at), stat_fields,
                                    COUNT(stat_fields), numbers + SYSTEM_STAT, &missing) == 0) {
        values_of_numbers(&system_kind, numbers, system->values);
        system->unknown = (missing << SYSTEM_STAT) | ((UINT64_C(1) << SYSTEM_STAT) - 1);
    }
}

static void sample_load(struct machine *machine, struct wall time, struct system *system)
{
    double loads[PROC_LOADS];
    uint64_t threads = UINT64_MAX;
    struct proc_text text;
    int rc = files_read(machine->files, FILE_LOADAVG, &text);
    if (rc == 0) {
        rc = proc_parse_load(text.at, (size_t)(text.end - text.at), loads, &threads);
    }
    tell_load(machine, time, loads, rc);
    if (threads != UINT64_MAX) {
        set_gauge(system, SYSTEM_THREADS, (double)threads);
    }
}

int source_system(struct machine *machine, struct wall time)
{
    struct system system = {.unknown = (UINT64_C(1) << SYSTEM_VALUES) - 1};
    double uptime_s;
    uint64_t open_files;
    struct proc_text text;
    sample_stat(machine, time, &system);
    sample_load(machine, time, &system);
    if (files_read(machine->files, FILE_UPTIME, &text) == 0 &&
        proc_parse_uptime(text.at, (size_t)(text.end - text.at), &uptime_s) == 0) {
        set_gauge(&system, SYSTEM_UPTIME, uptime_s);
    }
    if (files_read(machine->files, FILE_FILE_NR, &text) == 0 &&
        proc_parse_numbers(text.at, (size_t)(text.end - text.at), &open_files, 1) == 1) {
        set_gauge(&system, SYSTEM_OPEN_FILES, (double)open_files);
    }
    int64_t processes = processes_sample(machine->processes, machine->book, time);
    if (processes >= 0) {
        set_gauge(&system, SYSTEM_PROCESSES, (double)processes);
    }
    book_row(machine->book, &system_kind, "system", NULL, time, system.values, system.unknown);
    return 0;
}
