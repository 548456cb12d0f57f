/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "table.h"

#include "cli.h"

#include "common/xalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { COLUMNS_MAX = 12 };

struct cell {
    char *text;
    bool is_state;
};

struct table {
    size_t n_columns;
    const char *titles[COLUMNS_MAX];
    bool right[COLUMNS_MAX];
    size_t width[COLUMNS_MAX];
    size_t n_cells;
    struct cell *cells;
};

/* Characters, not bytes: near enough to columns for the names of devices. */
static size_t width_of(const char *text)
{
    size_t width = 0;
    for (; *text != '\0'; text++) {
        width += ((unsigned char)*text & 0xC0) != 0x80;
    }
    return width;
}

struct table *table_new(const char *const *titles)
{
    struct table *table = xcalloc(1, sizeof *table);
    for (; titles[table->n_columns] != NULL && table->n_columns < COLUMNS_MAX; table->n_columns++) {
        size_t i = table->n_columns;
        table->right[i] = titles[i][0] == '>';
        table->titles[i] = titles[i] + (table->right[i] ? 1 : 0);
        table->width[i] = width_of(table->titles[i]);
    }
    return table;
}

static void add(struct table *table, const char *text, bool is_state)
{
    size_t column = table->n_cells % table->n_columns;
    text = text != NULL ? text : "-";
    table->cells = xreallocarray(table->cells, table->n_cells + 1, sizeof *table->cells);
    char *copy = xstrdup(text);
    cli_clean(copy);
    table->cells[table->n_cells++] = (struct cell){copy, is_state};
    size_t width = width_of(copy);
    table->width[column] = width > table->width[column] ? width : table->width[column];
}

void table_cell(struct table *table, const char *text)
{
    add(table, text, false);
}

void table_state(struct table *table, const char *state)
{
    add(table, state, true);
}

static const char *colour_of(const char *state)
{
    static const struct {
        const char *state;
        const char *code;
    } colours[] = {
        {"up", "32"},       {"ok", "32"},      {"down", "1;31"}, {"failed", "1;31"},
        {"degraded", "33"}, {"partial", "33"}, {"silent", "33"}, {"unknown", "35"},
        {"never", "35"},    {"yes", "32"},     {"no", "1;31"},
    };
    for (size_t i = 0; i < sizeof colours / sizeof *colours; i++) {
        if (strcmp(state, colours[i].state) == 0) {
            return colours[i].code;
        }
    }
    return NULL;
}

void print_text(const char *ours, const char *foreign)
{
    char *copy = xstrdup(foreign != NULL ? foreign : "-");
    cli_clean(copy);
    (void)printf("%s%s", ours, copy);
    free(copy);
}

void print_state(const char *state, bool colour)
{
    state = state != NULL ? state : "-";
    const char *code = colour ? colour_of(state) : NULL;
    if (code != NULL) {
        (void)printf("\033[%sm%s\033[0m", code, state);
    } else {
        (void)fputs(state, stdout);
    }
}

static void print_padding(size_t from, size_t to)
{
    for (; from < to; from++) {
        (void)putchar(' ');
    }
}

static void print_cell(const struct table *table, size_t column, const char *text, bool colour)
{
    size_t width = width_of(text);
    if (column > 0) {
        (void)fputs("  ", stdout);
    }
    if (table->right[column]) {
        print_padding(width, table->width[column]);
    }
    print_state(text, colour);
    if (!table->right[column] && column + 1 < table->n_columns) {
        print_padding(width, table->width[column]);
    }
}

void table_print(const struct table *table, bool colour)
{
    for (size_t i = 0; i < table->n_columns; i++) {
        print_cell(table, i, table->titles[i], false);
    }
    (void)putchar('\n');
    for (size_t i = 0; i < table->n_cells; i++) {
        size_t column = i % table->n_columns;
        print_cell(table, column, table->cells[i].text, colour && table->cells[i].is_state);
        if (column + 1 == table->n_columns) {
            (void)putchar('\n');
        }
    }
}

void table_free(struct table *table)
{
    if (table == NULL) {
        return;
    }
    for (size_t i = 0; i < table->n_cells; i++) {
        free(table->cells[i].text);
    }
    free(table->cells);
    free(table);
}

const char *time_text(const json_t *time, char text[TIME_TEXT_SIZE])
{
    struct wall wall;
    const char *written = json_string_value(time);
    struct tm local;
    if (written == NULL || wall_parse(written, &wall) != 0) {
        return written != NULL ? written : "-";
    }
    time_t seconds = (time_t)(wall.ms / 1000);
    if (localtime_r(&seconds, &local) == NULL ||
        strftime(text, TIME_TEXT_SIZE, "%Y-%m-%d %H:%M:%S %z", &local) == 0) {
        return written;
    }
    return text;
}

const char *duration_text(int64_t seconds, char text[DURATION_TEXT_SIZE])
{
    static const struct {
        int64_t seconds;
        const char *name;
    } units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
    enum { UNITS = sizeof units / sizeof *units };
    size_t i = 0;
    while (i + 1 < UNITS && seconds < units[i].seconds) {
        i++;
    }
    long long first = (long long)(seconds / units[i].seconds);
    long long rest =
        i + 1 < UNITS ? (long long)(seconds % units[i].seconds / units[i + 1].seconds) : 0;
    if (rest > 0) {
        (void)snprintf(text, DURATION_TEXT_SIZE, "%lld %s %lld %s", first, units[i].name, rest,
                       units[i + 1].name);
    } else {
        (void)snprintf(text, DURATION_TEXT_SIZE, "%lld %s", first, units[i].name);
    }
    return text;
}

const char *quantity_text(double value, const char *unit, char text[QUANTITY_TEXT_SIZE])
{
    static const char *const prefixes[] = {"", "k", "M", "G", "T", "P", "E"};
    enum { PREFIXES = sizeof prefixes / sizeof *prefixes };
    size_t prefix = 0;
    while (value >= 999.5 && prefix + 1 < PREFIXES) {
        value /= 1000;
        prefix++;
    }
    int decimals = prefix == 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
    bool bare = prefix == 0 && unit[0] == '\0';
    (void)snprintf(text, QUANTITY_TEXT_SIZE, "%.*f%s%s%s", decimals, value, bare ? "" : " ",
                   prefixes[prefix], unit);
    return text;
}
