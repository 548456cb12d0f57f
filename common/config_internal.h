/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the parts of the configuration library share: text (bytes, UTF-8) -> yaml (a tree of nodes
 * with their lines) -> parse (the tree against the schema), scalar (one value, both ways), error
 * (what goes wrong, where) and print (the way back). */
#ifndef CONFIG_INTERNAL_H
#define CONFIG_INTERNAL_H

#include "common/config.h"

enum {
    CONFIG_DEPTH_MAX = 32,       /* collections within each other; the root is one */
    CONFIG_ERRORS_MAX = 1000,    /* listed; the rest of a file full of errors is counted */
    CONFIG_SHOWN_MAX_BYTES = 80, /* of a value or key in an error */
    CONFIG_STRING_MAX_BYTES = 1024,
    CONFIG_ITEMS_MAX = 65536,
};

/* Bytes and characters: config_text.c */

/* The bytes of the first character of `size` (> 0) bytes and its code point; 0: not UTF-8. */
size_t config_utf8_next(const char *text, size_t size, uint32_t *code);
/* Control characters (C0, DEL, C1): in no string, and never raw on a terminal. */
bool config_is_control(uint32_t code);
/* As an error shows it: control characters and bytes that are not UTF-8 as \xHH, cut at
 * CONFIG_SHOWN_MAX_BYTES. The caller frees. */
char *config_show(const char *text, size_t size);
/* The name that `text` is most likely a misspelling of, or NULL. */
const char *config_nearest(const char *text, const char *const *names, size_t count);
/* "a, b, c"; the caller frees. */
char *config_join(const char *const *names, size_t count);

/* Errors: config_error.c */

/* Where in the object a value stands: a chain from the value up to the root, on the stack. */
struct config_path {
    const struct config_path *up; /* NULL at the top */
    const char *key;              /* NULL: an item of a list */
    size_t index;
};
struct config_error_sink {
    const char *file;
    struct config_errors *errors;
    size_t first;                   /* errors that were there before */
    size_t found;                   /* by this sink, listed or not */
    size_t refused;                 /* nodes passed over, that the YAML reader has reported */
    const struct config_path *path; /* of the object under check */
    int line;                       /* of the object under check */
};
/* `value` may be NULL. `reason` is freed here. */
void config_sink_add(struct config_error_sink *sink, int line, const struct config_path *path,
                     const char *value, size_t value_size, char *reason);
/* Sorts what was found by line, and says how many errors are not listed. */
void config_sink_finish(struct config_error_sink *sink);

/* The tree: config_yaml.c, the only file that knows libfyaml */

enum config_node_kind {
    CONFIG_NODE_SCALAR,
    CONFIG_NODE_SEQUENCE,
    CONFIG_NODE_MAPPING,
    CONFIG_NODE_REFUSED, /* an alias: reported already */
};
struct config_node {
    enum config_node_kind kind;
    int line;   /* 0: not from a file */
    bool plain; /* a scalar without quotes */
    char *text; /* of a scalar: `size` bytes and a NUL */
    size_t size;
    struct config_node *children; /* items; of a mapping key, value, key, value, ... */
    size_t count;
    size_t capacity;
};
/* True with a tree in `root` (that of an empty file is an empty mapping); false when the text is no
 * YAML that we take. Errors are in the sink in both cases. */
bool config_yaml_read(const char *text, size_t size, struct config_error_sink *sink,
                      struct config_node *root);
void config_node_clear(struct config_node *node);

/* Scalars: config_scalar.c */

/* What stands for a secret where people read. No field takes it for one. */
extern const char config_hidden[];

/* "duration", "number", ...: what a reason calls a value of the field. */
const char *config_type_name(const struct config_field *field);
/* Reads one scalar (or one item of a STRING_LIST) into `at`. NULL, or why not: the caller frees. A
 * string is stored as a new copy; what stood there before is lost. */
char *config_scalar_read(const struct config_field *field, const char *text, size_t size, void *at);
/* The text that reads as the value at `at`, unquoted; NULL where there is none (no string, or a
 * number that is none of the choices). The caller frees. */
char *config_scalar_write(const struct config_field *field, const void *at);
/* Frees a text of either, wiped if it is a secret. NULL is allowed. */
void config_scalar_free(const struct config_field *field, char *text);
/* "1s to 1d", "at least 2", or NULL where nothing bounds the value. The caller frees. */
char *config_scalar_range(const struct config_field *field);
/* The bounds of a string's bytes or a list's items. */
void config_count_bounds(const struct config_field *field, size_t *min, size_t *max);

/* Objects: config_parse.c */

/* Whether the mapping was in the file, or its absence means its defaults. */
bool config_is_present(const struct config_schema *schema, const void *object);

/* Printing: config_print.c */

/* A string as YAML, in quotes where any YAML reader would take the bare text for something else. */
void config_print_string(FILE *out, const char *text);

#endif
