/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The envelopes: agent to collector, collector to agent, and the records of the journal. Encoders
 * return a malloc'ed buffer that the caller frees; decoders point into the bytes they were given,
 * check every bound, and allocate nothing.
 *
 * Threads: no state. */
#ifndef PROTO_MESSAGE_H
#define PROTO_MESSAGE_H

#include "proto/model.h"

enum agent_message_type { AGENT_HELLO = 1, AGENT_BATCH = 2 };
struct agent_message {
    enum agent_message_type type;
    struct stream_position hello; /* AGENT_HELLO: sequence 0 */
    char version[32];
    const uint8_t *batch; /* AGENT_BATCH: encoded Batch */
    size_t batch_size;
    /* AGENT_BATCH: the oldest sequence that the agent can still send; what was before it and is not
     * acknowledged is lost, and told of by a gap. It lets the collector tell a batch that was lost
     * on the wire (ask again) from one that was dropped from a full spool (go on). */
    uint64_t first_sequence;
    uint64_t sent_ns; /* 0: the agent does not say */
};
uint8_t *agent_hello_encode(const struct stream_position *hello, const char *version, size_t *size);
uint8_t *agent_batch_encode(const uint8_t *batch, size_t batch_size, uint64_t first_sequence,
                            size_t *size);
/* Writes when it is sent behind an encoded message, which has room for it: the size with it. May be
 * done again with the same `size`, when sending is tried again. */
size_t agent_message_stamp(uint8_t *message, size_t size, uint64_t sent_ns);
/* 0 or -EBADMSG. */
int agent_message_decode(const uint8_t *bytes, size_t size, struct agent_message *message);

enum refusal_reason {
    REFUSAL_MALFORMED = 1,
    REFUSAL_FOREIGN_STREAM = 2,
    REFUSAL_NO_ROOM = 3,
};
const char *refusal_reason_name(enum refusal_reason reason);

/* When the message came that is answered. Two times of the agent's steady clock (sent, and when the
 * answer comes) and two of the collector's are what NTP (RFC 5905, section 8) takes to tell the
 * offset; here the second of the collector's is the first and `held_us`, so that a step between
 * them does no harm. */
struct exchange {
    uint64_t sent_ns; /* 0: none; else as the agent's message had it */
    int64_t received_us;
    uint64_t held_us;
};

enum collector_message_type { COLLECTOR_ACK = 1, COLLECTOR_REFUSAL = 2 };
struct collector_message {
    enum collector_message_type type;
    struct stream_position position;
    enum refusal_reason reason; /* COLLECTOR_REFUSAL */
    char text[256];
    struct exchange exchange;
};
uint8_t *collector_message_encode(const struct collector_message *message, size_t *size);
int collector_message_decode(const uint8_t *bytes, size_t size, struct collector_message *message);

enum journal_record_type { JOURNAL_ENTRY = 1, JOURNAL_SNAPSHOT = 2 };
struct journal_stream {
    struct stream_position position;
    char agent[PROTO_NAME_MAX + 1];
};
struct journal_record {
    enum journal_record_type type;
    char agent[PROTO_NAME_MAX + 1]; /* JOURNAL_ENTRY */
    struct wall received;
    const uint8_t *batch;
    size_t batch_size;
    struct journal_stream *streams; /* JOURNAL_SNAPSHOT: malloc'ed, the caller frees */
    size_t n_streams;
};
uint8_t *journal_entry_encode(const char *agent, struct wall received, const uint8_t *batch,
                              size_t batch_size, size_t *size);
uint8_t *journal_snapshot_encode(const struct journal_stream *streams, size_t n_streams,
                                 size_t *size);
int journal_record_decode(const uint8_t *bytes, size_t size, struct journal_record *record);

#endif
