/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a database file's tables are, and how a file of an older version becomes one of this
 * version.
 *
 * Threads: as database.h. */
#ifndef DATABASE_SCHEMA_H
#define DATABASE_SCHEMA_H

#include "database/database.h"

struct database_schema {
    const char *name;       /* of such a file, in a reason: "ledger" */
    int32_t application_id; /* by which the file is known */
    int version;            /* of this program, from 1 */
    /* [i] makes version i + 1 out of version i, and sets user_version; the first one also sets
     * application_id. */
    const char *const *migrations;
};

/* Is this file such a one? `*version` is 0 for an empty one. 0; -EBADMSG: it is not, or of a newer
 * version; or another -errno; with a reason. */
int database_check_schema(struct database *database, const struct database_schema *schema,
                          const char *path, int *version, char *reason, size_t reason_size);
/* Bring it up to this version, all or nothing. 0 or -errno with a reason. */
int database_migrate(struct database *database, const struct database_schema *schema,
                     const char *path, char *reason, size_t reason_size);
/* Opens a file that another process writes, to read it: one that is there, and of this version. 0;
 * -ENOENT: there is none, or it is older; or as above; with a reason, and nothing to close. */
int database_open_view(struct database *database, const struct database_schema *schema,
                       const char *path, char *reason, size_t reason_size);

#endif
