/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "text.h"

static bool is_continuation(uint8_t byte)
{
    return (byte & 0xc0) == 0x80;
}

size_t text_decode(const uint8_t *bytes, size_t size, uint32_t *character)
{
    if (size == 0) {
        return 0;
    }
    uint8_t first = bytes[0];
    if (first < 0x80) {
        *character = first;
        return 1;
    }
    /* The smallest number that needs so many bytes: what is below is overlong. */
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || size < length) {
        return 0;
    }
    uint32_t value = first & (0x7fU >> length);
    for (size_t i = 1; i < length; i++) {
        if (!is_continuation(bytes[i])) {
            return 0;
        }
        value = value << 6 | (bytes[i] & 0x3fU);
    }
    if (value < smallest[length] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) {
        return 0;
    }
    *character = value;
    return length;
}

bool text_is_control(uint32_t character)
{
    return character < 0x20 || (character >= 0x7f && character <= 0x9f);
}

bool text_is_valid(const void *bytes, size_t size, size_t size_max)
{
    const uint8_t *next = bytes;
    if (size > size_max) {
        return false;
    }
    while (size > 0) {
        uint32_t character = 0;
        size_t length = text_decode(next, size, &character);
        if (length == 0 || text_is_control(character)) {
            return false;
        }
        next += length;
        size -= length;
    }
    return true;
}
