/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The inside of the spool, shared by its files only: spool.c writes, spool_open.c begins,
 * spool_read.c reads and forgets, spool_drop.c loses what there is no room for.
 *
 * A batch goes from the queue (memory) to the log (written) to durable (synced), and only then
 * leaves the queue. When the disk fails, what is not durable stays in the queue and is written
 * again; a reader passes over the copies by their positions. */
#ifndef AGENT_SPOOL_STATE_H
#define AGENT_SPOOL_STATE_H

#include "common/log.h"
#include "spool.h"
#include "spool_holes.h"
#include "spool_ledger.h"
#include "spool_loss.h"
#include <sys/types.h>

/* A batch that is not durable yet. */
struct spool_entry {
    struct spool_entry *next;
    struct stream_position position;
    struct spool_chain chain; /* after it */
    bool begins;              /* every definition is repeated from here on */
    bool in_log;              /* written, not synced */
    size_t size;
    uint8_t bytes[];
};

/* A batch that was read from the log and is not acknowledged. */
struct spool_sent {
    struct stream_position position;
    struct seglog_position end;
};

/* The bytes of the batch that was read last: they date what is missing after it. */
struct spool_trail {
    uint8_t *bytes;
    size_t size;
    size_t room;
};

struct spool {
    struct spool_options options;
    char *directory;
    char *log_path;
    char *ledger_path;

    /* Writing. */
    struct seglog *log;
    ino_t log_inode; /* of its folder: it may be deleted under us */
    uint8_t stream[PROTO_STREAM_SIZE];
    uint64_t epoch;
    uint64_t epoch_first; /* sequence that this epoch began with */
    uint64_t next_sequence;
    struct spool_entry *first;
    struct spool_entry **last;
    const struct spool_entry *writing; /* the one that seglog_append is given */
    size_t queue_bytes;
    size_t since_definitions_bytes; /* while failing */
    bool definitions_due;
    int failing;
    bool reopen; /* what the log holds is not known since a sync failed */
    struct mono tried;
    struct seglog_position durable; /* the log's end at the last good sync */
    struct stream_position written; /* the newest batch that is durable or acknowledged */
    struct spool_chain written_chain;
    struct mono saved; /* the ledger, or when that failed */
    int save_error;

    /* Reading. */
    struct stream_position acknowledged;
    struct wall acknowledged_at;
    struct seglog_position resume; /* where what comes after it begins */
    bool front_unknown;            /* what is missing right after it may have been delivered */
    struct spool_holes holes;
    uint64_t told_first;  /* the ledger's `first` */
    struct mono reported; /* when a gap was reported last */
    bool reported_lately;
    struct seglog_reader *reader;
    struct stream_position read; /* the batch given last */
    const uint8_t *peeked;       /* read, but held back: batches before it are not acknowledged */
    size_t peeked_size;
    struct stream_position peeked_position;
    struct spool_sent *sent;
    size_t n_sent;
    struct spool_trail trail;
    struct log_limit unreadable;

    uint64_t dropped_batches;
};

/* spool.c */
bool spool_is_ours(const struct spool *spool, const struct stream_position *position);
/* Save the ledger now. 0 or -errno. */
int spool_save(struct spool *spool);
/* Remove the queue's first entry. */
void spool_pop(struct spool *spool);

/* spool_open.c */
/* Opens the log, in the place of one that is open; then no position of that one means anything. */
int spool_log_open(struct spool *spool, uint64_t *damaged_bytes);

/* spool_read.c */
/* A record of the log was read: true when it is the next batch; `*after_hole` then says that
 * batches before it are missing (and were reported). */
bool spool_take(struct spool *spool, const uint8_t *bytes, size_t size,
                struct stream_position *position, bool *after_hole);
/* `position` was taken: what comes after it is next. */
void spool_took(struct spool *spool, const struct stream_position *position, const uint8_t *bytes,
                size_t size);
/* Closing the reader is always safe: the next read opens it again. */
void spool_reader_close(struct spool *spool);

/* spool_drop.c */
/* Batches are missing after the trail: report the time from it to `after` (NULL: to now). */
void spool_report_missing(struct spool *spool, const uint8_t *after, size_t after_size);
/* Lose the oldest segment of the log, unless it is the only one. True if one was lost. */
bool spool_drop_segment(struct spool *spool);
/* Lose the oldest batches of the queue, up to the next ones that repeat all definitions. */
void spool_drop_queued(struct spool *spool);

#endif
