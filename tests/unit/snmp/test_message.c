/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Messages as bytes: what is read of them, what is refused, and that no byte of one that was cut or
 * changed leads astray. */
#include "message.h"

#include "message_plain.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MESSAGE_MAX = 60000 };

/* Written from the end to the beginning. */
struct writer {
    uint8_t bytes[MESSAGE_MAX];
    size_t at;
};

static struct writer writer;
static struct message_scratch scratch;
static struct message_head head;
static struct reply reply;

static void put(const void *bytes, size_t size)
{
    assert_true(size <= writer.at);
    writer.at -= size;
    if (size > 0) {
        memcpy(writer.bytes + writer.at, bytes, size);
    }
}

static void put_head(uint8_t tag, size_t end)
{
    size_t size = end - writer.at;
    const uint8_t bytes[4] = {tag, 0x82, (uint8_t)(size >> 8), (uint8_t)size};
    put(bytes, sizeof bytes);
}

static void put_element(uint8_t tag, const void *bytes, size_t size)
{
    size_t end = writer.at;
    put(bytes, size);
    put_head(tag, end);
}

static void put_integer(uint8_t value)
{
    put_element(0x02, &value, 1);
}

/* A varbind of 1.3.6.1.ID with a value of these bytes. */
static void put_varbind(uint8_t id, uint8_t tag, const void *value, size_t size)
{
    const uint8_t name[] = {0x2b, 6, 1, id};
    size_t end = writer.at;
    put_element(tag, value, size);
    put_element(0x06, name, sizeof name);
    put_head(0x30, end);
}

/* Around the varbinds that were put. */
static void put_message(uint8_t version, uint8_t command)
{
    put_head(0x30, MESSAGE_MAX);
    put_integer(3); /* error-index */
    put_integer(2); /* error-status */
    put_integer(77);
    put_head(command, MESSAGE_MAX);
    put_element(0x04, "secret", 6);
    put_integer(version);
    put_head(0x30, MESSAGE_MAX);
}

static int parse(long version)
{
    size_t size = MESSAGE_MAX - writer.at;
    uint8_t *exact = malloc(size); /* so that a byte beyond its end is seen */
    assert_non_null(exact);
    memcpy(exact, writer.bytes + writer.at, size);
    int rc = message_parse(version, exact, size, &scratch, &head, &reply);
    if (rc == 0) {
        assert_int_equal(reply.size_bytes, size);
    }
    for (size_t i = 0; rc == 0 && i < reply.n_varbinds; i++) {
        const struct varbind *varbind = &reply.varbinds[i];
        for (size_t j = 0; j < varbind->n_bytes; j++) {
            assert_true(varbind->bytes + j < exact + size && varbind->bytes >= exact);
        }
    }
    free(exact);
    return rc;
}

static int parse_value(uint8_t tag, const void *value, size_t size)
{
    writer.at = MESSAGE_MAX;
    put_varbind(5, tag, value, size);
    put_message(1, 0xa2);
    return parse(MESSAGE_V2C);
}

static void numbers_are_read(void **state)
{
    static const struct {
        uint8_t tag;
        uint8_t bytes[9];
        size_t size;
        enum value_type type;
        uint64_t number;
    } cases[] = {
        {0x02, {0x05}, 1, VALUE_INTEGER, 5},
        {0x02, {0xff}, 1, VALUE_INTEGER, UINT64_MAX},
        {0x02, {0x80, 0, 0, 0}, 4, VALUE_INTEGER, (uint64_t)INT32_MIN},
        {0x02, {0, 0x7f, 0xff, 0xff, 0xff}, 5, VALUE_INTEGER, INT32_MAX},
        {0x02, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe}, 8, VALUE_INTEGER, UINT64_MAX - 1},
        /* More than 32 bits: the library would cut them off. */
        {0x02, {0x01, 0, 0, 0, 0}, 5, VALUE_OTHER, 0},
        {0x02, {0x00, 0x80, 0, 0, 0}, 5, VALUE_OTHER, 0},
        {0x41, {0x05}, 1, VALUE_COUNTER32, 5},
        {0x41, {0xff, 0xff, 0xff, 0xff}, 4, VALUE_COUNTER32, UINT32_MAX},
        {0x41, {0x00, 0xff, 0xff, 0xff, 0xff}, 5, VALUE_COUNTER32, UINT32_MAX},
        {0x41, {0x01, 0, 0, 0, 5}, 5, VALUE_OTHER, 0},
        {0x42, {0x02, 0x54, 0x0b, 0xe4, 0x00}, 5, VALUE_OTHER, 0}, /* 10^10 */
        {0x43, {0x12, 0x34}, 2, VALUE_TIMETICKS, 0x1234},
        {0x46, {0x00}, 1, VALUE_COUNTER64, 0},
        {0x46, {0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 9, VALUE_COUNTER64, UINT64_MAX},
        {0x46, {1, 2, 3, 4, 5, 6, 7, 8}, 8, VALUE_COUNTER64, 0x0102030405060708},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(parse_value(cases[i].tag, cases[i].bytes, cases[i].size), 0);
        assert_int_equal(reply.n_varbinds, 1);
        assert_int_equal(reply.varbinds[0].type, cases[i].type);
        if (cases[i].type != VALUE_OTHER) {
            assert_true(reply.varbinds[0].number == cases[i].number);
        }
    }
}

static void other_values_are_read(void **state)
{
    static const uint8_t oid[] = {0x2b, 6, 1, 0x81, 0x00};
    (void)state;
    assert_int_equal(parse_value(0x04, "a\0b", 3), 0);
    assert_int_equal(reply.varbinds[0].type, VALUE_OCTETS);
    assert_int_equal(reply.varbinds[0].n_bytes, 3);
    assert_int_equal(parse_value(0x04, NULL, 0), 0);
    assert_int_equal(reply.varbinds[0].type, VALUE_OCTETS);
    assert_int_equal(reply.varbinds[0].n_bytes, 0);
    assert_int_equal(parse_value(0x06, oid, sizeof oid), 0);
    assert_int_equal(reply.varbinds[0].type, VALUE_OID);
    assert_int_equal(reply.varbinds[0].oid.n, 5);
    assert_int_equal(reply.varbinds[0].oid.ids[1], 3);
    assert_int_equal(reply.varbinds[0].oid.ids[4], 128);
    assert_int_equal(parse_value(0x05, NULL, 0), 0);
    assert_int_equal(reply.varbinds[0].type, VALUE_NO_SUCH);
    assert_int_equal(parse_value(0x80, NULL, 0), 0);
    assert_int_equal(reply.varbinds[0].type, VALUE_NO_SUCH);
    assert_int_equal(parse_value(0x82, NULL, 0), 0);
    assert_int_equal(reply.varbinds[0].type, VALUE_END_OF_MIB);
    assert_int_equal(parse_value(0x40, "\x0a\0\0\x01", 4), 0);
    assert_int_equal(reply.varbinds[0].type, VALUE_OCTETS);
    assert_int_equal(reply.varbinds[0].n_bytes, 4);
    assert_int_equal(reply.varbinds[0].name.n, 5);
    assert_int_equal(reply.varbinds[0].name.ids[4], 5);
    assert_int_equal(reply.error_status, 2);
    assert_int_equal(reply.error_index, 3);
    assert_int_equal(head.id, 77);
    assert_int_equal(head.community_size, 6);
}

static void bad_values_are_refused(void **state)
{
    static const uint8_t nine[9] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    static uint8_t many[200];
    (void)state;
    memset(many, 1, sizeof many);
    assert_int_equal(parse_value(0x02, NULL, 0), -EBADMSG);
    assert_int_equal(parse_value(0x02, nine, 9), -EBADMSG);
    assert_int_equal(parse_value(0x41, NULL, 0), -EBADMSG);
    assert_int_equal(parse_value(0x41, nine, 9), -EBADMSG);
    assert_int_equal(parse_value(0x46, NULL, 0), -EBADMSG);
    assert_int_equal(parse_value(0x46, nine, 9), -EBADMSG);
    assert_int_equal(parse_value(0x06, many, sizeof many), -EBADMSG);
    assert_int_equal(parse_value(0x06, "\x2b\x86", 2), -EBADMSG); /* in the middle of a number */
    assert_int_equal(parse_value(0x5c, nine, 1), -EBADMSG);
    assert_int_equal(parse_value(0x06, many, OID_IDS_MAX - 1), 0);
    assert_int_equal(reply.varbinds[0].oid.n, OID_IDS_MAX);
}

static void only_so_many_are_kept(void **state)
{
    (void)state;
    writer.at = MESSAGE_MAX;
    for (size_t i = 0; i < 300; i++) {
        put_varbind((uint8_t)(i % 100), 0x41, "\x07", 1);
    }
    put_message(1, 0xa2);
    assert_int_equal(parse(MESSAGE_V2C), 0);
    assert_int_equal(reply.n_varbinds, REPLY_VARBINDS_MAX);
    assert_int_equal(reply.n_dropped, 300 - REPLY_VARBINDS_MAX);
    assert_int_equal(reply.varbinds[0].name.ids[4], 99); /* they were put from the end */
    assert_int_equal(reply.varbinds[255].name.ids[4], 44);
}

/* Each name and each value as long as it may be: all fit. */
static void longest_names_fit(void **state)
{
    static uint8_t ones[OID_IDS_MAX - 1];
    (void)state;
    memset(ones, 1, sizeof ones);
    writer.at = MESSAGE_MAX;
    for (size_t i = 0; i < 220; i++) {
        size_t end = writer.at;
        put_element(0x06, ones, sizeof ones);
        put_element(0x06, ones, sizeof ones);
        put_head(0x30, end);
    }
    put_message(1, 0xa2);
    assert_int_equal(parse(MESSAGE_V2C), 0);
    assert_int_equal(reply.n_varbinds, 220);
    assert_int_equal(reply.varbinds[219].name.n, OID_IDS_MAX);
    assert_int_equal(reply.varbinds[219].oid.n, OID_IDS_MAX);
    assert_int_equal(reply.varbinds[219].oid.ids[OID_IDS_MAX - 1], 1);
}

static void versions_and_pdus_are_told_apart(void **state)
{
    (void)state;
    writer.at = MESSAGE_MAX;
    put_varbind(1, 0x41, "\x07", 1);
    put_message(0, 0xa2);
    assert_int_equal(parse(MESSAGE_V1), 0);
    assert_int_equal(parse(MESSAGE_V2C), -EBADMSG);
    assert_int_equal(parse(MESSAGE_V3), -EBADMSG);
    assert_int_equal(head.version, MESSAGE_V1);
    writer.at = MESSAGE_MAX;
    put_message(1, 0xa7);
    assert_int_equal(parse(MESSAGE_V2C), 0);
    assert_int_equal(head.command, 0xa7);
    assert_int_equal(reply.n_varbinds, 0);
    writer.at = MESSAGE_MAX;
    put_message(2, 0xa2);
    assert_int_equal(parse(2), -EBADMSG);
}

/* Every shorter beginning and every changed byte of a good message: refused or read, but never
 * beyond its end (the sanitizers watch). */
static void damage_stays_inside(void **state)
{
    static const uint8_t oid[] = {0x2b, 6, 1, 4, 1, 0xbf, 0x08};
    static uint8_t good[MESSAGE_MAX];
    size_t n_refused = 0;
    (void)state;
    writer.at = MESSAGE_MAX;
    put_varbind(9, 0x06, oid, sizeof oid);
    put_varbind(8, 0x04, "text", 4);
    put_varbind(7, 0x46, "\x01\x02\x03\x04\x05", 5);
    put_message(1, 0xa2);
    size_t at = writer.at;
    size_t size = MESSAGE_MAX - at;
    memcpy(good, writer.bytes + at, size);
    for (size_t cut = 0; cut < size; cut++) {
        writer.at = MESSAGE_MAX - cut;
        memcpy(writer.bytes + writer.at, good, cut);
        assert_int_equal(parse(MESSAGE_V2C), -EBADMSG);
    }
    writer.at = at;
    for (size_t i = 0; i < size; i++) {
        for (unsigned value = 0; value < 256; value++) {
            memcpy(writer.bytes + at, good, size);
            writer.bytes[at + i] = (uint8_t)value;
            n_refused += parse(MESSAGE_V2C) != 0 ? 1 : 0;
        }
    }
    assert_in_range(n_refused, size * 40, size * 255);
}

/* --- the plain encoding, and the library --- */

struct dice {
    uint64_t state;
};

static unsigned roll(struct dice *dice, unsigned sides)
{
    dice->state = dice->state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(dice->state >> 33) % sides;
}

/* An element as an agent may have written it, now and then with a length or bytes that none does.
 */
static size_t roll_element(struct dice *dice, uint8_t tag, const uint8_t *content, size_t size,
                           uint8_t *bytes)
{
    size_t n = 0;
    bytes[n++] = roll(dice, 60) == 0 ? (uint8_t)roll(dice, 256) : tag;
    if (roll(dice, 20) == 0) {
        bytes[n++] = 0x82;
        bytes[n++] = 0;
    } else if (roll(dice, 20) == 0) {
        bytes[n++] = 0x81;
    }
    bytes[n++] = (uint8_t)(roll(dice, 50) == 0 ? roll(dice, (unsigned)size + 2) : size);
    memcpy(bytes + n, content, size);
    return n + size;
}

/* Name and value. */
static size_t roll_varbind(struct dice *dice, uint8_t *bytes)
{
    static const uint8_t tags[] = {0x02, 0x04, 0x05, 0x06, 0x40, 0x41, 0x42,
                                   0x43, 0x44, 0x46, 0x47, 0x80, 0x81, 0x82};
    static const uint8_t odd[] = {0, 1, 0x7f, 0x80, 0x81, 0x8f, 0x90, 0xff};
    uint8_t content[128];
    size_t size = 1 + roll(dice, roll(dice, 10) == 0 ? 120 : 14);
    unsigned low = roll(dice, 10) == 0 ? 2 : 8; /* sub-identifiers of many bytes, or of few */
    content[0] = roll(dice, 40) == 0 ? (uint8_t)roll(dice, 256) : 0x2b;
    for (size_t i = 1; i < size; i++) {
        content[i] = (uint8_t)(roll(dice, low) == 0 ? odd[roll(dice, sizeof odd)]
                               : low == 2           ? roll(dice, 256)
                                                    : roll(dice, 128));
    }
    size_t n = roll_element(dice, 0x06, content, size, bytes);
    size = roll(dice, roll(dice, 10) == 0 ? 120 : 11);
    for (size_t i = 0; i < size; i++) {
        content[i] = (uint8_t)(roll(dice, 2) == 0 ? odd[roll(dice, sizeof odd)] : roll(dice, 256));
    }
    return n + roll_element(dice, tags[roll(dice, sizeof tags)], content, size, bytes + n);
}

/* A varbind of these bytes alone in a message; its head may be one that only the library reads. */
static int parse_varbind(const uint8_t *bytes, size_t size, bool by_library)
{
    const uint8_t long_head[] = {0x30, 0x84, 0, 0, 0, (uint8_t)size};
    writer.at = MESSAGE_MAX;
    put(bytes, size);
    if (by_library) {
        put(long_head, sizeof long_head);
    } else if (size < 0x80) {
        put((const uint8_t[]){0x30, (uint8_t)size}, 2);
    } else {
        put((const uint8_t[]){0x30, 0x81, (uint8_t)size}, 3);
    }
    put_message(1, 0xa2);
    return message_parse(MESSAGE_V2C, writer.bytes + writer.at, MESSAGE_MAX - writer.at, &scratch,
                         &head, &reply);
}

static void assert_same_oid(struct oid_view a, struct oid_view b)
{
    assert_int_equal(a.n, b.n);
    assert_int_equal(memcmp(a.ids, b.ids, a.n * sizeof a.ids[0]), 0);
}

static void plain_varbinds_read_as_the_library_reads_them(void **state)
{
    enum { ROUNDS = 40000 };
    struct dice dice = {20261125};
    size_t n_plain = 0;
    size_t n_good = 0;
    (void)state;
    for (size_t i = 0; i < ROUNDS; i++) {
        uint8_t bytes[300];
        struct varbind plain;
        struct varbind varbind;
        unsigned long ids[OID_IDS_MAX];
        size_t size = roll_varbind(&dice, bytes);
        int rc = parse_varbind(bytes, size, false);
        size_t at = MESSAGE_MAX - size - (size < 0x80 ? 2 : 3);
        size_t taken = plain_varbind(writer.bytes + at, MESSAGE_MAX - at, ids, &plain);
        writer.bytes[at] ^= 1; /* no SEQUENCE */
        assert_int_equal(plain_varbind(writer.bytes + at, MESSAGE_MAX - at, ids, &varbind), 0);
        varbind = scratch.varbinds[0];
        assert_int_equal(parse_varbind(bytes, size, true), taken > 0 ? 0 : rc);
        n_good += rc == 0 ? 1 : 0;
        n_plain += taken > 0 ? 1 : 0;
        if (taken == 0) {
            continue;
        }
        const struct varbind *by_library = &scratch.varbinds[0];
        assert_int_equal(rc, 0);
        assert_int_equal(taken, MESSAGE_MAX - at);
        assert_same_oid(plain.name, by_library->name);
        assert_int_equal(plain.type, by_library->type);
        assert_int_equal(varbind.type, by_library->type);
        assert_true(plain.number == by_library->number && varbind.number == plain.number);
        assert_int_equal(plain.n_bytes, by_library->n_bytes);
        assert_ptr_equal(plain.bytes, by_library->bytes); /* both are the last of their message */
    }
    assert_in_range(n_plain, ROUNDS / 8, ROUNDS);
    assert_in_range(n_good, n_plain + ROUNDS / 50, ROUNDS);
}

static void v3_heads_are_read(void **state)
{
    static const uint8_t message[] = {
        0x30, 0x3e, 0x02, 0x01, 0x03,                                  /* version */
        0x30, 0x11, 0x02, 0x04, 0x12, 0x34, 0x56, 0x78,                /* msgID */
        0x02, 0x03, 0x00, 0xff, 0xe3, 0x04, 0x01, 0x04, 0x02,          /* size, flags */
        0x01, 0x03,                                                    /* USM */
        0x04, 0x17, 0x30, 0x15, 0x04, 0x05, 0x80, 1,    2,    3,    4, /* engine ID */
        0x02, 0x01, 0x07, 0x02, 0x01, 0x09, 0x04, 0x02, 'm',  'e',  0x04, 0x00, 0x04, 0x00, 0x30,
        0x0d, 0x04, 0x05, 0x80, 1,    2,    3,    4,    0x04, 0x00, 0xa0, 0x02, 5,    0};
    uint8_t *exact = malloc(sizeof message);
    (void)state;
    assert_non_null(exact);
    memcpy(exact, message, sizeof message);
    exact[1] = (uint8_t)(sizeof message - 2);
    assert_int_equal(message_parse_head(exact, sizeof message, &head), 0);
    assert_int_equal(head.version, MESSAGE_V3);
    assert_int_equal(head.id, 0x12345678);
    assert_int_equal(head.engine_id_size, 5);
    assert_memory_equal(head.engine_id, message + 30, 5);
    for (size_t i = 0; i < sizeof message; i++) {
        for (unsigned value = 0; value < 256; value++) {
            memcpy(exact, message, sizeof message);
            exact[i] = (uint8_t)value;
            if (message_parse_head(exact, sizeof message, &head) == 0 && head.engine_id_size > 0) {
                assert_true(head.engine_id >= exact &&
                            head.engine_id + head.engine_id_size <= exact + sizeof message);
            }
        }
    }
    free(exact);
}

static void scoped_pdus_are_built_and_read(void **state)
{
    static const unsigned long ids[] = {1, 3, 6, 1, 2, 1, 1, 3, 0};
    const struct request request = {.type = REQUEST_GET, .n_names = 1, .names = {{ids, 9}}};
    const struct message_scope scope = {(const uint8_t *)"engine", 6, (const uint8_t *)"city", 4};
    struct message_scope got;
    uint8_t pdu[128];
    uint8_t bytes[256];
    int command;
    long id;
    (void)state;
    size_t pdu_size = message_build_pdu(77, &request, pdu, sizeof pdu);
    size_t size = message_build_scoped(&scope, pdu, pdu_size, bytes, sizeof bytes);
    assert_true(pdu_size > 0 && size > pdu_size);
    assert_int_equal(message_build_scoped(&scope, pdu, pdu_size, bytes, size - 1), 0);
    assert_int_equal(message_build_scoped(&scope, pdu, pdu_size, bytes, sizeof bytes), size);
    uint8_t *exact = malloc(size + 7); /* as after a cipher of blocks */
    assert_non_null(exact);
    memset(exact, 0xaa, size + 7);
    memcpy(exact, bytes, size);
    assert_int_equal(message_parse_scoped(exact, size + 7, &scratch, &got, &command, &id, &reply),
                     0);
    assert_int_equal(command, 0xa0);
    assert_int_equal(id, 77);
    assert_int_equal(got.engine_id_size, 6);
    assert_memory_equal(got.engine_id, "engine", 6);
    assert_int_equal(got.context_size, 4);
    assert_memory_equal(got.context, "city", 4);
    assert_int_equal(reply.n_varbinds, 1);
    assert_memory_equal(reply.varbinds[0].name.ids, ids, sizeof ids);
    free(exact);
    for (size_t cut = 0; cut < size; cut++) {
        exact = malloc(cut > 0 ? cut : 1);
        assert_non_null(exact);
        memcpy(exact, bytes, cut);
        assert_int_not_equal(
            message_parse_scoped(exact, cut, &scratch, &got, &command, &id, &reply), 0);
        free(exact);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_read),
        cmocka_unit_test(other_values_are_read),
        cmocka_unit_test(bad_values_are_refused),
        cmocka_unit_test(only_so_many_are_kept),
        cmocka_unit_test(longest_names_fit),
        cmocka_unit_test(versions_and_pdus_are_told_apart),
        cmocka_unit_test(damage_stays_inside),
        cmocka_unit_test(plain_varbinds_read_as_the_library_reads_them),
        cmocka_unit_test(v3_heads_are_read),
        cmocka_unit_test(scoped_pdus_are_built_and_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
