/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The spool: finished batches on disk until the collector has them durably. It stands between the
 * batcher and the uplink, and it owns the identity of the stream (random, made with the spool), its
 * epoch (one per start) and its sequence.
 *
 * DIR/log/ is a seglog of encoded batches; DIR/ledger remembers what was acknowledged and where the
 * chain of statements stood, and is durable before a segment is unlinked. A crash loses at most
 * what was appended since the last sync; a damaged record costs itself and the rest
 * of its segment, and becomes a gap.
 *
 * Threads: one. */
#ifndef AGENT_SPOOL_H
#define AGENT_SPOOL_H

#include "common/seglog.h"
#include "proto/batch.h"
#include "proto/keys.h"

struct spool;

struct spool_options {
    const char *directory;
    uint64_t segment_bytes;
    uint64_t max_bytes; /* quota: the oldest segment is dropped when the log grows over it */
    /* Data was lost: it must be delivered as a gap, in a later batch: it must not call back here.
     */
    void (*on_gap)(void *context, const struct gap *gap);
    void *context;
};

/* How far the signed statements of the stream have come. */
struct spool_chain {
    uint64_t number; /* of the last statement; 0: none yet */
    uint8_t hash[KEYS_HASH_SIZE];
};

/* Opens or makes the spool and begins a new epoch. `*chain` is where the statements go on. Gaps
 * found while opening are reported through on_gap before it returns. 0 or -errno with a reason. */
int spool_open(struct spool **spool, const struct spool_options *options, struct spool_chain *chain,
               char *reason, size_t reason_size);

/* The position that the next batch takes. */
struct stream_position spool_next_position(const struct spool *spool);
/* The next append begins a new segment: its batch must hold every definition again, so that a
 * segment stands alone when older ones are dropped. */
bool spool_next_begins_segment(const struct spool *spool);
/* Take a finished batch at spool_next_position. While the disk refuses, batches wait in memory (at
 * most 8 MiB; the oldest is then dropped as a gap) and every later call tries again. `chain` is the
 * state after the batch. Never fails for the caller; spool_failing says how it stands. */
void spool_append(struct spool *spool, const uint8_t *batch, size_t size,
                  const struct spool_chain *chain);
/* fdatasync what was appended, and try again what the disk refused. Call after every append, and
 * every second while spool_failing. */
void spool_sync(struct spool *spool);
/* 0, or the -errno that the disk gave last. */
int spool_failing(const struct spool *spool);

/* Read the batches after the last acknowledged one, in order: 1 with a batch (valid until the next
 * call of any function here), 0 none now. Only what is durable is read (while the disk refuses:
 * also what waits in memory), so that a crash never takes back a batch that was sent. Where batches
 * are missing, the one after them is read only when all before them are acknowledged. */
int spool_read(struct spool *spool, const uint8_t **batch, size_t *size,
               struct stream_position *position);
/* Begin reading again after the last acknowledged batch. */
void spool_rewind(struct spool *spool);
/* Everything up to `position` is durable at the collector. */
void spool_acknowledge(struct spool *spool, const struct stream_position *position);
/* The collector stands at `position`, before what it had acknowledged: it lost its disk. Reading
 * begins again with the oldest batch after it that is still here. */
void spool_go_back(struct spool *spool, const struct stream_position *position);
/* The collector will never take this batch: it becomes a gap. Reading goes on after a rewind. */
void spool_skip(struct spool *spool, const struct stream_position *position,
                enum gap_reason reason);
/* The last acknowledged position (sequence 0: none). */
struct stream_position spool_acknowledged(const struct spool *spool);
/* The oldest sequence that can still be sent; that of the next batch when there is none. */
uint64_t spool_first_sequence(const struct spool *spool);

/* True when all that can be delivered was acknowledged. */
bool spool_is_empty(const struct spool *spool);
/* How many batches were not acknowledged yet, as their numbers tell. */
uint64_t spool_unacknowledged(const struct spool *spool);
uint64_t spool_bytes(const struct spool *spool);
uint64_t spool_dropped_batches(const struct spool *spool);
/* Syncs, saves the ledger, closes. NULL is allowed. */
void spool_close(struct spool *spool);

#endif
