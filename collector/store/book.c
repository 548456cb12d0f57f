/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "book.h"

#include "common/xalloc.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

/* What a name's metrics were when it was last defined. */
struct name {
    char *key; /* device, kind and name, each ended by NUL */
    size_t key_size;
    uint64_t layout;
};

struct book {
    void *stream_tree; /* struct book_stream by stream */
    size_t n_streams;
    struct book_stream **streams;
    void *name_tree; /* struct name by key */
    size_t n_noted;
    size_t noted_room;
    struct book_object **noted;
};

struct book *book_new(void)
{
    return xcalloc(1, sizeof(struct book));
}

/* --- names --- */

static int compare_names(const void *a, const void *b)
{
    const struct name *left = a;
    const struct name *right = b;
    size_t size = left->key_size < right->key_size ? left->key_size : right->key_size;
    int order = memcmp(left->key, right->key, size);
    return order != 0 ? order
                      : (left->key_size > right->key_size) - (left->key_size < right->key_size);
}

static void add_part(struct name *name, const char *text)
{
    size_t size = strlen(text) + 1;
    memcpy(name->key + name->key_size, text, size);
    name->key_size += size;
}

/* FNV-1a: two layouts of one name collide once in 2^64. */
static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ at[i]) * UINT64_C(1099511628211);
    }
    return hash;
}

static struct name *make_name(const struct object *object)
{
    struct name *name = xcalloc(1, sizeof *name);
    name->key = xmalloc(strlen(object->device) + strlen(object->kind) + strlen(object->name) + 3);
    add_part(name, object->device);
    add_part(name, object->kind);
    add_part(name, object->name);
    name->layout = hash_bytes(UINT64_C(14695981039346656037), &object->interval_ms,
                              sizeof object->interval_ms);
    for (size_t i = 0; i < object->n_metrics; i++) {
        const struct metric *metric = &object->metrics[i];
        name->layout = hash_bytes(name->layout, metric->name, strlen(metric->name) + 1);
        name->layout = hash_bytes(name->layout, &metric->type, sizeof metric->type);
    }
    return name;
}

static void free_name(void *node)
{
    struct name *name = node;
    free(name->key);
    free(name);
}

static void take_name(struct book *book, const struct object *object)
{
    struct name *name = make_name(object);
    struct name **found = tsearch(name, &book->name_tree, compare_names);
    if (found == NULL) {
        abort(); /* out of memory, as xalloc has it */
    }
    if (*found != name) {
        (*found)->layout = name->layout;
        free_name(name);
    }
}

/* --- streams --- */

static int compare_streams(const void *a, const void *b)
{
    const struct book_stream *left = a;
    const struct book_stream *right = b;
    return memcmp(left->stream, right->stream, sizeof left->stream);
}

struct book_stream *book_stream(struct book *book, const uint8_t id[PROTO_STREAM_SIZE])
{
    struct book_stream wanted;
    memcpy(wanted.stream, id, sizeof wanted.stream);
    struct book_stream *const *found = tfind(&wanted, &book->stream_tree, compare_streams);
    if (found != NULL) {
        return *found;
    }
    struct book_stream *stream = xcalloc(1, sizeof *stream);
    memcpy(stream->stream, id, sizeof stream->stream);
    memcpy(stream->applied.stream, id, sizeof stream->stream);
    stream->committed = stream->applied;
    stream->fed = stream->applied;
    stream->feeding = stream->applied;
    if (tsearch(stream, &book->stream_tree, compare_streams) == NULL) {
        abort(); /* out of memory */
    }
    book->streams = xreallocarray(book->streams, book->n_streams + 1, sizeof(struct book_stream *));
    book->streams[book->n_streams++] = stream;
    return stream;
}

/* --- definitions --- */

static struct book_epoch *find_epoch(const struct book_stream *stream, uint64_t epoch)
{
    for (size_t i = stream->n_epochs; i > 0; i--) { /* the newest is asked for most */
        if (stream->epochs[i - 1].epoch == epoch) {
            return &stream->epochs[i - 1];
        }
    }
    return NULL;
}

struct book_object *book_find(const struct book_stream *stream, uint64_t epoch, uint32_t number)
{
    const struct book_epoch *found = find_epoch(stream, epoch);
    return found == NULL || number >= found->room ? NULL : found->objects[number];
}

bool book_would_change(const struct book *book, const struct book_stream *stream, uint64_t epoch,
                       const struct object *object)
{
    const struct book_object *known = book_find(stream, epoch, object->number);
    struct name *name = make_name(object);
    struct name *const *found = tfind(name, &book->name_tree, compare_names);
    bool changes = (known != NULL && !object_same_name(&known->object, object)) ||
                   (found != NULL && (*found)->layout != name->layout);
    free_name(name);
    return changes;
}

static struct book_epoch *make_epoch(struct book_stream *stream, uint64_t number_epoch,
                                     uint32_t number)
{
    struct book_epoch *epoch = find_epoch(stream, number_epoch);
    if (epoch == NULL) {
        stream->epochs =
            xreallocarray(stream->epochs, stream->n_epochs + 1, sizeof *stream->epochs);
        epoch = &stream->epochs[stream->n_epochs++];
        *epoch = (struct book_epoch){.epoch = number_epoch};
    }
    if (number >= epoch->room) {
        size_t room = epoch->room == 0 ? 64 : epoch->room;
        while (room <= number) {
            room *= 2;
        }
        epoch->objects = xreallocarray(epoch->objects, room, sizeof(struct book_object *));
        memset(epoch->objects + epoch->room, 0,
               (room - epoch->room) * sizeof(struct book_object *));
        epoch->room = room;
    }
    return epoch;
}

void book_define(struct book *book, struct book_stream *stream, uint64_t epoch,
                 const struct object *object)
{
    struct object bare = *object;
    bare.labels = NULL; /* the ledger keeps them */
    bare.n_labels = 0;
    struct book_epoch *home = make_epoch(stream, epoch, object->number);
    struct book_object **place = &home->objects[object->number];
    if (*place == NULL) {
        *place = xcalloc(1, sizeof **place);
        home->n_objects++;
    } else {
        if (!object_same_name(&(*place)->object, object)) {
            (*place)->last = (struct wall){0};
        }
        object_clear(&(*place)->object);
    }
    (*place)->object = object_copy(&bare);
    take_name(book, object);
}

static void free_epoch(struct book_epoch *epoch)
{
    for (size_t i = 0; i < epoch->room; i++) {
        if (epoch->objects[i] != NULL) {
            object_clear(&epoch->objects[i]->object);
            free(epoch->objects[i]);
        }
    }
    free(epoch->objects);
}

static void prune_stream(struct book_stream *stream)
{
    size_t kept = 0;
    for (size_t i = 0; i < stream->n_epochs; i++) {
        if (stream->epochs[i].epoch < stream->committed.epoch) {
            free_epoch(&stream->epochs[i]);
        } else {
            stream->epochs[kept++] = stream->epochs[i];
        }
    }
    stream->n_epochs = kept;
}

void book_prune(struct book *book)
{
    for (size_t i = 0; i < book->n_streams; i++) {
        prune_stream(book->streams[i]);
    }
}

size_t book_size(const struct book *book)
{
    size_t n = 0;
    for (size_t i = 0; i < book->n_streams; i++) {
        for (size_t k = 0; k < book->streams[i]->n_epochs; k++) {
            n += book->streams[i]->epochs[k].n_objects;
        }
    }
    return n;
}

/* --- newest rows, commits --- */

void book_note_row(struct book *book, struct book_object *object, struct wall time,
                   enum row_status status)
{
    if (time.ms < object->last.ms) {
        return;
    }
    object->last = time;
    object->status = status;
    if (object->noted) {
        return;
    }
    if (book->n_noted == book->noted_room) {
        book->noted_room = book->noted_room == 0 ? 64 : book->noted_room * 2;
        book->noted = xreallocarray(book->noted, book->noted_room, sizeof(struct book_object *));
    }
    object->noted = true;
    book->noted[book->n_noted++] = object;
}

int book_each_noted(struct book *book, int (*each)(void *context, const struct book_object *object),
                    void *context)
{
    int result = 0;
    for (size_t i = 0; result == 0 && i < book->n_noted; i++) {
        if (book->noted[i]->last.ms != 0) { /* 0: defined anew since */
            result = each(context, book->noted[i]);
        }
    }
    return result;
}

static void forget_noted(struct book *book)
{
    for (size_t i = 0; i < book->n_noted; i++) {
        book->noted[i]->noted = false;
        book->noted[i]->last = (struct wall){0};
    }
    book->n_noted = 0;
}

void book_commit(struct book *book)
{
    forget_noted(book);
    for (size_t i = 0; i < book->n_streams; i++) {
        book->streams[i]->committed = book->streams[i]->applied;
    }
}

void book_rollback(struct book *book)
{
    forget_noted(book);
    for (size_t i = 0; i < book->n_streams; i++) {
        book->streams[i]->applied = book->streams[i]->committed;
    }
}

static void keep_node(void *node)
{
    (void)node; /* the list frees it */
}

void book_free(struct book *book)
{
    if (book == NULL) {
        return;
    }
    tdestroy(book->stream_tree, keep_node);
    tdestroy(book->name_tree, free_name);
    for (size_t i = 0; i < book->n_streams; i++) {
        struct book_stream *stream = book->streams[i];
        for (size_t k = 0; k < stream->n_epochs; k++) {
            free_epoch(&stream->epochs[k]);
        }
        free(stream->epochs);
        free(stream);
    }
    free(book->streams);
    free(book->noted);
    free(book);
}
