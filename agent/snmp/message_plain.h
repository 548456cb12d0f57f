/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The encoding that nearly all bytes of nearly all answers have, read in one pass: lengths of one
 * to three bytes, integers of no more bytes than their type needs, names below 1.3. Whatever
 * differs is left to the library's functions, whose word on every odd byte stays the only one; both
 * must tell the same of what is plain.
 *
 * Pure. */
#ifndef SNMP_MESSAGE_PLAIN_H
#define SNMP_MESSAGE_PLAIN_H

#include "pdu.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The tag and length of an element whose contents are within `size`: how many bytes they take. 0:
 * not plain, or not whole. */
static inline size_t plain_head(const uint8_t *bytes, size_t size, size_t *content_size)
{
    size_t head = 2;
    if (size < 2) {
        return 0;
    }
    *content_size = bytes[1];
    if (bytes[1] >= 0x80) {
        if (bytes[1] == 0x81 && size >= 3) {
            *content_size = bytes[2];
            head = 3;
        } else if (bytes[1] == 0x82 && size >= 4) {
            *content_size = (size_t)bytes[2] << 8 | bytes[3];
            head = 4;
        } else {
            return 0;
        }
    }
    return *content_size <= size - head ? head : 0;
}

/* An INTEGER of one to four bytes; as plain_head, of the whole element. */
size_t plain_integer(const uint8_t *bytes, size_t size, long *value);

/* A varbind with its value: how many bytes it takes; 0: not plain. The sub-identifiers of its name
 * go to `ids`, which have room for OID_IDS_MAX; the bytes of an OCTET STRING stay where they are.
 */
size_t plain_varbind(const uint8_t *bytes, size_t size, unsigned long *ids,
                     struct varbind *varbind);

#endif
