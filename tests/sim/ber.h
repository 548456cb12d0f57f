/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * As much of BER (ITU-T X.690) as SNMP messages need: a reader that goes through what a peer sent
 * and never beyond it, and a writer into a buffer of a fixed size.
 *
 * Pure. */
#ifndef SIM_BER_H
#define SIM_BER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    BER_INTEGER = 0x02,
    BER_OCTETS = 0x04,
    BER_NULL = 0x05,
    BER_OID = 0x06,
    BER_SEQUENCE = 0x30,
    BER_COUNTER32 = 0x41,
    BER_GAUGE32 = 0x42,
    BER_TIMETICKS = 0x43,
    BER_COUNTER64 = 0x46,
    BER_NO_SUCH_OBJECT = 0x80,
    BER_NO_SUCH_INSTANCE = 0x81,
    BER_END_OF_MIB = 0x82,
    OID_IDS_MAX = 128, /* RFC 2578 section 7.1.3 */
};

struct oid {
    size_t n;
    uint32_t ids[OID_IDS_MAX];
};
/* As strcmp: lexicographic by sub-identifier. */
int oid_compare(const uint32_t *left, size_t n_left, const uint32_t *right, size_t n_right);

/* What is still to be read. */
struct ber_in {
    const uint8_t *at;
    const uint8_t *end;
};

/* Each takes one element off `in`. False: it is another, or broken; `in` is then not to be used. */
bool ber_take(struct ber_in *in, uint8_t *tag, struct ber_in *content);
bool ber_open(struct ber_in *in, uint8_t tag, struct ber_in *content);
bool ber_take_integer(struct ber_in *in, int64_t *value);
bool ber_take_oid(struct ber_in *in, struct oid *oid);

/* What does not fit sets `full` and is left out. */
struct ber_out {
    uint8_t *start;
    uint8_t *at;
    uint8_t *end;
    bool full;
};

/* An element with content that is written next, until ber_end is given what ber_begin returned. */
size_t ber_begin(struct ber_out *out, uint8_t tag);
void ber_end(struct ber_out *out, size_t begun);
/* The same for content that is known to be less than 128 octets. */
size_t ber_begin_small(struct ber_out *out, uint8_t tag);
void ber_end_small(struct ber_out *out, size_t begun);
void ber_put_integer(struct ber_out *out, int64_t value);
/* Counter32, Gauge32, TimeTicks, Counter64. */
void ber_put_unsigned(struct ber_out *out, uint8_t tag, uint64_t value);
void ber_put_bytes(struct ber_out *out, uint8_t tag, const void *bytes, size_t n);
void ber_put_oid(struct ber_out *out, const uint32_t *ids, size_t n);
/* Elements that are encoded already. */
void ber_put_raw(struct ber_out *out, const void *bytes, size_t n);

#endif
