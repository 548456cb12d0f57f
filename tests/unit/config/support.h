/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A schema that has every type, bound, flag and nesting there is, and what tests do with any
 * schema. */
#ifndef TEST_CONFIG_SUPPORT_H
#define TEST_CONFIG_SUPPORT_H

#include "common/config.h"

/* A node of a tree: its schema has a list of itself. */
struct tree {
    struct config_place place;
    char *name; /* required */
    int64_t weight;
    struct config_strings tags;
    struct config_list children; /* struct tree */
};

/* May be absent, and has a required key: so it has the flag. */
struct account {
    bool present;
    char *user; /* required */
    char *token;
};

/* No flag: absent means its defaults. */
struct limits {
    int64_t rate; /* millionths */
    int64_t keep_ms;
    struct account account;
};

enum mode { MODE_FAST = 1, MODE_SAFE = 2, MODE_ON = 3 };

struct everything {
    struct config_place place;
    bool enabled;  /* default true */
    int64_t count; /* default 3, -10 to 1000 */
    int64_t port;  /* 1 to 65535, no default */
    int64_t free;  /* no bound */
    int64_t interval_ms;
    int64_t cache_bytes;
    int64_t target; /* millionths */
    char *label;
    char *comment; /* 0 to 200 bytes, no default */
    int mode;
    int other_mode; /* no default, and no choice is 0 */
    struct config_strings names;
    struct config_strings pair; /* exactly two */
    struct account account;
    struct limits limits;
    struct config_list trees;
};
extern const struct config_schema tree_schema;
extern const struct config_schema everything_schema;

/* Whether two objects hold the same values; places do not count. */
bool support_equal(const struct config_schema *schema, const void *a, const void *b);
/* The normal form. The caller frees. */
char *support_print(const struct config_schema *schema, const void *object, size_t *size);

#endif
