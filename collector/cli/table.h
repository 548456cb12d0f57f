/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Text tables for people: columns as wide as their widest cell, states in colour on a terminal. */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include "common/clock.h"
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct table;

/* Column titles end with NULL; a title that begins with '>' makes a column of right-aligned cells.
 */
struct table *table_new(const char *const *titles);
/* The next cell, rows filled from left to right; copied; NULL is shown as "-". */
void table_cell(struct table *table, const char *text);
/* A cell in the colour of a state: up, degraded, down, unknown, ok, partial, failed … */
void table_state(struct table *table, const char *state);
void table_print(const struct table *table, bool colour);
void table_free(struct table *table);

/* Both, the second cleaned; NULL is "-". */
void print_text(const char *ours, const char *foreign);
/* "up" in its colour, or bare. */
void print_state(const char *state, bool colour);
/* An API time as local time with offset, "2026-11-24 10:00:00 +0100"; "-" when it is null. Static
 * buffers would not do for two in one line: the caller gives 32 bytes. */
enum { TIME_TEXT_SIZE = 32 };
const char *time_text(const json_t *time, char text[TIME_TEXT_SIZE]);
/* Three digits with a decimal prefix: "12.3 MB", "1.05 Gbit/s", "940". */
enum { QUANTITY_TEXT_SIZE = 48 };
const char *quantity_text(double value, const char *unit, char text[QUANTITY_TEXT_SIZE]);
/* "45 s", "3 min 20 s", "2 h 5 min", "3 d 4 h". */
enum { DURATION_TEXT_SIZE = 32 };
const char *duration_text(int64_t seconds, char text[DURATION_TEXT_SIZE]);

#endif
