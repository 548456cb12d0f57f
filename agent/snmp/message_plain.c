/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "message_plain.h"

#include <string.h>

/* RFC 3416 section 3, RFC 2578 section 7.1. */
enum tag {
    TAG_INTEGER = 0x02,
    TAG_OCTETS = 0x04,
    TAG_OID = 0x06,
    TAG_SEQUENCE = 0x30,
    TAG_IP_ADDRESS = 0x40,
    TAG_COUNTER32 = 0x41,
    TAG_GAUGE32 = 0x42,
    TAG_TIMETICKS = 0x43,
    TAG_COUNTER64 = 0x46,
    TAG_NO_SUCH_OBJECT = 0x80,
    TAG_NO_SUCH_INSTANCE = 0x81,
    TAG_END_OF_MIB = 0x82,
};

enum {
    ISO_ORG = 0x2b,      /* 1.3, as one byte */
    NAME_BYTES_MAX = 96, /* far from where the sub-identifiers could be too many */
    STEP = 4,            /* bytes looked at together */
};

/* The sub-identifiers from `at` to `end`. NULL: not plain; else behind the last one. */
static unsigned long *read_ids(const uint8_t *at, const uint8_t *end, unsigned long *ids)
{
    const uint32_t continued = 0x80808080;
    while (end - at >= STEP) { /* nearly all are below 128 */
        uint32_t step;
        memcpy(&step, at, sizeof step);
        if ((step & continued) != 0) {
            break;
        }
        ids[0] = at[0];
        ids[1] = at[1];
        ids[2] = at[2];
        ids[3] = at[3];
        ids += STEP;
        at += STEP;
    }
    while (at < end) {
        uint8_t byte = *at++;
        unsigned long id = byte & 0x7f;
        if (byte == 0x80) {
            return NULL; /* a leading zero */
        }
        while (byte >= 0x80) {
            if (at == end) {
                return NULL;
            }
            byte = *at++;
            id = id << 7 | (byte & 0x7f);
            if (id > UINT32_MAX) {
                return NULL;
            }
        }
        *ids++ = id;
    }
    return ids;
}

static uint64_t read_bytes(const uint8_t *content, size_t size, uint64_t number)
{
    for (size_t i = 0; i < size; i++) {
        number = number << 8 | content[i];
    }
    return number;
}

/* Without a sign, of a type of so many bytes. One more, zero, keeps the first bit from being one.
 */
static bool read_unsigned(const uint8_t *content, size_t size, size_t size_max,
                          struct varbind *varbind)
{
    bool is_plain = size >= 1 && ((content[0] < 0x80 && size <= size_max) || size == size_max ||
                                  (size == size_max + 1 && content[0] == 0));
    if (is_plain) {
        varbind->number = read_bytes(content, size, 0);
    }
    return is_plain;
}

static bool read_signed(const uint8_t *content, size_t size, uint64_t *number)
{
    if (size < 1 || size > sizeof(int32_t)) {
        return false;
    }
    *number = read_bytes(content, size, content[0] >= 0x80 ? UINT64_MAX : 0);
    return true;
}

static bool read_value(uint8_t tag, const uint8_t *content, size_t size, struct varbind *varbind)
{
    switch (tag) {
    case TAG_COUNTER64:
        varbind->type = VALUE_COUNTER64;
        return read_unsigned(content, size, sizeof(uint64_t), varbind);
    case TAG_COUNTER32:
        varbind->type = VALUE_COUNTER32;
        return read_unsigned(content, size, sizeof(uint32_t), varbind);
    case TAG_GAUGE32:
        varbind->type = VALUE_GAUGE32;
        return read_unsigned(content, size, sizeof(uint32_t), varbind);
    case TAG_TIMETICKS:
        varbind->type = VALUE_TIMETICKS;
        return read_unsigned(content, size, sizeof(uint32_t), varbind);
    case TAG_INTEGER:
        varbind->type = VALUE_INTEGER;
        return read_signed(content, size, &varbind->number);
    case TAG_OCTETS:
    case TAG_IP_ADDRESS:
        varbind->type = VALUE_OCTETS;
        varbind->bytes = content;
        varbind->n_bytes = size;
        return true;
    case TAG_NO_SUCH_OBJECT:
    case TAG_NO_SUCH_INSTANCE:
        varbind->type = VALUE_NO_SUCH;
        return size == 0;
    case TAG_END_OF_MIB:
        varbind->type = VALUE_END_OF_MIB;
        return size == 0;
    default:
        return false;
    }
}

size_t plain_integer(const uint8_t *bytes, size_t size, long *value)
{
    size_t content_size;
    uint64_t number;
    size_t head = plain_head(bytes, size, &content_size);
    if (head == 0 || bytes[0] != TAG_INTEGER || !read_signed(bytes + head, content_size, &number)) {
        return 0;
    }
    *value = (long)number;
    return head + content_size;
}

size_t plain_varbind(const uint8_t *bytes, size_t size, unsigned long *ids, struct varbind *varbind)
{
    size_t whole;
    size_t name;
    size_t value;
    size_t head = plain_head(bytes, size, &whole);
    if (head == 0 || bytes[0] != TAG_SEQUENCE) {
        return 0;
    }
    const uint8_t *at = bytes + head;
    const uint8_t *end = at + whole;
    head = plain_head(at, whole, &name);
    if (head == 0 || at[0] != TAG_OID || name == 0 || name > NAME_BYTES_MAX ||
        at[head] != ISO_ORG) {
        return 0;
    }
    const uint8_t *name_end = at + head + name;
    ids[0] = 1;
    ids[1] = 3;
    const unsigned long *ids_end = read_ids(at + head + 1, name_end, ids + 2);
    at = name_end;
    head = plain_head(at, (size_t)(end - at), &value);
    if (ids_end == NULL || head == 0 || at + head + value != end) {
        return 0;
    }
    *varbind = (struct varbind){.name = {ids, (size_t)(ids_end - ids)}};
    return read_value(at[0], at + head, value, varbind) ? (size_t)(end - bytes) : 0;
}
