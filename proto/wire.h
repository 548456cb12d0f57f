/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reads the fields of one encoded protobuf message one after the other, in place, for what must
 * look at bytes without unpacking them. Follows the encoding of protobuf ("Encoding" in its
 * language guide); groups, which proto3 does not have, are refused.
 *
 * Pure. */
#ifndef PROTO_WIRE_H
#define PROTO_WIRE_H

#include <stddef.h>
#include <stdint.h>

enum wire_type { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

struct wire_reader {
    const uint8_t *next;
    size_t left;
};

struct wire_field {
    uint32_t number; /* from 1 */
    enum wire_type type;
    uint64_t value;       /* WIRE_VARINT */
    const uint8_t *bytes; /* WIRE_BYTES, and the raw bytes of the fixed types */
    size_t size;
};

/* 1: a field; 0: the end; -EBADMSG: the bytes are no message. Takes time in proportion to what it
 * moves over, and never reads past the end. */
int wire_next(struct wire_reader *reader, struct wire_field *field);

/* What to take from a message: fields by number into the caller's variables. A field of one of
 * these numbers with the other wire type is -EBADMSG, any other number is skipped; of a field that
 * comes twice the last one counts. */
struct wire_target {
    uint32_t number;
    uint64_t *value;          /* a varint; or */
    struct wire_bytes *bytes; /* a length-delimited one */
};
struct wire_bytes {
    const uint8_t *at; /* NULL: not there */
    size_t size;
    size_t times; /* how often it was there */
};
int wire_read(const uint8_t *bytes, size_t size, const struct wire_target *targets,
              size_t n_targets);

#endif
