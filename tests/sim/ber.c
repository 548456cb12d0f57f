/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ber.h"

#include <assert.h>
#include <string.h>

enum {
    /* Tag, 0x82 and two octets: a length is always written in the same form (X.690 section 8.1.3.5
     * allows it), so that it can be filled in when the content is known. */
    HEADER_BYTES = 4,
    LENGTH_MAX = 0xffff,
};

int oid_compare(const uint32_t *left, size_t n_left, const uint32_t *right, size_t n_right)
{
    size_t n = n_left < n_right ? n_left : n_right;
    for (size_t i = 0; i < n; i++) {
        if (left[i] != right[i]) {
            return left[i] < right[i] ? -1 : 1;
        }
    }
    return (n_left > n_right) - (n_left < n_right);
}

/* --- reading --- */

bool ber_take(struct ber_in *in, uint8_t *tag, struct ber_in *content)
{
    if (in->end - in->at < 2) {
        return false;
    }
    *tag = *in->at++;
    size_t length = *in->at++;
    if (length >= 0x80) {
        size_t n_octets = length & 0x7f;
        if (n_octets == 0 || n_octets > 3 || (size_t)(in->end - in->at) < n_octets) {
            return false;
        }
        length = 0;
        for (; n_octets > 0; n_octets--) {
            length = length << 8 | *in->at++;
        }
    }
    if ((size_t)(in->end - in->at) < length) {
        return false;
    }
    *content = (struct ber_in){in->at, in->at + length};
    in->at += length;
    return true;
}

bool ber_open(struct ber_in *in, uint8_t tag, struct ber_in *content)
{
    uint8_t found = 0;
    return ber_take(in, &found, content) && found == tag;
}

bool ber_take_integer(struct ber_in *in, int64_t *value)
{
    struct ber_in content;
    if (!ber_open(in, BER_INTEGER, &content) || content.at == content.end ||
        content.end - content.at > 8) {
        return false;
    }
    uint64_t bits = (*content.at & 0x80) != 0 ? UINT64_MAX : 0;
    while (content.at < content.end) {
        bits = bits << 8 | *content.at++;
    }
    memcpy(value, &bits, sizeof bits);
    return true;
}

bool ber_take_oid(struct ber_in *in, struct oid *oid)
{
    struct ber_in content;
    if (!ber_open(in, BER_OID, &content) || content.at == content.end) {
        return false;
    }
    oid->n = 1; /* the first two share a sub-identifier (X.690 section 8.19.4) */
    while (content.at < content.end) {
        uint64_t id = 0;
        do {
            if (content.at == content.end || id > UINT32_MAX >> 7 || oid->n == OID_IDS_MAX) {
                return false;
            }
            id = id << 7 | (*content.at & 0x7f);
        } while ((*content.at++ & 0x80) != 0);
        oid->ids[oid->n++] = (uint32_t)id;
    }
    uint32_t both = oid->ids[1];
    oid->ids[0] = both < 80 ? both / 40 : 2;
    oid->ids[1] = both - oid->ids[0] * 40;
    return true;
}

/* --- writing --- */

static bool has_room(struct ber_out *out, size_t n)
{
    if ((size_t)(out->end - out->at) < n) {
        out->full = true;
    }
    return !out->full;
}

size_t ber_begin(struct ber_out *out, uint8_t tag)
{
    size_t begun = (size_t)(out->at - out->start);
    if (has_room(out, HEADER_BYTES)) {
        out->at[0] = tag;
        out->at += HEADER_BYTES;
    }
    return begun;
}

void ber_end(struct ber_out *out, size_t begun)
{
    if (out->full) {
        return;
    }
    uint8_t *header = out->start + begun;
    size_t length = (size_t)(out->at - header) - HEADER_BYTES;
    if (length > LENGTH_MAX) {
        out->full = true;
        return;
    }
    header[1] = 0x82;
    header[2] = (uint8_t)(length >> 8);
    header[3] = (uint8_t)length;
}

size_t ber_begin_small(struct ber_out *out, uint8_t tag)
{
    size_t begun = (size_t)(out->at - out->start);
    if (has_room(out, 2)) {
        out->at[0] = tag;
        out->at += 2;
    }
    return begun;
}

void ber_end_small(struct ber_out *out, size_t begun)
{
    if (!out->full) {
        size_t length = (size_t)(out->at - out->start) - begun - 2;
        assert(length < 0x80);
        out->start[begun + 1] = (uint8_t)length;
    }
}

void ber_put_raw(struct ber_out *out, const void *bytes, size_t n)
{
    if (n > 0 && has_room(out, n)) {
        memcpy(out->at, bytes, n);
        out->at += n;
    }
}

/* The octets of `bits` from the n-th (from the end) on. */
static void put_number(struct ber_out *out, uint8_t tag, uint64_t bits, size_t n)
{
    if (!has_room(out, 2 + n)) {
        return;
    }
    *out->at++ = tag;
    *out->at++ = (uint8_t)n;
    if (n == 9) { /* an unsigned number with all its 64 bits in use */
        *out->at++ = 0;
        n = 8;
    }
    for (; n > 0; n--) {
        *out->at++ = (uint8_t)(bits >> (n - 1) * 8);
    }
}

void ber_put_integer(struct ber_out *out, int64_t value)
{
    size_t n = 8;
    while (n > 1 && value >= -(INT64_C(1) << ((n - 1) * 8 - 1)) &&
           value < INT64_C(1) << ((n - 1) * 8 - 1)) {
        n--;
    }
    put_number(out, BER_INTEGER, (uint64_t)value, n);
}

void ber_put_unsigned(struct ber_out *out, uint8_t tag, uint64_t value)
{
    /* As many octets as leave the first bit, the sign, 0. */
    size_t bits = value == 0 ? 1 : 64 - (size_t)__builtin_clzll(value);
    put_number(out, tag, value, bits / 8 + 1);
}

void ber_put_bytes(struct ber_out *out, uint8_t tag, const void *bytes, size_t n)
{
    size_t header = n < 0x80 ? 2 : HEADER_BYTES;
    if (n > LENGTH_MAX || !has_room(out, header + n)) {
        out->full = true;
        return;
    }
    *out->at++ = tag;
    if (header == HEADER_BYTES) {
        *out->at++ = 0x82;
        *out->at++ = (uint8_t)(n >> 8);
    }
    *out->at++ = (uint8_t)n;
    ber_put_raw(out, bytes, n);
}

static size_t encode_id(uint32_t id, uint8_t octets[5])
{
    size_t n = 1;
    while (n < 5 && id >> (7 * n) != 0) {
        n++;
    }
    for (size_t i = 0; i < n; i++) {
        octets[i] = (uint8_t)((id >> 7 * (n - 1 - i) & 0x7f) | (i + 1 < n ? 0x80 : 0));
    }
    return n;
}

void ber_put_oid(struct ber_out *out, const uint32_t *ids, size_t n)
{
    uint8_t octets[OID_IDS_MAX * 5];
    size_t size = n < 2 ? 0 : encode_id(ids[0] * 40 + ids[1], octets);
    for (size_t i = 2; i < n && i < OID_IDS_MAX; i++) {
        size += encode_id(ids[i], octets + size);
    }
    ber_put_bytes(out, BER_OID, octets, size);
}
