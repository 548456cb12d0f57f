/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * SQLite as the collector uses it: one connection, constant statements that are prepared once and
 * found again by their text's address, and errors as -errno.
 *
 * Threads: a connection belongs to one thread. */
#ifndef DATABASE_DATABASE_H
#define DATABASE_DATABASE_H

#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>

enum { DATABASE_STATEMENTS_MAX = 48 };

struct database {
    sqlite3 *handle;
    size_t n_statements;
    struct {
        const char *sql;
        sqlite3_stmt *prepared;
    } statements[DATABASE_STATEMENTS_MAX];
};

/* `flags` as sqlite3_open_v2. 0 or -errno with a reason; on failure there is nothing to close. */
int database_open(struct database *database, const char *path, int flags, char *reason,
                  size_t reason_size);
void database_close(struct database *database);
/* An empty file with mode 0640, if it is not there yet. 0 or -errno. */
int database_make_file(const char *path);
/* As a writer wants it: WAL, synchronous=FULL (a commit is on disk), foreign keys. 0 or -errno. */
int database_set_up(struct database *database);
/* An SQLite result as -errno: -ENOSPC, -EBADMSG (no database, or a damaged one), -EINVAL (a
 * constraint) … */
int database_error(const struct database *database, int rc);
/* Constant SQL without parameters or results. 0 or -errno. */
int database_execute(struct database *database, const char *sql);

/* One use of a statement: start, bind from left to right, then run, or step and read; end. The
 * same text must not be in use twice at once. Bound texts must live until the end. */
struct query {
    struct database *database;
    sqlite3_stmt *statement;
    int parameter; /* bound so far */
    int rc;        /* the first error; later calls do nothing */
};

struct query query_start(struct database *database, const char *sql);
void query_bind_int(struct query *query, int64_t value);
void query_bind_text(struct query *query, const char *text); /* NULL is NULL */
void query_bind_blob(struct query *query, const void *bytes, size_t size);
void query_bind_null(struct query *query);
/* 1: a row; 0: no more; or -errno. */
int query_step(struct query *query);
void query_end(struct query *query);
/* Step to the end, and end. 0 or -errno. */
int query_run(struct query *query);
/* The same for a query of one integer: -ENOENT when there is no row. */
int query_run_int(struct query *query, int64_t *value);

int64_t query_int(const struct query *query, int column);
/* Never NULL; lives until the next step. */
const char *query_text(const struct query *query, int column);
/* Lives until the next step; NULL when it is empty. */
const void *query_blob(const struct query *query, int column, size_t *size);
/* Copies a blob of exactly `size` bytes; zeros when it has another size. */
void query_bytes(const struct query *query, int column, void *bytes, size_t size);

#endif
