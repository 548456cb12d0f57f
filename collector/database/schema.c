/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "database/schema.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int read_version(struct database *database, int64_t *application, int64_t *version,
                        int64_t *tables)
{
    static const char application_sql[] = "SELECT application_id FROM pragma_application_id";
    static const char version_sql[] = "SELECT user_version FROM pragma_user_version";
    static const char tables_sql[] = "SELECT count(*) FROM sqlite_schema";
    struct query query = query_start(database, application_sql);
    int error = query_run_int(&query, application);
    if (error == 0) {
        query = query_start(database, version_sql);
        error = query_run_int(&query, version);
    }
    if (error == 0) {
        query = query_start(database, tables_sql);
        error = query_run_int(&query, tables);
    }
    return error;
}

int database_check_schema(struct database *database, const struct database_schema *schema,
                          const char *path, int *version, char *reason, size_t reason_size)
{
    int64_t application = 0;
    int64_t found = 0;
    int64_t tables = 0;
    int error = read_version(database, &application, &found, &tables);
    if (error != 0) {
        char damaged[64];
        (void)snprintf(damaged, sizeof damaged, "not a %s, or damaged", schema->name);
        (void)snprintf(reason, reason_size, "%s: cannot be read: %s", path,
                       error == -EBADMSG ? damaged : strerror(-error));
        return error;
    }
    if (application == 0 && found == 0 && tables == 0) {
        *version = 0;
        return 0;
    }
    if (application != schema->application_id || found < 1) {
        (void)snprintf(reason, reason_size, "%s: is another program's database, not a %s", path,
                       schema->name);
        return -EBADMSG;
    }
    if (found > schema->version) {
        (void)snprintf(reason, reason_size, "%s: is of version %lld, newer than this program's %d",
                       path, (long long)found, schema->version);
        return -EBADMSG;
    }
    *version = (int)found;
    return 0;
}

int database_migrate(struct database *database, const struct database_schema *schema,
                     const char *path, char *reason, size_t reason_size)
{
    int version = 0;
    int error = database_check_schema(database, schema, path, &version, reason, reason_size);
    if (error != 0 || version == schema->version) {
        return error;
    }
    error = database_execute(database, "BEGIN IMMEDIATE");
    for (int i = version; error == 0 && i < schema->version; i++) {
        error = database_execute(database, schema->migrations[i]);
    }
    if (error == 0) {
        error = database_execute(database, "COMMIT");
    }
    if (error != 0) {
        (void)snprintf(reason, reason_size, "%s: cannot be brought to version %d: %s", path,
                       schema->version, strerror(-error));
        if (sqlite3_get_autocommit(database->handle) == 0) {
            (void)database_execute(database, "ROLLBACK"); /* closing would undo it as well */
        }
    }
    return error;
}

int database_open_view(struct database *database, const struct database_schema *schema,
                       const char *path, char *reason, size_t reason_size)
{
    int version = 0;
    if (access(path, F_OK) != 0) {
        int error = -errno;
        (void)snprintf(reason, reason_size, "%s: no %s: %s", path, schema->name, strerror(-error));
        return error;
    }
    int error = database_open(database, path, SQLITE_OPEN_READONLY, reason, reason_size);
    if (error != 0) {
        return error;
    }
    error = database_check_schema(database, schema, path, &version, reason, reason_size);
    if (error == 0 && version < schema->version) {
        (void)snprintf(reason, reason_size, "%s: is of an older version, or not made yet", path);
        error = -ENOENT;
    }
    if (error != 0) {
        database_close(database);
    }
    return error;
}
