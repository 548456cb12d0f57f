/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The normal form, and that it parses again to the same object whatever the object. */
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { OBJECTS = 60, ROOMY = 400 };

static void parse(const char *text, size_t size, const struct config_schema *schema, void *object)
{
    struct config_errors errors = {0};
    int rc = config_parse("f", text, size, schema, object, &errors);
    if (rc != 0) {
        config_errors_print(stderr, &errors);
        fail_msg("not taken:\n%s", text);
    }
}

static void expect_normal(const char *text, const char *wanted)
{
    struct everything object;
    size_t size = 0;
    parse(text, strlen(text), &everything_schema, &object);
    char *printed = support_print(&everything_schema, &object, &size);
    assert_string_equal(printed, wanted);
    free(printed);
    config_free(&everything_schema, &object);
}

static void the_normal_form_has_every_key(void **state)
{
    (void)state;
    expect_normal("", "enabled: true\n"
                      "count: 3\n"
                      "free: 0\n"
                      "interval: 1m\n"
                      "cache: 16MiB\n"
                      "target: 99.95\n"
                      "label: \"yes\"\n"
                      "mode: safe\n"
                      "names:\n"
                      "  - a\n"
                      "  - \"b: c\"\n"
                      "limits:\n"
                      "  rate: 0.5\n"
                      "  keep: 90s\n"
                      "trees:\n"
                      "  - name: oak\n"
                      "    weight: 1\n"
                      "    tags: []\n"
                      "    children:\n"
                      "      - name: acorn\n"
                      "        weight: 1\n"
                      "        tags: []\n"
                      "        children: []\n");
    expect_normal("{trees: [], names: [], account: {user: me}, pair: [\"\\\"\", 'a\\'],\n"
                  " other-mode: on, port: 161, comment: '', interval: 86400000ms, cache: 4097,\n"
                  " limits: {keep: 0s, rate: 0, account: {user: you, token: \"\\u2028x\"}}}\n",
                  "enabled: true\n"
                  "count: 3\n"
                  "port: 161\n"
                  "free: 0\n"
                  "interval: 1d\n"
                  "cache: 4097\n"
                  "target: 99.95\n"
                  "label: \"yes\"\n"
                  "comment: \"\"\n"
                  "mode: safe\n"
                  "other-mode: \"on\"\n"
                  "names: []\n"
                  "pair:\n"
                  "  - \"\\\"\"\n"
                  "  - \"a\\\\\"\n"
                  "account:\n"
                  "  user: me\n"
                  "  token: \"none: yet\"\n"
                  "limits:\n"
                  "  rate: 0\n"
                  "  keep: 0s\n"
                  "  account:\n"
                  "    user: you\n"
                  "    token: \"\\u2028x\"\n"
                  "trees: []\n");
}

struct one_string {
    char *v;
};
static const struct config_field one_string_fields[] = {
    {.key = "v", .type = CONFIG_STRING, .offset = offsetof(struct one_string, v), .max = ROOMY},
    {0},
};
static const struct config_schema one_string_schema = {
    .name = "string",
    .size = sizeof(struct one_string),
    .fields = one_string_fields,
    .place_offset = SIZE_MAX,
    .present_offset = SIZE_MAX,
};

static void expect_quoting(const char *value, bool quoted)
{
    struct one_string object = {.v = strdup(value)};
    struct one_string again;
    size_t size = 0;
    assert_non_null(object.v);
    char *printed = support_print(&one_string_schema, &object, &size);
    if ((printed[3] == '"') != quoted) {
        fail_msg("%s is printed as %s", value, printed);
    }
    parse(printed, size, &one_string_schema, &again);
    assert_string_equal(again.v, value);
    free(printed);
    config_free(&one_string_schema, &object);
    config_free(&one_string_schema, &again);
}

static void strings_are_quoted_where_yaml_would_differ(void **state)
{
    static const char *const quoted[] = {
        "",
        "yes",
        "No",
        "on",
        "OFF",
        "true",
        "False",
        "null",
        "Null",
        "~",
        "y",
        "N",
        "1",
        "1.0",
        "-1",
        "+1",
        ".5",
        "1e3",
        "0x1F",
        "0o17",
        "1_000",
        "12:30",
        "1:20:3",
        "2001-01-01",
        ".inf",
        "-.inf",
        ".NaN",
        " a",
        "a ",
        "a: b",
        "a:",
        ":",
        "a #b",
        "#a",
        "- a",
        "-",
        "---",
        "...",
        "? a",
        "[a]",
        "{a}",
        "a, b",
        "&a",
        "*a",
        "!a",
        "|",
        ">",
        "%a",
        "@a",
        "`a",
        "'a'",
        "\"a\"",
        "a\\b",
        "=",
        "<<",
        "\xe2\x80\xa8",
        "\xef\xbb\xbf",
        " \xe2\x80\xa9 ",
        "\xc3\xa9",
        "\xef\xbf\xbf",
    };
    static const char *const plain[] = {
        "a",
        "abc",
        "a b",
        "a:b",
        "tcp://a.example:5670",
        "/etc/x",
        "192.0.2.1",
        "192.0.2.0/24",
        "nobody",
        "yesterday",
        "a@b",
        "truely",
        "nullable",
        "GigabitEthernet0/1",
        "1st",
        "a-b_c",
    };
    (void)state;
    for (size_t i = 0; i < sizeof quoted / sizeof quoted[0]; i++) {
        if (quoted[i][0] != '\0') { /* this field takes no empty string */
            expect_quoting(quoted[i], true);
        }
    }
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        expect_quoting(plain[i], false);
    }
}

struct notes {
    struct one_string note;
    struct config_list more;
};

static void what_has_no_keys_is_an_empty_mapping(void **state)
{
    static const struct config_field fields[] = {
        {.key = "note",
         .type = CONFIG_MAP,
         .offset = offsetof(struct notes, note),
         .schema = &one_string_schema},
        {.key = "more",
         .type = CONFIG_LIST,
         .offset = offsetof(struct notes, more),
         .schema = &one_string_schema},
        {0},
    };
    static const struct config_schema schema = {.name = "notes",
                                                .size = sizeof(struct notes),
                                                .fields = fields,
                                                .place_offset = SIZE_MAX,
                                                .present_offset = SIZE_MAX};
    static const char text[] = "more: [{}, {v: x}, {}]";
    struct notes notes;
    struct notes again;
    size_t size = 0;
    (void)state;
    parse(text, sizeof text - 1, &schema, &notes);
    char *printed = support_print(&schema, &notes, &size);
    assert_string_equal(printed, "note: {}\nmore:\n  - {}\n  - v: x\n  - {}\n");
    parse(printed, size, &schema, &again);
    assert_true(support_equal(&schema, &notes, &again));
    free(printed);
    config_free(&schema, &notes);
    config_free(&schema, &again);
}

/* Numbers that any seed gives again (xorshift64*). */
struct dice {
    uint64_t state;
};

static uint64_t roll(struct dice *dice, uint64_t sides)
{
    dice->state ^= dice->state >> 12;
    dice->state ^= dice->state << 25;
    dice->state ^= dice->state >> 27;
    return (dice->state * UINT64_C(2685821657736338717) >> 11) % sides;
}

static int64_t random_number(struct dice *dice, int64_t min, int64_t max)
{
    uint64_t span = (uint64_t)max - (uint64_t)min;
    static const int64_t rounding[] = {1, 1000, 1000, 60000, 1024, 1048576, 1000000, 3600000};
    uint64_t high = roll(dice, UINT64_C(1) << 32) << 32 | roll(dice, UINT64_C(1) << 32);
    int64_t value = (int64_t)((uint64_t)min + (span == UINT64_MAX ? high : high % (span + 1)));
    int64_t rounded = value - value % rounding[roll(dice, 8)];
    return rounded >= min && rounded <= max ? rounded : value;
}

/* Pieces that YAML has opinions on, glued together. */
static char *random_string(struct dice *dice, size_t min, size_t max)
{
    static const char *const pieces[] = {
        "a",
        "Z",
        "0",
        "7",
        " ",
        " ",
        ":",
        ": ",
        "#",
        " #",
        "-",
        "- ",
        "?",
        ",",
        "[",
        "]",
        "{",
        "}",
        "&",
        "*",
        "!",
        "|",
        ">",
        "'",
        "\"",
        "%",
        "@",
        "`",
        "\\",
        "\\n",
        "yes",
        "no",
        "null",
        "true",
        "~",
        "1.0",
        "e3",
        "0x",
        "---",
        "...",
        "=",
        "/",
        ".",
        "_",
        "\xc3\xa9",
        "\xe2\x80\xa8",
        "\xf0\x9f\x94\x94",
        "\xc2\xa0",
        "\xef\xbb\xbf",
        "\xef\xbf\xbe",
        "<<",
        "word",
        "\xe2\x80\xa6",
        "TRUE",
    };
    char *text = calloc(max + 1, 1);
    size_t used = 0;
    size_t wanted = min + (size_t)roll(dice, roll(dice, 20) == 0 ? max - min + 1 : 12);
    assert_non_null(text);
    while (used < wanted || used < min) {
        const char *piece = pieces[roll(dice, sizeof pieces / sizeof pieces[0])];
        size_t size = strlen(piece);
        if (used + size > max) {
            break;
        }
        memcpy(text + used, piece, size);
        used += size;
    }
    while (used < min) {
        text[used++] = 'x';
    }
    /* The test schema refuses these at the beginning. */
    if (text[0] == '!' || text[0] == '?') {
        text[0] = '.';
    }
    return text;
}

static void random_object(struct dice *dice, const struct config_schema *schema, int depth,
                          void *object);

static void random_list(struct dice *dice, const struct config_field *field, int depth, void *at)
{
    size_t min = (size_t)field->min;
    size_t max = field->max == 0 ? 4 : (size_t)(field->max < 4 ? field->max : 4);
    size_t count = min + (size_t)roll(dice, max - min + 1);
    bool strings = field->type == CONFIG_STRING_LIST;
    count = depth > 5 && !strings ? 0 : count;
    size_t size = strings ? sizeof(char *) : field->schema->size;
    char *items = count == 0 ? NULL : calloc(count, size);
    for (size_t i = 0; i < count; i++) {
        if (strings) {
            ((char **)(void *)items)[i] = random_string(dice, 1, 60);
        } else {
            random_object(dice, field->schema, depth + 1, items + i * size);
        }
    }
    if (strings) {
        *(struct config_strings *)at = (struct config_strings){count, (char **)(void *)items};
    } else {
        *(struct config_list *)at = (struct config_list){count, items};
    }
}

static void random_value(struct dice *dice, const struct config_field *field, int depth, void *at)
{
    bool bounded = field->min != 0 || field->max != 0;
    bool optional = !field->required && field->fallback == NULL;
    switch (field->type) {
    case CONFIG_BOOL:
        *(bool *)at = roll(dice, 2) == 0;
        break;
    case CONFIG_INTEGER:
    case CONFIG_DECIMAL:
        *(int64_t *)at =
            random_number(dice, bounded ? field->min : INT64_MIN, bounded ? field->max : INT64_MAX);
        break;
    case CONFIG_DURATION:
    case CONFIG_SIZE:
        *(int64_t *)at = random_number(dice, field->min, bounded ? field->max : INT64_MAX);
        break;
    case CONFIG_STRING:
        *(char **)at = optional && roll(dice, 3) == 0
                           ? NULL
                           : random_string(dice, bounded ? (size_t)field->min : 1,
                                           bounded ? (size_t)field->max : 1024);
        break;
    case CONFIG_CHOICE:
        *(int *)at = optional && roll(dice, 3) == 0 ? 0 : field->choices[roll(dice, 3)].value;
        break;
    case CONFIG_MAP:
        if (field->schema->present_offset == SIZE_MAX || roll(dice, 2) == 0) {
            random_object(dice, field->schema, depth + 1, at);
        } else {
            char **token = (char **)(void *)((char *)at + offsetof(struct account, token));
            *token = strdup("none: yet"); /* as absence has it */
        }
        break;
    case CONFIG_LIST:
    case CONFIG_STRING_LIST:
        random_list(dice, field, depth, at);
        break;
    }
}

static void random_object(struct dice *dice, const struct config_schema *schema, int depth,
                          void *object)
{
    memset(object, 0, schema->size);
    for (const struct config_field *field = schema->fields; field->key != NULL; field++) {
        random_value(dice, field, depth, (char *)object + field->offset);
    }
    if (schema->present_offset != SIZE_MAX) {
        *((bool *)object + schema->present_offset) = true;
    }
    if (schema == &tree_schema) { /* only a leaf has tags */
        struct tree *tree = object;
        for (size_t i = 0; tree->children.count > 0 && i < tree->tags.count; i++) {
            free(tree->tags.items[i]);
        }
        if (tree->children.count > 0) {
            free(tree->tags.items);
            tree->tags = (struct config_strings){0};
        }
    }
}

static uint64_t seed(void)
{
    const char *given = getenv("TEST_SEED");
    return given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
}

static void random_objects_survive(void **state)
{
    struct dice dice = {seed()};
    (void)state;
    print_message("TEST_SEED=%llu\n", (unsigned long long)dice.state);
    dice.state = dice.state * 2 + 1; /* never 0 */
    for (int i = 0; i < OBJECTS; i++) {
        struct everything object;
        struct everything again;
        size_t size = 0;
        size_t again_size = 0;
        random_object(&dice, &everything_schema, 0, &object);
        if (object.limits.rate == 0) {
            object.limits.keep_ms = 0; /* the schema's own check */
        }
        char *printed = support_print(&everything_schema, &object, &size);
        parse(printed, size, &everything_schema, &again);
        char *printed_again = support_print(&everything_schema, &again, &again_size);
        assert_string_equal(printed_again, printed);
        assert_true(support_equal(&everything_schema, &object, &again));
        free(printed);
        free(printed_again);
        config_free(&everything_schema, &object);
        config_free(&everything_schema, &again);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_normal_form_has_every_key),
        cmocka_unit_test(strings_are_quoted_where_yaml_would_differ),
        cmocka_unit_test(what_has_no_keys_is_an_empty_mapping),
        cmocka_unit_test(random_objects_survive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
