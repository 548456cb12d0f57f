/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * An agent's signed word about one check: made once on the agent, kept byte for byte, verified by
 * whoever wants to. Each statement carries the hash of the one before it in its stream, so that
 * none can be left out unseen.
 *
 * Threads: no state. */
#ifndef PROTO_STATEMENT_H
#define PROTO_STATEMENT_H

#include "proto/keys.h"
#include "proto/model.h"

enum { STATEMENT_SIZE_MAX = 2048 };

struct statement {
    uint8_t stream[PROTO_STREAM_SIZE];
    uint64_t number; /* 1, 2, 3 … in the stream */
    bool has_previous;
    uint8_t previous[KEYS_HASH_SIZE];
    char device[PROTO_NAME_MAX + 1];
    char check[PROTO_NAME_MAX + 1];
    enum outcome outcome;
    char reason[PROTO_REASON_MAX + 1];
    char detail[PROTO_DETAIL_MAX + 1];
    struct wall first;
    struct wall last;
    uint64_t results;
    int64_t interval_ms;
};

/* Encodes and signs: `bytes` has room for STATEMENT_SIZE_MAX; `*size` is what was used. 0, or
 * -EINVAL when a field breaks a limit. */
int statement_sign(const struct statement *statement, const struct keys *keys, uint8_t *bytes,
                   size_t *size, uint8_t signature[KEYS_SIGNATURE_SIZE]);
/* SHA-256 of the encoded bytes: the `previous` of the next one. */
void statement_hash(const uint8_t *bytes, size_t size, uint8_t hash[KEYS_HASH_SIZE]);
/* 0, or -EBADMSG (limits, UTF-8, first <= last, results > 0, known outcome). */
int statement_decode(const uint8_t *bytes, size_t size, struct statement *statement);
/* 0, or -EBADMSG when the signature is not that key's. */
int statement_verify(const uint8_t *bytes, size_t size,
                     const uint8_t signature[KEYS_SIGNATURE_SIZE],
                     const uint8_t sign_public[KEYS_SIGN_PUBLIC_SIZE]);

#endif
