/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proto/message.h"

#include "beffroi.pb-c.h"
#include "common/xalloc.h"
#include "item_check.h"
#include "text.h"
#include "wire.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The shortest a snapshot's stream can be on the wire: 2 + 16 bytes of stream, 2 + 1 of agent. It
 * bounds what a record of so many bytes may make us allocate. */
enum { SNAPSHOT_STREAM_MIN = 21 };

const char *refusal_reason_name(enum refusal_reason reason)
{
    switch (reason) {
    case REFUSAL_MALFORMED:
        return "malformed";
    case REFUSAL_FOREIGN_STREAM:
        return "foreign-stream";
    case REFUSAL_NO_ROOM:
        return "no-room";
    }
    return "unknown";
}

/* --- encoding --- */

/* A tag and 64 bits, seven to a byte: what agent_message_stamp adds. */
enum { STAMP_SIZE_MAX = 11, SENT_FIELD = 4, VARINT_BITS = 7, VARINT_MORE = 0x80, US_PER_MS = 1000 };

static uint8_t *encode(const ProtobufCMessage *message, size_t *size)
{
    uint8_t *bytes = xmalloc(protobuf_c_message_get_packed_size(message) + STAMP_SIZE_MAX);
    *size = protobuf_c_message_pack(message, bytes);
    return bytes;
}

static ProtobufCBinaryData stream_bytes(const struct stream_position *position)
{
    return (ProtobufCBinaryData){PROTO_STREAM_SIZE, (uint8_t *)position->stream};
}

uint8_t *agent_hello_encode(const struct stream_position *hello, const char *version, size_t *size)
{
    Beffroi__V1__Hello packed = BEFFROI__V1__HELLO__INIT;
    packed.stream = stream_bytes(hello);
    packed.epoch = hello->epoch;
    packed.version = (char *)version;
    Beffroi__V1__AgentMessage message = BEFFROI__V1__AGENT_MESSAGE__INIT;
    message.message_case = BEFFROI__V1__AGENT_MESSAGE__MESSAGE_HELLO;
    message.hello = &packed;
    return encode(&message.base, size);
}

uint8_t *agent_batch_encode(const uint8_t *batch, size_t batch_size, uint64_t first_sequence,
                            size_t *size)
{
    Beffroi__V1__AgentMessage message = BEFFROI__V1__AGENT_MESSAGE__INIT;
    message.message_case = BEFFROI__V1__AGENT_MESSAGE__MESSAGE_BATCH;
    message.batch = (ProtobufCBinaryData){batch_size, (uint8_t *)batch};
    message.first_sequence = first_sequence;
    return encode(&message.base, size);
}

/* By hand: a field may stand anywhere, so a batch need not be packed anew with its stamp. */
size_t agent_message_stamp(uint8_t *message, size_t size, uint64_t sent_ns)
{
    message[size++] = SENT_FIELD << 3 | WIRE_VARINT;
    for (; sent_ns >= VARINT_MORE; sent_ns >>= VARINT_BITS) {
        message[size++] = (uint8_t)(sent_ns | VARINT_MORE);
    }
    message[size++] = (uint8_t)sent_ns;
    return size;
}

uint8_t *collector_message_encode(const struct collector_message *message, size_t *size)
{
    Beffroi__V1__CollectorMessage envelope = BEFFROI__V1__COLLECTOR_MESSAGE__INIT;
    Beffroi__V1__Exchange exchange = BEFFROI__V1__EXCHANGE__INIT;
    if (message->exchange.sent_ns != 0) {
        exchange.sent_ns = message->exchange.sent_ns;
        exchange.received_us = message->exchange.received_us;
        exchange.held_us = message->exchange.held_us;
        envelope.exchange = &exchange;
    }
    Beffroi__V1__Ack ack = BEFFROI__V1__ACK__INIT;
    Beffroi__V1__Refusal refusal = BEFFROI__V1__REFUSAL__INIT;
    switch (message->type) {
    case COLLECTOR_ACK:
        ack.stream = stream_bytes(&message->position);
        ack.epoch = message->position.epoch;
        ack.sequence = message->position.sequence;
        envelope.message_case = BEFFROI__V1__COLLECTOR_MESSAGE__MESSAGE_ACK;
        envelope.ack = &ack;
        break;
    case COLLECTOR_REFUSAL:
        refusal.stream = stream_bytes(&message->position);
        refusal.epoch = message->position.epoch;
        refusal.sequence = message->position.sequence;
        refusal.reason = (Beffroi__V1__RefusalReason)message->reason;
        refusal.text = (char *)message->text;
        envelope.message_case = BEFFROI__V1__COLLECTOR_MESSAGE__MESSAGE_REFUSAL;
        envelope.refusal = &refusal;
        break;
    }
    return encode(&envelope.base, size);
}

uint8_t *journal_entry_encode(const char *agent, struct wall received, const uint8_t *batch,
                              size_t batch_size, size_t *size)
{
    Beffroi__V1__JournalEntry entry = BEFFROI__V1__JOURNAL_ENTRY__INIT;
    entry.agent = (char *)agent;
    entry.received_ms = received.ms;
    entry.batch = (ProtobufCBinaryData){batch_size, (uint8_t *)batch};
    Beffroi__V1__JournalRecord record = BEFFROI__V1__JOURNAL_RECORD__INIT;
    record.record_case = BEFFROI__V1__JOURNAL_RECORD__RECORD_ENTRY;
    record.entry = &entry;
    return encode(&record.base, size);
}

uint8_t *journal_snapshot_encode(const struct journal_stream *streams, size_t n_streams,
                                 size_t *size)
{
    Beffroi__V1__StreamPosition *packed = xcalloc(n_streams + 1, sizeof *packed);
    Beffroi__V1__StreamPosition **list = xcalloc(n_streams + 1, sizeof(packed));
    for (size_t i = 0; i < n_streams; i++) {
        beffroi__v1__stream_position__init(&packed[i]);
        packed[i].stream = stream_bytes(&streams[i].position);
        packed[i].agent = (char *)streams[i].agent;
        packed[i].epoch = streams[i].position.epoch;
        packed[i].sequence = streams[i].position.sequence;
        list[i] = &packed[i];
    }
    Beffroi__V1__JournalSnapshot snapshot = BEFFROI__V1__JOURNAL_SNAPSHOT__INIT;
    snapshot.n_streams = n_streams;
    snapshot.streams = list;
    Beffroi__V1__JournalRecord record = BEFFROI__V1__JOURNAL_RECORD__INIT;
    record.record_case = BEFFROI__V1__JOURNAL_RECORD__RECORD_SNAPSHOT;
    record.snapshot = &snapshot;
    uint8_t *bytes = encode(&record.base, size);
    free(list);
    free(packed);
    return bytes;
}

/* --- decoding --- */

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int copy_stream(const struct wire_bytes *from, struct stream_position *position)
{
    if (from->size != PROTO_STREAM_SIZE) {
        return -EBADMSG;
    }
    memcpy(position->stream, from->at, sizeof position->stream);
    return 0;
}

/* Text of at most `text_size` - 1 bytes. */
static int copy_text(const struct wire_bytes *from, char *text, size_t text_size)
{
    if (!text_is_valid(from->at, from->size, text_size - 1)) {
        return -EBADMSG;
    }
    if (from->size > 0) {
        memcpy(text, from->at, from->size);
    }
    text[from->size] = '\0';
    return 0;
}

static int copy_name(const struct wire_bytes *from, char name[PROTO_NAME_MAX + 1])
{
    return from->size == 0 ? -EBADMSG : copy_text(from, name, PROTO_NAME_MAX + 1);
}

static int read_hello(const struct wire_bytes *bytes, struct agent_message *message)
{
    struct wire_bytes stream = {0};
    struct wire_bytes version = {0};
    const struct wire_target targets[] = {
        {1, NULL, &stream}, {2, &message->hello.epoch, NULL}, {3, NULL, &version}};
    if (wire_read(bytes->at, bytes->size, targets, COUNT(targets)) != 0 ||
        copy_stream(&stream, &message->hello) != 0) {
        return -EBADMSG;
    }
    return copy_text(&version, message->version, sizeof message->version);
}

int agent_message_decode(const uint8_t *bytes, size_t size, struct agent_message *message)
{
    memset(message, 0, sizeof *message);
    struct wire_bytes hello = {0};
    struct wire_bytes batch = {0};
    uint64_t first_sequence = 0;
    const struct wire_target targets[] = {{1, NULL, &hello},
                                          {2, NULL, &batch},
                                          {3, &first_sequence, NULL},
                                          {SENT_FIELD, &message->sent_ns, NULL}};
    if (size > PROTO_MESSAGE_MAX || wire_read(bytes, size, targets, COUNT(targets)) != 0 ||
        hello.times + batch.times != 1) {
        return -EBADMSG;
    }
    if (hello.times == 1) {
        message->type = AGENT_HELLO;
        return read_hello(&hello, message);
    }
    if (batch.size == 0 || first_sequence == 0) {
        return -EBADMSG;
    }
    message->type = AGENT_BATCH;
    message->batch = batch.at;
    message->batch_size = batch.size;
    message->first_sequence = first_sequence;
    return 0;
}

static int read_answer(const struct wire_bytes *bytes, struct collector_message *message)
{
    struct wire_bytes stream = {0};
    struct wire_bytes text = {0};
    uint64_t reason = 0;
    /* An ACK is a refusal without its last two fields. */
    const struct wire_target targets[] = {{1, NULL, &stream},
                                          {2, &message->position.epoch, NULL},
                                          {3, &message->position.sequence, NULL},
                                          {4, &reason, NULL},
                                          {5, NULL, &text}};
    size_t n_targets = message->type == COLLECTOR_ACK ? 3 : COUNT(targets);
    if (wire_read(bytes->at, bytes->size, targets, n_targets) != 0 ||
        copy_stream(&stream, &message->position) != 0) {
        return -EBADMSG;
    }
    if (message->type == COLLECTOR_ACK) {
        return 0;
    }
    if (reason < REFUSAL_MALFORMED || reason > REFUSAL_NO_ROOM) {
        return -EBADMSG;
    }
    message->reason = (enum refusal_reason)reason;
    return copy_text(&text, message->text, sizeof message->text);
}

static int read_exchange(const struct wire_bytes *bytes, struct exchange *exchange)
{
    uint64_t received_us = 0;
    const struct wire_target targets[] = {
        {1, &exchange->sent_ns, NULL}, {2, &received_us, NULL}, {3, &exchange->held_us, NULL}};
    if (wire_read(bytes->at, bytes->size, targets, COUNT(targets)) != 0) {
        return -EBADMSG;
    }
    exchange->received_us = (int64_t)received_us;
    return exchange->received_us >= 0 &&
                   item_time_is_valid((struct wall){exchange->received_us / US_PER_MS})
               ? 0
               : -EBADMSG;
}

int collector_message_decode(const uint8_t *bytes, size_t size, struct collector_message *message)
{
    memset(message, 0, sizeof *message);
    struct wire_bytes ack = {0};
    struct wire_bytes refusal = {0};
    struct wire_bytes exchange = {0};
    const struct wire_target targets[] = {
        {1, NULL, &ack}, {2, NULL, &refusal}, {3, NULL, &exchange}};
    if (size > PROTO_MESSAGE_MAX || wire_read(bytes, size, targets, COUNT(targets)) != 0 ||
        ack.times + refusal.times != 1 || read_exchange(&exchange, &message->exchange) != 0) {
        return -EBADMSG;
    }
    message->type = ack.times == 1 ? COLLECTOR_ACK : COLLECTOR_REFUSAL;
    return read_answer(ack.times == 1 ? &ack : &refusal, message);
}

static int read_entry(const struct wire_bytes *bytes, struct journal_record *record)
{
    struct wire_bytes agent = {0};
    struct wire_bytes batch = {0};
    uint64_t received_ms = 0;
    const struct wire_target targets[] = {
        {1, NULL, &agent}, {2, &received_ms, NULL}, {3, NULL, &batch}};
    if (wire_read(bytes->at, bytes->size, targets, COUNT(targets)) != 0 ||
        copy_name(&agent, record->agent) != 0 || batch.size == 0) {
        return -EBADMSG;
    }
    record->received = (struct wall){(int64_t)received_ms};
    record->batch = batch.at;
    record->batch_size = batch.size;
    return item_time_is_valid(record->received) ? 0 : -EBADMSG;
}

static int read_stream(const struct wire_field *field, struct journal_stream *stream)
{
    struct wire_bytes bytes = {0};
    struct wire_bytes agent = {0};
    const struct wire_target targets[] = {{1, NULL, &bytes},
                                          {2, NULL, &agent},
                                          {3, &stream->position.epoch, NULL},
                                          {4, &stream->position.sequence, NULL}};
    if (wire_read(field->bytes, field->size, targets, COUNT(targets)) != 0 ||
        copy_stream(&bytes, &stream->position) != 0) {
        return -EBADMSG;
    }
    return copy_name(&agent, stream->agent);
}

/* How many streams there are, each long enough to be one. */
static int count_streams(const struct wire_bytes *bytes, size_t *count)
{
    struct wire_reader reader = {bytes->at, bytes->size};
    struct wire_field field;
    int rc;
    *count = 0;
    while ((rc = wire_next(&reader, &field)) > 0) {
        if (field.number != 1) {
            continue;
        }
        if (field.type != WIRE_BYTES || field.size < SNAPSHOT_STREAM_MIN) {
            return -EBADMSG;
        }
        (*count)++;
    }
    return rc;
}

static int read_snapshot(const struct wire_bytes *bytes, struct journal_record *record)
{
    size_t count = 0;
    int rc = count_streams(bytes, &count);
    if (rc != 0 || count == 0) {
        return rc;
    }
    struct journal_stream *streams = calloc(count, sizeof *streams);
    if (streams == NULL) {
        return -ENOMEM;
    }
    struct wire_reader reader = {bytes->at, bytes->size};
    struct wire_field field;
    size_t n = 0;
    while (rc == 0 && wire_next(&reader, &field) > 0) { /* it was counted: cannot break */
        if (field.number == 1) {
            rc = read_stream(&field, &streams[n++]);
        }
    }
    if (rc != 0) {
        free(streams);
        return rc;
    }
    record->streams = streams;
    record->n_streams = n;
    return 0;
}

int journal_record_decode(const uint8_t *bytes, size_t size, struct journal_record *record)
{
    memset(record, 0, sizeof *record);
    struct wire_bytes entry = {0};
    struct wire_bytes snapshot = {0};
    const struct wire_target targets[] = {{1, NULL, &entry}, {2, NULL, &snapshot}};
    if (wire_read(bytes, size, targets, COUNT(targets)) != 0 || entry.times + snapshot.times != 1) {
        return -EBADMSG;
    }
    record->type = entry.times == 1 ? JOURNAL_ENTRY : JOURNAL_SNAPSHOT;
    return entry.times == 1 ? read_entry(&entry, record) : read_snapshot(&snapshot, record);
}
