/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Writes JSON (RFC 8259) piece by piece. Counters are unsigned 64-bit numbers and must be printed
 * exactly, which the integers of a library (signed, or doubles) cannot hold.
 *
 * The caller opens and closes in order; commas are put by the writer. Errors of the stream stay in
 * the stream (ferror).
 *
 * Threads: one for each writer. */
#ifndef AGENT_JSON_WRITER_H
#define AGENT_JSON_WRITER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct json_writer {
    FILE *out;
    bool comma; /* before the next item */
};

void json_begin_object(struct json_writer *writer);
void json_end_object(struct json_writer *writer);
void json_begin_array(struct json_writer *writer);
void json_end_array(struct json_writer *writer);
/* The next value's key. */
void json_key(struct json_writer *writer, const char *key);
/* Control characters are escaped, bytes that are no UTF-8 become U+FFFD. */
void json_string(struct json_writer *writer, const char *text);
void json_unsigned(struct json_writer *writer, uint64_t number);
/* Whole numbers up to 2^53 without a point, others with as few digits as read back the same. NaN
 * and infinity are null. */
void json_double(struct json_writer *writer, double number);
void json_null(struct json_writer *writer);
/* The text of a double as above, for other faces. */
void json_format_double(double number, char *text, size_t size);

#endif
