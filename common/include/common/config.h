/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Configuration as a table: a schema says which keys a YAML mapping may have, of what type, range
 * and unit; one parser (on libfyaml) fills a C struct from it, one printer writes it back.
 *
 * A file is adopted whole or not at all: every error is collected, each with file, line, key,
 * value and reason; an unknown or repeated key is an error; YAML anchors, aliases, tags and merge
 * keys are refused (no anchor bombs), and so are directives, second documents, tabs as indentation,
 * a file over 1 MiB and one nested deeper than 32. An empty file is an empty mapping. The schema
 * alone says what a value is: quotes or none make no difference, but a plain null (or nothing after
 * the colon) is never a value. Errors are sorted by line; after 1,000 of a file the rest is
 * counted. config_print of an adopted object parses again to the same object.
 *
 * Secrets are marked in the table. They are in no error and not in config_print_public; copies of
 * them that are no longer needed are wiped.
 *
 * Threads: no state of its own. */
#ifndef COMMON_CONFIG_H
#define COMMON_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum {
    CONFIG_FILE_MAX_BYTES = 1 << 20,
    CONFIG_TEXT_MAX_BYTES = 16 << 20, /* config_parse: a normal form is longer than its file */
};

enum config_type {
    CONFIG_BOOL,        /* bool: true or false */
    CONFIG_INTEGER,     /* int64_t within [min, max] */
    CONFIG_DURATION,    /* int64_t milliseconds: "250ms", "10s", "5m", "2h", "7d"; min/max in ms */
    CONFIG_SIZE,        /* int64_t bytes: "512", "64KiB", "16MiB", "2GiB", "1TiB"; min/max in bytes;
                           kB, MB, K, M, ... are refused because people differ on what they are */
    CONFIG_DECIMAL,     /* int64_t millionths: "99.95" is 99950000; at most six decimals; min/max
                           in millionths; exact, never through a double */
    CONFIG_STRING,      /* char *, UTF-8 without control characters; min/max bound its bytes */
    CONFIG_CHOICE,      /* int, one of `choices` */
    CONFIG_MAP,         /* a nested struct, stored in place, of `schema` */
    CONFIG_LIST,        /* struct config_list of structs of `schema`; min/max bound the count */
    CONFIG_STRING_LIST, /* struct config_strings; min/max bound the count; each of 1 to 1,024 bytes
                         */
};

struct config_choice {
    const char *name; /* NULL ends the table */
    int value;
};

struct config_list {
    size_t count;
    void *items; /* count structs of the list's schema->size bytes */
};

struct config_strings {
    size_t count;
    char **items;
};

/* Where an item stood, for errors that are found after parsing. A struct may have one field of
 * this type; its schema names the offset. */
struct config_place {
    int line; /* 1 is the first; 0: not from a file (a default) */
};

struct config_schema;

struct config_field {
    const char *key; /* NULL ends the table */
    enum config_type type;
    size_t offset; /* offsetof in the schema's struct */
    bool required;
    /* The default, as it would stand in the file: a scalar without quotes, a list as "[a, b]".
     * NULL: zero (also where min forbids it), NULL, or an empty list. A MAP that is absent gets its
     * own fields' defaults and leaves `present` (below) false; its schema must have that flag if
     * one of its fields is required and the MAP itself is not. A schema's check is asked about an
     * absent MAP only if the schema has no `present` flag. */
    const char *fallback;
    int64_t min;
    int64_t max; /* min = max = 0: no bound (strings: 1 to 1,024 bytes; lists: 0 to 65,536; sizes
                    and durations: from 0); min > 0 = max: no upper one */
    const struct config_choice *choices;
    const struct config_choice *aliases; /* other spellings: taken in capitals or small letters,
                                            shown nowhere. NULL: none */
    const struct config_schema *schema;
    bool secret; /* of a STRING: no error quotes it (a check's reason must not either), and
                    config_print_public and config_free know it */
    /* A further check of one value (its text as written; of a STRING_LIST each item; not of a MAP
     * or LIST). 0, or -EINVAL with a reason. */
    int (*check)(const char *value, char *reason, size_t reason_size);
    const char *help; /* one line, printed as a comment by config_print_commented */
};

struct config_error_sink;

struct config_schema {
    const char *name; /* "agent", "check": for error texts */
    size_t size;      /* sizeof the struct */
    const struct config_field *fields;
    size_t place_offset; /* offset of a struct config_place, or SIZE_MAX for none */
    size_t
        present_offset; /* offset of a bool that says "the mapping was in the file", or SIZE_MAX */
    /* A check of the whole object once its fields are good (ranges that depend on each other,
     * names that must be unique). Reports through config_error_at as often as needed. */
    void (*check)(const void *object, struct config_error_sink *errors);
};

struct config_error {
    char *file;
    int line;  /* 0: the file as a whole */
    char *key; /* dotted path, "checks[2].url"; "" for the file as a whole */
    char *
        value; /* as written, control characters as \xHH, cut at 80 bytes; "" where there is none */
    char *reason;
};

struct config_errors {
    size_t count;
    struct config_error *errors;
};

/* For what is found after parsing: adds one error to the list. `line` may be 0, `key` "", `value`
 * NULL. */
void config_errors_add(struct config_errors *errors, const char *file, int line, const char *key,
                       const char *value, const char *reason_format, ...)
    __attribute__((format(printf, 6, 7)));

/* For schema checks: adds one error. `key` is relative to the object under check; `value` may be
 * NULL; `line` 0 means the object's own line. */
void config_error_at(struct config_error_sink *sink, int line, const char *key, const char *value,
                     const char *reason_format, ...) __attribute__((format(printf, 5, 6)));

/* Fill `object` (schema->size bytes, contents ignored) from a file, or from text that errors call
 * `name`. 0; -EINVAL with every error in `errors` and nothing in `object` to free; or another
 * -errno when the file cannot be read, which is an entry in `errors` too. `errors` begins as {0};
 * several calls may share one, each adds to it. */
int config_load(const char *path, const struct config_schema *schema, void *object,
                struct config_errors *errors);
int config_parse(const char *name, const char *text, size_t size,
                 const struct config_schema *schema, void *object, struct config_errors *errors);

/* The normal form: every key in schema order with its effective value, defaults included, in
 * block style. Left out is what only absence means: a NULL string, a zero that the bounds forbid, a
 * mapping whose `present` flag is false. With all secrets: for processes of the program itself. */
void config_print(FILE *out, const struct config_schema *schema, const void *object);
/* The same for people: "********" stands for each secret. Read again, that is an error with its
 * line, so that such a text is never taken for the configuration that it shows. */
void config_print_public(FILE *out, const struct config_schema *schema, const void *object);

/* An example of every key with its help, type, range and default, all of it commented out. A "#"
 * that is followed by a blank begins prose, any other one a line of configuration: those lines
 * without their "#" are the defaults; <...> stands where there is none. */
void config_print_commented(FILE *out, const struct config_schema *schema);

/* Free what the object holds (strings, lists), and zero it. Secrets are wiped first. */
void config_free(const struct config_schema *schema, void *object);

/* "file:line: key: "value": reason" each on a line of its own, without the parts that are empty. */
void config_errors_print(FILE *out, const struct config_errors *errors);
void config_errors_clear(struct config_errors *errors);

#endif
