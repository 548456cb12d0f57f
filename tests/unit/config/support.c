/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct config_field tree_fields[] = {
    {.key = "name",
     .type = CONFIG_STRING,
     .offset = offsetof(struct tree, name),
     .required = true,
     .help = "the node's name"},
    {.key = "weight",
     .type = CONFIG_INTEGER,
     .offset = offsetof(struct tree, weight),
     .fallback = "1",
     .min = 1,
     .max = 100},
    {.key = "tags", .type = CONFIG_STRING_LIST, .offset = offsetof(struct tree, tags)},
    {.key = "children",
     .type = CONFIG_LIST,
     .offset = offsetof(struct tree, children),
     .schema = &tree_schema,
     .help = "nodes below it"},
    {0},
};

static void check_tree(const void *object, struct config_error_sink *errors)
{
    const struct tree *tree = object;
    if (tree->children.count > 0 && tree->tags.count > 0) {
        config_error_at(errors, 0, "tags", tree->tags.items[0], "only a leaf has tags");
    }
}

const struct config_schema tree_schema = {
    .name = "tree",
    .size = sizeof(struct tree),
    .fields = tree_fields,
    .place_offset = offsetof(struct tree, place),
    .present_offset = SIZE_MAX,
    .check = check_tree,
};

static const struct config_field account_fields[] = {
    {.key = "user",
     .type = CONFIG_STRING,
     .offset = offsetof(struct account, user),
     .required = true,
     .max = 16,
     .min = 2,
     .help = "who to be"},
    {.key = "token",
     .type = CONFIG_STRING,
     .offset = offsetof(struct account, token),
     .fallback = "none: yet"},
    {0},
};
static const struct config_schema account_schema = {
    .name = "account",
    .size = sizeof(struct account),
    .fields = account_fields,
    .place_offset = SIZE_MAX,
    .present_offset = offsetof(struct account, present),
};

static const struct config_field limits_fields[] = {
    {.key = "rate",
     .type = CONFIG_DECIMAL,
     .offset = offsetof(struct limits, rate),
     .fallback = "0.5",
     .min = 0,
     .max = 1000000},
    {.key = "keep",
     .type = CONFIG_DURATION,
     .offset = offsetof(struct limits, keep_ms),
     .fallback = "90s"},
    {.key = "account",
     .type = CONFIG_MAP,
     .offset = offsetof(struct limits, account),
     .schema = &account_schema},
    {0},
};

static void check_limits(const void *object, struct config_error_sink *errors)
{
    const struct limits *limits = object;
    if (limits->rate == 0 && limits->keep_ms > 3600000) {
        config_error_at(errors, 0, "", NULL, "nothing is kept longer than an hour at rate 0");
    }
}

static const struct config_schema limits_schema = {
    .name = "limits",
    .size = sizeof(struct limits),
    .fields = limits_fields,
    .place_offset = SIZE_MAX,
    .present_offset = SIZE_MAX,
    .check = check_limits,
};

static const struct config_choice modes[] = {
    {"fast", MODE_FAST},
    {"safe", MODE_SAFE},
    {"on", MODE_ON},
    {0},
};

static int check_name(const char *value, char *reason, size_t reason_size)
{
    if (value[0] == '!') {
        (void)snprintf(reason, reason_size, "must not shout");
        return -EINVAL;
    }
    return value[0] == '?' ? -EINVAL : 0;
}

#define FIELD(name) .offset = offsetof(struct everything, name)

static const struct config_field everything_fields[] = {
    {.key = "enabled", .type = CONFIG_BOOL, FIELD(enabled), .fallback = "true"},
    {.key = "count",
     .type = CONFIG_INTEGER,
     FIELD(count),
     .fallback = "3",
     .min = -10,
     .max = 1000,
     .help = "how many"},
    {.key = "port", .type = CONFIG_INTEGER, FIELD(port), .min = 1, .max = 65535},
    {.key = "free", .type = CONFIG_INTEGER, FIELD(free)},
    {.key = "interval",
     .type = CONFIG_DURATION,
     FIELD(interval_ms),
     .fallback = "60s",
     .min = 1000,
     .max = 86400000},
    {.key = "cache",
     .type = CONFIG_SIZE,
     FIELD(cache_bytes),
     .fallback = "16MiB",
     .min = 4096,
     .max = INT64_C(2) << 30},
    {.key = "target",
     .type = CONFIG_DECIMAL,
     FIELD(target),
     .fallback = "99.95",
     .min = 0,
     .max = 100000000},
    {.key = "label", .type = CONFIG_STRING, FIELD(label), .fallback = "yes", .check = check_name},
    {.key = "comment", .type = CONFIG_STRING, FIELD(comment), .min = 0, .max = 200},
    {.key = "mode", .type = CONFIG_CHOICE, FIELD(mode), .choices = modes, .fallback = "safe"},
    {.key = "other-mode", .type = CONFIG_CHOICE, FIELD(other_mode), .choices = modes},
    {.key = "names",
     .type = CONFIG_STRING_LIST,
     FIELD(names),
     .fallback = "[a, \"b: c\"]",
     .max = 40,
     .check = check_name},
    {.key = "pair", .type = CONFIG_STRING_LIST, FIELD(pair), .min = 2, .max = 2},
    {.key = "account", .type = CONFIG_MAP, FIELD(account), .schema = &account_schema},
    {.key = "limits", .type = CONFIG_MAP, FIELD(limits), .schema = &limits_schema},
    {.key = "trees",
     .type = CONFIG_LIST,
     FIELD(trees),
     .schema = &tree_schema,
     .fallback = "[{name: oak, children: [{name: acorn}]}]"},
    {0},
};
const struct config_schema everything_schema = {
    .name = "everything",
    .size = sizeof(struct everything),
    .fields = everything_fields,
    .place_offset = offsetof(struct everything, place),
    .present_offset = SIZE_MAX,
};

static bool equal_strings(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool equal_items(const struct config_field *field, const void *a, const void *b)
{
    const struct config_list *left = a;
    const struct config_list *right = b;
    bool equal = left->count == right->count;
    for (size_t i = 0; equal && i < left->count; i++) {
        equal = support_equal(field->schema, (char *)left->items + i * field->schema->size,
                              (char *)right->items + i * field->schema->size);
    }
    return equal;
}

static bool equal_string_lists(const struct config_strings *a, const struct config_strings *b)
{
    bool equal = a->count == b->count;
    for (size_t i = 0; equal && i < a->count; i++) {
        equal = equal_strings(a->items[i], b->items[i]);
    }
    return equal;
}

static bool equal_values(const struct config_field *field, const void *a, const void *b)
{
    switch (field->type) {
    case CONFIG_BOOL:
        return *(const bool *)a == *(const bool *)b;
    case CONFIG_INTEGER:
    case CONFIG_DURATION:
    case CONFIG_SIZE:
    case CONFIG_DECIMAL:
        return *(const int64_t *)a == *(const int64_t *)b;
    case CONFIG_STRING:
        return equal_strings(*(char *const *)a, *(char *const *)b);
    case CONFIG_CHOICE:
        return *(const int *)a == *(const int *)b;
    case CONFIG_MAP:
        return support_equal(field->schema, a, b);
    case CONFIG_LIST:
        return equal_items(field, a, b);
    case CONFIG_STRING_LIST:
        return equal_string_lists(a, b);
    }
    return false;
}

bool support_equal(const struct config_schema *schema, const void *a, const void *b)
{
    size_t flag = schema->present_offset;
    if (flag != SIZE_MAX &&
        *(const bool *)((const char *)a + flag) != *(const bool *)((const char *)b + flag)) {
        return false;
    }
    for (const struct config_field *field = schema->fields; field->key != NULL; field++) {
        if (!equal_values(field, (const char *)a + field->offset,
                          (const char *)b + field->offset)) {
            return false;
        }
    }
    return true;
}

char *support_print(const struct config_schema *schema, const void *object, size_t *size)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, size);
    if (out == NULL) {
        abort();
    }
    config_print(out, schema, object);
    if (fclose(out) != 0) {
        abort();
    }
    return text;
}
