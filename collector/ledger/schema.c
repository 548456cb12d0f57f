/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "schema.h"

enum { VERSION = 2 };

/* migrations[i] makes version i + 1 out of version i. Never change one that was released.
 *
 * Numbers that are 64 bits without a sign elsewhere (epoch, sequence, number, results) are refused
 * above INT64_MAX before they come here, so that they sort as they should.
 *
 * definition: what a number meant in (stream, epoch), kept as long as the journal may be read again
 * from a place where that epoch was the stream's own; object: what it is called by today.
 * run and statement: every statement as it came, and the runs they add up to. statement.chain_ok:
 * 1: its `previous` is the hash of the statement before it; 0: it is not; NULL: the statement
 * before it is not here (it was lost with a gap, or its own signature was bad). */
static const char *const migrations[VERSION] = {
    "CREATE TABLE state ("
    "  id INTEGER PRIMARY KEY CHECK (id = 1),"
    "  applied_segment INTEGER NOT NULL, applied_offset INTEGER NOT NULL,"
    "  watermark_segment INTEGER NOT NULL, watermark_offset INTEGER NOT NULL) STRICT;"
    "INSERT INTO state VALUES (1, 0, 0, 0, 0);"

    "CREATE TABLE agent (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;"
    "CREATE TABLE stream ("
    "  id INTEGER PRIMARY KEY,"
    "  agent_id INTEGER NOT NULL REFERENCES agent (id),"
    "  stream BLOB NOT NULL UNIQUE CHECK (length(stream) = 16),"
    "  epoch INTEGER NOT NULL, sequence INTEGER NOT NULL, received_ms INTEGER NOT NULL) STRICT;"
    "CREATE INDEX stream_by_agent ON stream (agent_id, received_ms);"

    /* A line a metric: name, unit and type, with a tab between. */
    "CREATE TABLE shape (id INTEGER PRIMARY KEY, metrics TEXT NOT NULL UNIQUE) STRICT;"
    "CREATE TABLE object ("
    "  id INTEGER PRIMARY KEY,"
    "  agent_id INTEGER NOT NULL REFERENCES agent (id),"
    "  device TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,"
    "  interval_ms INTEGER NOT NULL,"
    "  shape_id INTEGER NOT NULL REFERENCES shape (id),"
    "  last_ms INTEGER NOT NULL DEFAULT 0, last_status INTEGER NOT NULL DEFAULT 0,"
    "  UNIQUE (device, kind, name)) STRICT;"
    "CREATE TABLE label ("
    "  object_id INTEGER NOT NULL REFERENCES object (id),"
    "  position INTEGER NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,"
    "  PRIMARY KEY (object_id, position)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE definition ("
    "  id INTEGER PRIMARY KEY,"
    "  stream_id INTEGER NOT NULL REFERENCES stream (id),"
    "  epoch INTEGER NOT NULL, number INTEGER NOT NULL,"
    "  object_id INTEGER NOT NULL REFERENCES object (id),"
    "  shape_id INTEGER NOT NULL REFERENCES shape (id),"
    "  interval_ms INTEGER NOT NULL,"
    "  UNIQUE (stream_id, epoch, number)) STRICT;"

    "CREATE TABLE \"check\" ("
    "  id INTEGER PRIMARY KEY, device TEXT NOT NULL, name TEXT NOT NULL,"
    "  UNIQUE (device, name)) STRICT;"
    "CREATE TABLE run ("
    "  id INTEGER PRIMARY KEY,"
    "  check_id INTEGER NOT NULL REFERENCES \"check\" (id),"
    "  first_ms INTEGER NOT NULL,"
    "  stream_id INTEGER NOT NULL REFERENCES stream (id),"
    "  outcome INTEGER NOT NULL, reason TEXT NOT NULL,"
    "  detail TEXT NOT NULL, last_ms INTEGER NOT NULL, results INTEGER NOT NULL,"
    "  interval_ms INTEGER NOT NULL, received_ms INTEGER NOT NULL,"
    "  UNIQUE (check_id, first_ms, stream_id, outcome, reason)) STRICT;"
    "CREATE INDEX run_by_end ON run (check_id, last_ms);"
    "CREATE TABLE statement ("
    "  id INTEGER PRIMARY KEY,"
    "  stream_id INTEGER NOT NULL REFERENCES stream (id), number INTEGER NOT NULL,"
    "  run_id INTEGER NOT NULL REFERENCES run (id),"
    "  statement BLOB NOT NULL, signature BLOB NOT NULL CHECK (length(signature) = 64),"
    "  received_ms INTEGER NOT NULL, chain_ok INTEGER CHECK (chain_ok IN (0, 1)),"
    "  UNIQUE (stream_id, number)) STRICT;"
    "CREATE INDEX statement_broken ON statement (chain_ok) WHERE chain_ok = 0;"

    "CREATE TABLE gap ("
    "  id INTEGER PRIMARY KEY,"
    "  agent_id INTEGER NOT NULL REFERENCES agent (id),"
    "  from_ms INTEGER NOT NULL, to_ms INTEGER NOT NULL,"
    "  rows INTEGER NOT NULL, observations INTEGER NOT NULL, reason INTEGER NOT NULL,"
    "  received_ms INTEGER NOT NULL) STRICT;"
    "CREATE INDEX gap_by_end ON gap (to_ms, from_ms);"

    "PRAGMA application_id = 1111903303;"
    "PRAGMA user_version = 1;",

    /* Which statements a run is made of: what is asked when it is to be proven. */
    "CREATE INDEX statement_by_run ON statement (run_id);"
    "PRAGMA user_version = 2;",
};

const struct database_schema ledger_schema = {
    .name = "ledger",
    .application_id = 0x42464c47, /* "BFLG", which file(1) and we know it by: 1111903303 */
    .version = VERSION,
    .migrations = migrations,
};
