/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "text_table.h"

#include "common/xalloc.h"

#include <stdlib.h>
#include <string.h>

enum { GAP = 2 }; /* between columns */

struct text_table {
    size_t n_columns;
    struct column {
        char *title;
        bool is_number;
        size_t width;
    } * columns;
    size_t n_cells;
    size_t room;
    char **cells;
};

/* --- characters --- */

static bool is_c1(const char *at)
{
    return (unsigned char)at[0] == 0xc2 && (unsigned char)at[1] >= 0x80 &&
           (unsigned char)at[1] < 0xa0; /* U+0080 to U+009F */
}

static void clean(char *text)
{
    for (char *at = text; *at != '\0'; at++) {
        if (is_c1(at)) {
            at[0] = '?';
            at[1] = '?';
        } else if ((unsigned char)*at < 0x20 || *at == 0x7f) {
            *at = '?';
        }
    }
}

/* Characters of UTF-8. */
static size_t width_of(const char *text)
{
    size_t width = 0;
    for (; *text != '\0'; text++) {
        width += ((unsigned char)*text & 0xc0) != 0x80 ? 1 : 0;
    }
    return width;
}

void text_print_clean(FILE *out, const char *text)
{
    char *copy = xstrdup(text);
    clean(copy);
    fputs(copy, out);
    free(copy);
}

/* --- the table --- */

struct text_table *text_table_new(void)
{
    return xcalloc(1, sizeof(struct text_table));
}

void text_table_column(struct text_table *table, const char *title, bool is_number)
{
    table->columns = xreallocarray(table->columns, table->n_columns + 1, sizeof(table->columns[0]));
    table->columns[table->n_columns++] =
        (struct column){.title = xstrdup(title), .is_number = is_number, .width = width_of(title)};
}

void text_table_cell(struct text_table *table, const char *text)
{
    if (table->n_cells == table->room) {
        table->room = table->room == 0 ? 64 : table->room * 2;
        table->cells = xreallocarray(table->cells, table->room, sizeof(table->cells[0]));
    }
    char *cell = xstrdup(text);
    clean(cell);
    struct column *column = &table->columns[table->n_cells % table->n_columns];
    size_t width = width_of(cell);
    column->width = width > column->width ? width : column->width;
    table->cells[table->n_cells++] = cell;
}

/* Blanks are put when something follows them: none stand at the end of a line. */
static void print_row(const struct text_table *table, FILE *out, int indent, char *const *cells)
{
    size_t blanks = (size_t)indent;
    for (size_t i = 0; i < table->n_columns; i++) {
        const struct column *column = &table->columns[i];
        const char *text = cells != NULL ? cells[i] : column->title;
        size_t missing = column->width - width_of(text);
        blanks += column->is_number ? missing : 0;
        if (text[0] != '\0') {
            fprintf(out, "%*s%s", (int)blanks, "", text);
            blanks = 0;
        }
        blanks += (column->is_number ? 0 : missing) + GAP;
    }
    fputc('\n', out);
}

void text_table_print(const struct text_table *table, FILE *out, int indent)
{
    print_row(table, out, indent, NULL);
    for (size_t i = 0; i + table->n_columns <= table->n_cells; i += table->n_columns) {
        print_row(table, out, indent, table->cells + i);
    }
}

void text_table_free(struct text_table *table)
{
    if (table == NULL) {
        return;
    }
    for (size_t i = 0; i < table->n_columns; i++) {
        free(table->columns[i].title);
    }
    for (size_t i = 0; i < table->n_cells; i++) {
        free(table->cells[i]);
    }
    free(table->columns);
    free(table->cells);
    free(table);
}
