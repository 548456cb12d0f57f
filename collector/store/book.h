/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What store remembers of each stream: how far it was applied, and what the numbers of its epochs
 * mean. Rows name their objects by number only, so that nothing can be applied without the book.
 *
 * Threads: one. */
#ifndef STORE_BOOK_H
#define STORE_BOOK_H

#include "common/log.h"
#include "proto/model.h"

struct book;

struct book_object {
    struct object object; /* without labels */
    struct wall last;     /* newest row since the last commit; 0: none */
    enum row_status status;
    bool noted; /* in the list of objects with a new row */
};

struct book_epoch {
    uint64_t epoch;
    size_t n_objects;
    size_t room;
    struct book_object **objects; /* by number, NULL between */
};

struct book_stream {
    uint8_t stream[PROTO_STREAM_SIZE];
    struct stream_position applied;   /* with what waits for its commit */
    struct stream_position committed; /* in the ledger */
    struct stream_position fed;       /* all rows up to here went to the files' cache */
    struct stream_position feeding;   /* this batch's first `rows_fed` rows did, too */
    size_t rows_fed;
    size_t n_epochs;
    struct book_epoch *epochs;
    struct log_limit undefined; /* rows without a definition */
};

struct book *book_new(void);
void book_free(struct book *book);

/* The stream's entry, made when new; stays where it is until book_free. */
struct book_stream *book_stream(struct book *book, const uint8_t stream[PROTO_STREAM_SIZE]);

/* Would it give another meaning to a number or other metrics to a name? Then everything that was
 * applied before has to be on disk first: a replay knows only one meaning. */
bool book_would_change(const struct book *book, const struct book_stream *stream, uint64_t epoch,
                       const struct object *object);
void book_define(struct book *book, struct book_stream *stream, uint64_t epoch,
                 const struct object *object);
/* NULL: it was not defined. */
struct book_object *book_find(const struct book_stream *stream, uint64_t epoch, uint32_t number);

/* A row that the ledger shall know as the object's newest. */
void book_note_row(struct book *book, struct book_object *object, struct wall time,
                   enum row_status status);
/* Every object with such a row. Returns the first result other than 0. */
int book_each_noted(struct book *book, int (*each)(void *context, const struct book_object *object),
                    void *context);
/* The ledger took it all, or nothing since the last commit. */
void book_commit(struct book *book);
void book_rollback(struct book *book);

/* Definitions remembered. */
size_t book_size(const struct book *book);
/* Forget the epochs before each stream's newest: what was applied is in the files for good. */
void book_prune(struct book *book);

#endif
