/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Bytes written as text: \r, \n, \t, \\ and \xHH stand for themselves, as in C. Pure. */
#ifndef CHECKS_ESCAPE_H
#define CHECKS_ESCAPE_H

#include <stddef.h>
#include <stdint.h>

/* The bytes that `text` stands for, never more than it has characters. 0, or -EINVAL with a reason
 * when a backslash has something else behind it. */
int escape_decode(const char *text, uint8_t *bytes, size_t *size, char *reason, size_t reason_size);

#endif
