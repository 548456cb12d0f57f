/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A table in aligned columns on a terminal. Control characters of a cell become "?".
 *
 * Threads: one. */
#ifndef AGENT_TEXT_TABLE_H
#define AGENT_TEXT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct text_table;

struct text_table *text_table_new(void);
/* Before the first cell. Numbers stand at the right of their column. */
void text_table_column(struct text_table *table, const char *title, bool is_number);
/* The next cell, from left to right, then of the next row; copied. */
void text_table_cell(struct text_table *table, const char *text);
void text_table_print(const struct text_table *table, FILE *out, int indent);
void text_table_free(struct text_table *table);

/* A text without control characters, for a terminal. */
void text_print_clean(FILE *out, const char *text);

#endif
