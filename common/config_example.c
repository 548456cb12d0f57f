/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The commented example. Prose is "# text", configuration "#key: value", both at the depth that the
 * key will have, so that taking the "#" away is all there is to using a line. */
#include "config_internal.h"

#include "common/xalloc.h"

#include <stdlib.h>
#include <string.h>

enum { INDENT = 2 };

/* Schemas may hold lists of themselves; an example shows each of them once. */
struct example {
    const struct example *up;
    const struct config_schema *schema;
};

static void print_example(FILE *out, const struct config_schema *schema, const struct example *up,
                          int indent, bool first_of_item);

static bool is_list(const struct config_field *field)
{
    return field->type == CONFIG_LIST || field->type == CONFIG_STRING_LIST;
}

static bool is_shown(const struct example *up, const struct config_schema *schema)
{
    while (up != NULL && up->schema != schema) {
        up = up->up;
    }
    return up != NULL;
}

/* What the absent key means, as it would be written; NULL: nothing that could be written. */
static char *fallback_text(const struct config_field *field)
{
    union {
        int64_t number;
        bool truth;
        int choice;
        char *string;
    } value = {0};
    if (field->required || field->type == CONFIG_MAP) {
        return NULL;
    }
    if (field->fallback != NULL) {
        return xstrdup(field->fallback);
    }
    if (is_list(field)) {
        return field->min == 0 ? xstrdup("[]") : NULL;
    }
    char *text = config_scalar_write(field, &value);
    char *reason = NULL;
    if (text != NULL) {
        reason =
            config_scalar_read(field, text, strlen(text), &value); /* no string: that is NULL */
    }
    if (reason != NULL) {
        free(text);
        text = NULL;
    }
    free(reason);
    return text;
}

static void print_choices(FILE *out, const struct config_field *field)
{
    const char *separator = "one of ";
    for (const struct config_choice *choice = field->choices; choice->name != NULL; choice++) {
        fprintf(out, "%s%s", separator, choice->name);
        separator = ", ";
    }
}

static void print_prose(FILE *out, const struct config_field *field, int indent)
{
    char *range = config_scalar_range(field);
    char *fallback = fallback_text(field);
    if (field->help != NULL) {
        fprintf(out, "%*s# %s\n", indent, "", field->help);
    }
    fprintf(out, "%*s# (", indent, "");
    if (field->type == CONFIG_CHOICE) {
        print_choices(out, field);
    } else {
        fputs(config_type_name(field), out);
    }
    if (range != NULL) {
        fprintf(out, ", %s", range);
    }
    if (field->required) {
        fputs("; required", out);
    } else if (fallback != NULL) {
        fprintf(out, "; default: %s", fallback);
    }
    fputs(")\n", out);
    free(range);
    free(fallback);
}

static void print_scalar(FILE *out, const struct config_field *field)
{
    static const char *const blanks[] = {
        [CONFIG_BOOL] = "<true or false>", [CONFIG_INTEGER] = "<number>",
        [CONFIG_DURATION] = "<duration>",  [CONFIG_SIZE] = "<size>",
        [CONFIG_DECIMAL] = "<number>",     [CONFIG_STRING] = "<text>",
        [CONFIG_CHOICE] = "<choice>",
    };
    char *text = fallback_text(field);
    fputc(' ', out);
    if (text == NULL) {
        fputs(blanks[field->type], out);
    } else if (field->type == CONFIG_STRING || field->type == CONFIG_CHOICE) {
        config_print_string(out, text);
    } else {
        fputs(text, out);
    }
    fputc('\n', out);
    free(text);
}

static void print_value(FILE *out, const struct config_field *field, const struct example *up,
                        int indent)
{
    bool nested = field->type == CONFIG_MAP || field->type == CONFIG_LIST;
    if (!nested && !is_list(field)) {
        print_scalar(out, field);
        return;
    }
    if (is_list(field) && field->fallback != NULL) {
        fprintf(out, " %s\n", field->fallback);
        return;
    }
    if (nested && is_shown(up, field->schema)) {
        fputs(" []\n", out);
        fprintf(out, "%*s# (items as those around it)\n", indent + INDENT, "");
        return;
    }
    fputc('\n', out);
    if (field->type == CONFIG_STRING_LIST) {
        fprintf(out, "%*s#- <text>\n", indent + INDENT, "");
    } else {
        print_example(out, field->schema, up, indent + INDENT, field->type == CONFIG_LIST);
    }
}

static void print_example(FILE *out, const struct config_schema *schema, const struct example *up,
                          int indent, bool first_of_item)
{
    struct example here = {.up = up, .schema = schema};
    bool item = first_of_item;
    for (const struct config_field *field = schema->fields; field->key != NULL; field++) {
        int key_indent = indent + (item ? INDENT : 0);
        print_prose(out, field, key_indent);
        fprintf(out, "%*s#%s%s:", first_of_item ? indent : key_indent, "",
                first_of_item ? "- " : "", field->key);
        first_of_item = false;
        print_value(out, field, &here, key_indent);
        if (indent == 0) {
            fputc('\n', out);
        }
    }
}

void config_print_commented(FILE *out, const struct config_schema *schema)
{
    print_example(out, schema, NULL, 0, false);
}
