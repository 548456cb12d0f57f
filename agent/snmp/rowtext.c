/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rowtext.h"

#include "gauge.h"
#include "proto/model.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

void index_text(const struct table_row *row, char text[INDEX_TEXT_SIZE])
{
    size_t used = 0;
    snprintf(text, INDEX_TEXT_SIZE, "0");
    for (size_t i = 0; i < row->n_index; i++) {
        int more = snprintf(text + used, INDEX_TEXT_SIZE - used, "%s%" PRIu32, i > 0 ? "." : "",
                            row->index[i]);
        used += more > 0 ? (size_t)more : 0;
    }
}

/* --- octets --- */

/* Agents pad with blanks and NULs. */
static size_t trimmed(const struct table_cell *cell)
{
    size_t size = cell->n_bytes;
    while (size > 0 && cell->bytes[size - 1] <= ' ') {
        size--;
    }
    return size;
}

static bool put_text(const struct table_cell *cell, char text[LABEL_TEXT_SIZE])
{
    size_t size = trimmed(cell);
    return size > 0 && text_sanitize(cell->bytes, size, text, LABEL_TEXT_SIZE) > 0;
}

/* "78:0c:f0:79:6b:8c", or "0:1b:21:a:b:c", where the octets themselves should stand: some agents
 * write them out. True: `text` is the address with two digits each. */
static bool put_written_address(const struct table_cell *cell, char text[LABEL_TEXT_SIZE])
{
    enum { GROUPS = 6 };
    size_t at = 0;
    for (size_t group = 0; group < GROUPS; group++) {
        size_t n = 0;
        while (at + n < cell->n_bytes && n < 2 && isxdigit(cell->bytes[at + n])) {
            n++;
        }
        bool is_last = group == GROUPS - 1;
        bool ends = is_last ? at + n == cell->n_bytes
                            : at + n < cell->n_bytes && cell->bytes[at + n] == ':';
        if (n == 0 || !ends) {
            return false;
        }
        text[group * 3] = n == 2 ? (char)tolower(cell->bytes[at]) : '0';
        text[group * 3 + 1] = (char)tolower(cell->bytes[at + n - 1]);
        text[group * 3 + 2] = is_last ? '\0' : ':';
        at += n + 1;
    }
    return true;
}

static bool put_hex(const struct table_cell *cell, char text[LABEL_TEXT_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    if (put_written_address(cell, text)) {
        return true;
    }
    if (cell->n_bytes == 0 || cell->n_bytes * 3 > LABEL_TEXT_SIZE) {
        return false;
    }
    for (size_t i = 0; i < cell->n_bytes; i++) {
        text[i * 3] = digits[cell->bytes[i] >> 4];
        text[i * 3 + 1] = digits[cell->bytes[i] & 15];
        text[i * 3 + 2] = ':';
    }
    text[cell->n_bytes * 3 - 1] = '\0';
    return true;
}

static bool put_ip(const struct table_cell *cell, char text[LABEL_TEXT_SIZE])
{
    int family = cell->n_bytes == sizeof(struct in_addr)    ? AF_INET
                 : cell->n_bytes == sizeof(struct in6_addr) ? AF_INET6
                                                            : AF_UNSPEC;
    return family != AF_UNSPEC && inet_ntop(family, cell->bytes, text, LABEL_TEXT_SIZE) != NULL;
}

/* Text that sanitizing leaves as it is. */
static bool is_printable(const struct table_cell *cell)
{
    char text[LABEL_TEXT_SIZE];
    size_t size = trimmed(cell);
    return text_sanitize(cell->bytes, size, text, sizeof text) == size &&
           memcmp(text, cell->bytes, size) == 0;
}

/* --- labels --- */

static bool put_number(const struct plan_label *label, int64_t number, bool is_signed,
                       char text[LABEL_TEXT_SIZE])
{
    for (size_t i = 0; i < label->n_words; i++) {
        if (label->words[i].value == number) {
            snprintf(text, LABEL_TEXT_SIZE, "%s", label->words[i].word);
            return text[0] != '\0';
        }
    }
    if (is_signed) {
        snprintf(text, LABEL_TEXT_SIZE, "%" PRId64, number);
    } else {
        snprintf(text, LABEL_TEXT_SIZE, "%" PRIu64, (uint64_t)number);
    }
    return true;
}

static bool put_oid(const struct table_cell *cell, char text[LABEL_TEXT_SIZE])
{
    size_t size = cell->n_bytes < LABEL_TEXT_SIZE ? cell->n_bytes : LABEL_TEXT_SIZE - 1;
    memcpy(text, cell->bytes, size);
    text[size] = '\0';
    return size > 0;
}

static bool put_octets(const struct plan_label *label, const struct table_row *row,
                       const struct table_cell *cell, char text[LABEL_TEXT_SIZE])
{
    bool is_hex = label->format == PLAN_FORMAT_HEX ||
                  (table_row_knows(row, label->hex_column) &&
                   values_have(&label->hex_values, cell_number(&row->cells[label->hex_column])));
    if (is_hex) {
        return put_hex(cell, text);
    }
    if (label->format == PLAN_FORMAT_IP) {
        return put_ip(cell, text);
    }
    return label->format == PLAN_FORMAT_AUTO && !is_printable(cell) ? put_hex(cell, text)
                                                                    : put_text(cell, text);
}

static bool put_cell(const struct plan_label *label, const struct table_row *row,
                     char text[LABEL_TEXT_SIZE])
{
    if (!table_row_knows(row, label->column)) {
        return false;
    }
    const struct table_cell *cell = &row->cells[label->column];
    switch (cell->type) {
    case VALUE_OCTETS:
        return put_octets(label, row, cell, text);
    case VALUE_OID:
        return put_oid(cell, text);
    case VALUE_INTEGER:
        return put_number(label, cell_number(cell), true, text);
    case VALUE_COUNTER32:
    case VALUE_GAUGE32:
    case VALUE_TIMETICKS:
    case VALUE_COUNTER64:
        return put_number(label, cell_number(cell), false, text);
    case VALUE_NO_SUCH:
    case VALUE_END_OF_MIB:
    case VALUE_OTHER:
        return false;
    }
    return false;
}

bool label_text(const struct plan_label *label, const struct table_row *row,
                char text[LABEL_TEXT_SIZE])
{
    text[0] = '\0';
    if (label->format == PLAN_FORMAT_CONSTANT) {
        snprintf(text, LABEL_TEXT_SIZE, "%s", label->value);
        return text[0] != '\0';
    }
    if (label->format == PLAN_FORMAT_INDEX) {
        return label->index_part >= 1 && label->index_part <= row->n_index &&
               put_number(label, row->index[label->index_part - 1], false, text);
    }
    return put_cell(label, row, text);
}

/* --- names --- */

static bool part_text(const struct plan_table *plan, const struct table_row *row, const char *key,
                      size_t size, char text[LABEL_TEXT_SIZE])
{
    static const char index[] = "index";
    bool is_index = (size == sizeof index - 1 && memcmp(key, index, size) == 0) ||
                    (plan->index_label != NULL && strlen(plan->index_label) == size &&
                     memcmp(plan->index_label, key, size) == 0);
    if (is_index) {
        index_text(row, text);
        return true;
    }
    for (size_t i = 0; i < plan->n_labels; i++) {
        if (strlen(plan->labels[i].key) == size && memcmp(plan->labels[i].key, key, size) == 0) {
            return label_text(&plan->labels[i], row, text);
        }
    }
    return false;
}

bool name_text(const struct plan_table *plan, const struct plan_name *way,
               const struct table_row *row, char text[NAME_TEXT_SIZE])
{
    /* Room for a whole label after all that fits. */
    char whole[NAME_TEXT_SIZE + LABEL_TEXT_SIZE];
    size_t used = 0;
    for (const char *at = way->template; *at != '\0' && used < NAME_TEXT_SIZE;) {
        const char *end = *at == '{' ? strchr(at, '}') : NULL;
        if (end == NULL) {
            whole[used++] = *at++;
            continue;
        }
        if (!part_text(plan, row, at + 1, (size_t)(end - at - 1), whole + used)) {
            return false;
        }
        used += strlen(whole + used);
        at = end + 1;
    }
    return text_sanitize((const uint8_t *)whole, used, text, NAME_TEXT_SIZE) > 0;
}

/* --- conditions --- */

static bool is_text(const struct table_cell *cell, const char *wanted)
{
    size_t size = cell->type == VALUE_OCTETS ? trimmed(cell) : cell->n_bytes;
    size_t length = strlen(wanted);
    if (length > 0 && wanted[length - 1] == '*') {
        return size >= length - 1 && memcmp(cell->bytes, wanted, length - 1) == 0;
    }
    return size == length && memcmp(cell->bytes, wanted, size) == 0;
}

static bool matches(const struct plan_condition *condition, const struct table_cell *cell)
{
    if (cell->type != VALUE_OCTETS && cell->type != VALUE_OID) {
        return values_have(&condition->values, cell_number(cell));
    }
    for (size_t i = 0; i < condition->n_texts; i++) {
        if (is_text(cell, condition->texts[i])) {
            return true;
        }
    }
    return false;
}

enum row_verdict row_is_wanted(const struct plan_table *plan, const struct table *table,
                               const struct table_row *row, bool fixed_read)
{
    enum row_verdict verdict = ROW_WANTED;
    for (size_t i = 0; i < plan->n_conditions; i++) {
        const struct plan_condition *condition = &plan->conditions[i];
        uint8_t column = condition->column;
        if (plan->columns[column].when == PLAN_FIXED && !fixed_read) {
            continue;
        }
        if (table_row_knows(row, column)) {
            if (matches(condition, &row->cells[column]) == condition->except) {
                return ROW_UNWANTED;
            }
        } else if (table_end(table, column) != COLUMN_COMPLETE) {
            verdict = ROW_UNDECIDED;
        } else if (!condition->except) {
            return ROW_UNWANTED;
        }
    }
    return verdict;
}
