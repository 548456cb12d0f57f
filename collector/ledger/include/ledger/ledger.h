/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The ledger, written: one SQLite file (WAL, synchronous=FULL) with what is true: agents, objects,
 * statements byte for byte, the runs they make up, gaps, and how far the journal was applied.
 * Store is its only writer; everybody else reads (view.h).
 *
 * Everything between ledger_begin and ledger_commit is one transaction, with the journal position
 * that it reached: applying a journal entry twice is impossible.
 *
 * Threads: a handle belongs to one thread. */
#ifndef LEDGER_LEDGER_H
#define LEDGER_LEDGER_H

#include "common/seglog.h"
#include "proto/model.h"
#include "proto/statement.h"

struct ledger;

/* Opens or makes the file and brings its schema up to date. 0; -EBADMSG: not a ledger, or of a
 * newer version; or another -errno; with a reason. */
int ledger_open(struct ledger **ledger, const char *path, char *reason, size_t reason_size);
void ledger_close(struct ledger *ledger);

/* What puts or sets stands between begin and commit (or rollback). A failure other than of one item
 * (-EINVAL, -EALREADY, -EEXIST) makes the transaction worthless: later calls and commit fail too.
 */
int ledger_begin(struct ledger *ledger);
int ledger_commit(
    struct ledger *ledger); /* after -errno (disk full) everything since begin is undone */
void ledger_rollback(struct ledger *ledger);

/* How far the journal is applied to the ledger (set in the same transaction as what it applied),
 * and from where it must be read again for the RRD files. {0,0}: nothing yet. */
int ledger_get_applied(struct ledger *ledger, struct seglog_position *applied,
                       struct seglog_position *rrd_watermark);
int ledger_set_applied(struct ledger *ledger, struct seglog_position applied);
/* A watermark that has reached `applied` also forgets the definitions of streams' older epochs:
 * until then a replay from the watermark before needs them. */
int ledger_set_rrd_watermark(struct ledger *ledger, struct seglog_position watermark);

/* An agent was heard: its stream's newest position; an older one changes nothing. -EINVAL (here and
 * below): a number over INT64_MAX. */
int ledger_put_agent(struct ledger *ledger, const char *agent,
                     const struct stream_position *position, struct wall received);
/* The newest applied position of every stream. A call-back's result other than 0 ends it and is
 * returned. */
int ledger_each_stream(struct ledger *ledger,
                       int (*each)(void *context, const char *agent,
                                   const struct stream_position *position),
                       void *context);
/* An object as an agent defined it in (stream, epoch): made or brought up to date. The number's
 * meaning in that epoch is remembered until ledger_set_rrd_watermark forgets it. */
int ledger_put_definition(struct ledger *ledger, const char *agent,
                          const struct stream_position *position, const struct object *object);
/* Every remembered definition (without labels; `position` has sequence 0), to go on after a
 * restart. */
int ledger_each_definition(struct ledger *ledger,
                           int (*each)(void *context, const struct stream_position *position,
                                       const struct object *object),
                           void *context);
/* The newest row of an object, for "last seen". */
int ledger_put_last_row(struct ledger *ledger, const struct object *object, struct wall time,
                        enum row_status status);

/* A statement as it came; the caller has checked its signature. Its run is begun or continued: the
 * same (stream, device, check, first, outcome, reason) is the same run, its last time and results
 * grow, its detail is the newest. Whether its `previous` is the hash of the statement before it in
 * the stream is noted in the column chain_ok: 1, 0, or NULL when that one is not here. -EALREADY:
 * this statement (stream, number) is there already; -EEXIST: another one of that number is, and
 * stays. */
int ledger_put_statement(struct ledger *ledger, const char *agent,
                         const struct observation *observation, const struct statement *statement,
                         struct wall received);
/* How many statements break their chain. */
int ledger_count_chain_breaks(struct ledger *ledger, uint64_t *breaks);
int ledger_put_gap(struct ledger *ledger, const char *agent, const struct gap *gap,
                   struct wall received);

#endif
