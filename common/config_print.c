/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config_internal.h"

#include "common/xalloc.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Strings */

/* A letter, digit or sign that means nothing to YAML within a plain scalar. */
static bool is_plain_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           strchr("_./+-:@=~ ", c) != NULL;
}

/* What some YAML reader takes for a number or a date: YAML 1.1 knows octal, base sixty, "1_000". */
static bool looks_numeric(const char *text)
{
    size_t points = 0;
    for (const char *c = text; *c != '\0'; c++) {
        points += *c == '.' ? 1 : 0;
    }
    return (text[0] >= '0' && text[0] <= '9') && points <= 1 &&
           text[strspn(text, "0123456789abcdefABCDEFxXoO_.:+-tTzZ ")] == '\0';
}

/* Whether every YAML reader takes the bare text for just this text. */
static bool is_plain(const char *text)
{
    static const char *const words[] = {"null", "true", "false", "yes", "no",
                                        "on",   "off",  "y",     "n"};
    size_t size = strlen(text);
    /* Begins with a letter, a digit or a slash. */
    if (size == 0 || strchr("_.+-:@=~ ", text[0]) != NULL || text[size - 1] == ' ' ||
        text[size - 1] == ':' || looks_numeric(text)) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        if (!is_plain_char(text[i]) || (text[i] == ':' && text[i + 1] == ' ')) {
            return false;
        }
    }
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcasecmp(text, words[i]) == 0) {
            return false;
        }
    }
    return true;
}

/* Characters that some YAML version takes for a line break or refuses in a file. */
static bool needs_escape(uint32_t code)
{
    return config_is_control(code) || code == 0x2028 || code == 0x2029 || code == 0xfeff ||
           code == 0xfffe || code == 0xffff;
}

void config_print_string(FILE *out, const char *text)
{
    size_t size = strlen(text);
    if (is_plain(text)) {
        fputs(text, out);
        return;
    }
    fputc('"', out);
    for (size_t i = 0; i < size;) {
        uint32_t code = 0;
        size_t taken = config_utf8_next(text + i, size - i, &code);
        taken = taken == 0 ? 1 : taken; /* a string of ours is UTF-8 */
        if (text[i] == '"' || text[i] == '\\') {
            fprintf(out, "\\%c", text[i]);
        } else if (needs_escape(code)) {
            fprintf(out, "\\u%04X", code);
        } else {
            fwrite(text + i, 1, taken, out);
        }
        i += taken;
    }
    fputc('"', out);
}

/* Which keys show */

static const void *field_at(const struct config_field *field, const void *object)
{
    return (const char *)object + field->offset;
}

/* Whether the file could say the value. What it could not is what the key's absence means. */
static bool reads_again(const struct config_field *field, const char *text)
{
    union {
        int64_t number;
        bool truth;
        int choice;
        char *string;
    } again = {0};
    char *reason = config_scalar_read(field, text, strlen(text), &again);
    bool good = reason == NULL;
    if (good && field->type == CONFIG_STRING) {
        config_scalar_free(field, again.string);
    }
    free(reason);
    return good;
}

/* The text of a scalar, or NULL where the key is left out. The caller frees. */
static char *shown_scalar(const struct config_field *field, const void *at)
{
    char *text = config_scalar_write(field, at);
    if (text != NULL && !reads_again(field, text)) {
        config_scalar_free(field, text);
        text = NULL;
    }
    return text;
}

static size_t list_count(const struct config_field *field, const void *at)
{
    return field->type == CONFIG_LIST ? ((const struct config_list *)at)->count
                                      : ((const struct config_strings *)at)->count;
}

static bool field_shows(const struct config_field *field, const void *at)
{
    if (field->type == CONFIG_MAP) {
        return config_is_present(field->schema, at);
    }
    if (field->type == CONFIG_LIST || field->type == CONFIG_STRING_LIST) {
        size_t min;
        size_t max;
        config_count_bounds(field, &min, &max);
        return list_count(field, at) >= min;
    }
    char *text = shown_scalar(field, at);
    bool shows = text != NULL;
    config_scalar_free(field, text);
    return shows;
}

static bool mapping_shows(const struct config_schema *schema, const void *object)
{
    for (const struct config_field *field = schema->fields; field->key != NULL; field++) {
        if (field_shows(field, field_at(field, object))) {
            return true;
        }
    }
    return false;
}

/* Printing */

enum { INDENT = 2 };

struct printer {
    FILE *out;
    bool hides_secrets;
};

static void print_mapping(const struct printer *printer, const struct config_schema *schema,
                          const void *object, int indent, bool after_dash);

static void print_items(const struct printer *printer, const struct config_field *field,
                        const void *at, int indent)
{
    FILE *out = printer->out;
    size_t count = list_count(field, at);
    const struct config_list *list = at;
    const struct config_strings *strings = at;
    fputs(count == 0 ? " []\n" : "\n", out);
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "%*s- ", indent, "");
        if (field->type == CONFIG_STRING_LIST) {
            config_print_string(out, strings->items[i]);
            fputc('\n', out);
            continue;
        }
        const void *item = (const char *)list->items + i * field->schema->size;
        if (mapping_shows(field->schema, item)) {
            print_mapping(printer, field->schema, item, indent + INDENT, true);
        } else {
            fputs("{}\n", out);
        }
    }
}

static void print_scalar(const struct printer *printer, const struct config_field *field,
                         const void *at)
{
    FILE *out = printer->out;
    char *text = shown_scalar(field, at);
    fputc(' ', out);
    if (field->secret && printer->hides_secrets) {
        config_print_string(out, config_hidden);
    } else if (field->type == CONFIG_STRING || field->type == CONFIG_CHOICE) {
        config_print_string(out, text);
    } else {
        fputs(text, out);
    }
    fputc('\n', out);
    config_scalar_free(field, text);
}

static void print_value(const struct printer *printer, const struct config_field *field,
                        const void *at, int indent)
{
    if (field->type == CONFIG_MAP) {
        bool empty = !mapping_shows(field->schema, at);
        fputs(empty ? " {}\n" : "\n", printer->out);
        print_mapping(printer, field->schema, at, indent + INDENT, false);
    } else if (field->type == CONFIG_LIST || field->type == CONFIG_STRING_LIST) {
        print_items(printer, field, at, indent + INDENT);
    } else {
        print_scalar(printer, field, at);
    }
}

static void print_mapping(const struct printer *printer, const struct config_schema *schema,
                          const void *object, int indent, bool after_dash)
{
    for (const struct config_field *field = schema->fields; field->key != NULL; field++) {
        const void *at = field_at(field, object);
        if (!field_shows(field, at)) {
            continue;
        }
        fprintf(printer->out, "%*s%s:", after_dash ? 0 : indent, "", field->key);
        after_dash = false;
        print_value(printer, field, at, indent);
    }
}

void config_print(FILE *out, const struct config_schema *schema, const void *object)
{
    const struct printer printer = {.out = out};
    print_mapping(&printer, schema, object, 0, false);
}

void config_print_public(FILE *out, const struct config_schema *schema, const void *object)
{
    const struct printer printer = {.out = out, .hides_secrets = true};
    print_mapping(&printer, schema, object, 0, false);
}
