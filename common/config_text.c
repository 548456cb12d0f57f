/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config_internal.h"

#include "common/xalloc.h"

#include <stdlib.h>
#include <string.h>

size_t config_utf8_next(const char *text, size_t size, uint32_t *code)
{
    /* Lead byte ranges of RFC 3629, 3; the least code point refuses overlong forms. */
    static const struct {
        uint8_t first, last;
        uint32_t least;
    } leads[] = {{0x00, 0x7f, 0}, {0xc2, 0xdf, 0x80}, {0xe0, 0xef, 0x800}, {0xf0, 0xf4, 0x10000}};
    static const uint8_t lead_bits[] = {0x7f, 0x1f, 0x0f, 0x07};
    uint8_t lead = (uint8_t)text[0];
    for (size_t more = 0; more < sizeof leads / sizeof leads[0]; more++) {
        if (lead < leads[more].first || lead > leads[more].last) {
            continue;
        }
        if (more >= size) {
            return 0;
        }
        uint32_t value = lead & lead_bits[more];
        for (size_t i = 1; i <= more; i++) {
            uint8_t byte = (uint8_t)text[i];
            if ((byte & 0xc0) != 0x80) {
                return 0;
            }
            value = value << 6 | (byte & 0x3f);
        }
        bool surrogate = value >= 0xd800 && value <= 0xdfff;
        if (value < leads[more].least || value > 0x10ffff || surrogate) {
            return 0;
        }
        *code = value;
        return more + 1;
    }
    return 0;
}

bool config_is_control(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code <= 0x9f);
}

char *config_show(const char *text, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    static const char more[] = "...";
    enum { ESCAPE_SIZE = 4 };
    char *shown = xmalloc(CONFIG_SHOWN_MAX_BYTES + 1);
    size_t used = 0;
    size_t fits = 0; /* what stays when the end does not */
    for (size_t i = 0; i < size;) {
        uint32_t code = 0;
        size_t taken = config_utf8_next(text + i, size - i, &code);
        bool escaped = taken == 0 || config_is_control(code);
        /* A control character of two bytes (C1) is escaped byte by byte. */
        taken = escaped ? 1 : taken;
        size_t needed = escaped ? ESCAPE_SIZE : taken;
        if (used + needed > CONFIG_SHOWN_MAX_BYTES) {
            memcpy(shown + fits, more, sizeof more);
            return shown;
        }
        if (escaped) {
            uint8_t byte = (uint8_t)text[i];
            char escape[] = {'\\', 'x', digits[byte >> 4], digits[byte & 15]};
            memcpy(shown + used, escape, sizeof escape);
        } else {
            memcpy(shown + used, text + i, taken);
        }
        used += needed;
        i += taken;
        if (used <= CONFIG_SHOWN_MAX_BYTES - (sizeof more - 1)) {
            fits = used;
        }
    }
    shown[used] = '\0';
    return shown;
}

static bool same_letter(char a, char b)
{
    return a == b || ((a | 0x20) == (b | 0x20) && (a | 0x20) >= 'a' && (a | 0x20) <= 'z');
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

enum { NAME_MAX_BYTES = 48 }; /* longer ones are no misspelling worth three rows of a table */

/* Insertions, deletions, changes and swaps of neighbours (optimal string alignment); capitals count
 * as small letters. */
static size_t edit_distance(const char *a, size_t a_size, const char *b, size_t b_size)
{
    size_t rows[3][NAME_MAX_BYTES + 1];
    for (size_t j = 0; j <= b_size; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= a_size; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i - 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b_size; j++) {
            size_t change = same_letter(a[i - 1], b[j - 1]) ? 0 : 1;
            size_t cost = least(least(above[j], row[j - 1]) + 1, above[j - 1] + change);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                cost = least(cost, rows[(i - 2) % 3][j - 2] + 1);
            }
            row[j] = cost;
        }
    }
    return rows[a_size % 3][b_size];
}

const char *config_nearest(const char *text, const char *const *names, size_t count)
{
    const char *nearest = NULL;
    size_t size = strlen(text);
    /* A third of the letters wrong is still a misspelling; more is another word. */
    size_t best = (size > 3 ? size / 3 : 1) + 1;
    if (size > NAME_MAX_BYTES) {
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        size_t name_size = strlen(names[i]);
        if (name_size > NAME_MAX_BYTES) {
            continue;
        }
        size_t distance = edit_distance(text, size, names[i], name_size);
        if (distance < best && distance < name_size) {
            best = distance;
            nearest = names[i];
        }
    }
    return nearest;
}

char *config_join(const char *const *names, size_t count)
{
    size_t size = 1;
    for (size_t i = 0; i < count; i++) {
        size += strlen(names[i]) + 2;
    }
    char *joined = xmalloc(size);
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        size_t name_size = strlen(names[i]);
        if (i > 0) {
            joined[used++] = ',';
            joined[used++] = ' ';
        }
        memcpy(joined + used, names[i], name_size);
        used += name_size;
    }
    joined[used] = '\0';
    return joined;
}
