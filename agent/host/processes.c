/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "processes.h"

#include "common/xalloc.h"
#include "proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    LIST_SIZE = 8 * 1024,
    STAT_SIZE = 1024, /* fifty numbers and a name */
    YOUNG_TURNS = 3,  /* so long a process is looked at whatever its name: fork, then exec */
    LOOK_EVERY = 32,  /* turns until each other one is looked at again */
    NO_NAME = -1,
};

enum process_value {
    PROCESS_COUNT,
    PROCESS_RSS,
    PROCESS_CPU,
    PROCESS_THREADS,
    PROCESS_VALUES,
};
static const struct metric process_metrics[PROCESS_VALUES] = {
    {"count", "1", METRIC_GAUGE},
    {"rss", "bytes", METRIC_GAUGE},
    {"cpu_time", "ms", METRIC_COUNTER},
    {"threads", "1", METRIC_GAUGE},
};
static const struct book_kind process_kind = {
    .kind = "process", .metrics = process_metrics, .n_metrics = PROCESS_VALUES};

struct seen {
    uint32_t pid;
    int16_t name; /* of `names`, or NO_NAME */
    uint16_t turns;
    uint64_t start_ticks;
    uint64_t cpu_ticks;
};

struct group {
    uint64_t count;
    uint64_t rss_pages;
    uint64_t threads;
    uint64_t cpu_ticks; /* of all since the first sample, and of those before it that were there */
};

struct list {
    struct seen *items;
    size_t n;
    size_t room;
};

struct processes {
    const char *root;
    const struct config_strings *names;
    struct group *groups;
    int folder;      /* below 0: not open */
    struct list now; /* by pid */
    struct list before;
    uint32_t turn;
    bool sampled;
    uint64_t sample_ticks; /* since boot, as the last sample began */
};

struct processes *processes_new(const char *root, const struct config_strings *names)
{
    struct processes *processes = xcalloc(1, sizeof *processes);
    processes->root = root;
    processes->names = names;
    processes->groups = xcalloc(names->count + 1, sizeof *processes->groups);
    processes->folder = -1;
    return processes;
}

void processes_free(struct processes *processes)
{
    if (processes == NULL) {
        return;
    }
    if (processes->folder >= 0) {
        (void)close(processes->folder); /* nothing was written */
    }
    free(processes->now.items);
    free(processes->before.items);
    free(processes->groups);
    free(processes);
}

static void append(struct list *list, uint32_t pid)
{
    if (list->n == list->room) {
        list->room = list->room == 0 ? 128 : list->room * 2;
        list->items = xreallocarray(list->items, list->room, sizeof *list->items);
    }
    list->items[list->n++] = (struct seen){.pid = pid, .name = NO_NAME};
}

static int compare_pids(const void *a, const void *b)
{
    uint32_t left = ((const struct seen *)a)->pid;
    uint32_t right = ((const struct seen *)b)->pid;
    return left < right ? -1 : left > right;
}

/* Without an allocation, as readdir would need: a count of entries that are numbers. The kernel
 * lists them in order; another file system under a test's root does not. */
static int list_processes(struct processes *processes)
{
    char entries[LIST_SIZE] __attribute__((aligned(8)));
    bool in_order = true;
    processes->now.n = 0;
    if (lseek(processes->folder, 0, SEEK_SET) < 0) {
        return -errno;
    }
    for (;;) {
        ssize_t size = getdents64(processes->folder, entries, sizeof entries);
        if (size <= 0) {
            if (!in_order) {
                qsort(processes->now.items, processes->now.n, sizeof *processes->now.items,
                      compare_pids);
            }
            return size < 0 ? -errno : 0;
        }
        for (ssize_t at = 0; at < size;) {
            const struct dirent64 *entry = (const struct dirent64 *)(entries + at);
            struct proc_text name = {entry->d_name, entry->d_name + strlen(entry->d_name)};
            uint64_t pid;
            if (words_number(name, &pid) && pid <= INT32_MAX) {
                size_t n = processes->now.n;
                in_order = in_order && (n == 0 || processes->now.items[n - 1].pid < pid);
                append(&processes->now, (uint32_t)pid);
            }
            at += entry->d_reclen;
        }
    }
}

/* What is known of each from the sample before. Both lists are in order. */
static void recognise(struct processes *processes)
{
    size_t at = 0;
    for (size_t i = 0; i < processes->now.n; i++) {
        struct seen *seen = &processes->now.items[i];
        while (at < processes->before.n && processes->before.items[at].pid < seen->pid) {
            at++;
        }
        if (at < processes->before.n && processes->before.items[at].pid == seen->pid) {
            *seen = processes->before.items[at];
            seen->turns = (uint16_t)(seen->turns < UINT16_MAX ? seen->turns + 1 : UINT16_MAX);
        }
    }
}

static bool read_process(const struct processes *processes, uint32_t pid,
                         struct proc_process *process)
{
    char path[32];
    char text[STAT_SIZE];
    snprintf(path, sizeof path, "%u/stat", pid);
    int fd = openat(processes->folder, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false; /* ended meanwhile */
    }
    ssize_t size = read(fd, text, sizeof text);
    (void)close(fd); /* nothing was written */
    return size > 0 && proc_parse_process(text, (size_t)size, process) == 0;
}

static int16_t find_name(const struct processes *processes, const char *name)
{
    for (size_t i = 0; i < processes->names->count; i++) {
        if (strcmp(processes->names->items[i], name) == 0) {
            return (int16_t)i;
        }
    }
    return NO_NAME;
}

static void look(struct processes *processes, struct seen *seen)
{
    struct proc_process process = {0};
    if (!read_process(processes, seen->pid, &process)) {
        seen->name = NO_NAME;
        return;
    }
    int16_t name = find_name(processes, process.name);
    bool same = name != NO_NAME && seen->name == name && seen->start_ticks == process.start_ticks;
    if (name != NO_NAME) {
        struct group *group = &processes->groups[name];
        group->count++;
        group->rss_pages += process.rss_pages;
        group->threads += process.threads;
        if (same && process.cpu_ticks >= seen->cpu_ticks) {
            group->cpu_ticks += process.cpu_ticks - seen->cpu_ticks;
        } else if (!same &&
                   (!processes->sampled || process.start_ticks >= processes->sample_ticks)) {
            group->cpu_ticks += process.cpu_ticks;
        } /* else it took this name later: what it did before is another's */
    }
    seen->name = name;
    seen->start_ticks = process.start_ticks;
    seen->cpu_ticks = process.cpu_ticks;
}

static uint64_t ticks_since_boot(uint64_t ticks_per_second)
{
    struct timespec now;
    if (clock_gettime(CLOCK_BOOTTIME, &now) != 0) {
        return UINT64_MAX;
    }
    return (uint64_t)now.tv_sec * ticks_per_second +
           (uint64_t)now.tv_nsec * ticks_per_second / 1000000000;
}

static int open_folder(struct processes *processes)
{
    char *path = xasprintf("%s/proc", processes->root);
    processes->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(path);
    return processes->folder < 0 ? -errno : 0;
}

static void tell(const struct processes *processes, struct book *book, struct wall time, int rc,
                 uint64_t ticks_per_second)
{
    uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
    for (size_t i = 0; i < processes->names->count; i++) {
        const struct group *group = &processes->groups[i];
        const union value values[PROCESS_VALUES] = {
            [PROCESS_COUNT] = {.gauge = (double)group->count},
            [PROCESS_RSS] = {.gauge = (double)group->rss_pages * (double)page_bytes},
            [PROCESS_CPU] = {.counter = group->cpu_ticks * 1000 / ticks_per_second},
            [PROCESS_THREADS] = {.gauge = (double)group->threads},
        };
        if (rc != 0) {
            book_failed(book, &process_kind, processes->names->items[i], time, -rc);
        } else {
            book_row(book, &process_kind, processes->names->items[i], NULL, time, values, 0);
        }
    }
}

static void look_at_all(struct processes *processes)
{
    for (size_t i = 0; i < processes->names->count; i++) {
        struct group *group = &processes->groups[i];
        *group = (struct group){.cpu_ticks = group->cpu_ticks};
    }
    recognise(processes);
    for (size_t i = 0; i < processes->now.n; i++) {
        struct seen *seen = &processes->now.items[i];
        if (seen->name != NO_NAME || seen->turns < YOUNG_TURNS ||
            (seen->pid + processes->turn) % LOOK_EVERY == 0) {
            look(processes, seen);
        }
    }
    struct list kept = processes->before;
    processes->before = processes->now;
    processes->now = kept;
}

int64_t processes_sample(struct processes *processes, struct book *book, struct wall time)
{
    uint64_t ticks_per_second = (uint64_t)sysconf(_SC_CLK_TCK);
    uint64_t ticks = ticks_since_boot(ticks_per_second);
    int rc = processes->folder < 0 ? open_folder(processes) : 0;
    if (rc == 0) {
        rc = list_processes(processes);
    }
    size_t n = processes->now.n;
    if (rc == 0 && (n == 0 || processes->now.items[0].pid != 1)) {
        rc = -EACCES;
    }
    if (rc == 0 && processes->names->count > 0) {
        look_at_all(processes);
        processes->turn++;
        processes->sampled = true;
        processes->sample_ticks = ticks;
    }
    tell(processes, book, time, rc, ticks_per_second);
    return rc != 0 ? rc : (int64_t)n;
}
