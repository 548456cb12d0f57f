/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "json_writer.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Up to here a double holds every whole number. */
#define EXACT_MAX 9007199254740992.0

static void begin_item(struct json_writer *writer)
{
    if (writer->comma) {
        fputc(',', writer->out);
    }
    writer->comma = true;
}

static void open_bracket(struct json_writer *writer, char bracket)
{
    begin_item(writer);
    fputc(bracket, writer->out);
    writer->comma = false;
}

static void close_bracket(struct json_writer *writer, char bracket)
{
    fputc(bracket, writer->out);
    writer->comma = true;
}

void json_begin_object(struct json_writer *writer)
{
    open_bracket(writer, '{');
}

void json_end_object(struct json_writer *writer)
{
    close_bracket(writer, '}');
}

void json_begin_array(struct json_writer *writer)
{
    open_bracket(writer, '[');
}

void json_end_array(struct json_writer *writer)
{
    close_bracket(writer, ']');
}

/* Bytes of the character at the beginning of the text; 0: it is no UTF-8 (RFC 3629, 4). */
static size_t character_size(const uint8_t *text)
{
    static const struct {
        uint8_t first, last;            /* of the lead byte */
        uint8_t second_min, second_max; /* refuses overlong forms, surrogates, over U+10FFFF */
        size_t size;
    } forms[] = {
        {0x00, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if (text[0] < forms[i].first || text[0] > forms[i].last) {
            continue;
        }
        size_t size = forms[i].size;
        if (size > 1 && (text[1] < forms[i].second_min || text[1] > forms[i].second_max)) {
            return 0;
        }
        for (size_t j = 2; j < size; j++) {
            if ((text[j] & 0xc0) != 0x80) { /* the NUL is none either */
                return 0;
            }
        }
        return size;
    }
    return 0;
}

static void write_text(FILE *out, const char *text)
{
    fputc('"', out);
    for (const uint8_t *at = (const uint8_t *)text; *at != '\0';) {
        size_t size = character_size(at);
        if (size == 0) {
            fputs("\\ufffd", out);
            size = 1;
        } else if (*at == '"' || *at == '\\') {
            fprintf(out, "\\%c", *at);
        } else if (*at < 0x20 || *at == 0x7f) {
            fprintf(out, "\\u%04x", *at);
        } else {
            fwrite(at, 1, size, out);
        }
        at += size;
    }
    fputc('"', out);
}

void json_key(struct json_writer *writer, const char *key)
{
    begin_item(writer);
    write_text(writer->out, key);
    fputc(':', writer->out);
    writer->comma = false;
}

void json_string(struct json_writer *writer, const char *text)
{
    begin_item(writer);
    write_text(writer->out, text);
}

void json_unsigned(struct json_writer *writer, uint64_t number)
{
    begin_item(writer);
    fprintf(writer->out, "%" PRIu64, number);
}

void json_format_double(double number, char *text, size_t size)
{
    enum { DIGITS_MIN = 15, DIGITS_MAX = 17 }; /* of a double: 15 always survive, 17 always do */
    if (fabs(number) <= EXACT_MAX && trunc(number) == number) {
        snprintf(text, size, "%" PRId64, (int64_t)number);
        return;
    }
    for (int digits = DIGITS_MIN; digits <= DIGITS_MAX; digits++) {
        snprintf(text, size, "%.*g", digits, number);
        if (strtod(text, NULL) == number) {
            return;
        }
    }
}

void json_double(struct json_writer *writer, double number)
{
    char text[40];
    if (!isfinite(number)) {
        json_null(writer);
        return;
    }
    json_format_double(number, text, sizeof text);
    begin_item(writer);
    fputs(text, writer->out);
}

void json_null(struct json_writer *writer)
{
    begin_item(writer);
    fputs("null", writer->out);
}
