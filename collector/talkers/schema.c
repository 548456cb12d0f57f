/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "schema.h"

enum { VERSION = 1 };

/* migrations[i] makes version i + 1 out of version i. Never change one that was released.
 *
 * source: whose reports they are; last_ms: the end of the newest. report.items: items.h. The key
 * begins with what a reader asks by, the other index is the deletion's. */
static const char *const migrations[VERSION] = {
    "CREATE TABLE source ("
    "  id INTEGER PRIMARY KEY,"
    "  stream BLOB NOT NULL CHECK (length(stream) = 16),"
    "  device TEXT NOT NULL, object TEXT NOT NULL,"
    "  agent TEXT NOT NULL, last_ms INTEGER NOT NULL DEFAULT 0,"
    "  UNIQUE (stream, device, object)) STRICT;"
    "CREATE INDEX source_by_name ON source (device, object);"

    "CREATE TABLE report ("
    "  id INTEGER PRIMARY KEY,"
    "  source_id INTEGER NOT NULL REFERENCES source (id),"
    "  list INTEGER NOT NULL, to_ms INTEGER NOT NULL, from_ms INTEGER NOT NULL,"
    "  total INTEGER NOT NULL, bound INTEGER NOT NULL, items BLOB NOT NULL,"
    "  UNIQUE (source_id, list, to_ms, from_ms)) STRICT;"
    "CREATE INDEX report_by_end ON report (to_ms);"

    "PRAGMA application_id = 1111905355;"
    "PRAGMA user_version = 1;",
};

const struct database_schema talker_schema = {
    .name = "database of talkers",
    .application_id = 0x4246544b, /* "BFTK", which file(1) and we know it by: 1111905355 */
    .version = VERSION,
    .migrations = migrations,
};
