/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire.h"

#include <errno.h>

enum { FIELD_NUMBER_MAX = (1 << 29) - 1 };

static int read_varint(struct wire_reader *reader, uint64_t *value)
{
    uint64_t sum = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (reader->left == 0) {
            return -EBADMSG;
        }
        uint8_t byte = *reader->next++;
        reader->left--;
        if (shift == 63 && byte > 1) {
            return -EBADMSG; /* over 64 bits */
        }
        sum |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *value = sum;
            return 0;
        }
    }
    return -EBADMSG;
}

static int take_bytes(struct wire_reader *reader, uint64_t size, struct wire_field *field)
{
    if (size > reader->left) {
        return -EBADMSG;
    }
    field->bytes = reader->next;
    field->size = (size_t)size;
    reader->next += field->size;
    reader->left -= field->size;
    return 1;
}

int wire_next(struct wire_reader *reader, struct wire_field *field)
{
    if (reader->left == 0) {
        return 0;
    }
    uint64_t tag = 0;
    if (read_varint(reader, &tag) != 0 || tag >> 3 == 0 || tag >> 3 > FIELD_NUMBER_MAX) {
        return -EBADMSG;
    }
    *field = (struct wire_field){.number = (uint32_t)(tag >> 3)};
    uint64_t size = 0;
    switch (tag & 7) {
    case WIRE_VARINT:
        field->type = WIRE_VARINT;
        return read_varint(reader, &field->value) != 0 ? -EBADMSG : 1;
    case WIRE_FIXED64:
        field->type = WIRE_FIXED64;
        return take_bytes(reader, 8, field);
    case WIRE_BYTES:
        field->type = WIRE_BYTES;
        return read_varint(reader, &size) != 0 ? -EBADMSG : take_bytes(reader, size, field);
    case WIRE_FIXED32:
        field->type = WIRE_FIXED32;
        return take_bytes(reader, 4, field);
    default: /* groups, and numbers that mean nothing: not an enum, three bits of a peer */
        return -EBADMSG;
    }
}

static int take_field(const struct wire_field *field, const struct wire_target *target)
{
    if (field->type != (target->value != NULL ? WIRE_VARINT : WIRE_BYTES)) {
        return -EBADMSG;
    }
    if (target->value != NULL) {
        *target->value = field->value;
        return 0;
    }
    target->bytes->at = field->bytes;
    target->bytes->size = field->size;
    target->bytes->times++;
    return 0;
}

int wire_read(const uint8_t *bytes, size_t size, const struct wire_target *targets,
              size_t n_targets)
{
    struct wire_reader reader = {bytes, size};
    struct wire_field field;
    int rc;
    while ((rc = wire_next(&reader, &field)) > 0) {
        for (size_t i = 0; i < n_targets; i++) {
            if (targets[i].number == field.number && take_field(&field, &targets[i]) != 0) {
                return -EBADMSG;
            }
        }
    }
    return rc;
}
