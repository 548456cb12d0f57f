/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proto/message.h"

#include "support.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct stream_position position = {
    .stream = "0123456789abcdef", .epoch = UINT64_MAX, .sequence = 77};

static bool same_position(const struct stream_position *a, const struct stream_position *b)
{
    return memcmp(a->stream, b->stream, sizeof a->stream) == 0 && a->epoch == b->epoch &&
           a->sequence == b->sequence;
}

/* --- agent to collector --- */

static void test_agent_round_trip(void **state)
{
    (void)state;
    struct agent_message message;
    size_t size;
    uint8_t *bytes = agent_hello_encode(&position, "0.1.0-é", &size);
    assert_int_equal(agent_message_decode(bytes, size, &message), 0);
    assert_int_equal(message.type, AGENT_HELLO);
    assert_memory_equal(message.hello.stream, position.stream, PROTO_STREAM_SIZE);
    assert_true(message.hello.epoch == UINT64_MAX && message.hello.sequence == 0);
    assert_string_equal(message.version, "0.1.0-é");
    free(bytes);

    bytes = agent_batch_encode((const uint8_t *)"batch", 5, UINT64_MAX, &size);
    assert_int_equal(agent_message_decode(bytes, size, &message), 0);
    assert_int_equal(message.type, AGENT_BATCH);
    assert_int_equal(message.batch_size, 5);
    assert_memory_equal(message.batch, "batch", 5);
    assert_in_range((uintptr_t)message.batch, (uintptr_t)bytes, (uintptr_t)bytes + size);
    assert_true(message.first_sequence == UINT64_MAX);
    free(bytes);
}

static void test_stamp(void **state)
{
    static const uint64_t times[] = {1, 127, 128, UINT64_C(1) << 56, UINT64_MAX};
    (void)state;
    struct agent_message message;
    size_t size;
    uint8_t *bytes = agent_batch_encode((const uint8_t *)"batch", 5, 3, &size);
    assert_int_equal(agent_message_decode(bytes, size, &message), 0);
    assert_true(message.sent_ns == 0);
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        size_t stamped = agent_message_stamp(bytes, size, times[i]); /* over the one before */
        assert_in_range(stamped, size + 2, size + 11);
        assert_int_equal(agent_message_decode(bytes, stamped, &message), 0);
        assert_true(message.sent_ns == times[i]);
        assert_true(message.first_sequence == 3);
        assert_memory_equal(message.batch, "batch", 5);
    }
    free(bytes);
    bytes = agent_hello_encode(&position, "1", &size);
    size = agent_message_stamp(bytes, size, 77);
    assert_int_equal(agent_message_decode(bytes, size, &message), 0);
    assert_int_equal(message.type, AGENT_HELLO);
    assert_true(message.sent_ns == 77);
    free(bytes);
}

static struct bytes make_hello(size_t stream_size, const char *version, size_t version_size)
{
    struct bytes hello = {0};
    struct bytes message = {0};
    put_bytes(&hello, 3, version, version_size);
    put_number(&hello, 55, 1); /* unknown */
    put_bytes(&hello, 1, "0123456789abcdefg", stream_size);
    put_message(&message, 1, &hello);
    return message;
}

#define REFUSED(decode, bytes)                                                                     \
    do {                                                                                           \
        assert_int_equal(decode((bytes).at, (bytes).size, &message), -EBADMSG);                    \
        bytes_free(&(bytes));                                                                      \
    } while (0)

static void test_agent_bounds(void **state)
{
    (void)state;
    struct agent_message message;
    struct bytes bytes = make_hello(16, "a234567890123456789012345678901", 31);
    assert_int_equal(agent_message_decode(bytes.at, bytes.size, &message), 0);
    assert_int_equal(strlen(message.version), 31);
    put_bytes(&bytes, 2, "b", 1); /* hello and batch */
    put_number(&bytes, 3, 1);
    REFUSED(agent_message_decode, bytes);
    bytes = make_hello(16, "a2345678901234567890123456789012", 32);
    REFUSED(agent_message_decode, bytes);
    bytes = make_hello(15, "1", 1);
    REFUSED(agent_message_decode, bytes);
    bytes = make_hello(17, "1", 1);
    REFUSED(agent_message_decode, bytes);
    bytes = make_hello(16, "1\0", 2);
    REFUSED(agent_message_decode, bytes);
    bytes = make_hello(16, "\xff", 1);
    REFUSED(agent_message_decode, bytes);

    put_number(&bytes, 3, 1); /* neither */
    REFUSED(agent_message_decode, bytes);
    assert_int_equal(agent_message_decode(NULL, 0, &message), -EBADMSG);
    put_bytes(&bytes, 2, "b", 1); /* no first sequence */
    assert_int_equal(agent_message_decode(bytes.at, bytes.size, &message), -EBADMSG);
    put_number(&bytes, 3, 0);
    assert_int_equal(agent_message_decode(bytes.at, bytes.size, &message), -EBADMSG);
    put_number(&bytes, 3, 1); /* the last one counts: good */
    assert_int_equal(agent_message_decode(bytes.at, bytes.size, &message), 0);
    put_bytes(&bytes, 2, "c", 1); /* two batches */
    REFUSED(agent_message_decode, bytes);
    put_bytes(&bytes, 2, "", 0); /* an empty one */
    put_number(&bytes, 3, 1);
    REFUSED(agent_message_decode, bytes);
    put_number(&bytes, 2, 7); /* the other wire type */
    put_number(&bytes, 3, 1);
    REFUSED(agent_message_decode, bytes);
}

static void test_broken_encoding(void **state)
{
    (void)state;
    struct agent_message message;
    static const struct {
        const char *bytes;
        size_t size;
    } cases[] = {
        {"\x80", 1}, /* a tag without end */
        {"\x12\x02\x01", 3},
        {"\x12\x05\x01", 3},                                      /* longer than what is left */
        {"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11},     /* 2^64 - 1 bytes long */
        {"\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 11},     /* over 64 bits */
        {"\x18\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 12}, /* eleven bytes */
        {"\x00\x01", 2},                                          /* field 0 */
        {"\x1b\x1c", 2},                                          /* a group */
        {"\x1d\x01\x02\x03", 4},                                  /* a cut fixed32 */
        {"\x19\x01\x02\x03\x04\x05\x06\x07", 8},                  /* a cut fixed64 */
        {"\x1e", 1},
        {"\x1f", 1},                     /* no such wire type */
        {"\x80\x80\x80\x80\x10\x00", 6}, /* field number over 2^29 */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bytes bytes = {0};
        put_bytes(&bytes, 2, "b", 1);
        put_number(&bytes, 3, 1);
        assert_int_equal(agent_message_decode(bytes.at, bytes.size, &message), 0);
        uint8_t *whole = malloc(bytes.size + cases[i].size);
        assert_non_null(whole);
        memcpy(whole, bytes.at, bytes.size);
        memcpy(whole + bytes.size, cases[i].bytes, cases[i].size);
        assert_int_equal(agent_message_decode(whole, bytes.size + cases[i].size, &message),
                         -EBADMSG);
        free(whole);
        bytes_free(&bytes);
    }
}

static void test_agent_size(void **state)
{
    (void)state;
    struct agent_message message;
    uint8_t *batch = calloc(1, PROTO_MESSAGE_MAX);
    assert_non_null(batch);
    size_t size;
    uint8_t *bytes = agent_batch_encode(batch, PROTO_MESSAGE_MAX - 7, 1, &size);
    assert_int_equal(size, PROTO_MESSAGE_MAX);
    assert_int_equal(agent_message_decode(bytes, size, &message), 0);
    free(bytes);
    bytes = agent_batch_encode(batch, PROTO_MESSAGE_MAX - 6, 1, &size);
    assert_int_equal(agent_message_decode(bytes, size, &message), -EBADMSG);
    free(bytes);
    free(batch);
}

/* --- collector to agent --- */

static void test_collector_round_trip(void **state)
{
    (void)state;
    struct collector_message sent = {.type = COLLECTOR_ACK, .position = position};
    struct collector_message got;
    size_t size;
    uint8_t *bytes = collector_message_encode(&sent, &size);
    assert_int_equal(collector_message_decode(bytes, size, &got), 0);
    assert_int_equal(got.type, COLLECTOR_ACK);
    assert_true(same_position(&got.position, &position));
    free(bytes);
    for (int reason = REFUSAL_MALFORMED; reason <= REFUSAL_NO_ROOM; reason++) {
        sent.type = COLLECTOR_REFUSAL;
        sent.reason = (enum refusal_reason)reason;
        memset(sent.text, 'x', sizeof sent.text - 1);
        bytes = collector_message_encode(&sent, &size);
        assert_int_equal(collector_message_decode(bytes, size, &got), 0);
        assert_int_equal(got.type, COLLECTOR_REFUSAL);
        assert_int_equal(got.reason, reason);
        assert_string_equal(got.text, sent.text);
        assert_true(same_position(&got.position, &position));
        assert_string_not_equal(refusal_reason_name(got.reason), "unknown");
        free(bytes);
    }
}

static void test_exchange(void **state)
{
    (void)state;
    struct collector_message sent = {
        .type = COLLECTOR_ACK,
        .position = position,
        .exchange = {.sent_ns = UINT64_MAX, .received_us = 1795867200000001, .held_us = 5}};
    struct collector_message message;
    size_t size;
    uint8_t *bytes = collector_message_encode(&sent, &size);
    assert_int_equal(collector_message_decode(bytes, size, &message), 0);
    assert_true(message.exchange.sent_ns == UINT64_MAX);
    assert_true(message.exchange.received_us == 1795867200000001);
    assert_true(message.exchange.held_us == 5);
    free(bytes);
    sent.exchange.sent_ns = 0; /* the agent did not say when */
    bytes = collector_message_encode(&sent, &size);
    assert_int_equal(collector_message_decode(bytes, size, &message), 0);
    assert_true(message.exchange.sent_ns == 0 && message.exchange.received_us == 0);
    free(bytes);
    static const uint64_t impossible[] = {UINT64_MAX, UINT64_C(253402300800000000)};
    for (size_t i = 0; i < 2; i++) {
        struct bytes ack = {0};
        struct bytes exchange = {0};
        struct bytes whole = {0};
        put_bytes(&ack, 1, "0123456789abcdef", 16);
        put_number(&exchange, 2, impossible[i]); /* before 1970, after 9999 */
        put_message(&whole, 1, &ack);
        put_message(&whole, 3, &exchange);
        REFUSED(collector_message_decode, whole);
    }
}

static struct bytes make_refusal(size_t stream_size, uint64_t reason, const char *text, size_t n)
{
    struct bytes refusal = {0};
    struct bytes message = {0};
    put_bytes(&refusal, 1, "0123456789abcdefg", stream_size);
    put_number(&refusal, 4, reason);
    put_bytes(&refusal, 5, text, n);
    put_message(&message, 2, &refusal);
    return message;
}

static void test_collector_bounds(void **state)
{
    (void)state;
    struct collector_message message;
    char text[256];
    memset(text, 'x', sizeof text);
    struct bytes bytes = make_refusal(16, REFUSAL_NO_ROOM, text, 255);
    assert_int_equal(collector_message_decode(bytes.at, bytes.size, &message), 0);
    put_bytes(&bytes, 2, bytes.at, 0); /* two of them */
    REFUSED(collector_message_decode, bytes);
    bytes = make_refusal(16, REFUSAL_NO_ROOM, text, 256);
    REFUSED(collector_message_decode, bytes);
    bytes = make_refusal(16, REFUSAL_NO_ROOM, "\n", 1);
    REFUSED(collector_message_decode, bytes);
    bytes = make_refusal(15, REFUSAL_NO_ROOM, text, 1);
    REFUSED(collector_message_decode, bytes);
    bytes = make_refusal(16, 0, text, 1);
    REFUSED(collector_message_decode, bytes);
    bytes = make_refusal(16, 4, text, 1);
    REFUSED(collector_message_decode, bytes);
    bytes = make_refusal(16, (UINT64_C(1) << 32) + 1, text, 1); /* 1 if cut to 32 bits */
    REFUSED(collector_message_decode, bytes);
    put_bytes(&bytes, 1, "", 0); /* an ACK of nothing */
    REFUSED(collector_message_decode, bytes);
    put_number(&bytes, 9, 1); /* a message of another time */
    REFUSED(collector_message_decode, bytes);
}

/* --- journal --- */

static void test_journal_round_trip(void **state)
{
    (void)state;
    struct journal_record record;
    size_t size;
    uint8_t *bytes =
        journal_entry_encode("mairie-01", (struct wall){12345}, (const uint8_t *)"batch", 5, &size);
    assert_int_equal(journal_record_decode(bytes, size, &record), 0);
    assert_int_equal(record.type, JOURNAL_ENTRY);
    assert_string_equal(record.agent, "mairie-01");
    assert_int_equal(record.received.ms, 12345);
    assert_int_equal(record.batch_size, 5);
    assert_memory_equal(record.batch, "batch", 5);
    assert_null(record.streams);
    free(bytes);

    struct journal_stream streams[3] = {{position, "a"}, {{.sequence = 1}, "b"}, {position, ""}};
    memset(streams[2].agent, 'c', PROTO_NAME_MAX);
    for (size_t n = 0; n <= 3; n++) {
        bytes = journal_snapshot_encode(streams, n, &size);
        assert_int_equal(journal_record_decode(bytes, size, &record), 0);
        assert_int_equal(record.type, JOURNAL_SNAPSHOT);
        assert_int_equal(record.n_streams, n);
        for (size_t i = 0; i < n; i++) {
            assert_true(same_position(&record.streams[i].position, &streams[i].position));
            assert_string_equal(record.streams[i].agent, streams[i].agent);
        }
        free(record.streams);
        free(bytes);
    }
}

static struct bytes make_entry(const char *agent, size_t agent_size, uint64_t received_ms,
                               size_t batch_size)
{
    struct bytes entry = {0};
    struct bytes record = {0};
    put_bytes(&entry, 3, "batch", batch_size);
    put_number(&entry, 2, received_ms);
    put_bytes(&entry, 1, agent, agent_size);
    put_message(&record, 1, &entry);
    return record;
}

static struct bytes make_snapshot(size_t stream_size, const char *agent, size_t agent_size)
{
    struct bytes stream = {0};
    struct bytes snapshot = {0};
    struct bytes record = {0};
    put_bytes(&stream, 1, "0123456789abcdefg", 16);
    put_bytes(&stream, 2, "a", 1);
    put_number(&stream, 77, 1);
    put_bytes(&snapshot, 1, stream.at, stream.size); /* a good one before */
    bytes_free(&stream);
    put_bytes(&stream, 1, "0123456789abcdefg", stream_size);
    put_bytes(&stream, 2, agent, agent_size);
    put_message(&snapshot, 1, &stream);
    put_message(&record, 2, &snapshot);
    return record;
}

static void test_journal_bounds(void **state)
{
    (void)state;
    struct journal_record message;
    char name[256];
    memset(name, 'n', sizeof name);
    struct bytes bytes = make_entry(name, 255, 253402300799999, 1);
    assert_int_equal(journal_record_decode(bytes.at, bytes.size, &message), 0);
    put_bytes(&bytes, 2, "", 0); /* and a snapshot */
    REFUSED(journal_record_decode, bytes);
    bytes = make_entry(name, 256, 1, 1);
    REFUSED(journal_record_decode, bytes);
    bytes = make_entry(name, 0, 1, 1);
    REFUSED(journal_record_decode, bytes);
    bytes = make_entry("a\0", 2, 1, 1);
    REFUSED(journal_record_decode, bytes);
    bytes = make_entry(name, 1, 253402300800000, 1);
    REFUSED(journal_record_decode, bytes);
    bytes = make_entry(name, 1, UINT64_MAX, 1);
    REFUSED(journal_record_decode, bytes);
    bytes = make_entry(name, 1, 1, 0);
    REFUSED(journal_record_decode, bytes);

    bytes = make_snapshot(16, name, 255);
    assert_int_equal(journal_record_decode(bytes.at, bytes.size, &message), 0);
    assert_int_equal(message.n_streams, 2);
    free(message.streams);
    bytes_free(&bytes);
    bytes = make_snapshot(16, name, 256);
    REFUSED(journal_record_decode, bytes);
    assert_null(message.streams);
    bytes = make_snapshot(16, name, 0);
    REFUSED(journal_record_decode, bytes);
    bytes = make_snapshot(15, name, 30);
    REFUSED(journal_record_decode, bytes);
    bytes = make_snapshot(0, name, 0); /* five bytes a stream would be a bomb */
    REFUSED(journal_record_decode, bytes);
    put_bytes(&bytes, 2, "\x08\x01", 2); /* a number where a stream should be */
    REFUSED(journal_record_decode, bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_agent_round_trip),
        cmocka_unit_test(test_agent_bounds),
        cmocka_unit_test(test_stamp),
        cmocka_unit_test(test_exchange),

        cmocka_unit_test(test_broken_encoding),
        cmocka_unit_test(test_agent_size),
        cmocka_unit_test(test_collector_round_trip),
        cmocka_unit_test(test_collector_bounds),
        cmocka_unit_test(test_journal_round_trip),
        cmocka_unit_test(test_journal_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
