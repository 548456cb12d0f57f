/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "book.h"

#include "common/log.h"
#include "common/xalloc.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    const struct book_kind *kind;
    char *name;
    uint64_t labels; /* a hash of them */
    uint32_t number;
    bool told;           /* since the last sweep */
    bool failing;        /* logged already */
    uint64_t known_mask; /* of `previous` */
    uint64_t previous[BOOK_METRICS_MAX];
};

struct book {
    const char *device;
    int64_t interval_ms;
    const struct sample_sink *sink;
    struct entry *entries;
    size_t n_entries;
    size_t room;
    size_t next; /* the kernel lists things in the same order each time: look here first */
};

struct book *book_new(const char *device, int64_t interval_ms, const struct sample_sink *sink)
{
    struct book *book = xcalloc(1, sizeof *book);
    book->device = device;
    book->interval_ms = interval_ms;
    book->sink = sink;
    return book;
}

void book_free(struct book *book)
{
    if (book == NULL) {
        return;
    }
    for (size_t i = 0; i < book->n_entries; i++) {
        free(book->entries[i].name);
    }
    free(book->entries);
    free(book);
}

/* FNV-1a: it need only differ when they do. */
static uint64_t hash_text(uint64_t hash, const char *text)
{
    do {
        hash = (hash ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
    } while (*text++ != '\0');
    return hash;
}

static uint64_t hash_labels(const struct book_labels *labels)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < labels->n; i++) {
        hash = hash_text(hash_text(hash, labels->items[i].key), labels->items[i].value);
    }
    return hash;
}

static void define(struct book *book, struct entry *entry, const struct book_labels *labels)
{
    const struct object object = {
        .device = book->device,
        .kind = entry->kind->kind,
        .name = entry->name,
        .interval_ms = book->interval_ms,
        .metrics = entry->kind->metrics,
        .n_metrics = entry->kind->n_metrics,
        .labels = labels->n > 0 ? labels->items : NULL,
        .n_labels = labels->n,
    };
    entry->labels = hash_labels(labels);
    entry->number = book->sink->define(book->sink->context, &object);
}

static struct entry *find(struct book *book, const struct book_kind *kind, const char *name)
{
    for (size_t i = 0; i < book->n_entries; i++) {
        size_t at = (book->next + i) % book->n_entries;
        struct entry *entry = &book->entries[at];
        if (entry->kind == kind && strcmp(entry->name, name) == 0) {
            book->next = at + 1;
            return entry;
        }
    }
    return NULL;
}

/* The entry of an object, made when it is new; NULL when its name may not travel. */
static struct entry *look_up(struct book *book, const struct book_kind *kind, const char *name,
                             const struct book_labels *labels)
{
    static const struct book_labels none = {0};
    struct entry *entry = find(book, kind, name);
    if (entry == NULL) {
        if (!name_is_valid(name, strlen(name))) {
            return NULL;
        }
        if (book->n_entries == book->room) {
            book->room = book->room == 0 ? 16 : book->room * 2;
            book->entries = xreallocarray(book->entries, book->room, sizeof *book->entries);
        }
        entry = &book->entries[book->n_entries++];
        *entry = (struct entry){.kind = kind, .name = xstrdup(name)};
        define(book, entry, labels != NULL ? labels : &none);
    } else if (labels != NULL && entry->labels != hash_labels(labels)) {
        define(book, entry, labels);
    }
    entry->told = true;
    return entry;
}

/* Which counters went back: the driver, or the machine under it, started them anew. */
static uint64_t compare_counters(struct entry *entry, const union value *values,
                                 uint64_t unknown_mask)
{
    uint64_t back = 0;
    for (size_t i = 0; i < entry->kind->n_metrics; i++) {
        uint64_t bit = UINT64_C(1) << i;
        if (entry->kind->metrics[i].type != METRIC_COUNTER || (unknown_mask & bit) != 0) {
            continue;
        }
        if ((entry->known_mask & bit) != 0 && values[i].counter < entry->previous[i]) {
            back |= bit;
        }
        entry->previous[i] = values[i].counter;
        entry->known_mask |= bit;
    }
    return back;
}

static uint64_t all_of(const struct book_kind *kind)
{
    return (UINT64_C(1) << kind->n_metrics) - 1;
}

static void send_row(struct book *book, struct entry *entry, struct wall time,
                     const union value *values, uint64_t unknown_mask)
{
    uint64_t all = all_of(entry->kind);
    struct row row = {
        .object = entry->number,
        .time = time,
        .status = unknown_mask == all                            ? ROW_FAILED
                  : (unknown_mask & ~entry->kind->optional) != 0 ? ROW_PARTIAL
                                                                 : ROW_OK,
        .unknown_mask = unknown_mask,
        .discontinuity_mask = compare_counters(entry, values, unknown_mask),
        .values = values,
    };
    if (entry->number != 0) {
        book->sink->row(book->sink->context, &row);
    }
}

void book_row(struct book *book, const struct book_kind *kind, const char *name,
              const struct book_labels *labels, struct wall time, const union value *values,
              uint64_t unknown_mask)
{
    struct entry *entry = look_up(book, kind, name, labels);
    assert(kind->n_metrics <= BOOK_METRICS_MAX);
    if (entry == NULL) {
        return;
    }
    if (entry->failing) {
        entry->failing = false;
        log_info("host", "read again: kind=%s name=%s", kind->kind, name);
    }
    send_row(book, entry, time, values, unknown_mask);
}

void book_failed(struct book *book, const struct book_kind *kind, const char *name,
                 struct wall time, int error)
{
    static const union value nothing[BOOK_METRICS_MAX];
    struct entry *entry = look_up(book, kind, name, NULL);
    if (entry == NULL) {
        return;
    }
    if (!entry->failing) {
        entry->failing = true;
        log_warn("host", "cannot be read: kind=%s name=%s: %s", kind->kind, name, strerror(error));
    }
    send_row(book, entry, time, nothing, all_of(kind));
}

void book_sweep(struct book *book, const struct book_kind *kind)
{
    size_t kept = 0;
    for (size_t i = 0; i < book->n_entries; i++) {
        struct entry *entry = &book->entries[i];
        if (entry->kind == kind && !entry->told) {
            free(entry->name);
            continue;
        }
        if (entry->kind == kind) {
            entry->told = false;
        }
        book->entries[kept++] = *entry;
    }
    book->n_entries = kept;
    book->next = 0;
}
