/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proto/statement.h"

#include "support.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct keys *keys;

static int set_up(void **state)
{
    (void)state;
    int rc = keys_init();
    keys = rc == 0 ? keys_generate() : NULL;
    return keys == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    keys_free(keys);
    return 0;
}

static struct statement make_statement(void)
{
    return (struct statement){.stream = "0123456789abcdef",
                              .number = 1,
                              .device = "switch-1",
                              .check = "ping",
                              .outcome = OUTCOME_DOWN,
                              .reason = "timeout",
                              .detail = "no answer in 2 s",
                              .first = {1000},
                              .last = {2000},
                              .results = 2,
                              .interval_ms = 1000};
}

static void test_round_trip(void **state)
{
    (void)state;
    struct statement statement = make_statement();
    struct statement got;
    uint8_t bytes[STATEMENT_SIZE_MAX], again[STATEMENT_SIZE_MAX];
    uint8_t signature[KEYS_SIGNATURE_SIZE], second[KEYS_SIGNATURE_SIZE];
    size_t size = 0, size_again = 0;
    assert_int_equal(statement_sign(&statement, keys, bytes, &size, signature), 0);
    assert_int_equal(statement_decode(bytes, size, &got), 0);
    assert_memory_equal(&got, &statement, sizeof got); /* both were zeroed before */
    assert_int_equal(statement_verify(bytes, size, signature, keys_sign_public_bytes(keys)), 0);
    /* The same statement has the same bytes, and (RFC 8032) the same signature. */
    assert_int_equal(statement_sign(&got, keys, again, &size_again, second), 0);
    assert_int_equal(size_again, size);
    assert_memory_equal(again, bytes, size);
    assert_memory_equal(second, signature, sizeof signature);
}

/* The largest fits. */
static void test_largest(void **state)
{
    (void)state;
    struct statement statement;
    memset(&statement, 0xff, sizeof statement);
    statement.has_previous = true;
    memset(statement.device, 'd', sizeof statement.device - 1);
    memset(statement.check, 'c', sizeof statement.check - 1);
    memset(statement.reason, 'r', sizeof statement.reason - 1);
    memset(statement.detail, 't', sizeof statement.detail - 1);
    statement.device[PROTO_NAME_MAX] = statement.check[PROTO_NAME_MAX] = '\0';
    statement.reason[PROTO_REASON_MAX] = statement.detail[PROTO_DETAIL_MAX] = '\0';
    statement.outcome = OUTCOME_UNKNOWN;
    statement.first.ms = statement.last.ms = INT64_C(253402300799999);
    statement.interval_ms = PROTO_INTERVAL_MAX_MS;
    uint8_t bytes[STATEMENT_SIZE_MAX], signature[KEYS_SIGNATURE_SIZE];
    size_t size = 0;
    assert_int_equal(statement_sign(&statement, keys, bytes, &size, signature), 0);
    assert_in_range(size, 1100, STATEMENT_SIZE_MAX);
    struct statement got;
    assert_int_equal(statement_decode(bytes, size, &got), 0);
    assert_true(got.number == UINT64_MAX && got.results == UINT64_MAX);
    assert_string_equal(got.detail, statement.detail);
}

/* A chain of statements as a verifier walks it; each tampering breaks a link or a signature. */
enum { CHAIN = 4 };
struct chain {
    uint8_t bytes[CHAIN][STATEMENT_SIZE_MAX];
    size_t size[CHAIN];
    uint8_t signature[CHAIN][KEYS_SIGNATURE_SIZE];
};

static void make_chain(struct chain *chain)
{
    struct statement statement = make_statement();
    for (size_t i = 0; i < CHAIN; i++) {
        statement.number = i + 1;
        statement.results = i + 1;
        if (i > 0) {
            statement.has_previous = true;
            statement_hash(chain->bytes[i - 1], chain->size[i - 1], statement.previous);
        }
        assert_int_equal(
            statement_sign(&statement, keys, chain->bytes[i], &chain->size[i], chain->signature[i]),
            0);
    }
}

/* How many statements of the chain hold. */
static size_t walk(const struct chain *chain, size_t n)
{
    uint8_t hash[KEYS_HASH_SIZE];
    for (size_t i = 0; i < n; i++) {
        struct statement statement;
        if (statement_verify(chain->bytes[i], chain->size[i], chain->signature[i],
                             keys_sign_public_bytes(keys)) != 0 ||
            statement_decode(chain->bytes[i], chain->size[i], &statement) != 0 ||
            statement.number != i + 1 || statement.has_previous != (i > 0) ||
            (i > 0 && memcmp(statement.previous, hash, sizeof hash) != 0)) {
            return i;
        }
        statement_hash(chain->bytes[i], chain->size[i], hash);
    }
    return n;
}

static void test_chain(void **state)
{
    (void)state;
    struct chain chain, broken;
    make_chain(&chain);
    assert_int_equal(walk(&chain, CHAIN), CHAIN);
    for (size_t i = 0; i < chain.size[1] * 8; i++) { /* any bit of the bytes */
        broken = chain;
        broken.bytes[1][i / 8] ^= (uint8_t)(1U << i % 8);
        assert_int_equal(walk(&broken, CHAIN), 1);
    }
    for (size_t i = 0; i < sizeof chain.signature[1] * 8; i++) { /* any bit of the signature */
        broken = chain;
        broken.signature[1][i / 8] ^= (uint8_t)(1U << i % 8);
        assert_int_equal(walk(&broken, CHAIN), 1);
    }
    broken = chain; /* one left out */
    memmove(broken.bytes[1], broken.bytes[2], sizeof broken.bytes[1] * 2);
    memmove(&broken.size[1], &broken.size[2], sizeof broken.size[1] * 2);
    memmove(broken.signature[1], broken.signature[2], sizeof broken.signature[1] * 2);
    assert_int_equal(walk(&broken, CHAIN - 1), 1);

    broken = chain; /* one said anew by the agent itself: what came after does not follow it */
    struct statement statement;
    assert_int_equal(statement_decode(chain.bytes[1], chain.size[1], &statement), 0);
    statement.outcome = OUTCOME_UP;
    assert_int_equal(
        statement_sign(&statement, keys, broken.bytes[1], &broken.size[1], broken.signature[1]), 0);
    assert_int_equal(walk(&broken, CHAIN), 2);
}

static void test_foreign_signatures(void **state)
{
    (void)state;
    struct statement statement = make_statement();
    uint8_t bytes[STATEMENT_SIZE_MAX + 1], signature[KEYS_SIGNATURE_SIZE];
    size_t size = 0;
    assert_int_equal(statement_sign(&statement, keys, bytes, &size, signature), 0);
    struct keys *others = keys_generate();
    assert_int_equal(statement_verify(bytes, size, signature, keys_sign_public_bytes(others)),
                     -EBADMSG);
    keys_free(others);
    /* The bare bytes, signed with the right key but for no purpose, are no statement; with the
     * purpose before them, they are: this is the layout that others must be able to rebuild. */
    keys_sign(keys, bytes, size, signature);
    assert_int_equal(statement_verify(bytes, size, signature, keys_sign_public_bytes(keys)),
                     -EBADMSG);
    uint8_t text[STATEMENT_SIZE_MAX + 32];
    memcpy(text, "beffroi statement v1", 21);
    memcpy(text + 21, bytes, size);
    keys_sign(keys, text, 21 + size, signature);
    assert_int_equal(statement_verify(bytes, size, signature, keys_sign_public_bytes(keys)), 0);
    assert_int_equal(statement_verify(bytes, sizeof bytes, signature, keys_sign_public_bytes(keys)),
                     -EBADMSG);
}

#define CASES(X)                                                                                   \
    X(number_0, s->number = 0)                                                                     \
    X(number_2_alone, s->number = 2)                                                               \
    X(number_1_after, s->has_previous = true)                                                      \
    X(device_empty, s->device[0] = '\0')                                                           \
    X(device_open, memset(s->device, 'd', sizeof s->device))                                       \
    X(check_empty, s->check[0] = '\0')                                                             \
    X(check_control, s->check[0] = '\n')                                                           \
    X(check_broken, s->check[0] = '\xff')                                                          \
    X(outcome_0, s->outcome = (enum outcome)0)                                                     \
    X(outcome_5, s->outcome = (enum outcome)5)                                                     \
    X(reason_open, memset(s->reason, 'r', sizeof s->reason))                                       \
    X(detail_open, memset(s->detail, 'r', sizeof s->detail))                                       \
    X(first_negative, s->first.ms = -1)                                                            \
    X(last_late, s->last.ms = INT64_C(253402300800000))                                            \
    X(backwards, s->first.ms = s->last.ms + 1)                                                     \
    X(results_0, s->results = 0)                                                                   \
    X(interval_short, s->interval_ms = PROTO_INTERVAL_MIN_MS - 1)                                  \
    X(interval_long, s->interval_ms = PROTO_INTERVAL_MAX_MS + 1)                                   \
    X(interval_wide, s->interval_ms = (INT64_C(1) << 32) + 1000)

#define DEFINE_BREAK(name, change)                                                                 \
    static void break_##name(struct statement *s)                                                  \
    {                                                                                              \
        (void)(change);                                                                            \
    }
CASES(DEFINE_BREAK)

static const struct {
    const char *name;
    void (*change)(struct statement *s);
} cases[] = {
#define LIST_CASE(name, change) {#name, break_##name},
    CASES(LIST_CASE)};

static void test_sign_bounds(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct statement statement = make_statement();
        uint8_t bytes[STATEMENT_SIZE_MAX], signature[KEYS_SIGNATURE_SIZE];
        size_t size = 0;
        cases[i].change(&statement);
        if (statement_sign(&statement, keys, bytes, &size, signature) != -EINVAL) {
            fail_msg("case %s was signed", cases[i].name);
        }
    }
}

/* A field as it may stand in foreign bytes, put behind those of a good statement: of a field that
 * comes twice the last one counts. */
static int decode_with(uint32_t field, const void *text, size_t text_size, uint64_t number)
{
    struct statement statement = make_statement();
    uint8_t encoded[STATEMENT_SIZE_MAX], signature[KEYS_SIGNATURE_SIZE];
    size_t size = 0;
    assert_int_equal(statement_sign(&statement, keys, encoded, &size, signature), 0);
    struct bytes bytes = {0};
    if (text != NULL) {
        put_bytes(&bytes, field, text, text_size);
    } else {
        put_number(&bytes, field, number);
    }
    assert_true(size + bytes.size <= sizeof encoded);
    memcpy(encoded + size, bytes.at, bytes.size);
    int rc = statement_decode(encoded, size + bytes.size, &statement);
    bytes_free(&bytes);
    return rc;
}

static void test_decode_bounds(void **state)
{
    (void)state;
    static const char long_text[600] = {[0] = '\0'};
    char letters[600];
    memset(letters, 'x', sizeof letters);
    assert_int_equal(decode_with(99, letters, 600, 0), 0); /* unknown */
    assert_int_equal(decode_with(1, letters, 15, 0), -EBADMSG);
    assert_int_equal(decode_with(1, letters, 17, 0), -EBADMSG);
    assert_int_equal(decode_with(1, NULL, 0, 1), -EBADMSG); /* the other wire type */
    assert_int_equal(decode_with(2, NULL, 0, 0), -EBADMSG);
    assert_int_equal(decode_with(2, NULL, 0, 2), -EBADMSG); /* without the one before */
    assert_int_equal(decode_with(3, letters, 31, 0), -EBADMSG);
    assert_int_equal(decode_with(3, letters, 32, 0), -EBADMSG); /* number 1 has none */
    assert_int_equal(decode_with(3, letters, 0, 0), 0);
    for (uint32_t name = 4; name <= 5; name++) {
        assert_int_equal(decode_with(name, letters, 255, 0), 0);
        assert_int_equal(decode_with(name, letters, 256, 0), -EBADMSG);
        assert_int_equal(decode_with(name, letters, 0, 0), -EBADMSG);
        assert_int_equal(decode_with(name, "a\0b", 3, 0), -EBADMSG);
        assert_int_equal(decode_with(name, long_text, 3, 0), -EBADMSG);
        assert_int_equal(decode_with(name, "\xff", 1, 0), -EBADMSG);
    }
    assert_int_equal(decode_with(6, NULL, 0, 0), -EBADMSG);
    assert_int_equal(decode_with(6, NULL, 0, 5), -EBADMSG);
    assert_int_equal(decode_with(6, NULL, 0, (UINT64_C(1) << 32) + 1), -EBADMSG);
    assert_int_equal(decode_with(7, letters, 64, 0), 0);
    assert_int_equal(decode_with(7, letters, 65, 0), -EBADMSG);
    assert_int_equal(decode_with(8, NULL, 0, 2000), 0);
    assert_int_equal(decode_with(8, NULL, 0, 2001), -EBADMSG);
    assert_int_equal(decode_with(8, NULL, 0, UINT64_MAX), -EBADMSG);
    assert_int_equal(decode_with(9, NULL, 0, UINT64_C(253402300800000)), -EBADMSG);
    assert_int_equal(decode_with(10, NULL, 0, 0), -EBADMSG);
    assert_int_equal(decode_with(11, NULL, 0, 99), -EBADMSG);
    assert_int_equal(decode_with(11, NULL, 0, PROTO_INTERVAL_MAX_MS), 0);
    assert_int_equal(decode_with(11, NULL, 0, PROTO_INTERVAL_MAX_MS + 1), -EBADMSG);
    assert_int_equal(decode_with(11, NULL, 0, (UINT64_C(1) << 63) + 1000), -EBADMSG);
    assert_int_equal(decode_with(12, letters, 512, 0), 0);
    assert_int_equal(decode_with(12, letters, 513, 0), -EBADMSG);
    assert_int_equal(decode_with(12, "\x9b", 1, 0), -EBADMSG);
    struct statement statement;
    assert_int_equal(statement_decode(NULL, 0, &statement), -EBADMSG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),  cmocka_unit_test(test_largest),
        cmocka_unit_test(test_chain),       cmocka_unit_test(test_foreign_signatures),
        cmocka_unit_test(test_sign_bounds), cmocka_unit_test(test_decode_bounds),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
