/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the tests of the ledger share: a folder, a ledger in it, and things to put into it. */
#ifndef TEST_LEDGER_SUPPORT_H
#define TEST_LEDGER_SUPPORT_H

#include "ledger/ledger.h"
#include "ledger/view.h"
#include "proto/statement.h"

static const int64_t START_MS = INT64_C(1767225600000); /* 2026-01-01 */

struct bed {
    char *folder;
    char *path;
    struct ledger *ledger;
    struct ledger_view *view;
    struct keys *keys;
};

/* cmocka's set-up and tear-down; *state is the bed. */
int open_bed(void **state);
int close_bed(void **state);
void reopen_ledger(struct bed *bed);

/* Two streams: bytes 0x11…, 0x22…. */
struct stream_position position_of(uint8_t stream, uint64_t epoch, uint64_t sequence);

/* A statement of stream 0x11, as an agent would make it: signed, with the hash of the one before
 * (zeros if `previous` is NULL and it is not the first). */
struct signed_statement {
    struct statement statement;
    uint8_t bytes[STATEMENT_SIZE_MAX];
    struct observation observation;
};
void make_statement(const struct bed *bed, uint64_t number, const struct signed_statement *previous,
                    const char *check, enum outcome outcome, int64_t first_ms, int64_t last_ms,
                    struct signed_statement *out);
/* Put it in a transaction of its own. */
int put_statement(struct bed *bed, const struct signed_statement *made);

void begin(struct bed *bed);
void commit(struct bed *bed);
/* The one integer that the SQL finds, through a connection of its own. */
int64_t ask_int(const struct bed *bed, const char *sql);

#endif
