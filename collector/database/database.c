/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "database/database.h"

#include "common/durable.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BUSY_TIMEOUT_MS = 5000 }; /* recovery of a killed writer's log may hold the lock a moment */

/* --- the connection --- */

int database_error(const struct database *database, int rc)
{
    int system_error = database->handle == NULL ? 0 : sqlite3_system_errno(database->handle);
    switch (rc & 0xff) {
    case SQLITE_OK:
        return 0;
    case SQLITE_FULL:
        return -ENOSPC;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
        return system_error > 0 ? -system_error : -EIO;
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
        return -EBADMSG;
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
        return -EINVAL;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return -EBUSY;
    case SQLITE_READONLY:
        return -EROFS;
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return -EACCES;
    case SQLITE_NOMEM:
        return -ENOMEM;
    case SQLITE_TOOBIG:
        return -EMSGSIZE;
    default:
        return -EIO;
    }
}

int database_open(struct database *database, const char *path, int flags, char *reason,
                  size_t reason_size)
{
    memset(database, 0, sizeof *database);
    int rc = sqlite3_open_v2(path, &database->handle, flags | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc == SQLITE_OK) {
        (void)sqlite3_extended_result_codes(database->handle, 1); /* cannot fail on a handle */
        rc = sqlite3_busy_timeout(database->handle, BUSY_TIMEOUT_MS);
    }
    if (rc == SQLITE_OK) {
        /* What a stranger wrote into the file's schema runs nothing here. */
        rc = sqlite3_db_config(database->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    }
    int error = database_error(database, rc);
    if (error != 0) {
        (void)snprintf(reason, reason_size, "%s: cannot be opened: %s", path, strerror(-error));
        database_close(database);
    }
    return error;
}

void database_close(struct database *database)
{
    for (size_t i = 0; i < database->n_statements; i++) {
        (void)sqlite3_finalize(database->statements[i].prepared); /* repeats an old error */
    }
    (void)sqlite3_close_v2(database->handle); /* always SQLITE_OK */
    memset(database, 0, sizeof *database);
}

/* SQLite would make it readable by everybody. */
int database_make_file(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (fd < 0) {
        return -errno;
    }
    (void)close(fd); /* nothing was written */
    return durable_sync_folder(path);
}

int database_set_up(struct database *database)
{
    static const char journal_sql[] = "PRAGMA journal_mode = WAL";
    struct query query = query_start(database, journal_sql);
    int rc = query_step(&query);
    int error = rc == 1 && strcmp(query_text(&query, 0), "wal") == 0 ? 0 : rc < 0 ? rc : -ENOTSUP;
    query_end(&query);
    if (error == 0) {
        error = database_execute(database, "PRAGMA synchronous = FULL");
    }
    if (error == 0) {
        error = database_execute(database, "PRAGMA foreign_keys = ON");
    }
    return error;
}

int database_execute(struct database *database, const char *sql)
{
    return database_error(database, sqlite3_exec(database->handle, sql, NULL, NULL, NULL));
}

/* --- statements --- */

struct query query_start(struct database *database, const char *sql)
{
    struct query query = {.database = database, .rc = SQLITE_OK};
    size_t i = 0;
    while (i < database->n_statements && database->statements[i].sql != sql) {
        i++;
    }
    if (i == database->n_statements) {
        assert(i < DATABASE_STATEMENTS_MAX);
        query.rc = sqlite3_prepare_v3(database->handle, sql, -1, SQLITE_PREPARE_PERSISTENT,
                                      &query.statement, NULL);
        if (query.rc != SQLITE_OK) {
            return query;
        }
        database->statements[i].sql = sql;
        database->statements[i].prepared = query.statement;
        database->n_statements++;
    }
    query.statement = database->statements[i].prepared;
    assert(!sqlite3_stmt_busy(query.statement));
    return query;
}

void query_bind_int(struct query *query, int64_t value)
{
    if (query->rc == SQLITE_OK) {
        query->rc = sqlite3_bind_int64(query->statement, ++query->parameter, value);
    }
}

void query_bind_text(struct query *query, const char *text)
{
    if (query->rc == SQLITE_OK) {
        query->rc =
            sqlite3_bind_text(query->statement, ++query->parameter, text, -1, SQLITE_STATIC);
    }
}

void query_bind_blob(struct query *query, const void *bytes, size_t size)
{
    if (query->rc == SQLITE_OK) {
        query->rc =
            sqlite3_bind_blob64(query->statement, ++query->parameter, bytes, size, SQLITE_STATIC);
    }
}

void query_bind_null(struct query *query)
{
    if (query->rc == SQLITE_OK) {
        query->rc = sqlite3_bind_null(query->statement, ++query->parameter);
    }
}

int query_step(struct query *query)
{
    if (query->rc == SQLITE_OK) {
        assert(query->parameter == sqlite3_bind_parameter_count(query->statement));
        int rc = sqlite3_step(query->statement);
        if (rc == SQLITE_ROW || rc == SQLITE_DONE) {
            return rc == SQLITE_ROW ? 1 : 0;
        }
        query->rc = rc;
    }
    return database_error(query->database, query->rc);
}

void query_end(struct query *query)
{
    if (query->statement != NULL) {
        (void)sqlite3_reset(query->statement); /* repeats the step's error */
        (void)sqlite3_clear_bindings(query->statement);
    }
}

int query_run(struct query *query)
{
    int rc = 1;
    while (rc == 1) {
        rc = query_step(query);
    }
    query_end(query);
    return rc;
}

int query_run_int(struct query *query, int64_t *value)
{
    int rc = query_step(query);
    if (rc == 1) {
        *value = query_int(query, 0);
    }
    query_end(query);
    return rc == 1 ? 0 : rc == 0 ? -ENOENT : rc;
}

int64_t query_int(const struct query *query, int column)
{
    return sqlite3_column_int64(query->statement, column);
}

const char *query_text(const struct query *query, int column)
{
    const unsigned char *text = sqlite3_column_text(query->statement, column);
    return text == NULL ? "" : (const char *)text;
}

const void *query_blob(const struct query *query, int column, size_t *size)
{
    const void *blob = sqlite3_column_blob(query->statement, column);
    *size = (size_t)sqlite3_column_bytes(query->statement, column);
    return blob;
}

void query_bytes(const struct query *query, int column, void *bytes, size_t size)
{
    const void *blob = sqlite3_column_blob(query->statement, column);
    if (blob != NULL && (size_t)sqlite3_column_bytes(query->statement, column) == size) {
        memcpy(bytes, blob, size);
    } else {
        memset(bytes, 0, size);
    }
}
