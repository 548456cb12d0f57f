/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rrd/cache.h"

#include "common/durable.h"
#include "common/xalloc.h"
#include "rrd/file.h"

#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    FUTURE_MS = 60 * 1000,      /* clocks of agents may be ahead by so much */
    RETRY_MS = 10 * 1000,       /* after a failed write */
    CHANGE_MS = 10 * 60 * 1000, /* between two changes of an object's metrics */
    NEW_FILES_MAX = 1000,
    HELD_GROUPS_MAX = 16, /* times flush_rows: then the journal must wait */
    ASIDE_ATTEMPTS = 50,  /* names tried for a file that is set aside */
    GROUP_ROWS = 512,     /* rows of one rrd_file_update: 270 kB of rrd_rows */
};

/* A row without the room for metrics that its object does not have. */
struct held_row {
    struct wall time;
    uint64_t unknown_mask;
    uint64_t discontinuity_mask;
};

struct file_entry {
    char *key; /* device, kind and name, each ended by NUL, as tsearch compares them */
    size_t key_size;
    char *path;
    struct object object; /* own copies; labels are not kept */
    struct wall last;     /* of the last row taken */
    struct wall changed;  /* when its metrics last changed; 0: never */
    bool checked;         /* the file is there, and this object's */
    struct mono oldest;
    struct mono retry;
    size_t n_rows;
    size_t room;
    struct held_row *rows;
    union value *values; /* room * n_metrics */
};

struct counts {
    uint64_t taken;
    uint64_t written;
    uint64_t skipped;
    uint64_t refused;
    uint64_t created;
    uint64_t quarantined;
    uint64_t set_aside;
    uint64_t failures;
};

struct rrd_cache {
    struct rrd_cache_options options;
    char *directory;
    char *quarantine;
    void *tree; /* entries by key */
    struct file_entry **entries;
    size_t n_entries;
    size_t room;
    uint64_t pending;
    struct counts counts;
    struct rrd_row *group; /* GROUP_ROWS */
};

static int compare_entries(const void *a, const void *b)
{
    const struct file_entry *left = a;
    const struct file_entry *right = b;
    size_t size = left->key_size < right->key_size ? left->key_size : right->key_size;
    int order = memcmp(left->key, right->key, size);
    return order != 0 ? order
                      : (left->key_size > right->key_size) - (left->key_size < right->key_size);
}

static char *make_key(const char *device, const char *kind, const char *name, size_t *size)
{
    size_t device_size = strlen(device) + 1;
    size_t kind_size = strlen(kind) + 1;
    size_t name_size = strlen(name) + 1;
    *size = device_size + kind_size + name_size;
    char *key = xmalloc(*size);
    memcpy(key, device, device_size);
    memcpy(key + device_size, kind, kind_size);
    memcpy(key + device_size + kind_size, name, name_size);
    return key;
}

static struct file_entry *find_entry(const struct rrd_cache *cache, const char *device,
                                     const char *kind, const char *name)
{
    struct file_entry wanted = {0};
    wanted.key = make_key(device, kind, name, &wanted.key_size);
    struct file_entry *const *found = tfind(&wanted, &cache->tree, compare_entries);
    free(wanted.key);
    return found == NULL ? NULL : *found;
}

/* --- objects --- */

static void clear_object(struct object *object)
{
    for (size_t i = 0; i < object->n_metrics; i++) {
        free((void *)(uintptr_t)object->metrics[i].name); /* our own copy */
    }
    free((void *)(uintptr_t)object->metrics);
    *object = (struct object){0};
}

static void copy_object(struct object *to, const struct object *from)
{
    struct metric *metrics = xcalloc(from->n_metrics, sizeof *metrics);
    for (size_t i = 0; i < from->n_metrics; i++) {
        metrics[i].name = xstrdup(from->metrics[i].name);
        metrics[i].unit = ""; /* files have no units */
        metrics[i].type = from->metrics[i].type;
    }
    *to = (struct object){
        .interval_ms = from->interval_ms, .metrics = metrics, .n_metrics = from->n_metrics};
}

static bool same_layout(const struct object *a, const struct object *b)
{
    bool same = a->interval_ms == b->interval_ms && a->n_metrics == b->n_metrics;
    for (size_t i = 0; same && i < a->n_metrics; i++) {
        same = a->metrics[i].type == b->metrics[i].type &&
               strcmp(a->metrics[i].name, b->metrics[i].name) == 0;
    }
    return same;
}

static void drop_rows(struct rrd_cache *cache, struct file_entry *entry)
{
    cache->pending -= entry->n_rows;
    free(entry->rows);
    free(entry->values);
    entry->rows = NULL;
    entry->values = NULL;
    entry->n_rows = 0;
    entry->room = 0;
}

static void free_entry(struct rrd_cache *cache, struct file_entry *entry)
{
    drop_rows(cache, entry);
    clear_object(&entry->object);
    free(entry->path);
    free(entry->key);
    free(entry);
}

static struct file_entry *add_entry(struct rrd_cache *cache, const struct object *object)
{
    struct file_entry *entry = xcalloc(1, sizeof *entry);
    entry->key = make_key(object->device, object->kind, object->name, &entry->key_size);
    entry->path = rrd_path(cache->directory, object->device, object->kind, object->name);
    copy_object(&entry->object, object);
    if (tsearch(entry, &cache->tree, compare_entries) == NULL) {
        abort(); /* out of memory, as xalloc has it */
    }
    if (cache->n_entries == cache->room) {
        cache->room = cache->room == 0 ? 64 : cache->room * 2;
        cache->entries = xreallocarray(cache->entries, cache->room, sizeof(struct file_entry *));
    }
    cache->entries[cache->n_entries++] = entry;
    return entry;
}

/* --- files --- */

static void alarm_about(const struct rrd_cache *cache, const char *path, const char *reason)
{
    if (cache->options.on_alarm != NULL) {
        cache->options.on_alarm(cache->options.context, path, reason);
    }
}

/* Move a file to FOLDER/<its name>@<time>.rrd, over nothing. */
static int move_aside(const char *path, const char *to_without_suffix)
{
    char stamp[32];
    time_t now = (time_t)(clock_wall().ms / 1000);
    struct tm broken_down;
    if (gmtime_r(&now, &broken_down) == NULL ||
        strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &broken_down) == 0) {
        return -ERANGE;
    }
    int error = -EEXIST;
    for (int i = 1; error == -EEXIST && i <= ASIDE_ATTEMPTS; i++) {
        char *to = i == 1 ? xasprintf("%s@%s.rrd", to_without_suffix, stamp)
                          : xasprintf("%s@%s-%d.rrd", to_without_suffix, stamp, i);
        error = renameat2(AT_FDCWD, path, AT_FDCWD, to, RENAME_NOREPLACE) == 0 ? 0 : -errno;
        free(to);
    }
    return error;
}

static int set_aside(const struct file_entry *entry)
{
    char *stem = xstrndup(entry->path, strlen(entry->path) - strlen(".rrd"));
    int error = move_aside(entry->path, stem);
    free(stem);
    return error;
}

static int quarantine(const struct rrd_cache *cache, const struct file_entry *entry)
{
    const char *below = entry->path + strlen(cache->directory);
    char *stem =
        xasprintf("%s%.*s", cache->quarantine, (int)(strlen(below) - strlen(".rrd")), below);
    char *slash = strrchr(stem, '/');
    *slash = '\0';
    int error = durable_make_folder(stem);
    *slash = '/';
    if (error == 0) {
        error = move_aside(entry->path, stem);
    }
    free(stem);
    return error;
}

/* Get a bad or foreign file out of the way. 0 when the path is free now. */
static int clear_path(struct rrd_cache *cache, const struct file_entry *entry, int found,
                      const char *reason)
{
    int error = found == -ESTALE ? set_aside(entry) : quarantine(cache, entry);
    if (error == 0 && found == -ESTALE) {
        cache->counts.set_aside++;
    } else if (error == 0) {
        cache->counts.quarantined++;
    }
    char *text = xasprintf("%s: %s", found == -ESTALE ? "set aside" : "quarantined", reason);
    alarm_about(cache, entry->path, text);
    free(text);
    return error;
}

/* The file exists and is this object's afterwards. `*new_files` is how many may still be made. */
static int ready_file(struct rrd_cache *cache, struct file_entry *entry, size_t *new_files,
                      char *reason, size_t reason_size)
{
    int error = rrd_file_check(entry->path, &entry->object, reason, reason_size);
    if (error == -ESTALE || error == -EBADMSG) {
        error = clear_path(cache, entry, error, reason);
        error = error == 0 ? -ENOENT : error;
    }
    if (error == -ENOENT) {
        if (*new_files == 0) {
            return -EAGAIN;
        }
        error =
            rrd_file_create(entry->path, &entry->object, entry->rows[0].time, reason, reason_size);
        if (error == 0) {
            (*new_files)--;
            cache->counts.created++;
        }
    }
    return error;
}

static void fill_group(struct rrd_row *group, const struct file_entry *entry, size_t first,
                       size_t n)
{
    size_t n_metrics = entry->object.n_metrics;
    for (size_t i = 0; i < n; i++) {
        const struct held_row *held = &entry->rows[first + i];
        group[i].time = held->time;
        group[i].unknown_mask = held->unknown_mask;
        group[i].discontinuity_mask = held->discontinuity_mask;
        memcpy(group[i].values, entry->values + (first + i) * n_metrics,
               n_metrics * sizeof(union value));
    }
}

static int write_rows(struct rrd_cache *cache, struct file_entry *entry, char *reason,
                      size_t reason_size)
{
    struct rrd_update_result sums = {0};
    int error = 0;
    size_t done = 0;
    while (error == 0 && done < entry->n_rows) {
        struct rrd_update_result result;
        size_t n = entry->n_rows - done < GROUP_ROWS ? entry->n_rows - done : GROUP_ROWS;
        fill_group(cache->group, entry, done, n);
        reason[0] = '\0';
        error = rrd_file_update(entry->path, &entry->object, cache->group, n, &result, reason,
                                reason_size);
        if (error == 0) {
            done += n;
            sums.written += result.written;
            sums.skipped += result.skipped;
            sums.refused += result.refused;
        }
    }
    cache->counts.written += sums.written;
    cache->counts.skipped += sums.skipped;
    cache->counts.refused += sums.refused;
    if (error == 0 && sums.refused > 0) {
        alarm_about(cache, entry->path, reason);
    }
    if (error == 0) {
        drop_rows(cache, entry);
    }
    return error; /* rows written before a failure are skipped by the next attempt */
}

static int flush_entry(struct rrd_cache *cache, struct file_entry *entry, size_t *new_files)
{
    char reason[256] = "";
    int error = 0;
    /* Twice, because the file may be damaged or gone although it was good once. */
    for (int attempt = 0; attempt < 2 && entry->n_rows > 0; attempt++) {
        if (!entry->checked) {
            error = ready_file(cache, entry, new_files, reason, sizeof reason);
            if (error != 0) {
                break;
            }
            entry->checked = true;
        }
        error = write_rows(cache, entry, reason, sizeof reason);
        if (error != -EBADMSG && error != -ESTALE && error != -ENOENT) {
            break;
        }
        entry->checked = false;
    }
    if (error == 0 || error == -EAGAIN) {
        return error;
    }
    cache->counts.failures++;
    entry->retry = mono_add_ms(clock_mono(), RETRY_MS);
    alarm_about(cache, entry->path, reason[0] != '\0' ? reason : strerror(-error));
    return error;
}

/* --- rows --- */

static int take_layout(struct rrd_cache *cache, struct file_entry *entry,
                       const struct object *object, struct wall now)
{
    if (same_layout(&entry->object, object)) {
        return 0;
    }
    if (entry->changed.ms != 0 && now.ms - entry->changed.ms < CHANGE_MS) {
        return -EBUSY;
    }
    size_t new_files = 1;
    int error = flush_entry(cache, entry, &new_files);
    if (error != 0) {
        return error;
    }
    clear_object(&entry->object);
    copy_object(&entry->object, object);
    entry->changed = now;
    entry->checked = false;
    return 0;
}

static void hold_row(struct rrd_cache *cache, struct file_entry *entry, const struct row *row)
{
    size_t n_metrics = entry->object.n_metrics;
    if (entry->n_rows == entry->room) {
        entry->room = entry->room == 0 ? 8 : entry->room * 2;
        entry->rows = xreallocarray(entry->rows, entry->room, sizeof *entry->rows);
        entry->values =
            xreallocarray(entry->values, entry->room * n_metrics, sizeof *entry->values);
    }
    if (entry->n_rows == 0) {
        entry->oldest = clock_mono();
    }
    entry->rows[entry->n_rows] = (struct held_row){.time = row->time,
                                                   .unknown_mask = row->unknown_mask,
                                                   .discontinuity_mask = row->discontinuity_mask};
    memcpy(entry->values + entry->n_rows * n_metrics, row->values, n_metrics * sizeof(union value));
    entry->n_rows++;
    entry->last = row->time;
    cache->pending++;
    cache->counts.taken++;
}

int rrd_cache_add(struct rrd_cache *cache, const struct object *object, const struct row *row,
                  struct wall now)
{
    int error = 0;
    if (row->time.ms < 1 || row->time.ms > now.ms + FUTURE_MS) {
        error = -ERANGE;
    } else if (object->n_metrics < 1 || object->n_metrics > PROTO_METRICS_MAX) {
        error = -EINVAL;
    }
    struct file_entry *entry =
        error == 0 ? find_entry(cache, object->device, object->kind, object->name) : NULL;
    if (error == 0 && entry == NULL) {
        entry = add_entry(cache, object);
    } else if (error == 0 && row->time.ms <= entry->last.ms) {
        error = -EALREADY;
    } else if (error == 0) {
        error = take_layout(cache, entry, object, now);
    }
    if (error == 0 && entry->n_rows >= HELD_GROUPS_MAX * cache->options.flush_rows) {
        error = -ENOBUFS;
    }
    if (error == 0) {
        hold_row(cache, entry, row);
    } else {
        cache->counts.refused++;
    }
    return error;
}

int rrd_cache_flush_due(struct rrd_cache *cache, struct mono now)
{
    size_t new_files = cache->options.new_files_max;
    bool deferred = false;
    int first = 0;
    for (size_t i = 0; i < cache->n_entries; i++) {
        struct file_entry *entry = cache->entries[i];
        bool due = entry->n_rows >= cache->options.flush_rows ||
                   (entry->n_rows > 0 &&
                    mono_elapsed_ms(entry->oldest, now) >= cache->options.flush_after_ms);
        if (!due || now.ns < entry->retry.ns) {
            continue;
        }
        int error = flush_entry(cache, entry, &new_files);
        deferred = deferred || error == -EAGAIN;
        first = first == 0 && error != -EAGAIN ? error : first;
    }
    if (deferred) {
        alarm_about(cache, cache->directory, "more new files than one round may make: some wait");
    }
    return first;
}

int rrd_cache_flush(struct rrd_cache *cache, const char *device, const char *kind,
                    const char *object)
{
    size_t new_files = SIZE_MAX;
    int first = 0;
    if (device != NULL && kind != NULL && object != NULL) {
        struct file_entry *entry = find_entry(cache, device, kind, object);
        return entry == NULL ? 0 : flush_entry(cache, entry, &new_files);
    }
    for (size_t i = 0; i < cache->n_entries; i++) {
        int error = flush_entry(cache, cache->entries[i], &new_files);
        first = first == 0 ? error : first;
    }
    return first;
}

/* --- the handle --- */

struct rrd_cache *rrd_cache_open(const struct rrd_cache_options *options)
{
    struct rrd_cache *cache = xcalloc(1, sizeof *cache);
    cache->options = *options;
    if (cache->options.new_files_max == 0) {
        cache->options.new_files_max = NEW_FILES_MAX;
    }
    cache->directory = xstrdup(options->directory);
    cache->quarantine = xstrdup(options->quarantine);
    cache->group = xcalloc(GROUP_ROWS, sizeof *cache->group);
    return cache;
}

uint64_t rrd_cache_pending(const struct rrd_cache *cache)
{
    return cache->pending;
}

void rrd_cache_stats(const struct rrd_cache *cache, struct stats *stats)
{
    const struct counts *counts = &cache->counts;
    const struct {
        const char *name;
        const char *help;
        uint64_t value;
        enum stat_type type;
    } table[] = {
        {"beffroi_rrd_rows_taken_total", "Rows taken in for the round-robin files.", counts->taken,
         STAT_COUNTER},
        {"beffroi_rrd_rows_written_total", "Rows written to the round-robin files.",
         counts->written, STAT_COUNTER},
        {"beffroi_rrd_rows_skipped_total", "Rows that a file had already.", counts->skipped,
         STAT_COUNTER},
        {"beffroi_rrd_rows_refused_total", "Rows that no file takes: out of order, in the future.",
         counts->refused, STAT_COUNTER},
        {"beffroi_rrd_rows_pending", "Rows that are only in memory and in the journal.",
         cache->pending, STAT_GAUGE},
        {"beffroi_rrd_objects", "Objects with a round-robin file.", cache->n_entries, STAT_GAUGE},
        {"beffroi_rrd_files_created_total", "Round-robin files made.", counts->created,
         STAT_COUNTER},
        {"beffroi_rrd_files_quarantined_total", "Damaged files put into quarantine.",
         counts->quarantined, STAT_COUNTER},
        {"beffroi_rrd_files_set_aside_total", "Files set aside because metrics or step changed.",
         counts->set_aside, STAT_COUNTER},
        {"beffroi_rrd_write_failures_total", "Files that could not be written, tried again.",
         counts->failures, STAT_COUNTER},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        stats_add(stats, table[i].type, table[i].name, table[i].help, (double)table[i].value);
    }
}

static void keep_entry(void *entry)
{
    (void)entry; /* the list frees it */
}

void rrd_cache_close(struct rrd_cache *cache)
{
    if (cache == NULL) {
        return;
    }
    tdestroy(cache->tree, keep_entry);
    for (size_t i = 0; i < cache->n_entries; i++) {
        free_entry(cache, cache->entries[i]);
    }
    free(cache->entries);
    free(cache->group);
    free(cache->quarantine);
    free(cache->directory);
    free(cache);
}
