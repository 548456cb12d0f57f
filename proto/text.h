/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * UTF-8 (RFC 3629) as it may travel: well-formed and without control characters (C0, DEL, C1), so
 * that a name can stand in a log line, a page or a terminal as it is.
 *
 * Pure. */
#ifndef PROTO_TEXT_H
#define PROTO_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How many bytes the first character takes, 1 to 4, with its number in `*character`; 0: the bytes
 * do not begin with a well-formed character. Overlong forms and surrogates are not well-formed. */
size_t text_decode(const uint8_t *bytes, size_t size, uint32_t *character);
bool text_is_control(uint32_t character);
/* At most `size_max` bytes of text that may travel; may be empty. */
bool text_is_valid(const void *bytes, size_t size, size_t size_max);

#endif
