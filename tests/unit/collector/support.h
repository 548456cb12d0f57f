/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the tests of store share: a data folder with a journal, batches as an agent makes them, and
 * a store on a loop of its own. */
#ifndef TEST_COLLECTOR_SUPPORT_H
#define TEST_COLLECTOR_SUPPORT_H

#include "journal/journal.h"
#include "proto/batch.h"
#include "proto/statement.h"
#include "store/store.h"

static const int64_t START_MS = INT64_C(1767225600000); /* 2026-01-01 */

struct bed {
    char *folder;
    char *journal_directory;
    char *rrd_directory;
    char *quarantine_directory;
    char *ledger_path;
    char *talkers_path;
    char *control_path;
    char *intake_control_path;
    struct keys *keys;
    struct store_agent agents[2]; /* "agent-a" signs with `keys`, "agent-b" with what it likes */
    struct journal *journal;
    struct store_options options;
    uv_loop_t loop;
    struct store *store;
    int64_t ahead_ms; /* of the clocks, once move_clocks was called */
};

struct bed *make_bed(void);
void free_bed(struct bed *bed);
/* cmocka's set-up and tear-down around these, with the store open; *state is the bed. */
int open_bed(void **state);
int close_bed(void **state);

void open_store(struct bed *bed);
void close_store(struct bed *bed);
/* Turn the loop until `done` says so, or fail the test after 10 s. */
void run_until(struct bed *bed, bool (*done)(struct bed *bed));
/* Until `n` journal entries are in the ledger. */
void run_until_applied(struct bed *bed, size_t n);
/* Both clocks go on from now + ms. */
void move_clocks(struct bed *bed, int64_t ms);
/* The value of one of the store's figures; `label` NULL: it has none. */
double figure(const struct bed *bed, const char *name, const char *label);
/* What the store answers to {"request": …} as sent by somebody else. Caller frees (json_decref). */
struct json_t *ask_store(struct bed *bed, const char *request);

/* Streams 0x11… (agent-a) and 0x22… (agent-b). */
struct stream_position position_of(uint8_t stream, uint64_t epoch, uint64_t sequence);
/* An object with one counter and one gauge; `wide`: and another gauge. */
struct object make_object(uint32_t number, const char *name, bool wide);
void add_row(struct batch_writer *writer, const struct object *object, int64_t ms, uint64_t value);
/* An object of kind "traffic", and its heaviest hosts of the minute that ends at START_MS + ms. */
struct object make_traffic(uint32_t number, const char *name);
void add_talkers(struct batch_writer *writer, uint32_t object, int64_t ms, uint64_t bytes);
/* Of check "web", signed by `keys`; the hash of the one before it is zeros. */
void add_statement(struct batch_writer *writer, const struct keys *keys,
                   const struct stream_position *position, uint64_t number, enum outcome outcome,
                   int64_t first_ms, int64_t last_ms);
/* Into the journal, durably unless `sync` is false. */
void append(struct bed *bed, struct stream_position position, int64_t received_ms,
            struct batch_writer *writer, bool sync);

int64_t ask_int(const struct bed *bed, const char *sql);
int64_t ask_talkers(const struct bed *bed, const char *sql); /* of the other database */
/* Time of the last row of an object's file, from START_MS; -1: there is no file. */
int64_t last_of(const struct bed *bed, const char *name);

#endif
