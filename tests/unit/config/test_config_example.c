/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The commented example that documents a schema. */
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void parse(const char *text, size_t size, const struct config_schema *schema, void *object)
{
    struct config_errors errors = {0};
    int rc = config_parse("f", text, size, schema, object, &errors);
    if (rc != 0) {
        config_errors_print(stderr, &errors);
        fail_msg("not taken:\n%s", text);
    }
}

/* Lines whose "#" a blank does not follow, without it. */
static void uncomment(char *text)
{
    char *to = text;
    for (char *from = text; *from != '\0';) {
        size_t blanks = strspn(from, " ");
        size_t line = strcspn(from, "\n") + (from[strcspn(from, "\n")] == '\n' ? 1 : 0);
        bool active = from[blanks] == '#' && from[blanks + 1] != ' ';
        memmove(to, from, blanks);
        memmove(to + blanks, from + blanks + (active ? 1 : 0), line - blanks - (active ? 1 : 0));
        to += line - (active ? 1 : 0);
        from += line;
    }
    *to = '\0';
}

static char *commented(const struct config_schema *schema)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    config_print_commented(out, schema);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void the_example_explains_each_key(void **state)
{
    (void)state;
    char *text = commented(&tree_schema);
    assert_string_equal(text, "# the node's name\n"
                              "# (text, 1 to 1024 bytes; required)\n"
                              "#name: <text>\n"
                              "\n"
                              "# (a whole number, 1 to 100; default: 1)\n"
                              "#weight: 1\n"
                              "\n"
                              "# (a list, 0 to 65536 items; default: [])\n"
                              "#tags:\n"
                              "  #- <text>\n"
                              "\n"
                              "# nodes below it\n"
                              "# (a list, 0 to 65536 items; default: [])\n"
                              "#children: []\n"
                              "  # (items as those around it)\n"
                              "\n");
    free(text);
    text = commented(&everything_schema);
    for (const struct config_field *field = everything_schema.fields; field->key != NULL; field++) {
        char line[64];
        (void)snprintf(line, sizeof line, "\n#%s:", field->key);
        assert_non_null(strstr(text, line));
    }
    assert_non_null(strstr(text, "# (one of fast, safe, on; default: safe)\n#mode: safe\n"));
    assert_non_null(strstr(text, "# (a duration, 1s to 1d; default: 60s)\n#interval: 60s\n"));
    assert_non_null(strstr(text, "# (a whole number, 1 to 65535)\n#port: <number>\n"));
    assert_non_null(strstr(text, "\n#label: \"yes\"\n"));
    assert_non_null(strstr(text, "\n  # who to be\n  # (text, 2 to 16 bytes; required)\n"
                                 "  #user: <text>\n"));
    free(text);
}

struct defaults {
    struct limits limits;
    int64_t count;
    char *label;
    struct config_strings names;
};
static const struct config_field some_limits_fields[] = {
    {.key = "rate",
     .type = CONFIG_DECIMAL,
     .offset = offsetof(struct limits, rate),
     .fallback = "0.5"},
    {.key = "keep",
     .type = CONFIG_DURATION,
     .offset = offsetof(struct limits, keep_ms),
     .fallback = "90s"},
    {0},
};
static const struct config_schema some_limits_schema = {
    .name = "limits",
    .size = sizeof(struct limits),
    .fields = some_limits_fields,
    .place_offset = SIZE_MAX,
    .present_offset = SIZE_MAX,
};
static const struct config_field defaults_fields[] = {
    {.key = "limits",
     .type = CONFIG_MAP,
     .offset = offsetof(struct defaults, limits),
     .schema = &some_limits_schema,
     .help = "what is kept"},
    {.key = "count", .type = CONFIG_INTEGER, .offset = offsetof(struct defaults, count)},
    {.key = "label",
     .type = CONFIG_STRING,
     .offset = offsetof(struct defaults, label),
     .fallback = "a: b"},
    {.key = "names",
     .type = CONFIG_STRING_LIST,
     .offset = offsetof(struct defaults, names),
     .fallback = "[x, y]"},
    {0},
};
static const struct config_schema defaults_schema = {
    .name = "defaults",
    .size = sizeof(struct defaults),
    .fields = defaults_fields,
    .place_offset = SIZE_MAX,
    .present_offset = SIZE_MAX,
};

static void the_example_uncommented_is_the_default(void **state)
{
    struct defaults from_nothing;
    struct defaults from_example;
    (void)state;
    char *text = commented(&defaults_schema);
    parse(text, strlen(text), &defaults_schema, &from_nothing);
    uncomment(text);
    assert_non_null(strstr(text, "\n  keep: 90s\n"));
    parse(text, strlen(text), &defaults_schema, &from_example);
    assert_true(support_equal(&defaults_schema, &from_nothing, &from_example));
    free(text);
    config_free(&defaults_schema, &from_nothing);
    config_free(&defaults_schema, &from_example);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_explains_each_key),
        cmocka_unit_test(the_example_uncommented_is_the_default),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
