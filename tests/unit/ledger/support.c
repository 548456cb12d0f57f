/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support.h"

#include "common/xalloc.h"

#include <ftw.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

void reopen_ledger(struct bed *bed)
{
    char reason[256] = "";
    ledger_close(bed->ledger);
    bed->ledger = NULL;
    if (ledger_open(&bed->ledger, bed->path, reason, sizeof reason) != 0) {
        fail_msg("%s", reason);
    }
}

int open_bed(void **state)
{
    struct bed *bed = xcalloc(1, sizeof *bed);
    char reason[256] = "";
    /* In memory where there is one: the tests make hundreds of durable commits. */
    bed->folder =
        xasprintf("%s/beffroi-ledger-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    assert_non_null(mkdtemp(bed->folder));
    bed->path = xasprintf("%s/ledger.sqlite", bed->folder);
    assert_int_equal(keys_init(), 0);
    bed->keys = keys_generate();
    reopen_ledger(bed);
    assert_int_equal(ledger_view_open(&bed->view, bed->path, reason, sizeof reason), 0);
    *state = bed;
    return 0;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status; /* the walk's interface */
    (void)type;
    (void)walk;
    return remove(path);
}

int close_bed(void **state)
{
    struct bed *bed = *state;
    ledger_view_close(bed->view);
    ledger_close(bed->ledger);
    keys_free(bed->keys);
    assert_int_equal(nftw(bed->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
    free(bed->path);
    free(bed->folder);
    free(bed);
    return 0;
}

struct stream_position position_of(uint8_t stream, uint64_t epoch, uint64_t sequence)
{
    struct stream_position position = {.epoch = epoch, .sequence = sequence};
    memset(position.stream, stream, sizeof position.stream);
    return position;
}

void make_statement(const struct bed *bed, uint64_t number, const struct signed_statement *previous,
                    const char *check, enum outcome outcome, int64_t first_ms, int64_t last_ms,
                    struct signed_statement *out)
{
    size_t size = 0;
    memset(out, 0, sizeof *out);
    struct statement *statement = &out->statement;
    memset(statement->stream, 0x11, sizeof statement->stream);
    statement->number = number;
    statement->has_previous = number > 1; /* of zeros if there is none before */
    if (previous != NULL) {
        statement_hash(previous->observation.statement, previous->observation.statement_size,
                       statement->previous);
    }
    (void)snprintf(statement->device, sizeof statement->device, "hall");
    (void)snprintf(statement->check, sizeof statement->check, "%s", check);
    (void)snprintf(statement->reason, sizeof statement->reason, "%s",
                   outcome == OUTCOME_UP ? "" : "timeout");
    (void)snprintf(statement->detail, sizeof statement->detail, "number %llu",
                   (unsigned long long)number);
    statement->outcome = outcome;
    statement->first.ms = first_ms;
    statement->last.ms = last_ms;
    statement->results = 1 + (uint64_t)(last_ms - first_ms) / 10000;
    statement->interval_ms = 10000;
    assert_int_equal(
        statement_sign(statement, bed->keys, out->bytes, &size, out->observation.signature), 0);
    out->observation.statement = out->bytes;
    out->observation.statement_size = size;
}

void begin(struct bed *bed)
{
    assert_int_equal(ledger_begin(bed->ledger), 0);
}

void commit(struct bed *bed)
{
    assert_int_equal(ledger_commit(bed->ledger), 0);
}

int put_statement(struct bed *bed, const struct signed_statement *made)
{
    begin(bed);
    int error = ledger_put_statement(bed->ledger, "agent-a", &made->observation, &made->statement,
                                     made->statement.last);
    commit(bed);
    return error;
}

int64_t ask_int(const struct bed *bed, const char *sql)
{
    sqlite3 *handle;
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_open_v2(bed->path, &handle, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(handle, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t value = sqlite3_column_type(statement, 0) == SQLITE_NULL
                        ? INT64_MIN
                        : sqlite3_column_int64(statement, 0);
    (void)sqlite3_finalize(statement);
    assert_int_equal(sqlite3_close(handle), SQLITE_OK);
    return value;
}
