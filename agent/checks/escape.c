/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "escape.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdefABCDEF";
    const char *at = c != '\0' ? strchr(digits, c) : NULL;
    if (at == NULL) {
        return -1;
    }
    int value = (int)(at - digits);
    return value < 16 ? value : value - 6; /* the capitals */
}

/* Behind the escape that begins after the backslash; NULL: it is none. */
static const char *take_escape(const char *at, uint8_t *byte)
{
    static const char names[] = "rnt\\";
    static const uint8_t values[] = "\r\n\t\\";
    const char *name = *at != '\0' ? strchr(names, *at) : NULL;
    if (name != NULL) {
        *byte = values[name - names];
        return at + 1;
    }
    if (*at != 'x') {
        return NULL;
    }
    int high = hex_digit(at[1]);
    int low = high >= 0 ? hex_digit(at[2]) : -1;
    *byte = (uint8_t)(high * 16 + low);
    return low >= 0 ? at + 3 : NULL;
}

int escape_decode(const char *text, uint8_t *bytes, size_t *size, char *reason, size_t reason_size)
{
    size_t n = 0;
    while (*text != '\0') {
        if (*text != '\\') {
            bytes[n++] = (uint8_t)*text++;
            continue;
        }
        const char *next = take_escape(text + 1, &bytes[n++]);
        if (next == NULL) {
            (void)snprintf(reason, reason_size,
                           "has a backslash without r, n, t, \\ or xHH (two hexadecimal digits) "
                           "behind it");
            return -EINVAL;
        }
        text = next;
    }
    *size = n;
    return 0;
}
