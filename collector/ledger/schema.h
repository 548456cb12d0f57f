/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the tables are, and how a file of an older version becomes one of this version. */
#ifndef LEDGER_SCHEMA_H
#define LEDGER_SCHEMA_H

#include "database.h"

enum {
    SCHEMA_APPLICATION_ID = 0x42464c47, /* "BFLG", which file(1) and we know it by */
    SCHEMA_VERSION = 1,
};

/* Is this file ours? `*version` is 0 for an empty one. 0; -EBADMSG: no ledger, or of a newer
 * version; or another -errno; with a reason. */
int schema_check(struct database *database, const char *path, int *version, char *reason,
                 size_t reason_size);
/* Bring it up to this version, all or nothing. 0 or -errno with a reason. */
int schema_migrate(struct database *database, const char *path, char *reason, size_t reason_size);

#endif
