/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The handle, and what its files do for each other:
 *   apply.c       takes entries from the journal, one after the other
 *   rows.c        an entry's rows, to the round-robin files' cache
 *   facts.c       the rest of an entry, to the ledger
 *   talkers.c     an entry's talker reports, to their own database, and out of it again
 *   group.c       transactions of many entries, and what happens when one fails
 *   checkpoint.c  watermarks
 *   lost.c        a journal that was deleted or replaced
 *   failing.c     what is out of order, and when it is tried again
 *   report.c      figures
 *   store.c       the loop: when all that happens, and the control socket */
#ifndef STORE_STORE_STATE_H
#define STORE_STORE_STATE_H

#include "book.h"
#include "control/control.h"
#include "journal/journal.h"
#include "ledger/ledger.h"
#include "proto/batch.h"
#include "rrd/cache.h"
#include "store/store.h"
#include "talkers/writer.h"

#define STORE_TOPIC "store"

enum { STORE_LOG_MS = 60 * 1000 }; /* between two lines about one cause */

enum store_part { STORE_LEDGER, STORE_RRD, STORE_JOURNAL, STORE_TALKERS, STORE_PARTS };

struct store_failing {
    bool now;
    int error;
    struct mono retry;
    struct log_limit limit;
};

enum store_refused {
    STORE_ROW_REPEATED, /* not after the object's last row */
    STORE_ROW_TIME,
    STORE_ROW_METRICS,
    STORE_ROW_CONFLICT,
    STORE_ROW_UNDEFINED,
    STORE_ROW_MISFIT,
    STORE_ROW_REASONS
};

enum store_talkers_refused {
    STORE_TALKERS_UNDEFINED,
    STORE_TALKERS_KIND,
    STORE_TALKERS_TIME,
    STORE_TALKERS_REASONS
};

/* Of the ledger: counted with its transaction. */
struct store_facts {
    uint64_t entries;
    uint64_t dead;
    uint64_t definitions;
    uint64_t statements;
    uint64_t statements_repeated;
    uint64_t statements_conflicting;
    uint64_t statements_malformed;
    uint64_t statements_foreign;
    uint64_t bad_signatures;
    uint64_t gaps;
    uint64_t refused; /* definitions, gaps and positions that do not fit the ledger */
    uint64_t talkers;
    uint64_t talkers_not_kept; /* the configuration wants none */
    uint64_t talkers_refused[STORE_TALKERS_REASONS];
};

struct store_entry {
    bool there;
    bool settled;        /* its definitions are in the book */
    struct batch *batch; /* NULL: it could not be decoded */
    char agent[PROTO_NAME_MAX + 1];
    struct wall received;
    struct seglog_position next;
    struct book_stream *stream;
};

struct store_group {
    bool open;
    size_t entries;
    struct seglog_position start; /* where to read again if it fails */
    struct store_facts facts;
};

struct store {
    struct store_options options;
    uv_loop_t *loop;
    uv_timer_t timer;
    struct control_server *control;
    struct ledger *ledger;
    struct talker_writer *talkers;
    struct rrd_cache *rrd;
    struct journal_reader *reader; /* NULL: to be opened at `reached` */
    struct book *book;
    struct store_entry entry;
    struct store_group group;
    struct seglog_position reached;   /* before the entry at hand */
    struct seglog_position applied;   /* in the ledger */
    struct seglog_position watermark; /* in the ledger */
    struct seglog_position trimmed;   /* intake knows */
    struct wall newest;               /* when the newest applied entry was received */
    bool at_end;
    struct mono committed;  /* the last time, or tried */
    struct mono wait;       /* nothing is applied before */
    struct mono flush;      /* next look for due rows */
    struct mono checkpoint; /* next watermark */
    struct mono retire;     /* next step of deleting old talkers */
    struct store_failing failing[STORE_PARTS];
    struct log_limit refused_limit[STORE_ROW_REASONS];
    struct log_limit talkers_limit;
    struct log_limit signature_limit;
    struct log_limit statement_limit;
    struct log_limit dead_limit;
    struct log_limit damage_limit;
    struct log_limit alarm_limit;
    struct store_facts facts;
    uint64_t rows;
    uint64_t rows_refused[STORE_ROW_REASONS];
    uint64_t damages;
    bool short_journal; /* it ends before what was applied … */
    struct mono short_since;
    uint64_t journals_lost;
    uint64_t talkers_deleted;
    uint64_t commits;
    uint64_t failures[STORE_PARTS];
    uint64_t checkpoints;
    uint64_t trim_failures;
    struct mono checkpointed;
};

/* apply.c: 1: one entry applied; 0: at the end for now; -EAGAIN: not now, `wait` says when. */
int store_apply_next(struct store *store);
/* Up to what the journal held when this was called, for at most `budget_ms`, and commit. 0,
 * -EAGAIN, or -ETIMEDOUT. */
int store_catch_up(struct store *store, int64_t budget_ms);

/* rows.c: 0, or -EAGAIN: no room, the rest of the rows must wait. */
int store_feed_rows(struct store *store);
/* May this row's time be right? The same for the files and for "last seen". */
bool store_time_is_credible(struct wall time, struct wall received);

/* facts.c: 0, or -EAGAIN: the ledger failed, the group is lost. */
int store_put_facts(struct store *store);

/* talkers.c: 0, or -EAGAIN: their database failed, the group is lost. */
int store_put_talkers(struct store *store);
/* Deletes a bounded number of those that are older than the retention, if it is time to and no
 * group is open. A failure is noted and logged. */
void store_retire_talkers(struct store *store, struct mono now);

/* group.c: each 0, or -EAGAIN with the group lost. */
int store_begin(struct store *store);
int store_commit(struct store *store);
void store_lose_group(struct store *store, enum store_part part, int error);
void store_drop_entry(struct store *store);

/* checkpoint.c: each 0 or -errno; noted and logged. */
/* Commit, write all rows, and make what was applied the watermark. */
int store_reach_watermark(struct store *store);
/* That, and let intake trim its journal; sets the time of the next one. */
int store_checkpoint(struct store *store);
/* Write everything that waits. 0 or -errno; noted and logged. */
int store_flush_rows(struct store *store);

/* lost.c: the journal ends before what was applied. As store_apply_next: 0 while that may pass, 1
 * once the journal is read from its start instead, -EAGAIN. */
int store_note_short_journal(struct store *store);

/* failing.c */
void store_note_failure(struct store *store, enum store_part part, int error);
void store_note_success(struct store *store, enum store_part part);

#endif
