/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A tree of nodes against a schema. Every value is read even after an error, so that all errors are
 * found; the object is whole at every moment (zeroed first), so that config_free can take it back.
 */
#include "config_internal.h"

#include "common/durable.h"
#include "common/xalloc.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void read_mapping(struct config_error_sink *sink, const struct config_node *node, int line,
                         const struct config_schema *schema, const struct config_path *path,
                         void *object);

static void *at_offset(void *object, size_t offset)
{
    return (char *)object + offset;
}

static size_t field_count(const struct config_schema *schema)
{
    size_t count = 0;
    while (schema->fields[count].key != NULL) {
        count++;
    }
    return count;
}

bool config_is_present(const struct config_schema *schema, const void *object)
{
    if (schema->present_offset == SIZE_MAX) {
        return true;
    }
    return *(const bool *)((const char *)object + schema->present_offset);
}

static void set_place(const struct config_schema *schema, void *object, int line)
{
    if (schema->place_offset != SIZE_MAX) {
        struct config_place *place = at_offset(object, schema->place_offset);
        place->line = line;
    }
    if (schema->present_offset != SIZE_MAX) {
        *(bool *)at_offset(object, schema->present_offset) = true;
    }
}

static void run_check(struct config_error_sink *sink, const struct config_schema *schema,
                      const struct config_path *path, int line, const void *object)
{
    if (schema->check != NULL) {
        sink->path = path;
        sink->line = line;
        schema->check(object, sink);
    }
}

/* Depth counts what config_print would write, so that its output is never refused: the YAML reader
 * has seen the depth of the file, but not that of defaults. */
static bool is_too_deep(struct config_error_sink *sink, const struct config_path *path, int line)
{
    size_t depth = 1;
    for (const struct config_path *up = path; up != NULL; up = up->up) {
        depth++;
    }
    if (depth > CONFIG_DEPTH_MAX) {
        config_sink_add(sink, line, path, NULL, 0,
                        xasprintf("nested deeper than %d", CONFIG_DEPTH_MAX));
        return true;
    }
    return false;
}

/* Values that are there */

/* Whether a plain scalar is YAML's way of saying "nothing". */
static bool is_null(const struct config_node *node)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
    for (size_t i = 0; i < sizeof nulls / sizeof nulls[0]; i++) {
        if (node->plain && strcmp(node->text, nulls[i]) == 0) {
            return node->size == strlen(nulls[i]);
        }
    }
    return false;
}

/* True when the node is of the kind that the field wants; else the error is reported. */
static bool demand_kind(struct config_error_sink *sink, const struct config_node *node, int line,
                        const struct config_path *path, enum config_node_kind kind,
                        const char *wanted)
{
    static const char *const found[] = {"text", "a list", "a mapping"};
    if (node->kind == CONFIG_NODE_REFUSED) {
        sink->refused++;
        return false;
    }
    if (node->kind == CONFIG_NODE_SCALAR && is_null(node)) {
        config_sink_add(
            sink, line, path, node->text, node->size,
            xasprintf("has no value, must be %s: leave the key out where none is meant", wanted));
        return false;
    }
    if (node->kind != kind) {
        config_sink_add(sink, line, path, node->text, node->size,
                        xasprintf("must be %s, is %s", wanted, found[node->kind]));
        return false;
    }
    return true;
}

static void read_scalar(struct config_error_sink *sink, const struct config_field *field,
                        const struct config_node *node, int line, const struct config_path *path,
                        void *at)
{
    const char *wanted = config_type_name(field);
    if (field->type == CONFIG_STRING_LIST) {
        wanted = "text"; /* one item of it */
    }
    if (!demand_kind(sink, node, line, path, CONFIG_NODE_SCALAR, wanted)) {
        return;
    }
    char *reason = config_scalar_read(field, node->text, node->size, at);
    if (reason != NULL) {
        config_sink_add(sink, line, path, field->secret ? NULL : node->text, node->size, reason);
    }
}

static void read_items(struct config_error_sink *sink, const struct config_field *field,
                       const struct config_node *node, const struct config_path *path, void *at)
{
    struct config_list *list = at;
    struct config_strings *strings = at;
    bool is_strings = field->type == CONFIG_STRING_LIST;
    void *items = node->count == 0 ? NULL
                                   : xcalloc(node->count, is_strings ? sizeof *strings->items
                                                                     : field->schema->size);
    if (is_strings) {
        *strings = (struct config_strings){node->count, items};
    } else {
        *list = (struct config_list){node->count, items};
    }
    for (size_t i = 0; i < node->count; i++) {
        const struct config_node *item = &node->children[i];
        struct config_path item_path = {.up = path, .index = i};
        if (is_strings) {
            read_scalar(sink, field, item, item->line, &item_path, &strings->items[i]);
        } else if (demand_kind(sink, item, item->line, &item_path, CONFIG_NODE_MAPPING,
                               "a mapping")) {
            read_mapping(sink, item, item->line, field->schema, &item_path,
                         at_offset(items, i * field->schema->size));
        }
    }
}

static void read_list(struct config_error_sink *sink, const struct config_field *field,
                      const struct config_node *node, int line, const struct config_path *path,
                      void *at)
{
    size_t min;
    size_t max;
    config_count_bounds(field, &min, &max);
    if (!demand_kind(sink, node, line, path, CONFIG_NODE_SEQUENCE, "a list") ||
        (node->count > 0 && is_too_deep(sink, path, line))) {
        return;
    }
    if (node->count < min || node->count > max) {
        char *range = config_scalar_range(field);
        config_sink_add(sink, line, path, NULL, 0,
                        xasprintf("must have %s, has %zu", range, node->count));
        free(range);
    }
    if (node->count <= max) {
        read_items(sink, field, node, path, at);
    }
}

static void read_value(struct config_error_sink *sink, const struct config_field *field,
                       const struct config_node *node, int key_line, const struct config_path *path,
                       void *at)
{
    /* A null has no place of its own. */
    int line = node->kind == CONFIG_NODE_SCALAR && node->size > 0 ? node->line : key_line;
    switch (field->type) {
    case CONFIG_BOOL:
    case CONFIG_INTEGER:
    case CONFIG_DURATION:
    case CONFIG_SIZE:
    case CONFIG_DECIMAL:
    case CONFIG_STRING:
    case CONFIG_CHOICE:
        read_scalar(sink, field, node, line, path, at);
        break;
    case CONFIG_MAP:
        if (demand_kind(sink, node, line, path, CONFIG_NODE_MAPPING, "a mapping")) {
            read_mapping(sink, node, key_line, field->schema, path, at);
        }
        break;
    case CONFIG_LIST:
    case CONFIG_STRING_LIST:
        read_list(sink, field, node, line, path, at);
        break;
    }
}

/* Values that are not there */

static void forget_lines(struct config_node *node)
{
    node->line = 0;
    for (size_t i = 0; i < node->count; i++) {
        forget_lines(&node->children[i]);
    }
}

/* A schema whose defaults do not read is our bug. The depth alone depends on the file. */
static void read_fallback(struct config_error_sink *sink, const struct config_field *field,
                          const struct config_path *path, int line, void *at)
{
    bool list = field->type == CONFIG_LIST || field->type == CONFIG_STRING_LIST;
    if (!list) {
        char *reason = config_scalar_read(field, field->fallback, strlen(field->fallback), at);
        assert(reason == NULL && "the schema's default reads");
        return;
    }
    struct config_node node;
    bool usable = config_yaml_read(field->fallback, strlen(field->fallback), sink, &node);
    assert(usable && node.kind == CONFIG_NODE_SEQUENCE && "the schema's default is a list");
    forget_lines(&node);
    if (node.count == 0 || !is_too_deep(sink, path, line)) {
        read_items(sink, field, &node, path, at);
    }
    config_node_clear(&node);
}

/* Fills an absent mapping (zeroed already). False when it has a required key, so that it is not
 * whole. */
static bool fill_defaults(struct config_error_sink *sink, const struct config_schema *schema,
                          const struct config_path *path, int line, void *object)
{
    bool whole = true;
    if (is_too_deep(sink, path, line)) {
        return false;
    }
    for (const struct config_field *field = schema->fields; field->key != NULL; field++) {
        struct config_path field_path = {.up = path, .key = field->key};
        void *at = at_offset(object, field->offset);
        if (field->type == CONFIG_MAP) {
            bool inner = fill_defaults(sink, field->schema, &field_path, line, at);
            whole = whole && (inner || !field->required);
        } else if (field->required) {
            whole = false;
        } else if (field->fallback != NULL) {
            read_fallback(sink, field, &field_path, line, at);
        }
    }
    return whole;
}

static void fill_absent(struct config_error_sink *sink, const struct config_field *field, int line,
                        const struct config_path *path, void *at)
{
    if (field->required) {
        config_sink_add(sink, line, path, NULL, 0, xstrdup("this key is required"));
    } else if (field->type == CONFIG_MAP) {
        size_t before = sink->found;
        bool whole = fill_defaults(sink, field->schema, path, line, at);
        bool flagged = field->schema->present_offset != SIZE_MAX;
        assert((whole || flagged || sink->found > before) &&
               "a mapping that may be absent although it has a required key has a present flag");
        if (whole && !flagged) {
            run_check(sink, field->schema, path, line, at);
        }
    } else if (field->fallback != NULL) {
        read_fallback(sink, field, path, line, at);
    }
}

/* Mappings */

static void report_unknown(struct config_error_sink *sink, const struct config_schema *schema,
                           const struct config_node *key, const struct config_path *parent)
{
    char *shown = config_show(key->text, key->size);
    struct config_path path = {.up = parent, .key = shown};
    size_t count = field_count(schema);
    const char **names = xcalloc(count + 1, sizeof *names);
    for (size_t i = 0; i < count; i++) {
        names[i] = schema->fields[i].key;
    }
    const char *nearest = config_nearest(shown, names, count);
    char *reason = NULL;
    if (key->size == 0) {
        reason = xstrdup("a value without a key");
    } else if (key->plain && strcmp(key->text, "<<") == 0) {
        reason = xstrdup("YAML merge keys are not taken");
    } else if (nearest != NULL) {
        reason = xasprintf("unknown key; did you mean \"%s\"?", nearest);
    } else {
        char *all = config_join(names, count);
        reason = xasprintf("unknown key; \"%s\" has %s", schema->name, all);
        free(all);
    }
    config_sink_add(sink, key->line, key->size == 0 ? parent : &path, NULL, 0, reason);
    free(names);
    free(shown);
}

/* The field of a key; NULL when there is none, or it had a value before (then it is reported). */
static const struct config_field *find_field(struct config_error_sink *sink,
                                             const struct config_schema *schema,
                                             const struct config_node *key,
                                             const struct config_path *path,
                                             const struct config_node **seen)
{
    if (key->kind != CONFIG_NODE_SCALAR) {
        if (key->kind == CONFIG_NODE_REFUSED) {
            sink->refused++;
        } else {
            config_sink_add(sink, key->line, path, NULL, 0, xstrdup("a key must be text"));
        }
        return NULL;
    }
    for (size_t i = 0; schema->fields[i].key != NULL; i++) {
        const struct config_field *field = &schema->fields[i];
        if (strlen(field->key) != key->size || memcmp(field->key, key->text, key->size) != 0) {
            continue;
        }
        if (seen[i] != NULL) {
            struct config_path field_path = {.up = path, .key = field->key};
            config_sink_add(sink, key->line, &field_path, NULL, 0,
                            xasprintf("this key is repeated; first on line %d", seen[i]->line));
            return NULL;
        }
        seen[i] = key;
        return field;
    }
    report_unknown(sink, schema, key, path);
    return NULL;
}

static void read_mapping(struct config_error_sink *sink, const struct config_node *node, int line,
                         const struct config_schema *schema, const struct config_path *path,
                         void *object)
{
    size_t before = sink->found + sink->refused;
    const struct config_node **seen = NULL;
    if (is_too_deep(sink, path, line)) {
        return;
    }
    seen = xcalloc(field_count(schema) + 1, sizeof(const struct config_node *));
    set_place(schema, object, line);
    for (size_t i = 0; i + 1 < node->count; i += 2) {
        const struct config_node *key = &node->children[i];
        const struct config_field *field = find_field(sink, schema, key, path, seen);
        if (field != NULL) {
            struct config_path field_path = {.up = path, .key = field->key};
            read_value(sink, field, &node->children[i + 1], key->line, &field_path,
                       at_offset(object, field->offset));
        }
    }
    for (size_t i = 0; schema->fields[i].key != NULL; i++) {
        const struct config_field *field = &schema->fields[i];
        struct config_path field_path = {.up = path, .key = field->key};
        if (seen[i] == NULL) {
            fill_absent(sink, field, line, &field_path, at_offset(object, field->offset));
        }
    }
    free(seen);
    if (sink->found + sink->refused == before) {
        run_check(sink, schema, path, line, object);
    }
}

/* Files and texts */

int config_parse(const char *name, const char *text, size_t size,
                 const struct config_schema *schema, void *object, struct config_errors *errors)
{
    struct config_error_sink sink = {.file = name, .errors = errors, .first = errors->count};
    struct config_node root = {0};
    memset(object, 0, schema->size);
    if (size > CONFIG_TEXT_MAX_BYTES) {
        config_sink_add(&sink, 0, NULL, NULL, 0,
                        xasprintf("is larger than %d MiB", CONFIG_TEXT_MAX_BYTES >> 20));
    } else if (config_yaml_read(text, size, &sink, &root) &&
               demand_kind(&sink, &root, root.line, NULL, CONFIG_NODE_MAPPING, "a mapping")) {
        read_mapping(&sink, &root, root.line, schema, NULL, object);
    }
    config_node_clear(&root);
    if (sink.found == 0) {
        return 0;
    }
    config_sink_finish(&sink);
    config_free(schema, object);
    return -EINVAL;
}

int config_load(const char *path, const struct config_schema *schema, void *object,
                struct config_errors *errors)
{
    char *text = NULL;
    size_t size = 0;
    int error = durable_read(path, CONFIG_FILE_MAX_BYTES, &text, &size);
    if (error == 0) {
        error = config_parse(path, text, size, schema, object, errors);
        explicit_bzero(text, size); /* it may hold secrets */
        free(text);
        return error;
    }
    struct config_error_sink sink = {.file = path, .errors = errors, .first = errors->count};
    bool large = error == -EFBIG;
    memset(object, 0, schema->size);
    config_sink_add(&sink, 0, NULL, NULL, 0,
                    large ? xasprintf("is larger than %d MiB", CONFIG_FILE_MAX_BYTES >> 20)
                          : xasprintf("cannot be read: %s", strerrordesc_np(-error)));
    return large ? -EINVAL : error;
}

static void free_field(const struct config_field *field, void *at)
{
    if (field->type == CONFIG_STRING) {
        config_scalar_free(field, *(char **)at);
    } else if (field->type == CONFIG_STRING_LIST) {
        struct config_strings *strings = at;
        for (size_t i = 0; i < strings->count; i++) {
            free(strings->items[i]);
        }
        free(strings->items);
    } else if (field->type == CONFIG_LIST) {
        struct config_list *list = at;
        for (size_t i = 0; i < list->count; i++) {
            config_free(field->schema, at_offset(list->items, i * field->schema->size));
        }
        free(list->items);
    } else if (field->type == CONFIG_MAP) {
        config_free(field->schema, at);
    }
}

void config_free(const struct config_schema *schema, void *object)
{
    for (const struct config_field *field = schema->fields; field->key != NULL; field++) {
        free_field(field, at_offset(object, field->offset));
    }
    memset(object, 0, schema->size);
}
