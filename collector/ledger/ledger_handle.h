/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the writing files of this folder share. */
#ifndef LEDGER_LEDGER_HANDLE_H
#define LEDGER_LEDGER_HANDLE_H

#include "database/database.h"
#include "ledger/ledger.h"

#include <stdbool.h>

struct ledger {
    struct database database;
    bool in_transaction;
    int error; /* of the transaction: nothing more goes in, and commit fails with it */
};

/* May the transaction go on? 0 or its -errno. */
int ledger_ready(const struct ledger *ledger);
/* Notes an error that makes the transaction worthless (SQLite may have undone it already, and what
 * came now would be committed alone). -EINVAL is one item's own. Returns `error`. */
int ledger_note(struct ledger *ledger, int error);
/* Does it fit SQLite's signed integers? */
bool ledger_fits(uint64_t value);

/* The row of an agent or a stream, made when new. 0 or -errno. */
int ledger_agent_id(struct ledger *ledger, const char *agent, int64_t *id);
int ledger_stream_id(struct ledger *ledger, const char *agent,
                     const uint8_t stream[PROTO_STREAM_SIZE], int64_t *id);

#endif
