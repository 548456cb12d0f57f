/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any bytes as an envelope: what the decoders let through, encoded and decoded again, is the same.
 */
#include "proto/message.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void require(bool good)
{
    if (!good) {
        abort();
    }
}

static bool same_position(const struct stream_position *a, const struct stream_position *b)
{
    return memcmp(a->stream, b->stream, sizeof a->stream) == 0 && a->epoch == b->epoch &&
           a->sequence == b->sequence;
}

static void check_agent(const uint8_t *bytes, size_t size)
{
    struct agent_message message, second;
    size_t again_size = 0;
    if (agent_message_decode(bytes, size, &message) != 0) {
        return;
    }
    uint8_t *again = message.type == AGENT_HELLO
                         ? agent_hello_encode(&message.hello, message.version, &again_size)
                         : agent_batch_encode(message.batch, message.batch_size,
                                              message.first_sequence, &again_size);
    again_size = agent_message_stamp(again, again_size, message.sent_ns);
    require(agent_message_decode(again, again_size, &second) == 0 && second.type == message.type &&
            second.sent_ns == message.sent_ns && same_position(&second.hello, &message.hello) &&
            strcmp(second.version, message.version) == 0 &&
            second.first_sequence == message.first_sequence &&
            second.batch_size == message.batch_size);
    require(message.batch_size == 0 ||
            memcmp(second.batch, message.batch, message.batch_size) == 0);
    free(again);
}

static void check_collector(const uint8_t *bytes, size_t size)
{
    struct collector_message message, second;
    size_t again_size = 0;
    if (collector_message_decode(bytes, size, &message) != 0) {
        return;
    }
    uint8_t *again = collector_message_encode(&message, &again_size);
    require(collector_message_decode(again, again_size, &second) == 0 &&
            second.type == message.type && second.reason == message.reason &&
            same_position(&second.position, &message.position) &&
            strcmp(second.text, message.text) == 0 &&
            second.exchange.sent_ns == message.exchange.sent_ns &&
            (message.exchange.sent_ns == 0 ||
             (second.exchange.received_us == message.exchange.received_us &&
              second.exchange.held_us == message.exchange.held_us)));
    free(again);
}

static void check_journal(const uint8_t *bytes, size_t size)
{
    struct journal_record record, second;
    size_t again_size = 0;
    if (journal_record_decode(bytes, size, &record) != 0) {
        require(record.streams == NULL);
        return;
    }
    uint8_t *again = record.type == JOURNAL_ENTRY
                         ? journal_entry_encode(record.agent, record.received, record.batch,
                                                record.batch_size, &again_size)
                         : journal_snapshot_encode(record.streams, record.n_streams, &again_size);
    require(journal_record_decode(again, again_size, &second) == 0 && second.type == record.type &&
            strcmp(second.agent, record.agent) == 0 && second.received.ms == record.received.ms &&
            second.batch_size == record.batch_size && second.n_streams == record.n_streams);
    for (size_t i = 0; i < record.n_streams; i++) {
        require(same_position(&second.streams[i].position, &record.streams[i].position) &&
                strcmp(second.streams[i].agent, record.streams[i].agent) == 0);
    }
    free(second.streams);
    free(record.streams);
    free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    check_agent(bytes, size);
    check_collector(bytes, size);
    check_journal(bytes, size);
    return 0;
}
