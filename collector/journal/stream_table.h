/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Where every stream stands: what was appended of it, and what of that is on disk. The journal's
 * memory; a snapshot in the journal is this table as a record.
 *
 * Threads: none of its own. */
#ifndef JOURNAL_STREAM_TABLE_H
#define JOURNAL_STREAM_TABLE_H

#include "proto/message.h"

enum {
    /* An agent has one live stream; a new one is made when its spool is lost. Those not heard for
     * longest are forgotten, so that no agent can fill the collector's memory. */
    STREAMS_PER_AGENT_MAX = 16,
    /* At most 302 bytes each in a snapshot, which must fit one record of 5 MiB. */
    STREAMS_MAX = 16000,
};

struct stream_entry {
    struct stream_position appended;
    struct stream_position durable; /* sequence 0: nothing yet */
    char *agent;
    uint64_t turn; /* grows with every change: the least is the stalest */
};

struct stream_table {
    size_t count;
    struct stream_entry *entries; /* in order of the stream's bytes */
    uint64_t turn;
};

struct stream_entry *stream_table_find(const struct stream_table *table,
                                       const uint8_t stream[PROTO_STREAM_SIZE]);
/* The stream is now appended up to `position`; makes room for a new one by forgetting. */
void stream_table_put(struct stream_table *table, const char *agent,
                      const struct stream_position *position);
/* What is appended is on disk; what is not on disk was never appended. */
void stream_table_mark_durable(struct stream_table *table);
void stream_table_roll_back(struct stream_table *table);
/* An encoded snapshot record of what is appended, stalest first; the caller frees. */
uint8_t *stream_table_encode(const struct stream_table *table, size_t *size);
/* Becomes what a decoded snapshot says. */
void stream_table_restore(struct stream_table *table, const struct journal_stream *streams,
                          size_t n_streams);
void stream_table_clear(struct stream_table *table);

#endif
